using System.Net.Sockets;
using System.Text;

namespace Epp.Lab.Workers.Events;

/// <summary>A publisher on a NATS server without login. Messages leave in order; a lost connection ends the publishing. Thread-safe.</summary>
internal sealed class NatsPublisher : IAsyncDisposable
{
    readonly Socket _socket;
    readonly NetworkStream _stream;
    readonly Lock _lock = new();
    readonly Task _reading;

    NatsPublisher(Socket socket)
    {
        (_socket, _stream) = (socket, new NetworkStream(socket, ownsSocket: true));
        _reading = Task.Run(Read);
    }

    /// <param name="url"><c>nats://HOST:PORT</c>.</param>
    public static async Task<NatsPublisher> ConnectAsync(string url)
    {
        if (!Uri.TryCreate(url, UriKind.Absolute, out var uri) || uri.Scheme != "nats")
        {
            throw new UsageException($"--nats: found '{url}', expected nats://HOST:PORT");
        }
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(uri.Host, uri.Port < 0 ? 4222 : uri.Port).ConfigureAwait(false);
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw new UsageException($"--nats: {url} cannot be reached: {e.Message}");
        }
        var publisher = new NatsPublisher(socket);
        publisher.Send("CONNECT {\"verbose\":false,\"pedantic\":false,\"name\":\"epp-lab\"}\r\n"u8);
        return publisher;
    }

    public void Publish(string subject, ReadOnlySpan<byte> payload) =>
        Send([.. Encoding.ASCII.GetBytes($"PUB {subject} {payload.Length}\r\n"), .. payload, .. "\r\n"u8]);

    public async ValueTask DisposeAsync()
    {
        _socket.Dispose();
        await _reading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _stream.DisposeAsync().ConfigureAwait(false);
    }

    void Send(ReadOnlySpan<byte> bytes)
    {
        lock (_lock)
        {
            _stream.Write(bytes);
        }
    }

    /// <summary>The server greets, and asks now and then whether we are there.</summary>
    void Read()
    {
        using var lines = new StreamReader(_stream, Encoding.ASCII, leaveOpen: true);
        while (lines.ReadLine() is { } line)
        {
            if (line == "PING")
            {
                Send("PONG\r\n"u8);
            }
            else if (line.StartsWith("-ERR", StringComparison.Ordinal))
            {
                Console.Error.WriteLine($"nats: {line}");
            }
        }
    }
}
