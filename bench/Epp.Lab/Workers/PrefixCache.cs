namespace Epp.Lab.Workers;

/// <summary>
/// Automatic prefix cache of one worker: blocks of 16 tokens (64 bytes of prompt: four bytes a token), each keyed by its
/// bytes and its parent, evicted least recently used. A block is found only behind all its parents, as in the engines.
/// Not thread-safe; the worker locks.
/// </summary>
internal sealed class PrefixCache(int capacityBlocks)
{
    public const int BlockTokens = 16;
    public const int BytesPerToken = 4;
    const int BlockBytes = BlockTokens * BytesPerToken;

    readonly Dictionary<ulong, LinkedListNode<ulong>> _blocks = [];
    readonly LinkedList<ulong> _byUse = new();

    public int Count => _blocks.Count;

    public int CapacityBlocks => capacityBlocks;

    /// <summary>Tokens of the prompt that were cached; afterwards all its full blocks are. The last token is never served from the cache.</summary>
    public int Use(ReadOnlySpan<byte> prompt)
    {
        var cached = 0;
        var unbroken = true;
        ulong parent = 14695981039346656037;
        for (var at = 0; at + BlockBytes <= prompt.Length; at += BlockBytes)
        {
            foreach (var b in prompt.Slice(at, BlockBytes))
            {
                parent = (parent ^ b) * 1099511628211;
            }
            if (_blocks.TryGetValue(parent, out var node))
            {
                _byUse.Remove(node);
                _byUse.AddFirst(node);
                cached += unbroken ? BlockTokens : 0;
                continue;
            }
            unbroken = false;
            _blocks[parent] = _byUse.AddFirst(parent);
            if (_blocks.Count > capacityBlocks)
            {
                _blocks.Remove(_byUse.Last!.Value);
                _byUse.RemoveLast();
            }
        }
        return Math.Min(cached, Math.Max(0, (prompt.Length / BytesPerToken) - 1));
    }
}
