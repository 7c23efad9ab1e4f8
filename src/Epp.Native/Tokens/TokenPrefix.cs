namespace Epp.Native.Tokens;

/// <summary>How blocks of a prompt were hashed: chains of two prompts may be compared only where all of it is equal.</summary>
/// <param name="BlockTokens">Tokens of a block.</param>
/// <param name="IsEagle">A block's hash covers the token behind it too.</param>
/// <param name="IdsBefore">Ids that stand before the text's own.</param>
/// <param name="Seed">Seed of every block.</param>
/// <param name="FirstSeed">Seed of the first block.</param>
public readonly record struct HashChainKey(int BlockTokens, bool IsEagle, int IdsBefore, ulong Seed, ulong FirstSeed);

/// <summary>
/// One beginning that a <see cref="TokenPrefixCache"/> keeps: its bytes, its ids, and the hashes of the ids' full blocks in the ways that were
/// asked for. It stays valid while somebody holds it, even where the cache has dropped it. Thread-safe.
/// </summary>
public sealed class TokenPrefix
{
    /// <summary>Chains of one beginning at most: as many as an index knows shapes of engines.</summary>
    public const int MaxChains = 8;

    private readonly TokenPrefixCache _cache;
    private Chain[] _chains = [];
    private volatile bool _isUsed = true;

    internal TokenPrefix(TokenPrefixCache cache, ulong hash, byte[] text, uint[] ids, long steps, long bytes)
    {
        (_cache, Hash, Text, Ids, Steps, Bytes) = (cache, hash, text, ids, steps, bytes);
    }

    internal ulong Hash { get; }

    internal byte[] Text { get; }

    internal uint[] Ids { get; }

    /// <summary>What the patterns took for it.</summary>
    internal long Steps { get; }

    /// <summary>What it takes of the cache's budget.</summary>
    internal long Bytes { get; private set; }

    /// <summary>Whether it served since the cache last looked for something to drop.</summary>
    internal bool IsUsed
    {
        get => _isUsed;
        set => _isUsed = value;
    }

    internal bool HasRoom => _chains.Length < MaxChains;

    /// <summary>How many full blocks of a prompt lie in this beginning, whatever follows it.</summary>
    public int Blocks(HashChainKey key)
    {
        var window = key.BlockTokens + (key.IsEagle ? 1 : 0);
        var ids = key.IdsBefore + Ids.Length;
        return ids < window ? 0 : ((ids - window) / key.BlockTokens) + 1;
    }

    /// <summary>The sequence hashes of its <see cref="Blocks"/>; empty where they are not known.</summary>
    public ReadOnlySpan<ulong> HashesOf(HashChainKey key) => Find(key) is { } chain ? _cache.Found(chain.Hashes) : default;

    /// <summary>
    /// Keeps the sequence hashes of its <see cref="Blocks"/>, unless the cache has no room for them. A beginning that is not new is told twice
    /// before it believes that a third request will ask.
    /// </summary>
    public void Keep(HashChainKey key, ReadOnlySpan<ulong> hashes, bool isNew)
    {
        if (!hashes.IsEmpty && HasRoom && Find(key) is null)
        {
            _cache.KeepChain(this, key, hashes, isNew);
        }
    }

    /// <summary>By the cache, one at a time.</summary>
    internal void Add(HashChainKey key, ulong[] hashes, long bytes)
    {
        Bytes += bytes;
        Volatile.Write(ref _chains, [.. _chains, new Chain(key, hashes)]);
    }

    private Chain? Find(HashChainKey key)
    {
        foreach (var chain in Volatile.Read(ref _chains))
        {
            if (chain.Key == key)
            {
                return chain;
            }
        }

        return null;
    }

    private sealed record Chain(HashChainKey Key, ulong[] Hashes);
}

/// <summary>What is kept of one encoded text's beginning.</summary>
/// <param name="Known">The beginning that was found; null = none.</param>
/// <param name="Grown">A longer one that is kept from now on; null = none.</param>
/// <param name="IdsBefore">Ids that stand before the text's own: those of the post-processor.</param>
public readonly record struct TokenBeginning(TokenPrefix? Known, TokenPrefix? Grown, int IdsBefore);
