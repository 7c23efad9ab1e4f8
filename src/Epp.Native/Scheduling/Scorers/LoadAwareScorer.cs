namespace Epp.Native.Scheduling.Scorers;

/// <summary><c>0.5 · (1 − min(q, threshold) / threshold)</c> over waiting requests: 0.5 for an empty queue, 0 from the threshold on.</summary>
/// <param name="name">Plugin name.</param>
/// <param name="threshold">&gt; 0; the references' default 128.</param>
public sealed class LoadAwareScorer(string name, int threshold = LoadAwareScorer.DefaultThreshold) : IScorer
{
    public const string PluginType = "load-aware-scorer";

    public const int DefaultThreshold = 128;

    public string Name => name;

    public string Type => PluginType;

    public void Score(RoutingRequest request, in Candidates candidates, Span<double> scores)
    {
        candidates.Gather(candidates.Pool.Columns.Waiting, scores);
        foreach (ref var score in scores)
        {
            score = 0.5 * (1 - (Math.Min(score, threshold) / threshold));
        }
    }
}
