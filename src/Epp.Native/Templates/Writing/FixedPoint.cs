using System.Globalization;

namespace Epp.Native.Templates.Writing;

/// <summary>Decimal digits of a float, rounded as C's printf does: exactly, ties to even.</summary>
internal static class FixedPoint
{
    /// <summary>Digits behind the last one wanted that tell a tie; a tie has one more digit than wanted, and it is 5.</summary>
    private const int GuardDigits = 30;

    /// <summary><c>%.{digits}f</c>.</summary>
    public static string Round(double value, int digits)
    {
        var rounded = value.ToString("F" + digits, CultureInfo.InvariantCulture);
        if (!double.IsFinite(value))
        {
            return rounded;
        }

        // .NET rounds a tie away from zero. It is one if the exact digits go on with 5 and zeros.
        var exact = value.ToString("F" + (digits + GuardDigits), CultureInfo.InvariantCulture);
        var tail = exact.AsSpan(exact.Length - GuardDigits);
        if (tail[0] != '5' || tail[1..].IndexOfAnyExcept('0') >= 0)
        {
            return WithSign(rounded, value);
        }

        var truncated = exact[..^GuardDigits].TrimEnd('.');
        return (truncated[^1] - '0') % 2 == 0 ? truncated : WithSign(rounded, value);
    }

    /// <summary><c>%.{digits}e</c>: digits, and the exponent apart.</summary>
    public static string Scientific(double value, int digits, out int exponent)
    {
        var text = value.ToString("E" + digits, CultureInfo.InvariantCulture);
        var at = text.IndexOf('E', StringComparison.Ordinal);
        exponent = int.Parse(text.AsSpan(at + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);

        // A tie shows in the next digits, as above.
        var exact = value.ToString("E" + (digits + GuardDigits), CultureInfo.InvariantCulture);
        var mantissa = exact.AsSpan(0, exact.IndexOf('E', StringComparison.Ordinal));
        var tail = mantissa[^GuardDigits..];
        if (tail[0] == '5' && tail[1..].IndexOfAnyExcept('0') < 0)
        {
            var truncated = mantissa[..^GuardDigits].TrimEnd('.');
            if ((truncated[^1] - '0') % 2 == 0)
            {
                exponent = int.Parse(exact.AsSpan(exact.IndexOf('E', StringComparison.Ordinal) + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
                return truncated.ToString();
            }
        }

        return text[..at];
    }

    private static string WithSign(string text, double value) => double.IsNegative(value) && text[0] != '-' ? "-" + text : text;
}
