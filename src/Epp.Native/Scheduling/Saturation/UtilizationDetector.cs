namespace Epp.Native.Scheduling.Saturation;

/// <summary>Thresholds of queue and KV cache (contract §5.4).</summary>
/// <param name="QueueDepthThreshold">Waiting requests, &gt; 0; default 5.</param>
/// <param name="KvCacheUtilThreshold">KV cache use, (0, 1]; default 0.8.</param>
/// <param name="StalenessMs">Age in ms up to which metrics count; default 200.</param>
/// <param name="Headroom">As a filter: how far beyond the thresholds an endpoint is kept, ≥ 0; default 0.</param>
public sealed record UtilizationThresholds(
    double QueueDepthThreshold = 5, double KvCacheUtilThreshold = 0.8, long StalenessMs = 200, double Headroom = 0);

/// <summary>
/// llm-d's detector: the mean over the candidates of <c>max(queue / queue threshold, KV use / KV threshold)</c>, not capped; an endpoint
/// without fresh metrics counts 1. As a filter it keeps fresh endpoints below both thresholds times (1 + headroom), or all where none is.
/// KV use that the engine does not report counts as 0.
/// </summary>
public sealed class UtilizationDetector(string name, UtilizationThresholds thresholds) : ISaturationDetector, IFilter
{
    public const string PluginType = "utilization-detector";

    public string Name => name;

    public string Type => PluginType;

    public SaturationReading Saturation(RoutingRequest request, in Candidates candidates)
    {
        if (candidates.Count == 0)
        {
            return new SaturationReading(1, 0);
        }

        var columns = candidates.Pool.Columns;
        var oldest = request.NowMs - thresholds.StalenessMs;
        var sum = 0.0;
        var stale = 0;
        foreach (var slot in candidates.Indexes)
        {
            if (columns.UpdatedMs[slot] is var updated && (updated == 0 || updated < oldest))
            {
                sum += 1;
                stale++;
                continue;
            }

            // Math.Max would hand a NaN on.
            var kv = columns.KvUsage[slot] / thresholds.KvCacheUtilThreshold;
            var queue = columns.Waiting[slot] / thresholds.QueueDepthThreshold;
            sum += kv > queue ? kv : queue;
        }

        return new SaturationReading(sum / candidates.Count, stale);
    }

    public int Filter(RoutingRequest request, in Candidates candidates, Span<ushort> kept)
    {
        var columns = candidates.Pool.Columns;
        var oldest = request.NowMs - thresholds.StalenessMs;
        var maxQueue = thresholds.QueueDepthThreshold * (1 + thresholds.Headroom);
        var maxKv = thresholds.KvCacheUtilThreshold * (1 + thresholds.Headroom);
        var count = 0;
        foreach (var slot in candidates.Indexes)
        {
            var updated = columns.UpdatedMs[slot];
            if (updated > 0 && updated >= oldest && columns.Waiting[slot] < maxQueue && !(columns.KvUsage[slot] >= maxKv))
            {
                kept[count++] = slot;
            }
        }

        if (count == 0)
        {
            candidates.Indexes.CopyTo(kept);
            count = candidates.Count;
        }

        return count;
    }
}
