using Epp.Native;
using Epp.Native.FlowControl;

namespace Epp.Aot.Telemetry;

/// <summary>Flow control: no sample of it before <see cref="BeginFlowControl"/>.</summary>
public sealed partial class EppMetrics
{
    private const string Flow = "flow_control_";

    private static readonly string[] OutcomeLabels = ["fairness_id", "outcome", "priority"];
    private static readonly string[] InferencePool = ["inference_pool"];

    private FlowFigures? _flow;

    /// <summary>Flow control begins: the instruments that are not of one request label set.</summary>
    public FlowFigures BeginFlowControl(FlowController controller)
    {
        var figures = new FlowFigures(controller);
        Volatile.Write(ref _flow, figures);
        return figures;
    }

    private MetricFamily[] FlowFamilies() => [.. FlowOfRequests(), .. FlowOfThePool(), .. FlowRevocations()];

    private MetricFamily[] FlowOfRequests()
    {
        const string Managed = "in the EPP flow control layer, measured from the start of the EnqueueAndWait call until a final outcome is reached.";
        string[] flow = ["fairness_id", "inference_pool", "model_name", "priority", "target_model_name"];
        return
        [
            new(New + Flow + "requests_total", MetricKind.Counter, "[ALPHA] Total number of requests processed by the Flow Control layer.",
                ["inference_pool", "outcome", "priority"], CollectOutcomes),
            .. FlowPair("queue_size", MetricKind.Gauge, "Current number of requests actively held in the Flow Control queue.", flow, s => CollectQueues(s, bytes: false), null,
                "Current number of requests being actively managed by the EPP flow control layer, from the start of the EnqueueAndWait call until a final outcome is reached.",
                ["fairness_id", "priority"]),
            .. FlowPair("queue_bytes", MetricKind.Gauge, "Current total size in bytes of requests actively held in the Flow Control queue.", flow,
                s => CollectQueues(s, bytes: true)),
            .. FlowPair("request_queue_duration_seconds", MetricKind.Histogram,
                "Distribution of total time requests spend in the Flow Control layer (from enqueue to final outcome).",
                ["fairness_id", "inference_pool", "model_name", "outcome", "priority", "target_model_name"],
                s => CollectTimes(s, enqueue: false), Buckets.QueueSeconds, "Distribution of the total time requests spend " + Managed, OutcomeLabels),
            .. FlowPair("request_enqueue_duration_seconds", MetricKind.Histogram, "Distribution of time taken to enqueue requests into the Flow Control layer.",
                OutcomeLabels, s => CollectTimes(s, enqueue: true), Buckets.Small),
        ];
    }

    private MetricFamily[] FlowOfThePool()
    {
        string[] band = ["inference_pool", "priority"];
        return
        [
            .. FlowPair("dispatch_cycle_duration_seconds", MetricKind.Histogram, "Distribution of time taken for each internal dispatch cycle in the Flow Control layer.",
                [], s => s.Add(Volatile.Read(ref _flow)?.CycleSeconds), Buckets.Small),
            .. FlowPair("pool_saturation", MetricKind.Gauge, SaturationHelp, ["inference_pool", "stage"],
                s => Volatile.Read(ref _flow)?.CollectSaturation(s, _options.PoolName)),
            NewGauge("capacity_utilization_requests", CapacityHelp("request-count", "requests"), band, s => CollectBands(s, bytes: false)),
            NewGauge("capacity_utilization_bytes", CapacityHelp("byte-size", "bytes"), band, s => CollectBands(s, bytes: true)),
            NewGauge("global_capacity_utilization_requests", GlobalHelp("request-count", "requests"), InferencePool, s => CollectGlobal(s, bytes: false)),
            NewGauge("global_capacity_utilization_bytes", GlobalHelp("byte-size", "bytes"), InferencePool, s => CollectGlobal(s, bytes: true)),
        ];
    }

    private MetricFamily[] FlowRevocations() =>
    [
        new(New + Flow + "revocations_issued_total", MetricKind.Counter, "[ALPHA] Requests in flight that were asked to end, by their priority.",
            ["inference_pool", "priority"], s => Volatile.Read(ref _flow)?.CollectIssued(s, _options.PoolName)),
        new(New + Flow + "revocations_total", MetricKind.Counter, "[ALPHA] Of these, requests that have ended: evicted, or completed before they could be.",
            ["inference_pool", "outcome"], s => Volatile.Read(ref _flow)?.CollectEnded(s, _options.PoolName)),
        new(New + Flow + "revocation_confirmation_seconds", MetricKind.Histogram, "[ALPHA] Time from asking a request in flight to end to its end.",
            InferencePool, s => s.Add(Volatile.Read(ref _flow)?.ConfirmationSeconds, _options.PoolName), Buckets.Confirmation),
        NewGauge("reclaim_target", "[ALPHA] Saturation above the blocked band's ceiling at the latest eviction decision.", InferencePool,
            s => CollectReclaim(s, pending: false)),
        NewGauge("pending_reclaim", "[ALPHA] Saturation that requests asked to end but still running would give back.", InferencePool,
            s => CollectReclaim(s, pending: true)),
    ];

