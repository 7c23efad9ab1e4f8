namespace Epp.Native.Scheduling.Scorers;

/// <summary>
/// By this process's own count n of requests in flight: 1 up to the idle threshold, else <c>(max n − n) / max n · busiest score</c> over
/// the candidates. Needs no metrics of the engine.
/// </summary>
/// <param name="name">Plugin name.</param>
/// <param name="idleThreshold">Requests up to which an endpoint counts as idle, ≥ 0; default 0.</param>
/// <param name="maxBusyScore">Score just below idle, 0 … 1; default 1.</param>
public sealed class ActiveRequestScorer(string name, int idleThreshold = 0, double maxBusyScore = 1) : IScorer
{
    public const string PluginType = "active-request-scorer";

    public string Name => name;

    public string Type => PluginType;

    public void Score(RoutingRequest request, in Candidates candidates, Span<double> scores)
    {
        var indexes = candidates.Indexes;
        var max = 0.0;
        for (var i = 0; i < scores.Length; i++)
        {
            scores[i] = candidates.Pool[indexes[i]].InflightRequests;
            max = Math.Max(max, scores[i]);
        }

        foreach (ref var score in scores)
        {
            score = score <= idleThreshold ? 1 : (max - score) / max * maxBusyScore;
        }
    }
}
