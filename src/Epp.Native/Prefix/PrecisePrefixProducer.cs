using Epp.Native.Pool;
using Epp.Native.Requests;
using Epp.Native.Scheduling;

namespace Epp.Native.Prefix;

/// <summary>Configuration of one precise prefix producer.</summary>
/// <param name="BlockTokens">Tokens of the blocks that scores are counted in; engines may use others.</param>
/// <param name="HostWeight">What a block in a host's memory counts for; on the device it is <paramref name="DeviceWeight"/>.</param>
/// <param name="DeviceWeight">What a block on the device counts for.</param>
/// <param name="Speculative">Count what was just sent until the engine tells.</param>
/// <param name="SpeculativeTtl">How long.</param>
/// <param name="GuessTtl">How long a pick counts where events are missing (kv-routing §6.8).</param>
public sealed record PrecisePrefixConfig(
    int BlockTokens = 16,
    double DeviceWeight = 1,
    double HostWeight = 0.8,
    bool Speculative = false,
    TimeSpan? SpeculativeTtl = null,
    TimeSpan? GuessTtl = null);

/// <summary>
/// Matches a request's tokens with what the engines say they hold. Where the events stopped it goes by what was sent to each endpoint lately,
/// and where a request's tokens are not known by its bytes, as the approximate producer does. Thread-safe.
/// </summary>
public sealed class PrecisePrefixProducer : IPrefixProducer
{
    public const string PluginType = "precise-prefix-cache-producer";

    private readonly Lock _membership = new();
    private readonly PrecisePrefixConfig _config;
    private readonly Pool.Pool _pool;
    private readonly ApproxPrefixProducer _byBytes;
    private readonly ExpiringPrefixIndex _sent;
    private readonly ExpiringPrefixIndex? _speculative;
    private readonly PromptShapes _shapes;
    private long _producedExactly;
    private long _producedByGuess;

    /// <param name="name">The plugin's name.</param>
    /// <param name="config">Its configuration.</param>
    /// <param name="source">What the engines said.</param>
    /// <param name="pool">The pool.</param>
    /// <param name="byBytes">Serves requests whose tokens are not known.</param>
    /// <param name="seed">Secret of the tables.</param>
    /// <param name="guessBudgetBytes">Memory of what was sent lately.</param>
    public PrecisePrefixProducer(
        string name, PrecisePrefixConfig config, KvSource source, Pool.Pool pool, ApproxPrefixProducer byBytes, ulong seed, long guessBudgetBytes)
    {
        Name = name;
        _config = config;
        Source = source;
        _shapes = source.Shapes;
        _pool = pool;
        _byBytes = byBytes;
        _sent = new ExpiringPrefixIndex(seed, config.GuessTtl ?? TimeSpan.FromSeconds(120), guessBudgetBytes);
        _speculative = config.Speculative ? new ExpiringPrefixIndex(seed, config.SpeculativeTtl ?? TimeSpan.FromSeconds(2), guessBudgetBytes / 4) : null;
        _pool.Removed += Forget;
    }

    public string Name { get; }

    public string Type => PluginType;

    public PrecisePrefixConfig Config => _config;

    /// <summary>What the engines said.</summary>
    public KvSource Source { get; }

    public int Blocks => Source.Index.Blocks;

    public bool WantsTokens => true;

    /// <summary>Requests matched with what the engines hold.</summary>
    public long ProducedExactly => Volatile.Read(ref _producedExactly);

    /// <summary>Requests matched with what was sent lately or with the approximate producer.</summary>
    public long ProducedByGuess => Volatile.Read(ref _producedByGuess);

    public void Detach()
    {
        _pool.Removed -= Forget;
        _byBytes.Detach();
    }

