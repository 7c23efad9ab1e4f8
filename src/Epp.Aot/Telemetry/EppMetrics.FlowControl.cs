using Epp.Native;
using Epp.Native.FlowControl;

namespace Epp.Aot.Telemetry;

/// <summary>Flow control: no sample of it before <see cref="BeginFlowControl"/>.</summary>
public sealed partial class EppMetrics
{
    private const string Flow = "flow_control_";

    private FlowFigures? _flow;

    /// <summary>Flow control begins: the instruments that are not of one request label set.</summary>
    public FlowFigures BeginFlowControl(FlowController controller)
    {
        var figures = new FlowFigures(controller);
        Volatile.Write(ref _flow, figures);
        return figures;
    }

    private IEnumerable<MetricFamily> FlowFamilies() => [.. FlowRequests(), .. FlowTimes(), .. FlowGauges(), .. FlowRevocations()];

    private IEnumerable<MetricFamily> FlowRequests()
    {
        var gaie = _options.Dialect == Dialect.Gaie;
        string[] labels = ["fairness_id", "inference_pool", "model_name", "priority", "target_model_name"];
        yield return new(New + Flow + "requests_total", MetricKind.Counter, "[ALPHA] Total number of requests processed by the Flow Control layer.",
            ["inference_pool", "outcome", "priority"], s => EachFlow((r, f) => EachOutcome(f, (name, n) => s.Add(n, _options.PoolName, name, r.Priority))));
        const string Size = "Current number of requests actively held in the Flow Control queue.";
        yield return new(New + Flow + "queue_size", MetricKind.Gauge, "[ALPHA] " + Size, labels, s => EachFlow((r, f) => AddFlow(s, r, f.Requests)));
        yield return new(OldExtension + Flow + "queue_size", MetricKind.Gauge,
            gaie
                ? "[ALPHA] Current number of requests being actively managed by the EPP flow control layer, from the start of the EnqueueAndWait call until a final outcome is reached."
                : OldHelp(Flow + "queue_size", Size),
            gaie ? ["fairness_id", "priority"] : labels,
            s => EachFlow((r, f) =>
            {
                if (gaie)
                {
                    // Its one band takes every priority.
                    s.Add(f.Requests, r.FairnessId, "0");
                }
                else
                {
                    AddFlow(s, r, f.Requests);
                }
            }));
        const string Bytes = "Current total size in bytes of requests actively held in the Flow Control queue.";
        yield return new(New + Flow + "queue_bytes", MetricKind.Gauge, "[ALPHA] " + Bytes, labels, s => EachFlow((r, f) => AddFlow(s, r, f.Bytes)));
        yield return new(OldExtension + Flow + "queue_bytes", MetricKind.Gauge, OldHelp(Flow + "queue_bytes", Bytes), labels, s => EachFlow((r, f) => AddFlow(s, r, f.Bytes)));
    }

