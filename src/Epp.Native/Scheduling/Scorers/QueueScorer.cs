using Epp.Native.Kernels;

namespace Epp.Native.Scheduling.Scorers;

/// <summary><c>(max − q) / (max − min)</c> over the candidates' waiting requests: the shortest queue 1, the longest 0, equal queues all 1.</summary>
public sealed class QueueScorer(string name) : IScorer
{
    public const string PluginType = "queue-scorer";

    public string Name => name;

    public string Type => PluginType;

    public void Score(RoutingRequest request, in Candidates candidates, Span<double> scores)
    {
        candidates.Gather(candidates.Pool.Columns.Waiting, scores);
        ScoreKernels.LowestIsBest(scores);
    }
}
