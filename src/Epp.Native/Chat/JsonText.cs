using System.Buffers;

namespace Epp.Native.Chat;

/// <summary>Text between the quotes of a JSON string: escapes away, escapes back.</summary>
internal static class JsonText
{
    private static readonly SearchValues<byte> MustEscape = SearchValues.Create(
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, (byte)'"', (byte)'\\']);

    /// <summary>
    /// Writes the text that <paramref name="raw"/>, known to be valid, stands for; at most as many bytes. Half a surrogate pair comes out
    /// as its three generalised UTF-8 bytes, so that different texts stay different.
    /// </summary>
    public static int Unescape(ReadOnlySpan<byte> raw, Span<byte> plain)
    {
        var length = 0;
        while (true)
        {
            var escape = raw.IndexOf((byte)'\\');
            if (escape < 0)
            {
                raw.CopyTo(plain[length..]);
                return length + raw.Length;
            }

            raw[..escape].CopyTo(plain[length..]);
            length += escape;
            raw = raw[escape..];
            raw = raw[(raw[1] == 'u' ? UnescapeUnit(raw, plain, ref length) : UnescapeShort(raw[1], plain, ref length))..];
        }
    }

    /// <summary>Reads <c>\uXXXX</c> at the start.</summary>
    public static bool TryHex(ReadOnlySpan<byte> text, out int unit)
    {
        unit = 0;
        if (text.Length < 6 || text[0] != '\\' || text[1] != 'u')
        {
            return false;
        }

        for (var i = 2; i < 6; i++)
        {
            var c = text[i];
            var digit = c switch
            {
                >= (byte)'0' and <= (byte)'9' => c - '0',
                >= (byte)'a' and <= (byte)'f' => c - 'a' + 10,
                >= (byte)'A' and <= (byte)'F' => c - 'A' + 10,
                _ => -1,
            };
            if (digit < 0)
            {
                return false;
            }

            unit = (unit << 4) | digit;
        }

        return true;
    }

    /// <summary>Writes text so that it may stand between quotes; non-ASCII stays.</summary>
    public static void Escape(ReadOnlySpan<byte> plain, JsonOutput output)
    {
        while (true)
        {
            var stop = plain.IndexOfAny(MustEscape);
            if (stop < 0)
            {
                output.Raw(plain);
                return;
            }

            output.Raw(plain[..stop]);
            EscapeByte(plain[stop], output);
            plain = plain[(stop + 1)..];
        }
    }

    private static void EscapeByte(byte c, JsonOutput output)
    {
        switch (c)
        {
            case (byte)'"':
                output.Raw("\\\""u8);
                break;
            case (byte)'\\':
                output.Raw("\\\\"u8);
                break;
            case (byte)'\n':
                output.Raw("\\n"u8);
                break;
            case (byte)'\r':
                output.Raw("\\r"u8);
                break;
            case (byte)'\t':
                output.Raw("\\t"u8);
                break;
            default:
                output.Raw(c < 16 ? "\\u000"u8 : "\\u001"u8);
                output.Byte("0123456789abcdef"u8[c & 15]);
                break;
        }
    }

    private static int UnescapeShort(byte c, Span<byte> plain, ref int length)
    {
        plain[length++] = c switch
        {
            (byte)'b' => 8,
            (byte)'f' => 12,
            (byte)'n' => (byte)'\n',
            (byte)'r' => (byte)'\r',
            (byte)'t' => (byte)'\t',
            _ => c,
        };
        return 2;
    }

    private static int UnescapeUnit(ReadOnlySpan<byte> raw, Span<byte> plain, ref int length)
    {
        TryHex(raw, out var unit);
        if (unit is >= 0xD800 and < 0xDC00 && TryHex(raw[6..], out var low) && low is >= 0xDC00 and < 0xE000)
        {
            var point = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
            plain[length++] = (byte)(0xF0 | (point >> 18));
            plain[length++] = (byte)(0x80 | ((point >> 12) & 63));
            plain[length++] = (byte)(0x80 | ((point >> 6) & 63));
            plain[length++] = (byte)(0x80 | (point & 63));
            return 12;
        }

        if (unit < 0x80)
        {
            plain[length++] = (byte)unit;
        }
        else if (unit < 0x800)
        {
            plain[length++] = (byte)(0xC0 | (unit >> 6));
            plain[length++] = (byte)(0x80 | (unit & 63));
        }
        else
        {
            plain[length++] = (byte)(0xE0 | (unit >> 12));
            plain[length++] = (byte)(0x80 | ((unit >> 6) & 63));
            plain[length++] = (byte)(0x80 | (unit & 63));
        }

        return 6;
    }
}
