using System.Globalization;

namespace Epp.Aot.Cli;

/// <summary>Go's duration syntax: signed decimal numbers with units, such as <c>300ms</c>, <c>-1.5h</c>, <c>2h45m</c> (https://pkg.go.dev/time#ParseDuration).</summary>
internal static class GoDuration
{
    public static bool TryParse(ReadOnlySpan<char> text, out TimeSpan duration)
    {
        duration = default;
        var negative = text is ['-', ..];
        text = text is ['-' or '+', ..] ? text[1..] : text;
        if (text is "0")
        {
            return true;
        }

        if (text.IsEmpty)
        {
            return false;
        }

        double seconds = 0;
        while (!text.IsEmpty)
        {
            var digits = text.IndexOfAnyExcept("0123456789.");
            if (digits <= 0 || !double.TryParse(text[..digits], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var amount))
            {
                return false;
            }

            text = text[digits..];
            var end = text.IndexOfAny("0123456789.");
            var unit = end < 0 ? text : text[..end];
            var scale = unit switch
            {
                "ns" => 1e-9,
                "us" or "µs" or "μs" => 1e-6,
                "ms" => 1e-3,
                "s" => 1,
                "m" => 60,
                "h" => 3600,
                _ => 0.0,
            };
            if (scale == 0)
            {
                return false;
            }

            seconds += amount * scale;
            text = text[unit.Length..];
        }

        if (seconds > TimeSpan.MaxValue.TotalSeconds / 2)
        {
            return false;
        }

        duration = TimeSpan.FromSeconds(negative ? -seconds : seconds);
        return true;
    }
}
