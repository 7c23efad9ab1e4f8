using System.Buffers;
using System.Net;
using System.Net.Sockets;

namespace Epp.Aot.Scraping;

/// <summary>
/// One endpoint's keep-alive connection, driven by <see cref="Step"/> from the scrape thread only. Sockets never block: what has not
/// arrived is looked for at the next tick, so a slow or dead worker costs the others nothing.
/// </summary>
internal sealed class ScrapeConnection : IDisposable
{
    /// <summary>Large enough for a whole exposition: it arrives while the thread sleeps and is read with one call.</summary>
    private const int ReceiveBufferBytes = 256 << 10;

    private const long MaxBackoffMs = 1000;

    private readonly ScrapeContext _context;
    private readonly ScrapeTarget _target;
    private readonly IPEndPoint? _address;
    private readonly uint _hash;
    private long _phaseMs;
    private Socket? _socket;
    private State _state;
    private byte[]? _partial;
    private int _received;
    private long _startedMs;
    private long _dueMs;
    private long _backoffMs;
    private int _answersOnSocket;
    private bool _retried;

    public ScrapeConnection(ScrapeContext context, ScrapeTarget target, long nowMs)
    {
        _context = context;
        _target = target;
        _address = target.Endpoint.IpAddress is { } ip ? new IPEndPoint(ip, target.Port) : null;
        _dueMs = nowMs;
        uint hash = 2166136261;
        foreach (var c in target.Endpoint.ToString())
        {
            hash = (hash ^ c) * 16777619;
        }

        // FNV's low bits of neighbouring names differ little; the product's high half spreads them.
        _hash = (uint)(hash * 0x9E3779B97F4A7C15UL >> 32);
    }

    private enum State
    {
        Disconnected = 0,
        Connecting,
        Idle,
        Awaiting,
    }

    public ScrapeTarget Target => _target;

    /// <summary>When the next request is due.</summary>
    public long DueMs => _dueMs;

    /// <summary>When this connection wants its next <see cref="Step"/>; 0 = at the next tick.</summary>
    public long WakeMs => _state is State.Awaiting or State.Connecting ? 0 : _dueMs;

    /// <summary>Spreads connections over the interval: each one keeps to one of so many moments in it, chosen by its name.</summary>
    /// <param name="slots">At least 1.</param>
    public void Spread(long slots) => _phaseMs = _hash % slots * _context.Options.IntervalMs / slots;

    /// <summary>Does what can be done now without waiting.</summary>
    /// <param name="nowMs">Monotonic milliseconds.</param>
    /// <param name="shared">The thread's receive buffer; holds nothing between calls.</param>
    public void Step(long nowMs, byte[] shared)
    {
        if (_state == State.Connecting)
        {
            FinishConnect(nowMs);
        }
        else if (_state == State.Awaiting)
        {
            Receive(nowMs, shared);
        }

        if (_state is State.Connecting or State.Awaiting)
        {
            if (nowMs - _startedMs >= _context.Options.TimeoutMs)
            {
                Fail(nowMs, _state == State.Connecting ? "no connection before the deadline" : "no complete answer before the deadline");
            }

            return;
        }

        if (nowMs >= _dueMs)
        {
            var interval = _context.Options.IntervalMs;
            _dueMs = ((nowMs - _phaseMs) / interval * interval) + _phaseMs + interval;
            _startedMs = nowMs;
            _retried = false;
            Ask(nowMs);
        }
    }

    public void Dispose() => Disconnect();

    private void Ask(long nowMs)
    {
        if (_state == State.Disconnected)
        {
            Connect(nowMs);
            return;
        }

        var sent = _socket!.Send(_target.Request, SocketFlags.None, out var error);
        if (error == SocketError.Success && sent == _target.Request.Length)
        {
            _received = 0;
            _state = State.Awaiting;
        }
        else
        {
            Broken(nowMs, $"sending the request failed: {error}");
        }
    }

