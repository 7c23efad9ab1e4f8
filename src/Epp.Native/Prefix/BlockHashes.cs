namespace Epp.Native.Prefix;

/// <summary>
/// Block hashes of one request's prompts, in order; a request with several prompts has one independent chain for each. Reused; not
/// thread-safe.
/// </summary>
public sealed class BlockHashes
{
    private ulong[] _hashes = new ulong[256];
    private int[] _ends = new int[1];

    /// <summary>Hashes of all prompts together.</summary>
    public int Count { get; private set; }

    /// <summary>Prompts ended so far.</summary>
    public int PromptCount { get; private set; }

    /// <summary>All hashes, prompt after prompt.</summary>
    public ReadOnlySpan<ulong> All => _hashes.AsSpan(0, Count);

    /// <summary>Hashes of prompt <paramref name="i"/>.</summary>
    public ReadOnlySpan<ulong> Prompt(int i) => _hashes.AsSpan(i == 0 ? 0 : _ends[i - 1], _ends[i] - (i == 0 ? 0 : _ends[i - 1]));

    /// <summary>Adds a hash to the current prompt.</summary>
    public void Add(ulong hash)
    {
        if (Count == _hashes.Length)
        {
            Array.Resize(ref _hashes, Count * 2);
        }

        _hashes[Count++] = hash;
    }

    /// <summary>Ends the current prompt.</summary>
    public void EndPrompt()
    {
        if (PromptCount == _ends.Length)
        {
            Array.Resize(ref _ends, PromptCount * 2);
        }

        _ends[PromptCount++] = Count;
    }

    /// <summary>Empties the list; keeps the memory.</summary>
    public void Clear()
    {
        Count = 0;
        PromptCount = 0;
    }
}
