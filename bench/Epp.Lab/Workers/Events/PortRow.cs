using System.Net;
using System.Net.Sockets;

namespace Epp.Lab.Workers.Events;

/// <summary>Listening sockets on consecutive ports of 127.0.0.1: rank N of an engine is at the first port + N.</summary>
internal static class PortRow
{
    const int Attempts = 64;

    public static Socket[] ListenInRow(int count)
    {
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            var sockets = new List<Socket>(count);
            var next = 0;
            while (sockets.Count < count && TryListen(next) is { } socket)
            {
                sockets.Add(socket);
                next = ((IPEndPoint)socket.LocalEndPoint!).Port + 1;
            }
            if (sockets.Count == count)
            {
                return [.. sockets];
            }
            sockets.ForEach(static s => s.Dispose());
        }
        throw new UsageException($"found no {count} free consecutive ports on 127.0.0.1 in {Attempts} attempts");
    }

    public static Socket Listen(int port) => TryListen(port) ?? throw new UsageException($"port {port} of 127.0.0.1 is taken, or is none; choose another");

    public static int PortOf(Socket socket) => ((IPEndPoint)socket.LocalEndPoint!).Port;

    static Socket? TryListen(int port)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
            socket.Listen();
            return socket;
        }
        catch (Exception e) when (e is SocketException or ArgumentOutOfRangeException)
        {
            socket.Dispose();
            return null;
        }
    }
}