    private IEnumerable<MetricFamily> FlowTimes()
    {
        const string Enqueue = "Distribution of time taken to enqueue requests into the Flow Control layer.";
        const string Cycle = "Distribution of time taken for each internal dispatch cycle in the Flow Control layer.";
        const string Queue = "Distribution of total time requests spend in the Flow Control layer (from enqueue to final outcome).";
        var gaie = _options.Dialect == Dialect.Gaie;
        string[] labels = ["fairness_id", "inference_pool", "model_name", "outcome", "priority", "target_model_name"];
        string[] enqueueLabels = ["fairness_id", "outcome", "priority"];
        void CollectEnqueue(FamilySamples s) => EachFlow((r, f) =>
        {
            for (var i = 0; i < FlowSeries.Outcomes.Length; i++)
            {
                s.Add(f.EnqueueSeconds(i), r.FairnessId, FlowSeries.Outcomes[i], r.Priority);
            }
        });
        void CollectQueue(FamilySamples s) => EachFlow((r, f) =>
        {
            for (var i = 0; i < FlowSeries.Outcomes.Length; i++)
            {
                s.Add(f.QueueSeconds(i), s.Family.Labels.Count == 3
                    ? [r.FairnessId, FlowSeries.Outcomes[i], "0"]
                    : [r.FairnessId, _options.PoolName, r.Model, FlowSeries.Outcomes[i], r.Priority, r.Target]);
            }
        });
        void CollectCycle(FamilySamples s) => s.Add(Volatile.Read(ref _flow)?.CycleSeconds);

        yield return new(New + Flow + "request_queue_duration_seconds", MetricKind.Histogram, "[ALPHA] " + Queue, labels, CollectQueue, Buckets.QueueSeconds);
        yield return new(OldExtension + Flow + "request_queue_duration_seconds", MetricKind.Histogram,
            gaie
                ? "[ALPHA] Distribution of the total time requests spend in the EPP flow control layer, measured from the start of the EnqueueAndWait call until a final outcome is reached."
                : OldHelp(Flow + "request_queue_duration_seconds", Queue),
            gaie ? enqueueLabels : labels, CollectQueue, Buckets.QueueSeconds);
        yield return new(New + Flow + "request_enqueue_duration_seconds", MetricKind.Histogram, "[ALPHA] " + Enqueue, enqueueLabels, CollectEnqueue, Buckets.Small);
        yield return new(OldExtension + Flow + "request_enqueue_duration_seconds", MetricKind.Histogram,
            OldHelp(Flow + "request_enqueue_duration_seconds", Enqueue), enqueueLabels, CollectEnqueue, Buckets.Small);
        yield return new(New + Flow + "dispatch_cycle_duration_seconds", MetricKind.Histogram, "[ALPHA] " + Cycle, [], CollectCycle, Buckets.Small);
        yield return new(OldExtension + Flow + "dispatch_cycle_duration_seconds", MetricKind.Histogram, OldHelp(Flow + "dispatch_cycle_duration_seconds", Cycle), [],
            CollectCycle, Buckets.Small);
    }

    private IEnumerable<MetricFamily> FlowGauges()
    {
        string[] stage = ["inference_pool", "stage"];
        string[] band = ["inference_pool", "priority"];
        yield return new(New + Flow + "pool_saturation", MetricKind.Gauge, "[ALPHA] " + SaturationHelp("flow_control_stale_endpoints"), stage,
            s => Volatile.Read(ref _flow)?.CollectSaturation(s, _options.PoolName));
        yield return new(OldExtension + Flow + "pool_saturation", MetricKind.Gauge,
            OldHelp(Flow + "pool_saturation", SaturationHelp(New + "flow_control_stale_endpoints")), stage,
            s => Volatile.Read(ref _flow)?.CollectSaturation(s, _options.PoolName));
        yield return new(New + Flow + "capacity_utilization_requests", MetricKind.Gauge, CapacityHelp("request-count", "requests"), band,
            s => EachBand((b, priority) => s.Add(Share(b.Count, b.Settings.MaxRequests), _options.PoolName, priority)));
        yield return new(New + Flow + "capacity_utilization_bytes", MetricKind.Gauge, CapacityHelp("byte-size", "bytes"), band,
            s => EachBand((b, priority) => s.Add(Share(b.Bytes, b.Settings.MaxBytes), _options.PoolName, priority)));
        yield return new(New + Flow + "global_capacity_utilization_requests", MetricKind.Gauge, GlobalHelp("request-count", "requests"), ["inference_pool"],
            s =>
            {
                if (Volatile.Read(ref _flow)?.Controller is { Settings.MaxRequests: > 0 } c)
                {
                    s.Add(Share(c.Count, c.Settings.MaxRequests), _options.PoolName);
                }
            });
        yield return new(New + Flow + "global_capacity_utilization_bytes", MetricKind.Gauge, GlobalHelp("byte-size", "bytes"), ["inference_pool"],
            s =>
            {
                if (Volatile.Read(ref _flow)?.Controller is { Settings.MaxBytes: > 0 } c)
                {
                    s.Add(Share(c.Bytes, c.Settings.MaxBytes), _options.PoolName);
                }
            });
    }

