using System.Buffers.Binary;

namespace Epp.Native.Wire.Zmtp;

/// <summary>Frames and commands.</summary>
public sealed partial class ZmtpSession
{
    /// <summary><c>flags | length (1 byte, or 8 big-endian) | body</c>. False where more bytes are needed or the session failed.</summary>
    private bool TryReadFrame(ReadOnlySpan<byte> input, int at, out byte flags, out int start, out int length)
    {
        (flags, start, length) = (0, 0, 0);
        if (input.Length - at < 2)
        {
            return false;
        }

        flags = input[at];
        if (flags > (Command | Long) || flags == (Command | More))
        {
            Fail($"sent the frame flags 0x{flags:x2}");
            return false;
        }

        ulong bytes = input[at + 1];
        start = at + 2;
        if ((flags & Long) != 0)
        {
            start = at + 9;
            if (input.Length < start)
            {
                return false;
            }

            bytes = BinaryPrimitives.ReadUInt64BigEndian(input[(at + 1)..]);
        }

        var limit = (flags & Command) != 0 || _state != State.Traffic ? MaxCommandBytes : _options.MaxMessageBytes;
        if (bytes > (ulong)limit)
        {
            Fail($"announces a frame of {bytes} bytes, at most {limit} are accepted");
            return false;
        }

        length = (int)bytes;
        return input.Length - start >= length;
    }

    /// <summary>Commands of an established connection; unknown ones are ignored, as the specification asks.</summary>
    private void Obey(ReadOnlySpan<byte> command)
    {
        if (!TrySplit(command, out var name, out var body))
        {
            Fail("sent a command without a name");
        }
        else if (name.SequenceEqual("PING"u8) && body.Length >= 2)
        {
            // Two bytes of time to live, then up to 16 of context that come back.
            WriteFrame(Command, "\u0004PONG"u8, body.Slice(2, int.Min(body.Length - 2, 16)));
        }
        else if (name.SequenceEqual("ERROR"u8))
        {
            Fail($"ends the connection: {Shown(body.Length > 0 ? body[1..] : body)}");
        }
    }

    private static bool TrySplit(ReadOnlySpan<byte> command, out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> body)
    {
        body = command;
        return TryTakeShort(ref body, out name) && name.Length > 0;
    }

    private static bool TryTakeShort(scoped ref ReadOnlySpan<byte> rest, out ReadOnlySpan<byte> value)
    {
        value = default;
        if (rest.IsEmpty || rest[0] >= rest.Length)
        {
            return false;
        }

        value = rest.Slice(1, rest[0]);
        rest = rest[(1 + value.Length)..];
        return true;
    }

    private void WriteFrame(byte flags, ReadOnlySpan<byte> head, ReadOnlySpan<byte> tail)
    {
        var length = head.Length + tail.Length;
        if (length > byte.MaxValue)
        {
            var header = Take(9);
            header[0] = (byte)(flags | Long);
            BinaryPrimitives.WriteInt64BigEndian(header[1..], length);
        }
        else
        {
            var header = Take(2);
            header[0] = flags;
            header[1] = (byte)length;
        }

        var body = Take(length);
        head.CopyTo(body);
        tail.CopyTo(body[head.Length..]);
    }

    private Span<byte> Take(int bytes)
    {
        if (bytes > _output.Length - _outputBytes)
        {
            Array.Resize(ref _output, int.Max(_output.Length * 2, _outputBytes + bytes));
        }

        _outputBytes += bytes;
        return _output.AsSpan(_outputBytes - bytes, bytes);
    }

    private ZmtpStep Fail(string reason)
    {
        if (_state != State.Failed)
        {
            _state = State.Failed;
            Failure = reason;
        }

        return ZmtpStep.Failed;
    }

    /// <summary>Text of a peer for a log line: printable ASCII, at most 64 characters.</summary>
    private static string Shown(ReadOnlySpan<byte> text)
    {
        Span<char> shown = stackalloc char[64];
        var length = int.Min(text.Length, shown.Length);
        for (var i = 0; i < length; i++)
        {
            shown[i] = text[i] is >= 0x20 and < 0x7f ? (char)text[i] : '?';
        }

        return $"'{shown[..length]}'";
    }
}