    private void Connect(long nowMs)
    {
        if (_address is null)
        {
            Fail(nowMs, $"'{_target.Endpoint.Address}' is not an IP address");
            return;
        }

        _answersOnSocket = 0;
        _socket = new Socket(_address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { Blocking = false, NoDelay = true, ReceiveBufferSize = ReceiveBufferBytes };
        try
        {
            _socket.Connect(_address);
            _state = State.Idle;
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.WouldBlock or SocketError.InProgress)
        {
            _state = State.Connecting;
            return;
        }
        catch (SocketException e)
        {
            Fail(nowMs, $"connecting failed: {e.SocketErrorCode}");
            return;
        }

        Ask(nowMs);
    }

    private void FinishConnect(long nowMs)
    {
        if (!_socket!.Poll(0, SelectMode.SelectWrite))
        {
            return;
        }

        if (_socket.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.Error) is int error and not 0)
        {
            Fail(nowMs, $"connecting failed: {(SocketError)error}");
            return;
        }

        _state = State.Idle;
        Ask(nowMs);
    }

    private void Receive(long nowMs, byte[] shared)
    {
        var buffer = _partial ?? shared;
        while (true)
        {
            if (_received == buffer.Length)
            {
                buffer = Keep(buffer, _received * 2);
            }

            var n = _socket!.Receive(buffer.AsSpan(_received), SocketFlags.None, out var error);
            if (error == SocketError.WouldBlock)
            {
                if (_received > 0 && _partial is null)
                {
                    Keep(buffer, _received * 2);
                }

                return;
            }

            var closed = error != SocketError.Success || n == 0;
            if (closed && _received == 0)
            {
                Broken(nowMs, error == SocketError.Success ? "closed without an answer" : $"receiving failed: {error}");
                return;
            }

            _received += closed ? 0 : n;
            if (_received > ScraperOptions.MaxBodyBytes + ScraperOptions.MaxHeadBytes)
            {
                Fail(nowMs, $"the answer exceeds {ScraperOptions.MaxBodyBytes} bytes");
                return;
            }

            switch (HttpAnswer.Parse(buffer.AsSpan(0, _received), closed, out var answer))
            {
                case HttpProgress.Complete:
                    Finish(nowMs, buffer, answer);
                    return;
                case HttpProgress.Malformed:
                    Fail(nowMs, closed ? "closed in the middle of the answer" : "the answer is not HTTP/1.1 as expected, or too large");
                    return;
                default:
                    if (closed)
                    {
                        Fail(nowMs, "closed in the middle of the answer");
                        return;
                    }

                    break;
            }
        }
    }

    private void Finish(long nowMs, byte[] buffer, in HttpAnswer answer)
    {
        _answersOnSocket++;
        var verdict = _target.Accept(answer.Status, buffer.AsSpan(answer.BodyStart, answer.BodyLength), (nowMs - _startedMs) / 1000.0);
        var reusable = answer.KeepAlive && answer.End == _received;
        Drop();
        _state = State.Idle;
        if (!reusable)
        {
            Disconnect();
        }

        if (verdict == ScrapeVerdict.AskOtherPath)
        {
            Ask(nowMs);
        }
        else if (_target.IsFailed)
        {
            BackOff(nowMs);
        }
        else
        {
            _backoffMs = 0;
        }
    }

    /// <summary>The socket broke before any byte of an answer: a server may close an idle connection, so a used one gets a second try.</summary>
    private void Broken(long nowMs, string reason)
    {
        var wasUsed = _answersOnSocket > 0;
        if (wasUsed && !_retried)
        {
            Disconnect();
            _retried = true;
            Connect(nowMs);
            return;
        }

        Fail(nowMs, reason);
    }

    private void Fail(long nowMs, string reason)
    {
        Disconnect();
        _target.Fail(reason, (nowMs - _startedMs) / 1000.0);
        BackOff(nowMs);
    }

    private void BackOff(long nowMs)
    {
        _backoffMs = Math.Min(MaxBackoffMs, Math.Max(_context.Options.IntervalMs, _backoffMs * 2));
        _dueMs = Math.Max(_dueMs, nowMs + _backoffMs);
    }

    private void Disconnect()
    {
        Drop();
        _socket?.Dispose();
        _socket = null;
        _state = State.Disconnected;
    }

    private byte[] Keep(byte[] buffer, int size)
    {
        var larger = ArrayPool<byte>.Shared.Rent(Math.Max(size, 64 << 10));
        buffer.AsSpan(0, _received).CopyTo(larger);
        if (_partial is not null)
        {
            ArrayPool<byte>.Shared.Return(_partial);
        }

        return _partial = larger;
    }

    private void Drop()
    {
        if (_partial is not null)
        {
            ArrayPool<byte>.Shared.Return(_partial);
            _partial = null;
        }

        _received = 0;
    }
}
