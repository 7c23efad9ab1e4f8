using System.Runtime.InteropServices;

namespace Epp.Lab.Workers;

/// <summary>What happens to the blocks of a cache, in order; an engine publishes it.</summary>
internal interface ICacheObserver
{
    /// <summary>Consecutive blocks, the first behind <paramref name="parent"/> (null = the prompt begins here).</summary>
    void Stored(ReadOnlySpan<ulong> hashes, ulong? parent, ReadOnlySpan<uint> tokens);

    void Removed(ReadOnlySpan<ulong> hashes);

    void Cleared();
}

/// <summary>
/// Automatic prefix cache of one worker: blocks of 16 token ids, each keyed by its ids and its parent, evicted least recently used, of one
/// prompt its end first. A block is found only behind all its parents. As in the engines, the block of the last token is computed anew: a
/// prompt that is cached to its end leaves a second copy of its last block, which is stored and removed on its own.
/// Not thread-safe; the worker locks.
/// </summary>
internal sealed class PrefixCache(int capacityBlocks, ICacheObserver? observer = null)
{
    public const int BlockTokens = 16;
    const ulong Root = 14695981039346656037;

    readonly Dictionary<ulong, List<LinkedListNode<ulong>>> _blocks = [];
    readonly LinkedList<ulong> _byUse = new();
    readonly List<ulong> _removed = [];

    /// <summary>Blocks, copies counted.</summary>
    public int Count => _byUse.Count;

    /// <summary>Tokens of the prompt that a request would find in the cache now.</summary>
    public int Held(ReadOnlySpan<uint> prompt) => Held(Hash(prompt), prompt.Length);

    /// <summary>Tokens of the prompt that were cached; afterwards all its full blocks are, as far as they fit.</summary>
    public int Use(ReadOnlySpan<uint> prompt)
    {
        var hashes = Hash(prompt);
        var cached = Held(hashes, prompt.Length);
        var kept = hashes.AsSpan(0, Math.Min(hashes.Length, capacityBlocks - 1));
        var isNew = new bool[kept.Length];
        var added = 0;
        for (var i = kept.Length - 1; i >= 0; i--)
        {
            var isRecomputed = (i + 1) * BlockTokens == prompt.Length && cached == i * BlockTokens;
            if (_blocks.TryGetValue(kept[i], out var copies) && !isRecomputed)
            {
                _byUse.Remove(copies[0]);
                _byUse.AddFirst(copies[0]);
                continue;
            }
            isNew[i] = true;
            added++;
            copies ??= _blocks[kept[i]] = [];
            copies.Add(_byUse.AddFirst(kept[i]));
        }
        // The prompt's own blocks are in front, and they fit: only others go.
        Evict();
        for (var i = 0; added > 0 && i < kept.Length; i++)
        {
            var end = i;
            while (end < kept.Length && isNew[end])
            {
                end++;
            }
            if (end > i)
            {
                observer?.Stored(kept[i..end], i == 0 ? null : kept[i - 1], prompt[(i * BlockTokens)..(end * BlockTokens)]);
                i = end;
            }
        }
        return cached;
    }

    /// <summary>Forgets everything.</summary>
    public void Clear()
    {
        _blocks.Clear();
        _byUse.Clear();
        observer?.Cleared();
    }

    void Evict()
    {
        _removed.Clear();
        while (_byUse.Count > capacityBlocks)
        {
            var last = _byUse.Last!;
            var copies = _blocks[last.Value];
            copies.Remove(last);
            if (copies.Count == 0)
            {
                _blocks.Remove(last.Value);
            }
            _removed.Add(last.Value);
            _byUse.RemoveLast();
        }
        if (_removed.Count > 0)
        {
            observer?.Removed(CollectionsMarshal.AsSpan(_removed));
        }
    }

    int Held(ulong[] hashes, int tokens)
    {
        var blocks = 0;
        while (blocks < hashes.Length && _blocks.ContainsKey(hashes[blocks]))
        {
            blocks++;
        }
        return BlockTokens * Math.Min(blocks, Math.Max(0, tokens - 1) / BlockTokens);
    }

    /// <summary>FNV-1a-64 over the ids of the prompt so far, at the end of each full block.</summary>
    static ulong[] Hash(ReadOnlySpan<uint> prompt)
    {
        var hashes = new ulong[prompt.Length / BlockTokens];
        var state = Root;
        for (var i = 0; i < hashes.Length * BlockTokens; i++)
        {
            for (var shift = 0; shift < 32; shift += 8)
            {
                state = (state ^ ((prompt[i] >> shift) & 0xFF)) * 1099511628211;
            }
            hashes[i / BlockTokens] = state;
        }
        return hashes;
    }
}
