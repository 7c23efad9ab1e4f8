using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Epp.Aot.Tests.Scraping;

/// <summary>A raw-socket HTTP server for one script; counts connections and requests. The script sees the request and writes bytes.</summary>
internal sealed class FakeWorker : IDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly Func<Socket, string, bool> _script;
    private readonly List<Socket> _open = [];
    private int _requests;
    private int _connections;

    /// <param name="script">Answers one request; false closes the connection.</param>
    /// <param name="port">0 = any.</param>
    public FakeWorker(Func<Socket, string, bool> script, int port = 0)
    {
        _script = script;
        _listener.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, port));
        _listener.Listen(200);
        Port = ((IPEndPoint)_listener.LocalEndPoint!).Port;
        new Thread(Accept) { IsBackground = true }.Start();
    }

    public int Port { get; }

    public int Requests => Volatile.Read(ref _requests);

    public int Connections => Volatile.Read(ref _connections);

    public static byte[] Ok(string body, string more = "") =>
        Encoding.UTF8.GetBytes($"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {Encoding.UTF8.GetByteCount(body)}\r\n{more}\r\n{body}");

    public static FakeWorker Always(byte[] answer, bool keepAlive = true) => new((socket, _) =>
    {
        socket.Send(answer);
        return keepAlive;
    });

    public void CloseConnections()
    {
        lock (_open)
        {
            _open.ForEach(s => s.Dispose());
            _open.Clear();
        }
    }

    public void Dispose()
    {
        _listener.Dispose();
        CloseConnections();
    }

    private void Accept()
    {
        try
        {
            while (true)
            {
                var socket = _listener.Accept();
                Interlocked.Increment(ref _connections);
                lock (_open)
                {
                    _open.Add(socket);
                }

                new Thread(() => Serve(socket)) { IsBackground = true }.Start();
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private void Serve(Socket socket)
    {
        var buffer = new byte[4096];
        try
        {
            while (true)
            {
                var n = socket.Receive(buffer);
                if (n == 0)
                {
                    break;
                }

                Interlocked.Increment(ref _requests);
                if (!_script(socket, Encoding.ASCII.GetString(buffer, 0, n)))
                {
                    break;
                }
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The client or the test closed it.
        }

        socket.Dispose();
    }
}
