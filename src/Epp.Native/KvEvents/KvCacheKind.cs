namespace Epp.Native.KvEvents;

/// <summary>What kind of attention a cache group serves (<c>kv_cache_spec_kind</c>).</summary>
public enum KvCacheKind : byte
{
    /// <summary>Not said.</summary>
    Unsaid = 0,

    /// <summary><c>full_attention</c>.</summary>
    FullAttention,

    /// <summary><c>mla_attention</c>.</summary>
    MlaAttention,

    /// <summary><c>sink_full_attention</c>.</summary>
    SinkFullAttention,

    /// <summary>
    /// Any other: sliding window, chunked, mamba, encoder, cross attention, or a name of the future. Such blocks do not tell how much of
    /// a prompt is cached.
    /// </summary>
    Other,
}

/// <summary>Whether the blocks lie at the worker that reports them (<c>locality</c>).</summary>
public enum KvLocality : byte
{
    /// <summary>Not said.</summary>
    Unsaid = 0,

    /// <summary><c>LOCAL</c>.</summary>
    Local,

    /// <summary><c>REMOTE</c> or a name of the future: not at this worker.</summary>
    Elsewhere,
}

/// <summary>Whose blocks a Dynamo event tells about (<c>residency_domain</c>).</summary>
public enum KvResidency : byte
{
    /// <summary>Not said: the worker's; in a clear, everything.</summary>
    Unsaid = 0,

    /// <summary><c>worker</c>.</summary>
    Worker,

    /// <summary><c>cache_owner</c>: not the cache of the engine, not indexed.</summary>
    CacheOwner,
}
