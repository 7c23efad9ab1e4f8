namespace Epp.Native.Wire.Zmtp;

/// <summary>
/// One side of a ZMTP 3.x connection (https://rfc.zeromq.org/spec/23/, 3.1: /spec/37/) as a state machine: bytes in, messages and bytes to
/// send out. Frames of a message stay in the caller's buffer. Never throws for what a peer sends. Not thread-safe; one per connection.
/// </summary>
public sealed partial class ZmtpSession
{
    /// <summary>Bytes of a greeting.</summary>
    public const int GreetingBytes = 64;

    private const byte More = 0x01;
    private const byte Long = 0x02;
    private const byte Command = 0x04;

    /// <summary>Bytes of a command; READY and HELLO stay far below.</summary>
    private const int MaxCommandBytes = 8192;

    private readonly ZmtpOptions _options;
    private readonly byte[][] _subscriptions;
    private readonly (int Start, int Length)[] _frames;
    private byte[] _output = new byte[256];
    private int _outputBytes;
    private State _state;
    private int _scanned;
    private int _peerMinor;

    /// <param name="options">How this side behaves.</param>
    /// <param name="subscriptions">Prefixes that a SUB side asks for once the handshake is done; an empty one = everything.</param>
    public ZmtpSession(ZmtpOptions options, params byte[][] subscriptions)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
        _subscriptions = subscriptions;
        _frames = new (int, int)[options.MaxFrames];
        WriteGreeting();
    }

    private enum State : byte
    {
        Greeting = 0,
        Hello,
        Welcome,
        Initiate,
        Ready,
        Traffic,
        Failed,
    }

    /// <summary>Why the session failed; empty while it did not.</summary>
    public string Failure { get; private set; } = "";

    /// <summary>Frames of the current message.</summary>
    public int FrameCount { get; private set; }

    /// <summary>Whether the peer is of a version that answers PING (3.1); an older one may close the connection over it.</summary>
    public bool CanPing => _state == State.Traffic && _peerMinor >= 1;

    /// <summary>Bytes to send, in order; forget them with <see cref="ClearOutput"/>.</summary>
    public ReadOnlySpan<byte> Output => _output.AsSpan(0, _outputBytes);

    /// <summary>A PING with a time to live of 30 s and no context.</summary>
    public static ReadOnlySpan<byte> Ping => [Command, 0x07, 0x04, (byte)'P', (byte)'I', (byte)'N', (byte)'G', 0x01, 0x2c];

    /// <summary>Marks <see cref="Output"/> as sent.</summary>
    public void ClearOutput() => _outputBytes = 0;

    /// <summary>Where a frame of the current message lies in the input of the call that returned it.</summary>
    public ReadOnlySpan<byte> Frame(ReadOnlySpan<byte> input, int index)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, FrameCount);
        return input.Slice(_frames[index].Start, _frames[index].Length);
    }

    /// <summary>Appends one frame of a message to <see cref="Output"/>.</summary>
    public void Send(ReadOnlySpan<byte> frame, bool more) => WriteFrame(more ? More : (byte)0, frame, default);

    /// <summary>
    /// Goes on with every byte received and not consumed. A message's bytes are consumed by the call that returns it; until then the input
    /// must begin with the same bytes.
    /// </summary>
    public ZmtpStep Advance(ReadOnlySpan<byte> input, out int consumed)
    {
        consumed = 0;
        if (_state == State.Greeting)
        {
            if (!TryGreet(input))
            {
                return _state == State.Failed ? ZmtpStep.Failed : ZmtpStep.NeedMore;
            }

            consumed = GreetingBytes;
        }

        return _state == State.Failed ? ZmtpStep.Failed
            : _state == State.Traffic ? AdvanceTraffic(input, out consumed)
            : AdvanceHandshake(input, ref consumed);
    }

    private ZmtpStep AdvanceHandshake(ReadOnlySpan<byte> input, ref int consumed)
    {
        while (TryReadFrame(input, consumed, out var flags, out var start, out var length))
        {
            if ((flags & Command) == 0)
            {
                return Fail("sent a message before the handshake was done");
            }

            consumed = start + length;
            if (!TryHandshakeCommand(input.Slice(start, length)))
            {
                return ZmtpStep.Failed;
            }

            if (_state == State.Traffic)
            {
                return ZmtpStep.Ready;
            }
        }

        return _state == State.Failed ? ZmtpStep.Failed : ZmtpStep.NeedMore;
    }

    private ZmtpStep AdvanceTraffic(ReadOnlySpan<byte> input, out int consumed)
    {
        // What is in front of the message: commands already obeyed.
        var front = 0;
        FrameCount = _scanned == 0 ? 0 : FrameCount;
        while (TryReadFrame(input, _scanned, out var flags, out var start, out var length))
        {
            _scanned = start + length;
            if ((flags & Command) != 0)
            {
                // libzmq may put a PING between two frames of a message.
                Obey(input.Slice(start, length));
                front = FrameCount == 0 ? _scanned : front;
                continue;
            }

            if (FrameCount == _frames.Length || _scanned - front > _options.MaxMessageBytes)
            {
                consumed = 0;
                return Fail($"sent a message of more than {_options.MaxFrames} frames or {_options.MaxMessageBytes} bytes");
            }

            _frames[FrameCount++] = (start, length);
            if ((flags & More) == 0)
            {
                consumed = _scanned;
                _scanned = 0;
                return ZmtpStep.Message;
            }
        }

        consumed = front;
        _scanned -= front;
        for (var i = 0; i < FrameCount; i++)
        {
            _frames[i].Start -= front;
        }

        return _state == State.Failed ? ZmtpStep.Failed : ZmtpStep.NeedMore;
    }
}
