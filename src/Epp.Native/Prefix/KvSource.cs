namespace Epp.Native.Prefix;

/// <summary>What one source of KV events told: the blocks, how to look them up, and whether it still talks. Thread-safe.</summary>
/// <param name="index">The blocks.</param>
public sealed class KvSource(KvIndex index)
{
    private volatile bool _isStale;

    /// <summary>Which rank holds which blocks; owners are endpoint slots.</summary>
    public KvIndex Index => index;

    /// <summary>How the engines cut prompts.</summary>
    public PromptShapes Shapes { get; } = new();

    /// <summary>True when nobody has been connected for so long that the blocks are too old to go by.</summary>
    public bool IsStale
    {
        get => _isStale;
        set => _isStale = value;
    }
}
