using System.Diagnostics;
using Epp.Native.Pool;
using Epp.Native.Prefix;
using Epp.Native.Scheduling.Saturation;

namespace Epp.Native.Scheduling;

/// <summary>
/// Picks endpoints with one profile: candidates from the subset hint, prefix producers, then the profile over the live endpoints. An
/// endpoint whose last scrape failed or that was never scraped ranks behind every live one. Immutable but for the producers' index; safe
/// to share: each thread brings its own <see cref="RoutingRequest"/>.
/// </summary>
public sealed class Scheduler
{
    private readonly Profile _profile;
    private readonly IPrefixProducer[] _producers;
    private readonly int _firstProfilePlugin;
    private readonly int _firstRecordPlugin;
    private readonly ulong _seed;
    private long _requestsSeeded;

    /// <param name="profile">The only profile (<c>single-profile-handler</c>).</param>
    /// <param name="producers">Prefix producers; the position is the ordinal scorers use.</param>
    /// <param name="seed">Seed of all chance.</param>
    public Scheduler(Profile profile, IPrefixProducer[] producers, ulong seed)
    {
        _profile = profile;
        _producers = producers;
        _seed = seed;
        _firstProfilePlugin = producers.Length;
        _firstRecordPlugin = producers.Length + profile.PluginCount;
        Plugins = Describe(profile, producers);
        WantsTokens = Array.Exists(producers, static p => p.WantsTokens);
    }

    /// <summary>True where a producer goes by token ids.</summary>
    public bool WantsTokens { get; }

    public Profile Profile => _profile;

    public IReadOnlyList<IPrefixProducer> Producers => _producers;

    /// <summary>The timed steps, in the order of <see cref="RoutingRequest.PluginTicks"/>.</summary>
    public IReadOnlyList<PluginDescriptor> Plugins { get; }

    /// <summary>Picks for a request with a body. The outcome is in the request; call <see cref="OnPicked"/> once it is answered.</summary>
    public PickResult Pick(RoutingRequest request, PoolSnapshot pool)
    {
        Begin(request, pool);
        var (live, count) = Candidates(request, pool);
        if (count == 0)
        {
            return new PickResult(PickError.NoCandidates, null);
        }

        var all = request.Scratch.Candidates.AsSpan(0, count);
        var clock = Stopwatch.GetTimestamp();
        for (var i = 0; i < _producers.Length; i++)
        {
            _producers[i].Produce(request, request.PrefixMatches[i], pool, all[0]);
            var now = Stopwatch.GetTimestamp();
            request.PluginTicks[i] = now - clock;
            clock = now;
        }

        if (live > 0)
        {
            _profile.Run(request, pool, all[..live], _firstProfilePlugin);
        }

        if (live < count && request.PickedCount < _profile.Picker.MaxEndpoints)
        {
            _profile.Run(request, pool, all[live..], _firstProfilePlugin);
        }

        return Result(request);
    }

    /// <summary>
    /// Picks for a request without a body: a uniformly random live endpoint that the subset hint and the filters allow, a random other
    /// one where none is live. Nothing is scored.
    /// </summary>
    public PickResult PickRandom(RoutingRequest request, PoolSnapshot pool)
    {
        Begin(request, pool);
        var (live, count) = Candidates(request, pool);
        if (count == 0)
        {
            return new PickResult(PickError.NoCandidates, null);
        }

        var all = request.Scratch.Candidates.AsSpan(0, count);
        if (!(live > 0 && PickAny(request, pool, all[..live])) && live < count)
        {
            PickAny(request, pool, all[live..]);
        }

        return Result(request);
    }

    /// <summary>How loaded the candidates are that the subset hint allows, the ones without metrics included; and how many they are.</summary>
    public SaturationReading Saturation(RoutingRequest request, PoolSnapshot pool, ISaturationDetector detector, out int candidates)
    {
        Begin(request, pool);
        (_, candidates) = Candidates(request, pool);
        return detector.Saturation(request, new Candidates(pool, request.Scratch.Candidates.AsSpan(0, candidates)));
    }