    public void Produce(RoutingRequest request, PrefixMatch match, PoolSnapshot pool, ushort firstCandidate)
    {
        match.IsPrecise = request.Tokens.IsKnown && _shapes.All.Length > 0;
        if (!match.IsPrecise)
        {
            Interlocked.Increment(ref _producedByGuess);
            _byBytes.Produce(request, match, pool, firstCandidate);
            return;
        }

        match.Begin(pool.Columns.Capacity);
        match.BlockTokens = _config.BlockTokens;
        match.TotalBlocks = 0;
        match.NowMs = request.NowMs;
        match.Hashes.Clear();
        Interlocked.Increment(ref Source.IsStale ? ref _producedByGuess : ref _producedExactly);
        var best = match.PromptBest(pool.Columns.Capacity);
        for (var prompt = 0; prompt < request.Tokens.PromptCount; prompt++)
        {
            var tokens = request.Tokens.Prompt(prompt);
            match.TotalBlocks += tokens.Length / _config.BlockTokens;
            foreach (var shape in _shapes.All)
            {
                MatchShape(request, match, prompt, shape, best);
            }

            for (var slot = 0; slot < best.Length; slot++)
            {
                match.MatchBlocks[slot] += best[slot];
                best[slot] = 0;
            }
        }
    }

    public void Record(PrefixMatch match, Endpoint endpoint)
    {
        if (!match.IsPrecise)
        {
            _byBytes.Record(match, endpoint);
            return;
        }

        // As in the approximate producer: a leaving endpoint is first gone from the snapshot, then forgotten under this lock.
        lock (_membership)
        {
            var pool = _pool.Current;
            var slot = endpoint.Index.Value;
            if (slot >= pool.ByIndex.Length || pool.ByIndex[slot] != endpoint)
            {
                return;
            }

            for (var i = 0; i < match.Hashes.PromptCount; i++)
            {
                _sent.Add(slot, match.Hashes.Prompt(i), match.NowMs);
                _speculative?.Add(slot, match.Hashes.Prompt(i), match.NowMs);
            }
        }
    }

    /// <summary>The most blocks, counted in ours, that each endpoint holds of one prompt as engines of one shape cut it.</summary>
    private void MatchShape(RoutingRequest request, PrefixMatch match, int prompt, PromptShape shape, Span<int> best)
    {
        var blocks = match.Blocks;
        var salted = _shapes.Seed(request.TargetModel, request.CacheSalt);
        var seed = shape.SaltsEveryBlock ? salted : _shapes.Seed(request.TargetModel, default);
        blocks.Hash(request.Tokens.Prompt(prompt), shape, seed, salted, request.Tokens.Beginning(prompt));
        foreach (var hash in blocks.Sequences)
        {
            match.Hashes.Add(hash);
        }

        match.Hashes.EndPrompt();
        if (Source.IsStale)
        {
            AddGuess(_sent, match, shape, best);
            return;
        }

        var held = match.Held;
        held.TierWeights[0] = _config.DeviceWeight;
        held.TierWeights[1] = _config.HostWeight;
        Source.Index.Find(blocks.Sequences, held);
        for (var i = 0; i < held.Count; i++)
        {
            var slot = held.Owner(i);
            if ((uint)slot < (uint)best.Length)
            {
                best[slot] = Math.Max(best[slot], (int)(held.Weighted(i) * shape.BlockTokens / _config.BlockTokens));
            }
        }

        if (_speculative is not null)
        {
            AddGuess(_speculative, match, shape, best);
        }
    }

    private void AddGuess(ExpiringPrefixIndex index, PrefixMatch match, PromptShape shape, Span<int> best)
    {
        var guess = match.Guess(best.Length);
        index.Match(match.Blocks.Sequences, match.Held, guess);
        for (var slot = 0; slot < guess.Length; slot++)
        {
            if (guess[slot] > 0)
            {
                best[slot] = Math.Max(best[slot], (int)((long)guess[slot] * shape.BlockTokens / _config.BlockTokens));
                guess[slot] = 0;
            }
        }
    }

    private void Forget(Endpoint endpoint)
    {
        lock (_membership)
        {
            _sent.Clear(endpoint.Index.Value);
            _speculative?.Clear(endpoint.Index.Value);
        }
    }
}
