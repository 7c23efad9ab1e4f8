using System.Diagnostics;
using Epp.Native.Kernels;
using Epp.Native.Pool;

namespace Epp.Native.Scheduling;

/// <summary>A scorer and how much it counts. Negative weights are allowed; weights are finite.</summary>
public readonly record struct WeightedScorer(IScorer Scorer, double Weight);

/// <summary>
/// Ordered filters, weighted scorers and one picker. A candidate's total is the sum of <c>clamp01(score) · weight</c> in the scorers'
/// order, not divided by the sum of weights. Immutable; safe to share.
/// </summary>
public sealed class Profile(string name, IFilter[] filters, WeightedScorer[] scorers, IPicker picker)
{
    public string Name => name;

    public ReadOnlySpan<IFilter> Filters => filters;

    public ReadOnlySpan<WeightedScorer> Scorers => scorers;

    public IPicker Picker => picker;

    /// <summary>Plugins that write a duration.</summary>
    internal int PluginCount => filters.Length + scorers.Length + 1;

    /// <summary>
    /// Runs the profile over one tier of candidates and appends what it picked to the request, up to the picker's limit, and every
    /// endpoint it scored. False when the filters leave none.
    /// </summary>
    /// <param name="request">Receives the outcome.</param>
    /// <param name="pool">The snapshot.</param>
    /// <param name="tier">Slots to choose from; ≥ 1.</param>
    /// <param name="firstPlugin">Ordinal of the first filter in <see cref="RoutingRequest.PluginTicks"/>.</param>
    internal bool Run(RoutingRequest request, PoolSnapshot pool, ReadOnlySpan<ushort> tier, int firstPlugin)
    {
        var clock = Stopwatch.GetTimestamp();
        var plugin = firstPlugin;
        var candidates = Filter(request, pool, tier, ref plugin, ref clock);
        if (candidates.Count == 0)
        {
            return false;
        }

        plugin = firstPlugin + filters.Length;
        var first = request.ScoredCount;
        var totals = request.ScoredTotals.AsSpan(first, candidates.Count);
        totals.Clear();
        var scores = request.Scratch.Scores.AsSpan(0, candidates.Count);
        foreach (var (scorer, weight) in scorers)
        {
            scorer.Score(request, candidates, scores);
            ScoreKernels.AddClamped(totals, scores, weight);
            AddTicks(request, plugin++, ref clock);
        }

        var picked = request.Scratch.Picked;
        var count = picker.Pick(request, candidates, totals, picked);
        AddTicks(request, plugin, ref clock);
        for (var i = 0; i < count && request.PickedCount < picker.MaxEndpoints; i++)
        {
            request.AddPicked(pool[candidates.Indexes[picked[i]]]);
        }

        if (scorers.Length > 0)
        {
            candidates.Indexes.CopyTo(request.ScoredIndexes.AsSpan(first));
            request.ScoredCount = first + candidates.Count;
        }

        return true;
    }

    /// <summary>Runs only the filters; the result lives in the request's scratch memory.</summary>
    internal Candidates Filter(RoutingRequest request, PoolSnapshot pool, ReadOnlySpan<ushort> tier, int firstPlugin)
    {
        var clock = Stopwatch.GetTimestamp();
        return Filter(request, pool, tier, ref firstPlugin, ref clock);
    }

    private Candidates Filter(RoutingRequest request, PoolSnapshot pool, ReadOnlySpan<ushort> tier, scoped ref int plugin, scoped ref long clock)
    {
        var ascending = tier[^1] - tier[0] == tier.Length - 1;
        var current = new Candidates(pool, tier, ascending);
        var into = request.Scratch.FilteredA;
        var other = request.Scratch.FilteredB;
        foreach (var filter in filters)
        {
            var kept = filter.Filter(request, current, into.AsSpan(0, current.Count));
            AddTicks(request, plugin++, ref clock);
            current = new Candidates(pool, into.AsSpan(0, kept));
            if (kept == 0)
            {
                break;
            }

            (into, other) = (other, into);
        }

        return current;
    }

    /// <summary>Adds the time since <paramref name="clock"/>; a plugin may run once per tier.</summary>
    private static void AddTicks(RoutingRequest request, int plugin, ref long clock)
    {
        var now = Stopwatch.GetTimestamp();
        ref var ticks = ref request.PluginTicks[plugin];
        ticks = Math.Max(ticks, 0) + (now - clock);
        clock = now;
    }
}