    private IEnumerable<MetricFamily> FlowRevocations()
    {
        string[] pool = ["inference_pool"];
        yield return new(New + Flow + "revocations_issued_total", MetricKind.Counter, "[ALPHA] Requests in flight that were asked to end, by their priority.",
            ["inference_pool", "priority"], s => Volatile.Read(ref _flow)?.CollectIssued(s, _options.PoolName));
        yield return new(New + Flow + "revocations_total", MetricKind.Counter,
            "[ALPHA] Requests in flight that were asked to end and have ended: evicted, or completed before they could be.",
            ["inference_pool", "outcome"], s => Volatile.Read(ref _flow)?.CollectEnded(s, _options.PoolName));
        yield return new(New + Flow + "revocation_confirmation_seconds", MetricKind.Histogram, "[ALPHA] Time from asking a request in flight to end to its end.",
            pool, s => s.Add(Volatile.Read(ref _flow)?.ConfirmationSeconds, _options.PoolName), Buckets.Confirmation);
        yield return new(New + Flow + "reclaim_target", MetricKind.Gauge, "[ALPHA] Saturation above the blocked band's ceiling at the latest eviction decision.",
            pool, s => AddReclaim(s, pending: false));
        yield return new(New + Flow + "pending_reclaim", MetricKind.Gauge, "[ALPHA] Saturation that requests asked to end but still running would give back.",
            pool, s => AddReclaim(s, pending: true));
    }

    private static string SaturationHelp(string stale) =>
        "Pool saturation signal gating Flow Control dispatch. The stage label partitions by pipeline role: 'prefill' and 'decode' are per-stage signals, "
        + "'effective' is max(prefill, decode) and is the value used for gating. 1.0 is the gating set point; values above 1.0 indicate the magnitude of "
        + "oversubscription past it. An empty pool reads as 1.0. With the default utilization detector, endpoints with missing or stale metrics score as "
        + $"fully saturated (fail-closed; see {stale}).";

    private static string CapacityHelp(string what, string unit) =>
        $"[ALPHA] Fraction of a priority band's effective {what} capacity currently occupied, aggregated over every flow in the band (0.0-1.0). "
        + "The denominator falls back to a default when the band does not configure one, so every configured band reports a series. "
        + $"The all-bands rollup is a separate metric, flow_control_global_capacity_utilization_{unit}.";

    private static string GlobalHelp(string what, string unit) =>
        $"[ALPHA] Fraction of the global {what} capacity currently occupied across all priority bands (0.0-1.0). "
        + "Global capacity is optional and unset by default; this series is emitted only when it is configured. "
        + $"Kept separate from flow_control_capacity_utilization_{unit} so aggregations over the per-band family do not double count the rollup.";

    private static double Share(long used, long capacity) => (double)used / capacity;

    private static void EachOutcome(FlowSeries flow, Action<string, long> collect)
    {
        for (var i = 0; i < FlowSeries.Outcomes.Length; i++)
        {
            if (flow.QueueSeconds(i) is { } seconds)
            {
                collect(FlowSeries.Outcomes[i], seconds.Count);
            }
        }
    }

    private void AddFlow(FamilySamples samples, RequestSeries r, long value) => samples.Add(value, r.FairnessId, _options.PoolName, r.Model, r.Priority, r.Target);

    private void AddReclaim(FamilySamples samples, bool pending)
    {
        if (Volatile.Read(ref _flow)?.Reclaim is { } reclaim)
        {
            samples.Add(pending ? reclaim().Pending : reclaim().Target, _options.PoolName);
        }
    }

    private void EachFlow(Action<RequestSeries, FlowSeries> collect) => Each(r =>
    {
        if (r.KnownFlow is { } flow)
        {
            collect(r, flow);
        }
    });

    private void EachBand(Action<FlowBand, string> collect)
    {
        foreach (var band in Volatile.Read(ref _flow)?.Controller.Bands ?? [])
        {
            collect(band, band.Settings.Priority.ToString(System.Globalization.CultureInfo.InvariantCulture));
        }
    }
}
