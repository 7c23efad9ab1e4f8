namespace Epp.Native.Scheduling.Saturation;

/// <summary>
/// GAIE's rule: saturated unless one candidate at least has fresh metrics, a queue and a KV cache use not above their thresholds. KV use
/// that the engine does not report counts as 0.
/// </summary>
public sealed class AnyCapacityDetector(UtilizationThresholds thresholds) : ISaturationDetector
{
    public const string PluginType = "gaie-saturation-detector";

    public string Name => PluginType;

    public string Type => PluginType;

    public SaturationReading Saturation(RoutingRequest request, in Candidates candidates)
    {
        var columns = candidates.Pool.Columns;
        var oldest = request.NowMs - thresholds.StalenessMs;
        var stale = 0;
        var capacity = false;
        foreach (var slot in candidates.Indexes)
        {
            if (columns.UpdatedMs[slot] is var updated && (updated == 0 || updated < oldest))
            {
                stale++;
            }
            else
            {
                capacity |= columns.Waiting[slot] <= thresholds.QueueDepthThreshold && !(columns.KvUsage[slot] > thresholds.KvCacheUtilThreshold);
            }
        }

        return new SaturationReading(capacity ? 0 : 1, stale);
    }
}
