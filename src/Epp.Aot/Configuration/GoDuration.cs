using System.Buffers;
using System.Globalization;

namespace Epp.Aot.Configuration;

/// <summary>Durations as Go writes them: <c>50ms</c>, <c>1m30s</c>, <c>1.5h</c>, <c>-2s</c>, <c>0</c>.</summary>
public static class GoDuration
{
    private static readonly SearchValues<char> NumberChars = SearchValues.Create("0123456789.");

    /// <summary>False where the text is not a duration or does not fit.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out TimeSpan duration)
    {
        duration = default;
        var negative = text.StartsWith("-");
        text = negative || text.StartsWith("+") ? text[1..] : text;
        if (text.SequenceEqual("0"))
        {
            return true;
        }

        var seconds = 0.0;
        if (text.IsEmpty)
        {
            return false;
        }

        while (!text.IsEmpty)
        {
            var digits = text.IndexOfAnyExcept(NumberChars);
            if (digits <= 0 || !double.TryParse(text[..digits], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number))
            {
                return false;
            }

            text = text[digits..];
            var end = text.IndexOfAny(NumberChars);
            var unit = end < 0 ? text : text[..end];
            var scale = Scale(unit);
            if (scale == 0)
            {
                return false;
            }

            seconds += number * scale;
            text = text[unit.Length..];
        }

        if (seconds > 1e9)
        {
            return false;
        }

        duration = TimeSpan.FromSeconds(negative ? -seconds : seconds);
        return true;
    }

    private static double Scale(ReadOnlySpan<char> unit) => unit switch
    {
        "ns" => 1e-9,
        "us" or "µs" or "μs" => 1e-6,
        "ms" => 1e-3,
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => 0,
    };
}
