namespace Epp.Native.Prefix;

/// <summary>How many leading prefix blocks of one request each endpoint holds. Reused; not thread-safe.</summary>
public sealed class PrefixMatch
{
    private ulong[] _runBits = [];
    private int[] _promptBest = [];
    private int[] _guess = [];
    private KvMatch? _held;
    private PromptBlocks? _blocks;

    /// <summary>The request's block hashes; kept from the match until the pick is recorded.</summary>
    public BlockHashes Hashes { get; } = new();

    /// <summary>Blocks of the request; 0 = nothing to match.</summary>
    public int TotalBlocks { get; set; }

    /// <summary>Tokens of one block.</summary>
    public int BlockTokens { get; set; }

    /// <summary>Matched blocks by endpoint slot; at least as long as the pool's capacity, zero for endpoints that hold nothing.</summary>
    public int[] MatchBlocks { get; private set; } = [];

    /// <summary>True when <see cref="Hashes"/> are sequence hashes of tokens, one chain for each prompt and each shape of blocks.</summary>
    public bool IsPrecise { get; set; }

    /// <summary>Monotonic milliseconds of the match.</summary>
    internal long NowMs { get; set; }

    internal KvMatch Held => _held ??= new KvMatch();

    internal PromptBlocks Blocks => _blocks ??= new PromptBlocks();

    /// <summary>Zeroes the counts for a pool with <paramref name="capacity"/> slots.</summary>
    public void Begin(int capacity)
    {
        if (MatchBlocks.Length < capacity)
        {
            MatchBlocks = new int[capacity];
        }
        else
        {
            MatchBlocks.AsSpan(0, capacity).Clear();
        }
    }

    /// <summary>By slot, all zero between prompts.</summary>
    internal Span<int> PromptBest(int capacity) => Zeroed(ref _promptBest, capacity);

    /// <summary>By slot, all zero between lookups.</summary>
    internal Span<int> Guess(int capacity) => Zeroed(ref _guess, capacity);

    /// <summary>Working memory of the index.</summary>
    internal Span<ulong> RunBits(int words)
    {
        if (_runBits.Length < words)
        {
            _runBits = new ulong[words];
        }

        return _runBits.AsSpan(0, words);
    }

    /// <summary>Forgets the request; keeps the memory.</summary>
    public void Clear()
    {
        Hashes.Clear();
        TotalBlocks = 0;
        BlockTokens = 0;
        IsPrecise = false;
    }

    private static Span<int> Zeroed(ref int[] counts, int capacity)
    {
        if (counts.Length < capacity)
        {
            counts = new int[capacity];
        }

        return counts.AsSpan(0, capacity);
    }
}
