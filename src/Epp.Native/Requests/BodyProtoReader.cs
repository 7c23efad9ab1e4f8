using Epp.Native.Memory;
using Epp.Native.Wire;

namespace Epp.Native.Requests;

/// <summary>
/// Reads protobuf fields where they lie in the segments of a body (https://protobuf.dev/programming-guides/encoding/). Never throws and
/// never leaves its range: malformed input ends the loop and sets <see cref="Failed"/>. Groups are skipped to a depth of 32.
/// </summary>
internal ref struct BodyProtoReader
{
    private const int MaxGroupDepth = 32;

    private readonly BodyBuffer _body;
    private readonly int _end;
    private ReadOnlySpan<byte> _span;
    private int _base;
    private int _at;

    /// <summary>Reads bytes [<paramref name="start"/>, <paramref name="end"/>) of a body, which has them.</summary>
    public BodyProtoReader(BodyBuffer body, int start, int end)
    {
        _body = body;
        _end = end;
        Seek(start);
    }

    /// <summary>Number of the field last read.</summary>
    public int Field { get; private set; }

    /// <summary>Its wire type, see <see cref="ProtoReader"/>.</summary>
    public int WireType { get; private set; }

    /// <summary>Value of a varint last read.</summary>
    public ulong Value { get; private set; }

    /// <summary>First byte of the content of a length-delimited field last read.</summary>
    public int Start { get; private set; }

    /// <summary>The byte behind that content.</summary>
    public int End { get; private set; }

    /// <summary>First byte of the field last read, its tag included.</summary>
    public int FieldStart { get; private set; }

    /// <summary>True once the input proved malformed.</summary>
    public bool Failed { get; private set; }

    private readonly int Position => _base + _at;

    /// <summary>True where nothing is left.</summary>
    public readonly bool IsAtEnd => Position >= _end;

    /// <summary>Advances to the next field; false at the end or on malformed input.</summary>
    public bool Next()
    {
        if (Failed || IsAtEnd)
        {
            return false;
        }

        FieldStart = Position;
        if (!TryTag() || !TryContent())
        {
            Failed = true;
        }

        return !Failed;
    }

    /// <summary>Reads a bare varint, as packed fields hold them; false, and <see cref="Failed"/>, where there is none.</summary>
    public bool TryVarint(out ulong value)
    {
        value = 0;
        for (var shift = 0; shift < 70 && (_at < _span.Length || Fill()); shift += 7)
        {
            var b = _span[_at++];
            value |= shift < 64 ? (ulong)(b & 0x7F) << shift : 0;
            if (b < 0x80)
            {
                return true;
            }
        }

        Failed = true;
        return false;
    }

    private bool TryTag()
    {
        if (!TryVarint(out var tag) || tag >> 3 is 0 or > 0x1FFFFFFF)
        {
            return false;
        }

        (Field, WireType) = ((int)(tag >> 3), (int)(tag & 7));
        return true;
    }

    private bool TryContent()
    {
        switch (WireType)
        {
            case ProtoReader.Varint:
                if (!TryVarint(out var value))
                {
                    return false;
                }

                Value = value;
                return true;
            case ProtoReader.Bytes:
                if (!TryVarint(out var length) || length > (ulong)(_end - Position))
                {
                    return false;
                }

                Start = Position;
                End = Start + (int)length;
                Seek(End);
                return true;
            case ProtoReader.Fixed64 or ProtoReader.Fixed32:
                return TrySkip(WireType == ProtoReader.Fixed64 ? 8 : 4);
            case ProtoReader.StartGroup:
                return TrySkipGroup();
            default:
                return false;
        }
    }

    // Groups are obsolete, but an unknown field may be one: skip to the end tag that matches.
    private bool TrySkipGroup()
    {
        Span<int> open = stackalloc int[MaxGroupDepth];
        open[0] = Field;
        for (var depth = 1; depth > 0;)
        {
            if (!TryTag())
            {
                return false;
            }

            if (WireType == ProtoReader.EndGroup)
            {
                if (open[--depth] != Field)
                {
                    return false;
                }
            }
            else if (WireType == ProtoReader.StartGroup)
            {
                if (depth == MaxGroupDepth)
                {
                    return false;
                }

                open[depth++] = Field;
            }
            else if (!TryContent())
            {
                return false;
            }
        }

        WireType = ProtoReader.StartGroup;
        return true;
    }

    private bool TrySkip(int bytes)
    {
        if (_end - Position < bytes)
        {
            return false;
        }

        Seek(Position + bytes);
        return true;
    }

    private void Seek(int position)
    {
        (_base, _at) = (position, 0);
        _span = _body.Slice(position, _end - position);
    }

    private bool Fill()
    {
        Seek(Position);
        return !_span.IsEmpty;
    }
}
