using System.Net;
using System.Net.Sockets;

namespace Epp.Testing;

/// <summary>TCP ports on loopback.</summary>
public static class Ports
{
    private static readonly Lock Gate = new();
    private static readonly HashSet<int> Given = [];

    /// <summary>
    /// A port that nothing listens on and that this process has not given out before. Below the kernel's ephemeral range, so that an
    /// outgoing connection does not take it before its listener does.
    /// </summary>
    public static int Free()
    {
        lock (Gate)
        {
            for (var port = 20_000 + (Environment.ProcessId % 1_000 * 8); port < 32_000; port++)
            {
                // 21000-23999 belong to the recorded gateway configuration.
                if (port is (< 21_000 or > 23_999) && !Given.Contains(port) && IsFree(port))
                {
                    Given.Add(port);
                    return port;
                }
            }
        }

        throw new InvalidOperationException("No free port between 20000 and 32000.");
    }

    public static bool IsFree(int port)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(new IPEndPoint(IPAddress.Any, port));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
