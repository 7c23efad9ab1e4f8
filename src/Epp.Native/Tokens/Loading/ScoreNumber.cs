using System.Globalization;

namespace Epp.Native.Tokens.Loading;

/// <summary>
/// Reads a JSON number the way the library's JSON reader does: all digits as one integer, then one multiplication or division by a power
/// of ten. That is not always the nearest double, and where two segmentations tie to the last bit, the last bit decides.
/// </summary>
internal static class ScoreNumber
{
    private const int MaxExponent = 308;

    /// <summary>The number; the text is valid JSON. Infinite where it is out of range.</summary>
    public static double Read(ReadOnlySpan<byte> text)
    {
        var negative = text[0] == '-';
        text = negative ? text[1..] : text;
        var (significand, exponent, dot, full) = (0ul, 0, false, false);
        var at = 0;
        for (; at < text.Length && text[at] is not ((byte)'e' or (byte)'E'); at++)
        {
            if (text[at] == '.')
            {
                dot = true;
                continue;
            }

            var digit = (uint)(text[at] - '0');
            full |= significand > ulong.MaxValue / 10 || (significand == ulong.MaxValue / 10 && digit > ulong.MaxValue % 10);
            if (full)
            {
                // Digits that no longer fit are dropped; before the point they still count as places.
                exponent += dot ? 0 : 1;
                continue;
            }

            significand = (significand * 10) + digit;
            exponent -= dot ? 1 : 0;
        }

        if (at < text.Length && int.TryParse(text[(at + 1)..], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var power))
        {
            exponent = (int)Math.Clamp((long)exponent + power, -10_000, 10_000);
        }

        var value = Scale(significand, exponent);
        return negative ? -value : value;
    }

    private static double Scale(double value, int exponent)
    {
        for (; exponent < -MaxExponent && value != 0; exponent += MaxExponent)
        {
            value /= 1e308;
        }

        return exponent switch
        {
            > MaxExponent => value == 0 ? 0 : double.PositiveInfinity,
            >= 0 => value * PowerOfTen(exponent),
            _ => value / PowerOfTen(Math.Min(-exponent, MaxExponent)),
        };
    }

    // Up to 22 a product of tens is exact; beyond it may not be the nearest double, which parsing is.
    private static double PowerOfTen(int exponent)
    {
        if (exponent > 22)
        {
            return double.Parse("1e" + exponent.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
        }

        var power = 1.0;
        for (; exponent > 0; exponent--)
        {
            power *= 10;
        }

        return power;
    }
}
