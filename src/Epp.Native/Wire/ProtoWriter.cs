using System.Buffers.Binary;
using System.Numerics;

namespace Epp.Native.Wire;

/// <summary>
/// Writes one protobuf message from its end to its start, so that every length is known when it is written: no size pass, no copies.
/// Fields are therefore written in reverse order. The buffer grows and is kept for the next message. Not thread-safe.
/// </summary>
public sealed class ProtoWriter
{
    private byte[] _buffer = new byte[1024];
    private int _start = 1024;

    /// <summary>Bytes written; also the mark that <see cref="EndMessage(int, int)"/> measures from.</summary>
    public int Length => _buffer.Length - _start;

    /// <summary>The message so far.</summary>
    public ReadOnlySpan<byte> Written => _buffer.AsSpan(_start);

    /// <summary>Starts a new message.</summary>
    public void Clear() => _start = _buffer.Length;

    /// <summary>Puts raw bytes in front.</summary>
    public void Prepend(ReadOnlySpan<byte> bytes)
    {
        Reserve(bytes.Length);
        _start -= bytes.Length;
        bytes.CopyTo(_buffer.AsSpan(_start));
    }

    /// <summary>Closes the nested message or string whose content was written since <paramref name="mark"/> (the <see cref="Length"/> then).</summary>
    public void EndMessage(int field, int mark) => EndMessage(field, mark, 0);

    /// <summary>As <see cref="EndMessage(int, int)"/>, with <paramref name="extraBytes"/> that the caller puts between this header and the content.</summary>
    public void EndMessage(int field, int mark, int extraBytes)
    {
        PrependVarint((ulong)(Length - mark + extraBytes));
        PrependVarint(((uint)field << 3) | ProtoReader.Bytes);
    }

    /// <summary>A bytes or string field.</summary>
    public void Bytes(int field, ReadOnlySpan<byte> value)
    {
        Prepend(value);
        PrependVarint((ulong)value.Length);
        PrependVarint(((uint)field << 3) | ProtoReader.Bytes);
    }

    /// <summary>Tag and length of a bytes field whose <paramref name="length"/> bytes the caller sends behind the message.</summary>
    public void BytesHead(int field, int length)
    {
        PrependVarint((ulong)length);
        PrependVarint(((uint)field << 3) | ProtoReader.Bytes);
    }

    /// <summary>A varint field (bool, enum, integer).</summary>
    public void Varint(int field, ulong value)
    {
        PrependVarint(value);
        PrependVarint(((uint)field << 3) | ProtoReader.Varint);
    }

    /// <summary>A double field.</summary>
    public void Number(int field, double value)
    {
        Reserve(8);
        _start -= 8;
        BinaryPrimitives.WriteDoubleLittleEndian(_buffer.AsSpan(_start), value);
        PrependVarint(((uint)field << 3) | ProtoReader.Fixed64);
    }

    /// <summary>A fixed64 field.</summary>
    public void Fixed64(int field, ulong value)
    {
        Reserve(8);
        _start -= 8;
        BinaryPrimitives.WriteUInt64LittleEndian(_buffer.AsSpan(_start), value);
        PrependVarint(((uint)field << 3) | ProtoReader.Fixed64);
    }

    /// <summary>The 5-byte gRPC prefix for a message of the bytes written plus <paramref name="extraBytes"/> that follow them.</summary>
    public void PrependGrpcPrefix(int extraBytes = 0)
    {
        var length = Length + extraBytes;
        Reserve(5);
        _start -= 5;
        _buffer[_start] = 0;
        BinaryPrimitives.WriteInt32BigEndian(_buffer.AsSpan(_start + 1), length);
    }

    private void PrependVarint(ulong value)
    {
        var bytes = (BitOperations.Log2(value | 1) / 7) + 1;
        Reserve(bytes);
        _start -= bytes;
        var at = _start;
        for (; value >= 0x80; value >>= 7)
        {
            _buffer[at++] = (byte)(value | 0x80);
        }

        _buffer[at] = (byte)value;
    }

    private void Reserve(int bytes)
    {
        if (_start >= bytes)
        {
            return;
        }

        var grown = new byte[Math.Max(_buffer.Length * 2, _buffer.Length + bytes)];
        Written.CopyTo(grown.AsSpan(grown.Length - Length));
        _start = grown.Length - Length;
        _buffer = grown;
    }
}
