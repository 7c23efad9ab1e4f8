using System.Buffers.Binary;

namespace Epp.Native.Wire;

/// <summary>
/// Reads protobuf fields from one contiguous message (https://protobuf.dev/programming-guides/encoding/). Never throws: malformed
/// input ends the loop and sets <see cref="Failed"/>. Groups are skipped to a depth of 32.
/// </summary>
public ref struct ProtoReader(ReadOnlySpan<byte> message)
{
    /// <summary>Wire types of protobuf.</summary>
    public const int Varint = 0, Fixed64 = 1, Bytes = 2, StartGroup = 3, EndGroup = 4, Fixed32 = 5;

    private const int MaxGroupDepth = 32;

    private readonly ReadOnlySpan<byte> _message = message;
    private int _position;

    /// <summary>Number of the field last read.</summary>
    public int Field { get; private set; }

    /// <summary>Wire type of the field last read.</summary>
    public int WireType { get; private set; }

    /// <summary>Content of a length-delimited field last read.</summary>
    public ReadOnlySpan<byte> Content { get; private set; }

    /// <summary>Value of a varint or fixed field last read.</summary>
    public ulong Value { get; private set; }

    /// <summary>True once the input proved malformed.</summary>
    public bool Failed { get; private set; }

    /// <summary>Advances to the next field and reads it whole; false at the end or on malformed input.</summary>
    public bool Next()
    {
        if (_position >= _message.Length || Failed)
        {
            return false;
        }

        if (!TryVarint(out var tag) || tag >> 3 == 0 || tag >> 3 > 0x1FFFFFFF)
        {
            return Fail();
        }

        Field = (int)(tag >> 3);
        WireType = (int)(tag & 7);
        Content = default;
        Value = 0;
        return ReadValue() || Fail();
    }

    private bool ReadValue()
    {
        switch (WireType)
        {
            case Varint:
                if (!TryVarint(out var value))
                {
                    return false;
                }

                Value = value;
                return true;
            case Bytes:
                if (!TryVarint(out var length) || length > (ulong)(_message.Length - _position))
                {
                    return false;
                }

                Content = _message.Slice(_position, (int)length);
                _position += (int)length;
                return true;
            case Fixed64:
                return TryFixed(8);
            case Fixed32:
                return TryFixed(4);
            case StartGroup:
                return TrySkipGroup(Field);
            default:
                return false;
        }
    }

    private bool TryFixed(int bytes)
    {
        if (_message.Length - _position < bytes)
        {
            return false;
        }

        var at = _message[_position..];
        Value = bytes == 8 ? BinaryPrimitives.ReadUInt64LittleEndian(at) : BinaryPrimitives.ReadUInt32LittleEndian(at);
        _position += bytes;
        return true;
    }

    // Groups are obsolete, but an unknown field may be one: skip to the end tag that matches.
    private bool TrySkipGroup(int field)
    {
        Span<int> open = stackalloc int[MaxGroupDepth];
        open[0] = field;
        var depth = 1;
        while (depth > 0)
        {
            if (_position >= _message.Length || !TryVarint(out var tag) || tag >> 3 == 0 || tag >> 3 > 0x1FFFFFFF)
            {
                return false;
            }

            var number = (int)(tag >> 3);
            switch ((int)(tag & 7))
            {
                case StartGroup when depth == MaxGroupDepth:
                    return false;
                case StartGroup:
                    open[depth++] = number;
                    break;
                case EndGroup:
                    if (open[--depth] != number)
                    {
                        return false;
                    }

                    break;
                default:
                    WireType = (int)(tag & 7);
                    if (!ReadValue())
                    {
                        return false;
                    }

                    break;
            }
        }

        WireType = StartGroup;
        Content = default;
        Value = 0;
        return true;
    }

    private bool TryVarint(out ulong value)
    {
        // One byte is by far the commonest: tags below 16, lengths below 128, flags.
        if (_position < _message.Length && _message[_position] < 0x80)
        {
            value = _message[_position++];
            return true;
        }

        value = 0;
        for (var shift = 0; shift < 70 && _position < _message.Length; shift += 7)
        {
            var b = _message[_position++];
            if (shift < 64)
            {
                value |= (ulong)(b & 0x7F) << shift;
            }

            if (b < 0x80)
            {
                return true;
            }
        }

        return false;
    }

    private bool Fail()
    {
        Failed = true;
        return false;
    }
}
