using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Epp.Native.Wire.Zmtp;

namespace Epp.Aot.KvEvents.Zmq;

/// <summary>
/// A TCP connection that speaks ZMTP. One loop reads: <c>while (TryRead()) …; if (!await FillAsync()) break;</c>. Another thread may only
/// <see cref="Beat"/> and dispose. What we send (greeting, subscription, request, PONG) is small and goes out at once.
/// </summary>
internal sealed class ZmtpConnection : IDisposable
{
    /// <summary>How long a peer that does not read may hold up what we send; then it is dropped.</summary>
    private const int SendTimeoutMs = 1000;

    private readonly Socket _socket;
    private readonly ZmtpSession _session;
    private readonly ReceiveBuffer _buffer;
    private readonly Lock _sending = new();
    private int _pending;
    private int _beatsWithoutBytes;
    private bool _open;
    private string _failure = "";

    public ZmtpConnection(Socket socket, ZmtpSession session, int maxMessageBytes)
    {
        _socket = socket;
        _session = session;
        _buffer = new ReceiveBuffer(maxMessageBytes + 64);
        socket.NoDelay = true;
        socket.SendTimeout = SendTimeoutMs;
        // A peer of ZMTP 3.0 cannot be pinged; the kernel finds out when its host is gone.
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, 15);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, 5);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, 3);
    }

    /// <summary>The handshake is done.</summary>
    public bool IsOpen => _open;

    /// <summary>The reader is busy elsewhere: silence says nothing about the peer.</summary>
    public bool IsPaused { get; set; }

    /// <summary>Why the connection ended.</summary>
    public string Failure => _session.Failure.Length > 0 ? $"the peer {_session.Failure}" : _failure;

    /// <summary>Frames of the current message.</summary>
    public int FrameCount => _session.FrameCount;

    /// <summary>A frame of the current message; lives until the next <see cref="TryRead"/>.</summary>
    public ReadOnlySpan<byte> Frame(int index) => _session.Frame(_buffer.Content, index);

    /// <summary>Connects and does the handshake; null with the reason where that fails within the time. Refused: nobody listens there.</summary>
    public static async Task<(ZmtpConnection? Connection, string Failure, bool Refused)> ConnectAsync(string host, int port, ZmtpOptions options, byte[][] subscriptions, TimeSpan timeout, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(timeout);
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        var connection = new ZmtpConnection(socket, new ZmtpSession(options, subscriptions), options.MaxMessageBytes);
        try
        {
            await socket.ConnectAsync(host, port, limit.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            connection.Dispose();
            return (null, e is OperationCanceledException ? $"no connection within {timeout.TotalSeconds:0} s" : e.Message, e is SocketException { SocketErrorCode: SocketError.ConnectionRefused });
        }

        if (await connection.OpenAsync(limit.Token).ConfigureAwait(false))
        {
            return (connection, "", false);
        }

        var failure = connection.Failure;
        connection.Dispose();
        return (null, failure, false);
    }

    /// <summary>Does the handshake; false with <see cref="Failure"/> where it fails.</summary>
    public async ValueTask<bool> OpenAsync(CancellationToken cancellation)
    {
        // The token closes the connection instead of each wait in it.
        await using var registration = cancellation.UnsafeRegister(static c => ((ZmtpConnection)c!).Abort("no handshake in time"), this).ConfigureAwait(false);
        if (!Flush())
        {
            return false;
        }

        while (!_open)
        {
            if (TryRead())
            {
                continue;
            }

            if (!_open && !await FillAsync().ConfigureAwait(false))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>The next complete message of what was received; true for a message.</summary>
    public bool TryRead()
    {
        _buffer.Drop(_pending);
        _pending = 0;
        if (_buffer.IsEmpty)
        {
            return false;
        }

        var step = _session.Advance(_buffer.Content, out var consumed);
        if (step == ZmtpStep.Message)
        {
            _pending = consumed;
            return true;
        }

        _buffer.Drop(consumed);
        _open |= step == ZmtpStep.Ready;
        return false;
    }

    /// <summary>Sends what the session has to say and receives once; false where the connection has ended.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<bool> FillAsync()
    {
        if (!Flush() || _session.Failure.Length > 0)
        {
            return false;
        }

        try
        {
            if (_buffer.IsEmpty && _socket.Available == 0)
            {
                // An idle connection holds no memory: wait for bytes first, then take an array for them.
                _buffer.Release();
                await _socket.ReceiveAsync(Memory<byte>.Empty, SocketFlags.None).ConfigureAwait(false);
            }

            var room = _buffer.Room();
            if (room.IsEmpty)
            {
                return Fail("a message exceeds the limit");
            }

            var received = await _socket.ReceiveAsync(room, SocketFlags.None).ConfigureAwait(false);
            Volatile.Write(ref _beatsWithoutBytes, 0);
            _buffer.Filled(received);
            return received > 0 || Fail("the peer closed the connection");
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return Fail(e.Message);
        }
    }

    /// <summary>Sends a message of frames.</summary>
    public bool Send(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second)
    {
        _session.Send(first, more: true);
        _session.Send(second, more: false);
        return Flush();
    }

    /// <summary>
    /// Called at a steady pace: asks a silent peer for a sign of life, and ends the connection after <paramref name="limit"/> beats without
    /// one byte. Peers that cannot be asked are left to TCP.
    /// </summary>
    public void Beat(int limit)
    {
        if (!_open || !_session.CanPing || IsPaused)
        {
            Volatile.Write(ref _beatsWithoutBytes, 0);
            return;
        }

        var beats = Interlocked.Increment(ref _beatsWithoutBytes);
        if (beats > limit)
        {
            Abort($"no byte for {limit} heartbeats");
        }
        else if (beats > 1)
        {
            Write(ZmtpSession.Ping);
        }
    }

    public void Abort(string reason)
    {
        Fail(reason);
        _socket.Dispose();
    }

    public void Dispose()
    {
        _socket.Dispose();
        _buffer.Dispose();
    }

    private bool Flush()
    {
        var sent = _session.Output.IsEmpty || Write(_session.Output);
        _session.ClearOutput();
        return sent;
    }

    private bool Write(ReadOnlySpan<byte> bytes)
    {
        try
        {
            lock (_sending)
            {
                while (!bytes.IsEmpty)
                {
                    bytes = bytes[_socket.Send(bytes, SocketFlags.None)..];
                }
            }

            return true;
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return Fail(e.Message);
        }
    }

    private bool Fail(string reason)
    {
        _failure = _failure.Length == 0 ? reason : _failure;
        return false;
    }
}
