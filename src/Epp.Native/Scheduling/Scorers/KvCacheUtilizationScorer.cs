namespace Epp.Native.Scheduling.Scorers;

/// <summary>
/// <c>1 − KV cache use</c>. An endpoint that does not report its use gets 0: the references read it as an empty cache, which draws all
/// load to the endpoint nobody knows anything about.
/// </summary>
public sealed class KvCacheUtilizationScorer(string name) : IScorer
{
    public const string PluginType = "kv-cache-utilization-scorer";

    public string Name => name;

    public string Type => PluginType;

    public void Score(RoutingRequest request, in Candidates candidates, Span<double> scores)
    {
        candidates.Gather(candidates.Pool.Columns.KvUsage, scores);
        foreach (ref var score in scores)
        {
            // NaN stays NaN, which the profile counts as 0.
            score = 1 - score;
        }
    }
}
