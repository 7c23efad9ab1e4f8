using Epp.Native.Pool;
using Epp.Native.Scheduling;

namespace Epp.Native.Prefix;

/// <summary>Configuration of one approximate prefix producer.</summary>
/// <param name="Rules">Whose hashing rules hold: they also fix the unit of the block size.</param>
/// <param name="BlockSize">llm-d: tokens; GAIE: bytes; ≥ 1.</param>
/// <param name="AutoTune">Take block size and history length from the engine where it reports them.</param>
/// <param name="MaxTokens">llm-d: most prefix tokens matched; 0 = <paramref name="MaxBlocks"/> decides.</param>
/// <param name="MaxBlocks">Most prefix blocks matched; 0 = no limit.</param>
/// <param name="BlocksPerEndpoint">History of one endpoint, in blocks; ≥ 1.</param>
public sealed record ApproxPrefixConfig(
    Dialect Rules,
    int BlockSize = 16,
    bool AutoTune = true,
    int MaxTokens = 131072,
    int MaxBlocks = 2048,
    int BlocksPerEndpoint = ApproxPrefixIndex.DefaultBlocksPerEndpoint);

/// <summary>Computes the block hashes of a scanned request; adds nothing where it has no prompt.</summary>
/// <param name="request">Scan, body, target model and cache salt.</param>
/// <param name="rules">Whose rules.</param>
/// <param name="blockSize">llm-d: tokens; GAIE: bytes.</param>
/// <param name="maxBlocks">Most blocks of one prompt.</param>
/// <param name="into">Receives one chain for each prompt.</param>
public delegate void BlockHashing(RoutingRequest request, Dialect rules, int blockSize, int maxBlocks, BlockHashes into);

/// <summary>
/// Matches a request's prefix blocks with what was sent to each endpoint before, and records each pick. Thread-safe. Lives as long as
/// its pool.
/// </summary>
public sealed class ApproxPrefixProducer : IPrefixProducer
{
    public const string PluginType = "approx-prefix-cache-producer";

    /// <summary>llm-d raises smaller blocks to this, with a warning.</summary>
    public const int SmallestBlockTokens = 64;

    /// <summary>GAIE estimates four bytes a token.</summary>
    private const int BytesPerToken = 4;

    private readonly Lock _membership = new();
    private readonly ApproxPrefixConfig _config;
    private readonly Pool.Pool _pool;
    private readonly BlockHashing _hashing;

    public ApproxPrefixProducer(string name, ApproxPrefixConfig config, ApproxPrefixIndex index, Pool.Pool pool, BlockHashing hashing)
    {
        Name = name;
        _config = config;
        Index = index;
        _pool = pool;
        _hashing = hashing;
        _pool.Removed += Forget;
    }

    public string Name { get; }

    public string Type => PluginType;

    public int Blocks => Index.Blocks;

    public bool WantsTokens => false;

    public ApproxPrefixConfig Config => _config;

    public ApproxPrefixIndex Index { get; }

    /// <summary>Stops following the pool: for a producer that no scheduler uses any more.</summary>
    public void Detach() => _pool.Removed -= Forget;

    /// <summary>
    /// Hashes the request's prompts, unless <see cref="RoutingRequest.Scan"/> is null and the match holds hashes already, and counts
    /// the blocks each endpoint holds. The first candidate alone decides the block size, as in the references.
    /// </summary>
    public void Produce(RoutingRequest request, PrefixMatch match, PoolSnapshot pool, ushort firstCandidate)
    {
        var engineTokens = _config.AutoTune ? pool.Columns.CacheBlockTokens[firstCandidate] : 0;
        var blockSize = BlockSize(engineTokens);
        match.BlockTokens = _config.Rules == Dialect.Gaie ? Math.Max(1, blockSize / BytesPerToken) : blockSize;
        if (request.Scan is not null)
        {
            match.Hashes.Clear();
            _hashing(request, _config.Rules, blockSize, MaxBlocks(blockSize), match.Hashes);
        }

        Index.Match(match, pool.Columns.Capacity);
    }

    /// <summary>Records that the request went to an endpoint; nothing where the endpoint has left meanwhile.</summary>
    public void Record(PrefixMatch match, Endpoint endpoint)
    {
        if (match.Hashes.Count == 0)
        {
            return;
        }

        // A leaving endpoint is first gone from the snapshot, then forgotten under this lock: no block can slip in for its successor.
        lock (_membership)
        {
            var pool = _pool.Current;
            var slot = endpoint.Index.Value;
            if (slot < pool.ByIndex.Length && pool.ByIndex[slot] == endpoint)
            {
                var engineBlocks = _config.AutoTune ? pool.Columns.CacheBlocks[slot] : 0;
                Index.Add(slot, engineBlocks > 0 ? engineBlocks : _config.BlocksPerEndpoint, match.Hashes.All);
            }
        }
    }

    private void Forget(Endpoint endpoint)
    {
        lock (_membership)
        {
            Index.Clear(endpoint.Index.Value);
        }
    }

    private int BlockSize(int engineTokens) => _config.Rules == Dialect.Gaie
        ? (engineTokens is > 0 and < int.MaxValue / BytesPerToken ? engineTokens * BytesPerToken : _config.BlockSize)
        : Math.Max(SmallestBlockTokens, engineTokens > 0 ? engineTokens : _config.BlockSize);

    private int MaxBlocks(int blockSize)
    {
        var blocks = _config is { Rules: Dialect.LlmD, MaxTokens: > 0 } ? Math.Max(1, _config.MaxTokens / blockSize) : _config.MaxBlocks;
        return blocks > 0 ? blocks : int.MaxValue;
    }
}
