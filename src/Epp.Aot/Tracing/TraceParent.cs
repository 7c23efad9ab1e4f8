using System.Buffers.Binary;
using System.Buffers.Text;

namespace Epp.Aot.Tracing;

/// <summary>Ids of one span and its parent. W3C trace context, https://www.w3.org/TR/trace-context/.</summary>
/// <param name="TraceHigh">First eight bytes of the trace id.</param>
/// <param name="TraceLow">Last eight bytes of the trace id; samplers look at these.</param>
/// <param name="Span">Id of a span; never 0.</param>
/// <param name="Sampled">Bit 0 of the flags.</param>
internal readonly record struct TraceParent(ulong TraceHigh, ulong TraceLow, ulong Span, bool Sampled)
{
    /// <summary>Bytes of version 00: <c>00-&lt;32 hex&gt;-&lt;16 hex&gt;-&lt;2 hex&gt;</c>.</summary>
    public const int Length = 55;

    /// <summary>Reads a header value; false for anything the recommendation calls invalid. Later versions are read as far as 00 goes.</summary>
    public static bool TryParse(ReadOnlySpan<byte> text, out TraceParent parent)
    {
        parent = default;
        if (text.Length < Length || text[2] != '-' || text[35] != '-' || text[52] != '-'
            || !TryHex(text[..2], out var version) || version == 0xff || (version == 0 && text.Length != Length)
            || (text.Length > Length && text[Length] != '-'))
        {
            return false;
        }

        if (!TryHex(text[3..19], out var high) || !TryHex(text[19..35], out var low) || !TryHex(text[36..52], out var span) || !TryHex(text[53..55], out var flags)
            || (high | low) == 0 || span == 0)
        {
            return false;
        }

        parent = new TraceParent(high, low, span, (flags & 1) != 0);
        return true;
    }

    /// <summary>Writes version 00.</summary>
    /// <param name="to">At least <see cref="Length"/> bytes.</param>
    public void Write(Span<byte> to)
    {
        "00-"u8.CopyTo(to);
        Hex(TraceHigh, to[3..]);
        Hex(TraceLow, to[19..]);
        to[35] = (byte)'-';
        Hex(Span, to[36..]);
        (Sampled ? "-01"u8 : "-00"u8).CopyTo(to[52..]);
    }

    /// <summary>The trace id as OTLP carries it.</summary>
    public void WriteTraceId(Span<byte> to)
    {
        BinaryPrimitives.WriteUInt64BigEndian(to, TraceHigh);
        BinaryPrimitives.WriteUInt64BigEndian(to[8..], TraceLow);
    }

    private static void Hex(ulong value, Span<byte> to) => Utf8Formatter.TryFormat(value, to, out _, new System.Buffers.StandardFormat('x', 16));

    // Upper-case digits are invalid in this header.
    private static bool TryHex(ReadOnlySpan<byte> text, out ulong value)
    {
        value = 0;
        foreach (var c in text)
        {
            var digit = c is >= (byte)'0' and <= (byte)'9' ? c - '0' : c is >= (byte)'a' and <= (byte)'f' ? c - 'a' + 10 : -1;
            if (digit < 0)
            {
                return false;
            }

            value = (value << 4) | (uint)digit;
        }

        return true;
    }
}
