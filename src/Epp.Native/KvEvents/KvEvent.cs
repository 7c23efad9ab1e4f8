namespace Epp.Native.KvEvents;

/// <summary>What every event carries.</summary>
/// <param name="Holder">Whose blocks.</param>
/// <param name="EventId">Dynamo's <c>event_id</c>; for engines the sequence number of the batch.</param>
/// <param name="Tier">Where they lie.</param>
/// <param name="Residency">Dynamo's domain.</param>
/// <param name="Group">Cache group of a hybrid model; −1 = not said.</param>
/// <param name="Locality">Where they lie, seen from the worker.</param>
public readonly record struct KvEventHead(
    KvRank Holder,
    ulong EventId,
    KvTier Tier = KvTier.Device,
    KvResidency Residency = KvResidency.Unsaid,
    int Group = -1,
    KvLocality Locality = KvLocality.Unsaid);

/// <summary>
/// Blocks that a holder now has, each the child of the one before. The spans live until the sink returns. An engine's event names token
/// ids, Dynamo's names <see cref="TokensHashes"/>; a <see cref="BlockHashes"/> entry is opaque and only good for finding parents and removals.
/// </summary>
public readonly ref struct KvStored
{
    /// <summary>Holder, id, tier.</summary>
    public KvEventHead Head { get; init; }

    /// <summary>False for the first block of a prompt.</summary>
    public bool HasParent { get; init; }

    /// <summary>External hash of the block before the first; meaningful with <see cref="HasParent"/>.</summary>
    public ulong ParentHash { get; init; }

    /// <summary>External hashes; an engine's byte hashes are cut to their last 8 bytes, big-endian.</summary>
    public ReadOnlySpan<ulong> BlockHashes { get; init; }

    /// <summary>Dynamo: local hash per block. Empty for engines.</summary>
    public ReadOnlySpan<ulong> TokensHashes { get; init; }

    /// <summary>Dynamo: block number of the first block in its prompt, in single-block dumps without a parent; −1 = not said.</summary>
    public int StartPosition { get; init; }

    /// <summary>
    /// Engines: token ids of all blocks, <see cref="IdsPerToken"/> each. Empty where the engine announces a block it named before (another
    /// tier); the number need not be a multiple of the block size.
    /// </summary>
    public ReadOnlySpan<uint> TokenIds { get; init; }

    /// <summary>1; 2 where every token is a pair of ids, itself and its successor (SGLang with Eagle).</summary>
    public int IdsPerToken { get; init; }

    /// <summary>Engines: tokens per block.</summary>
    public int BlockTokens { get; init; }

    /// <summary>Engines: numeric LoRA id; −1 = none. Adapters are told apart by <see cref="LoraName"/> where it is given.</summary>
    public long LoraId { get; init; }

    /// <summary>UTF-8; empty = no adapter, or an engine that does not name it.</summary>
    public ReadOnlySpan<byte> LoraName { get; init; }

    /// <summary>UTF-8; salt of the cache as SGLang gives it. vLLM's is the last text in the extra keys of block 0.</summary>
    public ReadOnlySpan<byte> CacheSalt { get; init; }

    /// <summary>What else went into each block's hash; read with <see cref="KvExtraKeys"/>.</summary>
    public ReadOnlySpan<byte> ExtraKeys { get; init; }

    /// <summary>Attention kind of the group.</summary>
    public KvCacheKind CacheKind { get; init; }
}

/// <summary>Blocks that a holder no longer has: one copy of each, in any order.</summary>
public readonly ref struct KvRemoved
{
    /// <summary>Holder, id, tier.</summary>
    public KvEventHead Head { get; init; }

    /// <summary>External hashes.</summary>
    public ReadOnlySpan<ulong> BlockHashes { get; init; }
}

/// <summary>A holder's cache was emptied.</summary>
/// <param name="Head">Holder, id. The tier says nothing: every tier is meant.</param>
/// <param name="WholeWorker">True: every rank of the worker (Dynamo up to 1.3); false: this rank.</param>
public readonly record struct KvCleared(KvEventHead Head, bool WholeWorker);

/// <summary>
/// Takes decoded events, in the order they were sent; called by one thread at a time. Spans of an event must not be kept.
/// </summary>
public interface IKvEventSink
{
    /// <summary>Blocks were stored.</summary>
    void Stored(in KvStored stored);

    /// <summary>Blocks were removed.</summary>
    void Removed(in KvRemoved removed);

    /// <summary>A cache was emptied.</summary>
    void Cleared(in KvCleared cleared);
}
