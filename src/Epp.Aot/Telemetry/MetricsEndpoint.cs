using System.Buffers;
using System.Buffers.Text;
using System.Text;

namespace Epp.Aot.Telemetry;

/// <summary>Writes an exposition of every family. Thread-safe: each call collects anew.</summary>
/// <param name="families">In the order they are written.</param>
public sealed class MetricsEndpoint(IReadOnlyList<MetricFamily> families)
{
    /// <summary>Content type of the text format.</summary>
    public const string TextContentType = "text/plain; version=0.0.4; charset=utf-8; escaping=values";

    /// <summary>Content type of OpenMetrics.</summary>
    public const string OpenMetricsContentType = "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=values";

    /// <summary>True where an <c>Accept</c> header asks for OpenMetrics before plain text.</summary>
    public static bool WantsOpenMetrics(string? accept)
    {
        if (accept is null)
        {
            return false;
        }

        var best = 0.0;
        var open = false;
        foreach (var part in accept.Split(',', StringSplitOptions.TrimEntries))
        {
            var fields = part.Split(';', StringSplitOptions.TrimEntries);
            var isOpen = fields[0].Equals("application/openmetrics-text", StringComparison.OrdinalIgnoreCase);
            var isText = fields[0] is "text/plain" or "text/*" or "*/*";
            var quality = 1.0;
            foreach (var field in fields.AsSpan(1))
            {
                if (field.StartsWith("q=", StringComparison.OrdinalIgnoreCase)
                    && double.TryParse(field.AsSpan(2), System.Globalization.CultureInfo.InvariantCulture, out var q))
                {
                    quality = q;
                }
            }

            if ((isOpen || isText) && quality > best)
            {
                (best, open) = (quality, isOpen);
            }
        }

        return open;
    }

    /// <summary>Writes the exposition as UTF-8.</summary>
    /// <param name="output">Gets the whole exposition.</param>
    /// <param name="openMetrics">OpenMetrics 1.0 instead of text format 0.0.4.</param>
    public void Write(IBufferWriter<byte> output, bool openMetrics)
    {
        foreach (var family in families)
        {
            var samples = new FamilySamples(family);
            family.Collect(samples);
            if (samples.All.Count > 0)
            {
                WriteFamily(output, samples, openMetrics);
            }
        }

        if (openMetrics)
        {
            output.Write("# EOF\n"u8);
        }
    }

    private static void WriteFamily(IBufferWriter<byte> output, FamilySamples samples, bool openMetrics)
    {
        var family = samples.Family;
        var title = openMetrics && family.Kind == MetricKind.Counter ? family.Name[..^"_total".Length] : family.Name;
        var help = family.Help.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
        var kind = family.Kind switch
        {
            MetricKind.Counter => "counter",
            MetricKind.Gauge => "gauge",
            _ => "histogram",
        };
        Text(output, $"# HELP {title} {help}\n# TYPE {title} {kind}\n");
        var bounds = Bounds(family, openMetrics);
        foreach (var (labels, sample) in samples.All)
        {
            if (sample.Counts is { } counts)
            {
                WriteHistogram(output, family.Name, labels, counts, sample.Value, bounds, openMetrics);
            }
            else
            {
                Sample(output, family.Name, "", labels, "");
                Number(output, sample.Value, openMetrics);
            }
        }
    }

    private static string[] Bounds(MetricFamily family, bool openMetrics)
    {
        Span<byte> digits = stackalloc byte[GoNumber.MaxBytes + 2];
        var bounds = new string[family.BucketBounds?.Count ?? 0];
        for (var i = 0; i < bounds.Length; i++)
        {
            bounds[i] = $"le=\"{Encoding.ASCII.GetString(digits[..Digits(family.BucketBounds![i], digits, openMetrics)])}\"";
        }

        return bounds;
    }

    private static void WriteHistogram(
        IBufferWriter<byte> output, string name, string labels, long[] counts, double sum, string[] bounds, bool openMetrics)
    {
        long total = 0;
        for (var i = 0; i < counts.Length; i++)
        {
            total += counts[i];
            Sample(output, name, "_bucket", labels, i < bounds.Length ? bounds[i] : "le=\"+Inf\"");
            Whole(output, total);
        }

        Sample(output, name, "_sum", labels, "");
        Number(output, sum, openMetrics);
        Sample(output, name, "_count", labels, "");
        Whole(output, total);
    }

    private static void Sample(IBufferWriter<byte> output, string name, string suffix, string labels, string bound)
    {
        Text(output, name);
        Text(output, suffix);
        if (labels.Length + bound.Length > 0)
        {
            Text(output, "{");
            Text(output, labels);
            Text(output, labels.Length > 0 && bound.Length > 0 ? "," : "");
            Text(output, bound);
            Text(output, "}");
        }

        Text(output, " ");
    }

    private static void Number(IBufferWriter<byte> output, double value, bool openMetrics)
    {
        var span = output.GetSpan(GoNumber.MaxBytes + 3);
        var n = Digits(value, span, openMetrics);
        span[n++] = (byte)'\n';
        output.Advance(n);
    }

    /// <summary>OpenMetrics floats show a point or an exponent.</summary>
    private static int Digits(double value, Span<byte> to, bool openMetrics)
    {
        var n = GoNumber.Format(value, to);
        if (openMetrics && double.IsFinite(value) && !to[..n].ContainsAny((byte)'.', (byte)'e'))
        {
            to[n++] = (byte)'.';
            to[n++] = (byte)'0';
        }

        return n;
    }

    private static void Whole(IBufferWriter<byte> output, long value)
    {
        var span = output.GetSpan(24);
        _ = Utf8Formatter.TryFormat(value, span, out var n);
        span[n++] = (byte)'\n';
        output.Advance(n);
    }

    private static void Text(IBufferWriter<byte> output, string text)
    {
        var span = output.GetSpan(Encoding.UTF8.GetMaxByteCount(text.Length));
        output.Advance(Encoding.UTF8.GetBytes(text, span));
    }
}