    /// <summary>A family under its new and its old name; GAIE words some of the old ones otherwise and gives them fewer labels.</summary>
    private MetricFamily[] FlowPair(
        string name, MetricKind kind, string help, string[] labels, Action<FamilySamples> collect, double[]? buckets = null, string? gaieHelp = null, string[]? gaieLabels = null)
    {
        var gaie = gaieHelp is not null && _options.Dialect == Dialect.Gaie;
        // The old family names others by their whole names.
        var old = help.Replace("(fail-closed; see ", "(fail-closed; see " + New, StringComparison.Ordinal);
        return
        [
            new(New + Flow + name, kind, "[ALPHA] " + help, labels, collect, buckets),
            new(OldExtension + Flow + name, kind, gaie ? "[ALPHA] " + gaieHelp : OldHelp(Flow + name, old), gaie ? gaieLabels! : labels, collect, buckets),
        ];
    }

    private static MetricFamily NewGauge(string name, string help, string[] labels, Action<FamilySamples> collect) => new(New + Flow + name, MetricKind.Gauge, help, labels, collect);

    private const string SaturationHelp =
        "Pool saturation signal gating Flow Control dispatch. The stage label partitions by pipeline role: 'prefill' and 'decode' are per-stage signals, "
        + "'effective' is max(prefill, decode) and is the value used for gating. 1.0 is the gating set point; values above 1.0 indicate the magnitude of "
        + "oversubscription past it. An empty pool reads as 1.0. With the default utilization detector, endpoints with missing or stale metrics score as "
        + "fully saturated (fail-closed; see flow_control_stale_endpoints).";

    private static string CapacityHelp(string what, string unit) =>
        $"[ALPHA] Fraction of a priority band's effective {what} capacity currently occupied, aggregated over every flow in the band (0.0-1.0). "
        + "The denominator falls back to a default when the band does not configure one, so every configured band reports a series. "
        + $"The all-bands rollup is a separate metric, flow_control_global_capacity_utilization_{unit}.";

    private static string GlobalHelp(string what, string unit) =>
        $"[ALPHA] Fraction of the global {what} capacity currently occupied across all priority bands (0.0-1.0). "
        + "Global capacity is optional and unset by default; this series is emitted only when it is configured. "
        + $"Kept separate from flow_control_capacity_utilization_{unit} so aggregations over the per-band family do not double count the rollup.";

    private void CollectOutcomes(FamilySamples samples)
    {
        foreach (var r in _requests.All())
        {
            for (var i = 0; i < FlowSeries.Outcomes.Length; i++)
            {
                if (r.KnownFlow?.QueueSeconds(i) is { } seconds)
                {
                    samples.Add(seconds.Count, _options.PoolName, FlowSeries.Outcomes[i], r.Priority);
                }
            }
        }
    }

    // GAIE's one band takes every priority: it says 0 for all, and has fewer labels.
    private void CollectTimes(FamilySamples samples, bool enqueue)
    {
        foreach (var r in _requests.All())
        {
            for (var i = 0; r.KnownFlow is { } flow && i < FlowSeries.Outcomes.Length; i++)
            {
                var outcome = FlowSeries.Outcomes[i];
                if (samples.Family.Labels.Count == OutcomeLabels.Length)
                {
                    samples.Add(enqueue ? flow.EnqueueSeconds(i) : flow.QueueSeconds(i), r.FairnessId, outcome, enqueue ? r.Priority : "0");
                }
                else
                {
                    samples.Add(flow.QueueSeconds(i), r.FairnessId, _options.PoolName, r.Model, outcome, r.Priority, r.Target);
                }
            }
        }
    }

    private void CollectQueues(FamilySamples samples, bool bytes)
    {
        foreach (var r in _requests.All())
        {
            if (r.KnownFlow is not { } flow)
            {
                continue;
            }

            var value = bytes ? flow.Bytes : flow.Requests;
            if (samples.Family.Labels.Count == 2)
            {
                samples.Add(value, r.FairnessId, "0");
            }
            else
            {
                samples.Add(value, r.FairnessId, _options.PoolName, r.Model, r.Priority, r.Target);
            }
        }
    }

    private void CollectBands(FamilySamples samples, bool bytes)
    {
        foreach (var band in Volatile.Read(ref _flow) is { } flow ? flow.Controller.Bands : default)
        {
            var share = bytes ? (double)band.Bytes / band.Settings.MaxBytes : (double)band.Count / band.Settings.MaxRequests;
            samples.Add(share, _options.PoolName, band.Settings.Priority.ToString(System.Globalization.CultureInfo.InvariantCulture));
        }
    }

    private void CollectGlobal(FamilySamples samples, bool bytes)
    {
        if (Volatile.Read(ref _flow)?.Controller is { } c && (bytes ? c.Settings.MaxBytes : c.Settings.MaxRequests) is > 0 and var most)
        {
            samples.Add((double)(bytes ? c.Bytes : c.Count) / most, _options.PoolName);
        }
    }

    private void CollectReclaim(FamilySamples samples, bool pending)
    {
        if (Volatile.Read(ref _flow) is { } flow && !double.IsNaN(flow.ReclaimTarget))
        {
            samples.Add(pending ? flow.PendingReclaim : flow.ReclaimTarget, _options.PoolName);
        }
    }
}