    /// <summary>Gives the request its own sequence of chance, unless it has one.</summary>
    public void Seed(RoutingRequest request)
    {
        if (!request.Random.IsSeeded)
        {
            // Requests are rented per thread: each gets its own sequence from the one seed.
            request.Random = new RandomSource(_seed + (ulong)Interlocked.Increment(ref _requestsSeeded));
        }
    }

    /// <summary>Records the pick with the producers. Separate from <see cref="Pick"/>, so that the answer need not wait for it.</summary>
    public void OnPicked(RoutingRequest request)
    {
        if (request.PickedCount == 0 || request.Picked[0] is not { } endpoint)
        {
            return;
        }

        var clock = Stopwatch.GetTimestamp();
        for (var i = 0; i < _producers.Length; i++)
        {
            _producers[i].Record(request.PrefixMatches[i], endpoint);
            var now = Stopwatch.GetTimestamp();
            request.PluginTicks[_firstRecordPlugin + i] = now - clock;
            clock = now;
        }
    }

    private static PickResult Result(RoutingRequest request) => request.PickedCount > 0
        ? new PickResult(PickError.None, request.Picked[0])
        : new PickResult(PickError.FiltersRemovedAll, null);

    private bool PickAny(RoutingRequest request, PoolSnapshot pool, ReadOnlySpan<ushort> tier)
    {
        var left = _profile.Filter(request, pool, tier, _firstProfilePlugin);
        if (left.Count == 0)
        {
            return false;
        }

        request.AddPicked(pool[left.Indexes[request.Random.Next(left.Count)]]);
        return true;
    }

    private void Begin(RoutingRequest request, PoolSnapshot pool)
    {
        Seed(request);
        request.Begin(pool.Columns.Capacity, Plugins.Count, _producers.Length);
    }

    /// <summary>Writes the allowed slots to the scratch memory, the live ones first; returns how many are live and how many there are.</summary>
    private static (int Live, int Count) Candidates(RoutingRequest request, PoolSnapshot pool)
    {
        var into = request.Scratch.Candidates;
        var dead = request.Scratch.FilteredA;
        var live = pool.Columns.Live;
        var liveCount = 0;
        var deadCount = 0;
        var subset = request.Subset is { Present: true } ? request.Subset : null;
        foreach (var slot in pool.Indexes)
        {
            if (subset is not null && !subset.Allows(pool[slot]))
            {
                continue;
            }

            if (live[slot])
            {
                into[liveCount++] = slot;
            }
            else
            {
                dead[deadCount++] = slot;
            }
        }

        dead.AsSpan(0, deadCount).CopyTo(into.AsSpan(liveCount));
        return (liveCount, liveCount + deadCount);
    }

    private static PluginDescriptor[] Describe(Profile profile, IPrefixProducer[] producers)
    {
        var plugins = new List<PluginDescriptor>();
        foreach (var producer in producers)
        {
            plugins.Add(new PluginDescriptor(ExtensionPoint.DataProducer, producer.Type, producer.Name));
        }

        foreach (var filter in profile.Filters)
        {
            plugins.Add(new PluginDescriptor(ExtensionPoint.Filter, filter.Type, filter.Name));
        }

        foreach (var (scorer, _) in profile.Scorers)
        {
            plugins.Add(new PluginDescriptor(ExtensionPoint.Scorer, scorer.Type, scorer.Name));
        }

        plugins.Add(new PluginDescriptor(ExtensionPoint.Picker, profile.Picker.Type, profile.Picker.Name));
        foreach (var producer in producers)
        {
            plugins.Add(new PluginDescriptor(ExtensionPoint.PreRequest, producer.Type, producer.Name));
        }

        return [.. plugins];
    }
}
