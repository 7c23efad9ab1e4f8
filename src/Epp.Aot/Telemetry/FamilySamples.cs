using System.Text;

namespace Epp.Aot.Telemetry;

/// <summary>Samples of one family while it is written. Samples of the same labels add up: so deprecated families sum over labels they lack.</summary>
internal sealed class FamilySamples(MetricFamily family)
{
    private readonly SortedDictionary<string, Sample> _samples = new(StringComparer.Ordinal);

    public MetricFamily Family { get; } = family;

    /// <summary>Label text (<c>a="1",b="2"</c>, or empty) and sample, in order of the text.</summary>
    public IReadOnlyCollection<KeyValuePair<string, Sample>> All => _samples;

    /// <summary>Adds a number.</summary>
    /// <param name="value">Counter or gauge value.</param>
    /// <param name="labels">Values in the order of <see cref="MetricFamily.Labels"/>.</param>
    public void Add(double value, params ReadOnlySpan<string> labels) => At(labels).Value += value;

    /// <summary>Adds a histogram; null and never-observed ones add nothing unless the family has no labels.</summary>
    public void Add(Histogram? histogram, params ReadOnlySpan<string> labels)
    {
        if (histogram is null || (histogram.Count == 0 && Family.Labels.Count > 0))
        {
            return;
        }

        var sample = At(labels);
        sample.Counts ??= new long[histogram.Bounds.Length + 1];
        histogram.AddTo(sample.Counts, ref sample.Value);
    }

    private Sample At(ReadOnlySpan<string> labels)
    {
        if (labels.Length != Family.Labels.Count)
        {
            throw new InvalidOperationException($"metric {Family.Name}: {labels.Length} label values for {Family.Labels.Count} labels");
        }

        var text = new StringBuilder();
        for (var i = 0; i < labels.Length; i++)
        {
            text.Append(i == 0 ? "" : ",").Append(Family.Labels[i]).Append("=\"");
            text.Append(labels[i].Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal));
            text.Append('"');
        }

        var key = text.ToString();
        if (!_samples.TryGetValue(key, out var sample))
        {
            _samples[key] = sample = new Sample();
        }

        return sample;
    }

    /// <summary>One sample: a number, or a histogram's sum and its counts per bucket.</summary>
    internal sealed class Sample
    {
        /// <summary>The number, or the histogram's sum.</summary>
        public double Value;

        /// <summary>Observations per bucket, not cumulative, the last one +Inf; null for numbers.</summary>
        public long[]? Counts;
    }
}
