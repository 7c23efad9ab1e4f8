using System.Buffers.Binary;

namespace Epp.Native.Wire;

/// <summary>
/// Reads MessagePack (https://github.com/msgpack/msgpack/blob/master/spec.md) from one contiguous span. Every width is accepted for every
/// value, also longer ones than needed. Never throws and never allocates. A Try method returns false where the next value is of
/// another kind and consumes nothing; where the bytes end inside a value, or the byte is reserved, it sets <see cref="Failed"/> as well.
/// </summary>
public ref struct MsgPackReader(ReadOnlySpan<byte> data)
{
    private readonly ReadOnlySpan<byte> _data = data;
    private int _position;

    /// <summary>Total bytes of a value without children, by first byte; 0 = the length follows, or it has children.</summary>
    private static ReadOnlySpan<byte> WholeBytes =>
    [
        1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
        1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
        1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
        1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32,
        1, 0, 1, 1, 0, 0, 0, 0, 0, 0, 5, 9, 2, 3, 5, 9, 2, 3, 5, 9, 3, 4, 6, 10, 18, 0, 0, 0, 0, 0, 0, 0,
        1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    ];

    /// <summary>The bytes ended inside a value, or were not MessagePack. Stays true.</summary>
    public bool Failed { get; private set; }

    /// <summary>Bytes read so far.</summary>
    public readonly int Position => _position;

    /// <summary>Every byte has been read.</summary>
    public readonly bool AtEnd => _position >= _data.Length;

    /// <summary>The bytes from <paramref name="start"/>, an earlier <see cref="Position"/>, to here.</summary>
    public readonly ReadOnlySpan<byte> Since(int start) => _data[start.._position];

    /// <summary>Kind of the next value.</summary>
    public readonly MsgPackKind Peek() => AtEnd ? MsgPackKind.None : _data[_position] switch
    {
        <= 0x7f or >= 0xe0 or (>= 0xcc and <= 0xd3) => MsgPackKind.Number,
        <= 0x8f or 0xde or 0xdf => MsgPackKind.Map,
        <= 0x9f or 0xdc or 0xdd => MsgPackKind.Array,
        <= 0xbf or 0xd9 or 0xda or 0xdb => MsgPackKind.Text,
        0xc0 => MsgPackKind.Nil,
        0xc2 or 0xc3 => MsgPackKind.Bool,
        0xc4 or 0xc5 or 0xc6 => MsgPackKind.Binary,
        0xca or 0xcb => MsgPackKind.Real,
        0xc1 => MsgPackKind.None,
        _ => MsgPackKind.Extension,
    };

    /// <summary>nil.</summary>
    public bool TryReadNil()
    {
        if (AtEnd || _data[_position] != 0xc0)
        {
            return false;
        }

        _position++;
        return true;
    }

    /// <summary>Any integer. <paramref name="bits"/> is its two's complement; <paramref name="negative"/> tells which half is meant.</summary>
    public bool TryReadInteger(out ulong bits, out bool negative)
    {
        bits = 0;
        negative = false;
        if (AtEnd)
        {
            return false;
        }

        var first = _data[_position];
        if (first <= 0x7f)
        {
            bits = first;
            _position++;
            return true;
        }

        if (first >= 0xe0)
        {
            bits = (ulong)(sbyte)first;
            negative = true;
            _position++;
            return true;
        }

        return first is >= 0xcc and <= 0xd3 && TryReadWideInteger(first, out bits, out negative);
    }

    private bool TryReadWideInteger(byte first, out ulong bits, out bool negative)
    {
        var bytes = 1 << (first & 3);
        bits = 0;
        negative = false;
        if (_data.Length - _position <= bytes)
        {
            Failed = true;
            return false;
        }

        var body = _data.Slice(_position + 1, bytes);
        bits = first switch
        {
            0xcc => body[0],
            0xcd => BinaryPrimitives.ReadUInt16BigEndian(body),
            0xce => BinaryPrimitives.ReadUInt32BigEndian(body),
            0xcf or 0xd3 => BinaryPrimitives.ReadUInt64BigEndian(body),
            0xd0 => (ulong)(sbyte)body[0],
            0xd1 => (ulong)BinaryPrimitives.ReadInt16BigEndian(body),
            _ => (ulong)BinaryPrimitives.ReadInt32BigEndian(body),
        };
        negative = first >= 0xd0 && (long)bits < 0;
        _position += 1 + bytes;
        return true;
    }

    /// <summary>An integer of 0 … 2⁶⁴ − 1; a negative one counts as another kind.</summary>
    public bool TryReadUInt64(out ulong value)
    {
        var start = _position;
        if (TryReadInteger(out value, out var negative) && !negative)
        {
            return true;
        }

        _position = start;
        return false;
    }

    /// <summary>An integer of 0 … <paramref name="max"/>.</summary>
    public bool TryReadInt32(int max, out int value)
    {
        var start = _position;
        if (TryReadUInt64(out var wide) && wide <= (ulong)max)
        {
            value = (int)wide;
            return true;
        }

        _position = start;
        value = 0;
        return false;
    }

    /// <summary>A float, or an integer as one.</summary>
    public bool TryReadDouble(out double value)
    {
        value = 0;
        if (TryReadInteger(out var bits, out var negative))
        {
            value = negative ? (long)bits : bits;
            return true;
        }

        if (AtEnd || _data[_position] is not (0xca or 0xcb))
        {
            return false;
        }

        var bytes = _data[_position] == 0xca ? 4 : 8;
        if (_data.Length - _position <= bytes)
        {
            Failed = true;
            return false;
        }

        var body = _data.Slice(_position + 1, bytes);
        value = bytes == 4 ? BinaryPrimitives.ReadSingleBigEndian(body) : BinaryPrimitives.ReadDoubleBigEndian(body);
        _position += 1 + bytes;
        return true;
    }

    /// <summary>The bytes of a text or of a binary value.</summary>
    public bool TryReadBytes(out ReadOnlySpan<byte> value)
    {
        value = default;
        return Peek() is MsgPackKind.Text or MsgPackKind.Binary && TryReadLength(out var length) && TryTake(length, out value);
    }

    /// <summary>The UTF-8 of a text, not validated.</summary>
    public bool TryReadText(out ReadOnlySpan<byte> utf8)
    {
        utf8 = default;
        return Peek() == MsgPackKind.Text && TryReadLength(out var length) && TryTake(length, out utf8);
    }

    /// <summary>Begins an array. The count never exceeds the bytes left, whatever the header claims.</summary>
    public bool TryReadArray(out int count) => TryReadContainer(MsgPackKind.Array, 1, out count);

    /// <summary>Begins a map of <paramref name="count"/> key and value pairs; the same bound holds.</summary>
    public bool TryReadMap(out int count) => TryReadContainer(MsgPackKind.Map, 2, out count);

    /// <summary>Passes over one value with everything inside it; no recursion, time linear in its bytes.</summary>
    public bool Skip()
    {
        var left = 1L;
        var at = _position;
        while (left-- > 0)
        {
            if ((uint)at >= (uint)_data.Length)
            {
                return Fail();
            }

            int whole = WholeBytes[_data[at]];
            if (whole != 0)
            {
                at += whole;
                continue;
            }

            _position = at;
            var kind = Peek();
            if (kind == MsgPackKind.None || !TryReadLength(out var length))
            {
                return Fail();
            }

            at = _position;
            if (kind is MsgPackKind.Array or MsgPackKind.Map)
            {
                left += kind == MsgPackKind.Map ? 2L * length : length;
            }
            else if (length > _data.Length - at)
            {
                return Fail();
            }
            else
            {
                at += (int)length;
            }
        }

        _position = at;
        return at <= _data.Length || Fail();
    }

    private bool TryReadContainer(MsgPackKind kind, int bytesPerItem, out int count)
    {
        count = 0;
        if (Peek() != kind || !TryReadLength(out var items))
        {
            return false;
        }

        if (items * bytesPerItem > _data.Length - _position)
        {
            return Fail();
        }

        count = (int)items;
        return true;
    }

    /// <summary>The header of a value with a length: bytes of text, binary and extension (its type byte included), items of the others.</summary>
    private bool TryReadLength(out long length)
    {
        var first = _data[_position];
        var bytes = first switch
        {
            <= 0xbf => 0,
            0xc4 or 0xc7 or 0xd9 => 1,
            0xc5 or 0xc8 or 0xda or 0xdc or 0xde => 2,
            _ => 4,
        };
        length = first switch { <= 0x9f => first & 0x0f, <= 0xbf => first & 0x1f, _ => 0 };
        if (_data.Length - _position <= bytes)
        {
            return Fail();
        }

        foreach (var b in _data.Slice(_position + 1, bytes))
        {
            length = (length << 8) | b;
        }

        length += first is >= 0xc7 and <= 0xc9 ? 1 : 0;
        _position += 1 + bytes;
        return true;
    }

    private bool TryTake(long length, out ReadOnlySpan<byte> value)
    {
        value = default;
        if (length > _data.Length - _position)
        {
            return Fail();
        }

        value = _data.Slice(_position, (int)length);
        _position += (int)length;
        return true;
    }

    private bool Fail()
    {
        Failed = true;
        return false;
    }
}
