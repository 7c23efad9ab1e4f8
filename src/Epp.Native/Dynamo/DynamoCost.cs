namespace Epp.Native.Dynamo;

/// <summary>Weights of Dynamo's cost function (kv-routing §6.2, §6.9).</summary>
/// <param name="OverlapScoreCredit">What a block cached on the device saves, in blocks of prefill; ≥ 0.</param>
/// <param name="PrefillLoadScale">What a block of prefill costs, in blocks of decode; ≥ 0.</param>
/// <param name="HostWeight">What a block in the host's memory saves.</param>
/// <param name="DiskWeight">What a block on disk or external storage saves.</param>
/// <param name="SharedMultiplier">What a block of a shared cache saves.</param>
/// <param name="CreditDecay">How fast the credit fades with a worker's outstanding prefill; 0 = it does not.</param>
/// <param name="ActiveRequestWeight">What a request that runs costs, in blocks.</param>
/// <param name="TrackPrefillTokens">Prefill counts at all.</param>
/// <param name="Temperature">0 = the cheapest; else softmax over the normalised costs.</param>
public sealed record DynamoCostWeights(
    double OverlapScoreCredit = 1,
    double PrefillLoadScale = 1,
    double HostWeight = 0.75,
    double DiskWeight = 0.25,
    double SharedMultiplier = 0.5,
    double CreditDecay = 0,
    double ActiveRequestWeight = 0,
    bool TrackPrefillTokens = true,
    double Temperature = 0);

/// <summary>Which releases' rules hold where they differ.</summary>
public enum DynamoCostRules
{
    /// <summary>1.4 and later.</summary>
    Current = 0,

    /// <summary>Up to 1.3: a worker without a load entry has no decode term, and decode workers have no special rule.</summary>
    UpTo13,
}

/// <summary>What one rank holds and does, seen from one request (kv-routing §6.1).</summary>
/// <param name="DeviceBlocks">Leading blocks on the device.</param>
/// <param name="HostBlocks">Blocks in the host's memory behind them.</param>
/// <param name="DiskBlocks">Blocks on disk or external storage behind those.</param>
/// <param name="SharedBlocks">Blocks of a shared cache beyond the device's.</param>
/// <param name="HasLoad">Whether anything was ever booked on it.</param>
/// <param name="ActivePrefillTokens">Tokens of booked prompts whose prefill is not done.</param>
/// <param name="ActiveDecodeBlocks">Distinct live blocks.</param>
/// <param name="NewBlocks">Blocks of the request that are not live on it yet.</param>
/// <param name="ActiveRequests">Requests that run.</param>
public readonly record struct DynamoCandidate(
    double DeviceBlocks,
    double HostBlocks,
    double DiskBlocks,
    double SharedBlocks,
    bool HasLoad,
    double ActivePrefillTokens,
    double ActiveDecodeBlocks,
    double NewBlocks,
    double ActiveRequests);

/// <summary>
/// Dynamo's cost of sending a request to a rank: blocks of prefill it must still compute, less what it has cached, plus blocks it then decodes
/// with; lower is better (kv-routing §6.2, §6.3). Pure; checked against the router's own logged logits.
/// </summary>
public static class DynamoCost
{
    /// <summary>Blocks that need no prefill, each by the weight of its tier.</summary>
    public static double OverlapBlocks(in DynamoCandidate candidate, DynamoCostWeights weights)
    {
        ArgumentNullException.ThrowIfNull(weights);
        return candidate.DeviceBlocks + (weights.HostWeight * candidate.HostBlocks) + (weights.DiskWeight * candidate.DiskBlocks);
    }

    /// <summary>Prompt tokens that are cached, rounded to a whole number.</summary>
    public static long CachedTokens(in DynamoCandidate candidate, DynamoCostWeights weights, int blockTokens) =>
        (long)Math.Round(OverlapBlocks(candidate, weights) * blockTokens, MidpointRounding.AwayFromZero);

    /// <summary>The cost.</summary>
    /// <param name="candidate">The rank.</param>
    /// <param name="promptTokens">Tokens of the prompt, ≥ 1.</param>
    /// <param name="blockTokens">Tokens of a block, ≥ 1.</param>
    /// <param name="leastPrefillTokens">Least <see cref="DynamoCandidate.ActivePrefillTokens"/> of all eligible ranks.</param>
    /// <param name="isDecodeOnly">The ranks only decode, behind a prefill pool.</param>
    /// <param name="weights">Weights.</param>
    /// <param name="rules">Whose rules.</param>
    public static double Of(
        in DynamoCandidate candidate,
        long promptTokens,
        int blockTokens,
        double leastPrefillTokens,
        bool isDecodeOnly,
        DynamoCostWeights weights,
        DynamoCostRules rules = DynamoCostRules.Current)
    {
        ArgumentNullException.ThrowIfNull(weights);
        var decay = weights.TrackPrefillTokens && weights.CreditDecay > 0
            ? 1 / (1 + (weights.CreditDecay * ((candidate.ActivePrefillTokens - leastPrefillTokens) / blockTokens)
                / Math.Ceiling((double)promptTokens / blockTokens)))
            : 1;
        var credit = (weights.OverlapScoreCredit * decay * candidate.DeviceBlocks)
            + (weights.HostWeight * candidate.HostBlocks)
            + (weights.DiskWeight * candidate.DiskBlocks)
            + (weights.SharedMultiplier * candidate.SharedBlocks);
        var decode = !candidate.HasLoad && rules == DynamoCostRules.UpTo13 ? 0 : candidate.ActiveDecodeBlocks + candidate.NewBlocks;
        if (isDecodeOnly && !weights.TrackPrefillTokens && credit > 0 && rules == DynamoCostRules.Current)
        {
            return Math.Max(decode - credit, 0);
        }

        var cached = CachedTokens(candidate, weights, blockTokens);
        var prefillTokens = !weights.TrackPrefillTokens ? 0
            : !candidate.HasLoad ? promptTokens
            : candidate.ActivePrefillTokens + Math.Max(promptTokens - cached, 0) + cached;
        var prefill = weights.PrefillLoadScale * Math.Max((prefillTokens / blockTokens) - credit, 0);
        return prefill + decode + (weights.ActiveRequestWeight * candidate.ActiveRequests);
    }

    /// <summary>
    /// The rank to take: the cheapest, ties at random; with a temperature at random, cheap ones more often: p ∝ exp(−(c − min) / ((max − min) T)).
    /// </summary>
    /// <param name="costs">One cost for each candidate, at least one.</param>
    /// <param name="temperature">≥ 0.</param>
    /// <param name="chance">Uniform in [0, 1).</param>
    public static int Choose(ReadOnlySpan<double> costs, double temperature, double chance)
    {
        var least = double.PositiveInfinity;
        var most = double.NegativeInfinity;
        foreach (var cost in costs)
        {
            least = Math.Min(least, cost);
            most = Math.Max(most, cost);
        }

        var scale = (most - least) * temperature;
        var total = 0.0;
        foreach (var cost in costs)
        {
            total += Share(cost, least, scale, temperature);
        }

        var left = chance * total;
        var last = 0;
        for (var i = 0; i < costs.Length; i++)
        {
            var share = Share(costs[i], least, scale, temperature);
            if (share > 0)
            {
                last = i;
                left -= share;
                if (left < 0)
                {
                    return i;
                }
            }
        }

        return last;
    }

    private static double Share(double cost, double least, double scale, double temperature) =>
        temperature <= 0 ? (cost == least ? 1 : 0) : scale <= 0 ? 1 : Math.Exp(-(cost - least) / scale);
}
