using System.Globalization;

namespace Epp.Testing;

/// <summary>One sample of a Prometheus exposition.</summary>
public sealed record MetricSample(string Name, IReadOnlyDictionary<string, string> Labels, double Value);

/// <summary>A Prometheus text exposition, read plainly; an oracle for the tests, not a fast parser.</summary>
public sealed class MetricsText
{
    private readonly List<MetricSample> _samples = [];

    private MetricsText(string text) => Text = text;

    public string Text { get; }

    public IReadOnlyList<MetricSample> Samples => _samples;

    public static MetricsText Parse(string text)
    {
        var metrics = new MetricsText(text);
        foreach (var line in text.Split('\n'))
        {
            if (line.Length > 0 && line[0] != '#')
            {
                metrics._samples.Add(ParseLine(line));
            }
        }

        return metrics;
    }

    /// <summary>The sum of all samples of this name with these labels; 0 when there is none.</summary>
    public double Sum(string name, params (string Label, string Value)[] labels) => _samples
        .Where(s => s.Name == name && labels.All(l => s.Labels.TryGetValue(l.Label, out var value) && value == l.Value))
        .Sum(s => s.Value);

    public bool Has(string name) => _samples.Any(s => s.Name == name);

    private static MetricSample ParseLine(string line)
    {
        var labels = new Dictionary<string, string>();
        var at = line.AsSpan().IndexOfAny('{', ' ');
        var name = line[..at];
        if (line[at] == '{')
        {
            for (at++; line[at] != '}';)
            {
                var equals = line.IndexOf('=', at);
                var key = line[at..equals].TrimStart(',').Trim();
                var end = equals + 2;
                var value = new System.Text.StringBuilder();
                for (; line[end] != '"'; end++)
                {
                    value.Append(line[end] != '\\' ? line[end] : line[++end] == 'n' ? '\n' : line[end]);
                }

                labels[key] = value.ToString();
                at = end + 1;
            }

            at++;
        }

        var number = line[at..].Trim().Split(' ')[0];
        return new MetricSample(name, labels, number switch
        {
            "+Inf" => double.PositiveInfinity,
            "-Inf" => double.NegativeInfinity,
            _ => double.Parse(number, CultureInfo.InvariantCulture),
        });
    }
}
