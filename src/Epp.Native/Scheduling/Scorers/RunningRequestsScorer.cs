using Epp.Native.Kernels;

namespace Epp.Native.Scheduling.Scorers;

/// <summary><see cref="QueueScorer"/>'s formula over the requests the engines are running.</summary>
public sealed class RunningRequestsScorer(string name) : IScorer
{
    public const string PluginType = "running-requests-size-scorer";

    public string Name => name;

    public string Type => PluginType;

    public void Score(RoutingRequest request, in Candidates candidates, Span<double> scores)
    {
        candidates.Gather(candidates.Pool.Columns.Running, scores);
        ScoreKernels.LowestIsBest(scores);
    }
}
