namespace Epp.Native.Scheduling.Scorers;

/// <summary>
/// The share of the request's prefix blocks an endpoint holds, optionally mixed with the absolute matched length:
/// <c>w · min(1, matched tokens / scale)² + (1 − w) · matched / total</c>; 0 without a match.
/// </summary>
/// <param name="name">Plugin name.</param>
/// <param name="producer">Ordinal of the prefix producer in <see cref="RoutingRequest.PrefixMatches"/>.</param>
/// <param name="lengthWeight">w, 0 … 1; the references' default 0.</param>
/// <param name="lengthScaleTokens">Tokens that count as a full length, &gt; 0 where w &gt; 0; default 8192.</param>
/// <param name="type">The plugin's type: llm-d has a second name for the same scorer with a precise producer.</param>
public sealed class PrefixCacheScorer(string name, int producer, double lengthWeight = 0, int lengthScaleTokens = 8192, string type = PrefixCacheScorer.PluginType) : IScorer
{
    public const string PluginType = "prefix-cache-scorer";

    public string Name => name;

    public string Type => type;

    public void Score(RoutingRequest request, in Candidates candidates, Span<double> scores)
    {
        var match = request.PrefixMatches[producer];
        if (match.TotalBlocks == 0)
        {
            scores.Clear();
            return;
        }

        var indexes = candidates.Indexes;
        var matched = match.MatchBlocks;
        var total = (double)match.TotalBlocks;
        for (var i = 0; i < scores.Length; i++)
        {
            scores[i] = matched[indexes[i]] / total;
        }

        if (lengthWeight > 0)
        {
            for (var i = 0; i < scores.Length; i++)
            {
                var length = match.BlockTokens > 0 ? Math.Min(1.0, (double)matched[indexes[i]] * match.BlockTokens / lengthScaleTokens) : 0;
                scores[i] = (lengthWeight * (length * length)) + ((1 - lengthWeight) * scores[i]);
            }
        }
    }
}
