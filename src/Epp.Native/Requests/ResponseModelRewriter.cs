using System.Buffers;

namespace Epp.Native.Requests;

/// <summary>
/// Gives a response the model name the client asked for: every <c>"model":"&lt;target&gt;"</c>, with or without one blank behind the
/// colon, becomes the incoming name (contract §1.7). Works across chunk borders: bytes that may begin a match are held back, at most the
/// length of the pattern. Reused; not thread-safe; allocates nothing once it has held the longest names.
/// </summary>
public sealed class ResponseModelRewriter
{
    private static ReadOnlySpan<byte> Key => "\"model\":"u8;

    private byte[] _names = new byte[256];
    private int _targetLength;
    private int _incomingLength;
    private byte[] _held = new byte[128];
    private int _heldLength;

    /// <summary>True where there is something to replace: both names given and different.</summary>
    public bool IsActive { get; private set; }

    private ReadOnlySpan<byte> Target => _names.AsSpan(0, _targetLength);

    private ReadOnlySpan<byte> Incoming => _names.AsSpan(_targetLength, _incomingLength);

    /// <summary>Bytes of the longest match: the one with a blank.</summary>
    private int MaxMatchBytes => Key.Length + 1 + _targetLength;

    /// <summary>Starts a response.</summary>
    /// <param name="target">Model the worker was asked for, UTF-8.</param>
    /// <param name="incoming">Model the client asked for, UTF-8.</param>
    public void Begin(ReadOnlySpan<byte> target, ReadOnlySpan<byte> incoming)
    {
        _heldLength = 0;
        IsActive = !target.IsEmpty && !incoming.IsEmpty && !target.SequenceEqual(incoming);
        _targetLength = 0;
        _incomingLength = 0;
        if (!IsActive)
        {
            return;
        }

        _targetLength = Quote(target, 0);
        _incomingLength = Quote(incoming, _targetLength);
        if (_held.Length < MaxMatchBytes)
        {
            _held = new byte[MaxMatchBytes * 2];
        }
    }

    /// <summary>Rewrites one chunk to <paramref name="output"/>; with <paramref name="isLast"/> nothing is held back.</summary>
    public void Write(ReadOnlySpan<byte> chunk, bool isLast, IBufferWriter<byte> output)
    {
        if (!IsActive)
        {
            output.Write(chunk);
            return;
        }

        chunk = FinishHeld(chunk, output);
        while (!chunk.IsEmpty)
        {
            var n = chunk.IndexOf(Key);
            if (n < 0)
            {
                n = chunk.Length - PartialKey(chunk);
                output.Write(chunk[..n]);
                Hold(chunk[n..]);
                break;
            }

            output.Write(chunk[..n]);
            chunk = chunk[n..];
            var match = Match(chunk);
            if (match == 0)
            {
                Hold(chunk);
                break;
            }

            if (match > 0)
            {
                Replace(output, match);
                chunk = chunk[match..];
            }
            else
            {
                output.Write(chunk[..1]);
                chunk = chunk[1..];
            }
        }

        if (isLast)
        {
            output.Write(_held.AsSpan(0, _heldLength));
            _heldLength = 0;
        }
    }

    /// <summary>Completes or releases what is held, taking bytes of the chunk as needed; returns the rest of the chunk.</summary>
    private ReadOnlySpan<byte> FinishHeld(ReadOnlySpan<byte> chunk, IBufferWriter<byte> output)
    {
        while (_heldLength > 0 && !chunk.IsEmpty)
        {
            _held[_heldLength++] = chunk[0];
            chunk = chunk[1..];
            while (_heldLength > 0 && Match(_held.AsSpan(0, _heldLength)) is var match && match != 0)
            {
                // Bytes that are no match any more go out one by one: a later one of them may begin the next.
                var n = Math.Max(match, 1);
                if (match > 0)
                {
                    Replace(output, match);
                }
                else
                {
                    output.Write(_held.AsSpan(0, 1));
                }

                _held.AsSpan(n, _heldLength - n).CopyTo(_held);
                _heldLength -= n;
            }
        }

        return chunk;
    }

    /// <summary>Length of the match at the start; 0 where more bytes could make one; −1 where they cannot.</summary>
    private int Match(ReadOnlySpan<byte> bytes)
    {
        var n = Math.Min(bytes.Length, Key.Length);
        if (!bytes[..n].SequenceEqual(Key[..n]))
        {
            return -1;
        }

        var name = bytes[n..];
        var blank = name.Length > 0 && name[0] == ' ' ? 1 : 0;
        name = name[blank..];
        n = Math.Min(name.Length, _targetLength);
        return !name[..n].SequenceEqual(Target[..n]) ? -1 : n == _targetLength ? Key.Length + blank + n : 0;
    }

    /// <summary>Bytes at the end that are a proper beginning of <see cref="Key"/>.</summary>
    private static int PartialKey(ReadOnlySpan<byte> bytes)
    {
        for (var n = Math.Min(Key.Length - 1, bytes.Length); n > 0; n--)
        {
            if (bytes[^n..].SequenceEqual(Key[..n]))
            {
                return n;
            }
        }

        return 0;
    }

    private void Hold(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_held);
        _heldLength = bytes.Length;
    }

    private void Replace(IBufferWriter<byte> output, int match)
    {
        output.Write(Key);
        output.Write(match == MaxMatchBytes ? " "u8 : default);
        output.Write(Incoming);
    }

    private int Quote(ReadOnlySpan<byte> name, int at)
    {
        var length = name.Length + 2;
        if (_names.Length < at + length)
        {
            Array.Resize(ref _names, at + length);
        }

        _names[at] = (byte)'"';
        name.CopyTo(_names.AsSpan(at + 1));
        _names[at + length - 1] = (byte)'"';
        return length;
    }
}
