using System.Text;
using Epp.Native.Templates.Writing;

namespace Epp.Native.Templates.Parsing;

/// <summary>Escapes in string literals, as Python's <c>unicode-escape</c> reads them.</summary>
internal static class StringLiteral
{
    /// <summary>
    /// Appends the text of a literal without its quotes; false on an escape that is no character. An unescaped character never takes
    /// more bytes than its escape.
    /// </summary>
    public static bool TryUnescape(ReadOnlySpan<byte> raw, Span<byte> text, ref int length)
    {
        for (var i = 0; i < raw.Length;)
        {
            if (raw[i] != '\\' || i + 1 == raw.Length)
            {
                text[length++] = raw[i++];
                continue;
            }

            var c = raw[i + 1];
            i += 2;
            var digits = c switch { (byte)'x' => 2, (byte)'u' => 4, (byte)'U' => 8, _ => 0 };
            if (digits > 0)
            {
                if (!TryCodePoint(raw, ref i, digits, out var rune))
                {
                    return false;
                }

                length += rune.EncodeToUtf8(text[length..]);
            }
            else if (c is >= (byte)'0' and <= (byte)'7')
            {
                var value = c - '0';
                for (var n = 1; n < 3 && i < raw.Length && raw[i] is >= (byte)'0' and <= (byte)'7'; n++)
                {
                    value = value * 8 + raw[i++] - '0';
                }

                length += new Rune(value).EncodeToUtf8(text[length..]);
            }
            else if (c == 'N')
            {
                return false;
            }
            else
            {
                AppendSimple(c, text, ref length);
            }
        }

        return true;
    }

    private static void AppendSimple(byte c, Span<byte> text, ref int length)
    {
        var value = c switch
        {
            (byte)'n' => '\n',
            (byte)'t' => '\t',
            (byte)'r' => '\r',
            (byte)'a' => '\a',
            (byte)'b' => '\b',
            (byte)'f' => '\f',
            (byte)'v' => '\v',
            (byte)'\\' or (byte)'\'' or (byte)'"' => (char)c,
            _ => '\0',
        };
        if (value != '\0')
        {
            text[length++] = (byte)value;
        }
        else if (c != '\n')
        {
            // An unknown escape stays as it is; a backslash before a newline joins the lines.
            text[length++] = (byte)'\\';
            text[length++] = c;
        }
    }

    private static bool TryCodePoint(ReadOnlySpan<byte> raw, ref int at, int digits, out Rune rune)
    {
        var ok = TryHex(raw, ref at, digits, out var value);
        if (ok && value is >= 0xD800 and < 0xDC00 && digits == 4 && raw[at..].StartsWith("\\u"u8))
        {
            at += 2;
            ok = TryHex(raw, ref at, 4, out var low) && low is >= 0xDC00 and < 0xE000;
            value = 0x10000 + ((value - 0xD800) << 10) + (low - 0xDC00);
        }

        return Rune.TryCreate(value, out rune) && ok;
    }

    private static bool TryHex(ReadOnlySpan<byte> raw, ref int at, int digits, out int value)
    {
        value = 0;
        for (var n = 0; n < digits; n++, at++)
        {
            var digit = at < raw.Length ? Utf8Text.DigitValue(raw[at]) : 99;
            if (digit > 15 || value > 0x110000)
            {
                return false;
            }

            value = value * 16 + digit;
        }

        return true;
    }
}
