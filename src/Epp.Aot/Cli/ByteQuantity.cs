using System.Globalization;

namespace Epp.Aot.Cli;

/// <summary>A Kubernetes quantity of bytes with one optional trailing <c>B</c>: <c>10MiB</c>, <c>25MB</c>, <c>512Mi</c>, <c>1000000</c>.</summary>
internal static class ByteQuantity
{
    public static bool TryParse(ReadOnlySpan<char> text, out long bytes)
    {
        bytes = 0;
        text = text is [.., 'B' or 'b'] ? text[..^1] : text;
        var digits = text.IndexOfAnyExcept("0123456789.");
        var unit = digits < 0 ? "" : text[digits..];
        double scale = unit switch
        {
            "" => 1,
            "k" or "K" => 1e3,
            "M" => 1e6,
            "G" => 1e9,
            "T" => 1e12,
            "Ki" => 1L << 10,
            "Mi" => 1L << 20,
            "Gi" => 1L << 30,
            "Ti" => 1L << 40,
            _ => 0,
        };
        var number = digits < 0 ? text : text[..digits];
        if (scale == 0 || !double.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var amount) || amount * scale > long.MaxValue / 2)
        {
            return false;
        }

        bytes = (long)(amount * scale);
        return true;
    }
}
