namespace Epp.Aot.Telemetry;

/// <summary>What objectives, rewrites and saturation decided, and the certificates that were read.</summary>
public sealed partial class EppMetrics
{
    /// <summary>Label sets of rewrite decisions before further ones count as <c>other</c>.</summary>
    public const int MaxRewriteSeries = 10_000;

    /// <summary>Name of the detector that knows stale endpoints, as the references label it.</summary>
    private const string UtilizationDetector = "utilization-detector";

    private readonly LabelTable _rewrites = new(MaxLabelValues);
    private readonly SeriesTable<RewriteSeries> _rewriteDecisions = new(MaxRewriteSeries);
    private long _staleEndpoints = -1;

    /// <summary>Reads of certificate files.</summary>
    public CertificateCounters Certificates { get; } = new();

    /// <summary>Spans that a collector, or the log, took.</summary>
    public Counter TraceSpansExported { get; } = new();

    /// <summary>Spans lost to a full queue or a collector that did not take them.</summary>
    public Counter TraceSpansDropped { get; } = new();

    /// <summary>An InferenceModelRewrite chose the target model of one request.</summary>
    /// <param name="rewrite">Name of the object, UTF-8.</param>
    /// <param name="model">Model the client asked for; empty where it named none.</param>
    /// <param name="target">Model chosen.</param>
    public void RewriteDecision(ReadOnlySpan<byte> rewrite, ReadOnlySpan<byte> model, ReadOnlySpan<byte> target)
    {
        var (r, m, t) = (_rewrites.Get(rewrite), _models.Get(model), _models.Get(target));
        var key = SeriesKey.Of(r.Id, m.Id, t.Id, 0);
        var series = _rewriteDecisions.Find(key);
        if (series is null)
        {
            if (_rewriteDecisions.IsFull)
            {
                (r, m, t) = (_rewrites.Other, _models.Other, _models.Other);
                key = SeriesKey.Of(0, 0, 0, 0);
            }

            series = _rewriteDecisions.Find(key) ?? _rewriteDecisions.Add(key, new RewriteSeries(r.Text, m.Text, t.Text));
        }

        series.Count.Add();
    }

    /// <summary>Candidates without fresh metrics at the latest evaluation of the utilization detector; no sample before the first.</summary>
    public void StaleEndpoints(int count) => Volatile.Write(ref _staleEndpoints, count);

    private IEnumerable<MetricFamily> DecisionFamilies()
    {
        const string Decisions = "[ALPHA] Total number of inference model rewrite decisions.";
        string[] labels = ["model_name", "model_rewrite_name", "target_model"];
        void CollectDecisions(FamilySamples samples)
        {
            foreach (var d in _rewriteDecisions.All())
            {
                samples.Add(d.Count.Value, d.Model, d.Rewrite, d.Target);
            }
        }

        yield return new(New + "model_rewrite_decisions_total", MetricKind.Counter, Decisions, labels, CollectDecisions);
        yield return new(OldExtension + "model_rewrite_decisions_total", MetricKind.Counter, Decisions, labels, CollectDecisions);
        yield return new(New + "flow_control_stale_endpoints", MetricKind.Gauge, StaleHelp, ["detector"], s =>
        {
            if (Volatile.Read(ref _staleEndpoints) is >= 0 and var count)
            {
                s.Add(count, UtilizationDetector);
            }
        });
        foreach (var family in Certificates.Families())
        {
            yield return family;
        }

        yield return new("epp_trace_spans_exported_total", MetricKind.Counter, "Spans that a collector took.", [], s => s.Add(TraceSpansExported.Value));
        yield return new("epp_trace_spans_dropped_total", MetricKind.Counter,
            "Spans lost to a full queue or a collector that did not take them.", [], s => s.Add(TraceSpansDropped.Value));
    }

    private const string StaleHelp =
        "[ALPHA] Number of candidate endpoints whose metrics are missing or older than the staleness threshold, as of the most recent saturation evaluation. "
        + "Recorded by the utilization saturation detector, which scores these endpoints as fully saturated in flow_control_pool_saturation (fail-closed): "
        + "a nonzero value during a dispatch stall indicates a metrics collection problem rather than genuine overload. "
        + "This gauge carries no stage label and is written on every detector call, so it reflects the most recently evaluated stage; "
        + "a reading of 0 does not rule out stale metrics in another stage. Per-stage stale accounting is tracked in #2475.";

    private sealed record RewriteSeries(string Rewrite, string Model, string Target)
    {
        public Counter Count { get; } = new();
    }
}
