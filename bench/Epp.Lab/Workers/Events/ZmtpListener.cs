using System.Net.Sockets;
using Epp.Lab.Wire;

namespace Epp.Lab.Workers.Events;

/// <summary>Accepts ZMTP peers on a listening socket and serves each until it goes, fails or everything stops.</summary>
internal sealed class ZmtpListener : IAsyncDisposable
{
    // Far above what a pool of EPP replicas opens.
    const int MaxPeers = 256;

    readonly Socket _listener;
    readonly CancellationTokenSource _stop = new();
    readonly HashSet<Task> _serving = [];
    readonly Lock _lock = new();
    readonly Task _accepting;

    /// <param name="listener">A listening socket; owned from now on.</param>
    /// <param name="type">Our socket type.</param>
    /// <param name="peers">Socket types that may connect.</param>
    /// <param name="serve">Serves one peer.</param>
    public ZmtpListener(Socket listener, string type, string[] peers, Func<ZmtpPeer, CancellationToken, Task> serve)
    {
        _listener = listener;
        _accepting = AcceptAsync(type, peers, serve);
    }

    async Task AcceptAsync(string type, string[] peers, Func<ZmtpPeer, CancellationToken, Task> serve)
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                var socket = await _listener.AcceptAsync(_stop.Token).ConfigureAwait(false);
                lock (_lock)
                {
                    _serving.RemoveWhere(static t => t.IsCompleted);
                    if (_serving.Count < MaxPeers)
                    {
                        _serving.Add(ServeAsync(socket, type, peers, serve));
                        continue;
                    }
                }
                socket.Dispose();
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                // Stopped, or one peer that went before it was taken.
            }
        }
    }

    async Task ServeAsync(Socket socket, string type, string[] peers, Func<ZmtpPeer, CancellationToken, Task> serve)
    {
        try
        {
            using var peer = await ZmtpPeer.OpenAsync(socket, type, peers, _stop.Token).ConfigureAwait(false);
            await serve(peer, _stop.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or SocketException or WireException or OperationCanceledException or ObjectDisposedException)
        {
            // The peer is gone, or was none.
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        _listener.Dispose();
        await _accepting.ConfigureAwait(false);
        Task[] serving;
        lock (_lock)
        {
            serving = [.. _serving];
        }
        await Task.WhenAll(serving).ConfigureAwait(false);
        _stop.Dispose();
    }
}
