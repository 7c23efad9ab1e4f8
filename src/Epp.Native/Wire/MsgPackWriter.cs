using System.Buffers.Binary;

namespace Epp.Native.Wire;

/// <summary>
/// Writes MessagePack into a buffer that grows to what its messages need and is reused. Integers take the smallest width. Not thread-safe.
/// </summary>
public sealed class MsgPackWriter
{
    private byte[] _buffer = new byte[256];

    /// <summary>What was written since <see cref="Clear"/>; valid until the next write.</summary>
    public ReadOnlySpan<byte> Written => _buffer.AsSpan(0, Length);

    /// <summary>Bytes written.</summary>
    public int Length { get; private set; }

    /// <summary>Forgets what was written and keeps the memory, up to 1 MiB of it.</summary>
    public void Clear()
    {
        Length = 0;
        if (_buffer.Length > 1 << 20)
        {
            _buffer = new byte[256];
        }
    }

    /// <summary>nil.</summary>
    public void WriteNil() => Byte(0xc0);

    /// <summary>true or false.</summary>
    public void WriteBool(bool value) => Byte(value ? (byte)0xc3 : (byte)0xc2);

    /// <summary>An integer of 0 … 2⁶⁴ − 1.</summary>
    public void WriteUInt64(ulong value)
    {
        if (value <= 0x7f)
        {
            Byte((byte)value);
        }
        else if (value <= byte.MaxValue)
        {
            Byte(0xcc);
            Byte((byte)value);
        }
        else if (value <= ushort.MaxValue)
        {
            BinaryPrimitives.WriteUInt16BigEndian(Header(0xcd, 2), (ushort)value);
        }
        else if (value <= uint.MaxValue)
        {
            BinaryPrimitives.WriteUInt32BigEndian(Header(0xce, 4), (uint)value);
        }
        else
        {
            BinaryPrimitives.WriteUInt64BigEndian(Header(0xcf, 8), value);
        }
    }

    /// <summary>A signed integer.</summary>
    public void WriteInt64(long value)
    {
        if (value >= 0)
        {
            WriteUInt64((ulong)value);
        }
        else
        {
            BinaryPrimitives.WriteInt64BigEndian(Header(0xd3, 8), value);
        }
    }

    /// <summary>A float64.</summary>
    public void WriteDouble(double value) => BinaryPrimitives.WriteDoubleBigEndian(Header(0xcb, 8), value);

    /// <summary>A text.</summary>
    public void WriteText(ReadOnlySpan<byte> utf8)
    {
        if (utf8.Length < 32)
        {
            Byte((byte)(0xa0 | utf8.Length));
        }
        else
        {
            BinaryPrimitives.WriteUInt32BigEndian(Header(0xdb, 4), (uint)utf8.Length);
        }

        WriteRaw(utf8);
    }

    /// <summary>A binary value.</summary>
    public void WriteBinary(ReadOnlySpan<byte> bytes)
    {
        BinaryPrimitives.WriteUInt32BigEndian(Header(0xc6, 4), (uint)bytes.Length);
        WriteRaw(bytes);
    }

    /// <summary>Begins an array; its items follow. Returns the place for <see cref="Patch"/> where the count is not known yet.</summary>
    public int BeginArray(int count = 0) => Container(0xdd, count);

    /// <summary>Begins a map; its keys and values follow.</summary>
    public int BeginMap(int count = 0) => Container(0xdf, count);

    /// <summary>Sets the count of a container begun at <paramref name="place"/>.</summary>
    public void Patch(int place, int count) => BinaryPrimitives.WriteInt32BigEndian(_buffer.AsSpan(place, 4), count);

    /// <summary>Bytes that are MessagePack already.</summary>
    public void WriteRaw(ReadOnlySpan<byte> bytes) => bytes.CopyTo(Take(bytes.Length));

    private int Container(byte first, int count)
    {
        BinaryPrimitives.WriteInt32BigEndian(Header(first, 4), count);
        return Length - 4;
    }

    private Span<byte> Header(byte first, int bytes)
    {
        Byte(first);
        return Take(bytes);
    }

    private void Byte(byte value) => Take(1)[0] = value;

    private Span<byte> Take(int bytes)
    {
        if (bytes > _buffer.Length - Length)
        {
            Array.Resize(ref _buffer, int.Max(_buffer.Length * 2, Length + bytes));
        }

        Length += bytes;
        return _buffer.AsSpan(Length - bytes, bytes);
    }
}
