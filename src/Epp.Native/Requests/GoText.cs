using System.Buffers;
using System.Globalization;

namespace Epp.Native.Requests;

/// <summary>How Go writes a float64.</summary>
internal enum GoFloat
{
    /// <summary>As <c>json.Marshal</c>: an exponent below 1e-6 and from 1e21 on, without leading zeros.</summary>
    Json = 0,

    /// <summary>As <c>%v</c>: an exponent below 1e-4 and from 1e6 on, of two digits at least.</summary>
    Verb,
}

/// <summary>Writes what Go's <c>json.Marshal</c> would: strings with <c>&lt;</c>, <c>&gt;</c>, <c>&amp;</c>, U+2028 and U+2029 escaped, numbers as float64.</summary>
internal static class GoText
{
    private static readonly SearchValues<byte> Stops = SearchValues.Create(
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31,
            (byte)'"', (byte)'\\', (byte)'<', (byte)'>', (byte)'&', 0xE2]);

    /// <summary>Writes the rest of a string, opening quote taken, as a Go string with quotes.</summary>
    public static void Quote(ref BodyReader reader, ref BlockChain chain)
    {
        chain.Write("\""u8);

        // Bytes of E2 80 A8 or E2 80 A9 seen so far: pieces may end anywhere.
        var held = 0;
        while (reader.NextText(out var part))
        {
            while (!part.IsEmpty)
            {
                if (held > 0)
                {
                    held = Separator(held, ref part, ref chain);
                    continue;
                }

                var n = part.IndexOfAny(Stops);
                if (n < 0)
                {
                    chain.Write(part);
                    break;
                }

                chain.Write(part[..n]);
                var c = part[n];
                part = part[(n + 1)..];
                if (c == 0xE2)
                {
                    held = 1;
                }
                else
                {
                    Escape(c, ref chain);
                }
            }
        }

        Release(held, ref chain);
        chain.Write("\""u8);
    }

    /// <summary>Writes a number as Go prints the float64 it reads; numbers longer than 64 bytes as they are.</summary>
    public static void Number(scoped ReadOnlySpan<byte> text, ref BlockChain chain)
    {
        if (IsShortInteger(text) || !double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value))
        {
            chain.Write(text);
            return;
        }

        Span<byte> output = stackalloc byte[40];
        chain.Write(output[..Format(value, output)]);
    }

    /// <summary>Go's <c>strconv.AppendFloat(v, …, -1, 64)</c> as <c>encoding/json</c> or <c>fmt</c> calls it; returns the bytes written, ≤ 32.</summary>
    internal static int Format(double value, Span<byte> output, GoFloat style = GoFloat.Json)
    {
        Span<byte> shortest = stackalloc byte[32];
        Math.Abs(value).TryFormat(shortest, out var n, "R", CultureInfo.InvariantCulture);

        // ddd.dddE±xx → digits without leading zeros, and the place of the point behind the first digit.
        Span<byte> digits = stackalloc byte[32];
        var count = 0;
        var point = -1;
        var exponent = 0;
        for (var i = 0; i < n; i++)
        {
            if (shortest[i] == '.')
            {
                point = count;
            }
            else if (shortest[i] == 'E')
            {
                exponent = int.Parse(shortest[(i + 1)..n], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
                break;
            }
            else
            {
                digits[count++] = shortest[i];
            }
        }

        exponent += (point < 0 ? count : point) - 1;
        var zeros = digits[..count].IndexOfAnyExcept((byte)'0');
        var significant = zeros < 0 ? digits[..1] : digits[zeros..count].TrimEnd((byte)'0');
        exponent -= Math.Max(zeros, 0);

        var at = 0;
        if (double.IsNegative(value))
        {
            output[at++] = (byte)'-';
        }

        var isPlain = style == GoFloat.Json ? exponent is >= -6 and < 21 : exponent is >= -4 and < 6;
        return zeros < 0 || isPlain
            ? at + Plain(significant, zeros < 0 ? 0 : exponent, output[at..])
            : at + Scientific(significant, exponent, output[at..], style == GoFloat.Verb ? 2 : 1);
    }

    private static int Plain(ReadOnlySpan<byte> digits, int exponent, Span<byte> output)
    {
        var at = 0;
        if (exponent < 0)
        {
            output[at++] = (byte)'0';
            output[at++] = (byte)'.';
            for (var i = -1; i > exponent; i--)
            {
                output[at++] = (byte)'0';
            }
        }

        for (var i = 0; i < Math.Max(digits.Length, exponent + 1); i++)
        {
            if (i == exponent + 1 && exponent >= 0)
            {
                output[at++] = (byte)'.';
            }

            output[at++] = i < digits.Length ? digits[i] : (byte)'0';
        }

        return at;
    }

    private static int Scientific(ReadOnlySpan<byte> digits, int exponent, Span<byte> output, int exponentDigits)
    {
        var at = 0;
        output[at++] = digits[0];
        if (digits.Length > 1)
        {
            output[at++] = (byte)'.';
            digits[1..].CopyTo(output[at..]);
            at += digits.Length - 1;
        }

        output[at++] = (byte)'e';
        output[at++] = (byte)(exponent < 0 ? '-' : '+');
        Math.Abs(exponent).TryFormat(output[at..], out var n, exponentDigits == 2 ? "D2" : default, CultureInfo.InvariantCulture);
        return at + n;
    }

    private static bool IsShortInteger(ReadOnlySpan<byte> text)
    {
        // 15 digits always survive a float64.
        var digits = text is [(byte)'-', ..] ? text[1..] : text;
        return digits.Length <= 15 && digits.IndexOfAnyExceptInRange((byte)'0', (byte)'9') < 0;
    }

    private static int Separator(int held, scoped ref ReadOnlySpan<byte> part, scoped ref BlockChain chain)
    {
        var c = part[0];
        if (held == 1 && c == 0x80)
        {
            part = part[1..];
            return 2;
        }

        if (held == 2 && c is 0xA8 or 0xA9)
        {
            part = part[1..];
            chain.Write(c == 0xA8 ? "\\u2028"u8 : "\\u2029"u8);
            return 0;
        }

        Release(held, ref chain);
        return 0;
    }

    private static void Release(int held, ref BlockChain chain)
    {
        ReadOnlySpan<byte> bytes = [0xE2, 0x80];
        chain.Write(bytes[..held]);
    }

    private static void Escape(byte c, ref BlockChain chain)
    {
        switch (c)
        {
            case (byte)'"':
                chain.Write("\\\""u8);
                break;
            case (byte)'\\':
                chain.Write("\\\\"u8);
                break;
            case (byte)'\b':
                chain.Write("\\b"u8);
                break;
            case (byte)'\f':
                chain.Write("\\f"u8);
                break;
            case (byte)'\n':
                chain.Write("\\n"u8);
                break;
            case (byte)'\r':
                chain.Write("\\r"u8);
                break;
            case (byte)'\t':
                chain.Write("\\t"u8);
                break;
            default:
                chain.Write([(byte)'\\', (byte)'u', (byte)'0', (byte)'0', Hex(c >> 4), Hex(c & 15)]);
                break;
        }
    }

    private static byte Hex(int digit) => (byte)(digit < 10 ? '0' + digit : 'a' + digit - 10);
}
