using Epp.Native.Kernels;

namespace Epp.Native.Prefix;

/// <summary>
/// For each endpoint slot the hashes it holds, ordered by last use: doubly linked lists over one pool of nodes, and an open-addressing
/// index (slot, hash) → node. Used by the one writer of the index only; not thread-safe.
/// </summary>
internal sealed class RecencyLists(ulong multiplier)
{
    private const int None = -1;
    private const int NodesPerChunk = 4096;
    private const int NodeBytes = 16;
    private const int KeyBytes = 12;
    private const int FirstKeysLog2 = 10;

    private readonly ulong _multiplier = multiplier | 1;
    private Node[][] _chunks = [];
    private Key[] _keys = [];
    private int _keysShift = 32;
    private int _free = None;
    private int _unused;
    private Slot[] _slots = [];

    private struct Node
    {
        public ulong Hash;
        public int Older;
        public int Newer;
    }

    /// <summary>
    /// One index entry; Node 0 = free, else the node's number + 1. The mixed bits say where its chain begins, so that walking a chain
    /// reads no nodes: each would be a cache miss.
    /// </summary>
    private struct Key
    {
        public int Node;
        public int Slot;
        public uint Mixed;
    }

    private struct Slot
    {
        public int Oldest;
        public int Newest;
        public int Count;
        public int Capacity;
    }

    /// <summary>Nodes in use, over all slots.</summary>
    public int Count { get; private set; }

    /// <summary>Slots that hold something.</summary>
    public int ActiveSlots { get; private set; }

    public long Bytes => ((long)_chunks.Length * NodesPerChunk * NodeBytes) + ((long)_keys.Length * KeyBytes);

    /// <summary>Bytes that must be free for one more node, counting an old index beside its successor; 0 where there is room.</summary>
    public long BytesToGrow => NeedsChunkBytes + (NeedsKeys ? (long)Math.Max(1 << FirstKeysLog2, _keys.Length * 2) * KeyBytes : 0);

    private bool NeedsKeys => Count >= _keys.Length / 4 * 3;

    private long NeedsChunkBytes => _free == None && _unused == _chunks.Length * NodesPerChunk ? (long)NodesPerChunk * NodeBytes : 0;

    public int CountOf(ushort slot) => slot < _slots.Length ? _slots[slot].Count : 0;

    /// <summary>The slot's limit: the one given when it first held something.</summary>
    public int CapacityOf(ushort slot, int capacity)
    {
        EnsureSlot(slot);
        if (_slots[slot].Capacity == 0)
        {
            _slots[slot].Capacity = Math.Max(1, capacity);
        }

        return _slots[slot].Capacity;
    }

    /// <summary>The slot with the longest list; only asked when memory is short.</summary>
    public ushort Longest()
    {
        var longest = 0;
        for (var i = 1; i < _slots.Length; i++)
        {
            longest = _slots[i].Count > _slots[longest].Count ? i : longest;
        }

        return (ushort)longest;
    }

    /// <summary>
    /// Asks for what the next steps will read, for these hashes and for as many of the slot's oldest, which are returned in
    /// <paramref name="oldest"/>: the cache misses of a batch then overlap instead of queueing.
    /// </summary>
    public void Warm(ushort slot, ReadOnlySpan<ulong> hashes, Span<ulong> oldest)
    {
        if (_keys.Length == 0)
        {
            return;
        }

        foreach (var hash in hashes)
        {
            Prefetch.Before(ref _keys[Home(Mix(slot, hash))], 1);
        }

        var node = oldest.IsEmpty ? None : _slots[slot].Oldest;
        for (var i = 0; i < oldest.Length; i++)
        {
            oldest[i] = At(node).Hash;
            node = At(node).Newer;
            Prefetch.Before(ref _keys[Home(Mix(slot, oldest[i]))], 1);
        }
    }

    /// <summary>Makes the hash the slot's newest; false where the slot does not hold it.</summary>
    public bool TryTouch(ushort slot, ulong hash)
    {
        var key = FindKey(slot, hash);
        if (key < 0)
        {
            return false;
        }

        var node = _keys[key].Node - 1;
        if (_slots[slot].Newest != node)
        {
            Unlink(slot, node);
            Append(slot, node);
        }

        return true;
    }

    /// <summary>Adds a hash the slot does not hold as its newest.</summary>
    public void Add(ushort slot, ulong hash)
    {
        EnsureSlot(slot);
        if (NeedsKeys)
        {
            GrowKeys();
        }

        var node = TakeNode();
        At(node).Hash = hash;
        Append(slot, node);
        InsertKey(new Key { Node = node + 1, Slot = slot, Mixed = Mix(slot, hash) });
        Count++;
        ActiveSlots += _slots[slot].Count == 1 ? 1 : 0;
    }

    /// <summary>Removes and returns the slot's oldest hash; the slot holds one.</summary>
    public ulong TakeOldest(ushort slot)
    {
        var node = _slots[slot].Oldest;
        var hash = At(node).Hash;
        RemoveKey(FindKey(slot, hash));
        Unlink(slot, node);
        At(node).Newer = _free;
        _free = node;
        Count--;
        ActiveSlots -= _slots[slot].Count == 0 ? 1 : 0;
        return hash;
    }

    /// <summary>Lets a successor in this slot set its own limit; the slot holds nothing.</summary>
    public void Forget(ushort slot)
    {
        if (slot < _slots.Length)
        {
            _slots[slot].Capacity = 0;
        }
    }

    private ref Node At(int node) => ref _chunks[node / NodesPerChunk][node % NodesPerChunk];

    private uint Mix(int slot, ulong hash) => (uint)(((hash + ((ulong)(uint)slot * 0x9E3779B97F4A7C15)) * _multiplier) >> 32);

    private int Home(uint mixed) => (int)(mixed >> _keysShift);

    private int FindKey(ushort slot, ulong hash)
    {
        if (_keys.Length == 0)
        {
            return -1;
        }

        var mixed = Mix(slot, hash);
        for (var i = Home(mixed); _keys[i].Node != 0; i = (i + 1) & (_keys.Length - 1))
        {
            if (_keys[i].Mixed == mixed && _keys[i].Slot == slot && At(_keys[i].Node - 1).Hash == hash)
            {
                return i;
            }
        }

        return -1;
    }

    private void InsertKey(in Key key)
    {
        var i = Home(key.Mixed);
        while (_keys[i].Node != 0)
        {
            i = (i + 1) & (_keys.Length - 1);
        }

        _keys[i] = key;
    }

    /// <summary>Backward-shift deletion: moves later entries of the chain up, so that no tombstones remain.</summary>
    private void RemoveKey(int hole)
    {
        var mask = _keys.Length - 1;
        for (var i = (hole + 1) & mask; _keys[i].Node != 0; i = (i + 1) & mask)
        {
            var home = Home(_keys[i].Mixed);
            if (((i - home) & mask) >= ((i - hole) & mask))
            {
                _keys[hole] = _keys[i];
                hole = i;
            }
        }

        _keys[hole] = default;
    }

    private void GrowKeys()
    {
        var old = _keys;
        _keys = new Key[Math.Max(1 << FirstKeysLog2, old.Length * 2)];
        _keysShift = 32 - System.Numerics.BitOperations.Log2((uint)_keys.Length);
        foreach (var key in old)
        {
            if (key.Node != 0)
            {
                InsertKey(in key);
            }
        }
    }

    private int TakeNode()
    {
        if (_free != None)
        {
            var node = _free;
            _free = At(node).Newer;
            return node;
        }

        if (_unused == _chunks.Length * NodesPerChunk)
        {
            _chunks = [.. _chunks, new Node[NodesPerChunk]];
        }

        return _unused++;
    }

    private void EnsureSlot(ushort slot)
    {
        if (slot >= _slots.Length)
        {
            var first = _slots.Length;
            Array.Resize(ref _slots, Math.Max(slot + 1, Math.Max(16, first * 2)));
            _slots.AsSpan(first).Fill(new Slot { Oldest = None, Newest = None });
        }
    }

    private void Append(ushort slot, int node)
    {
        ref var list = ref _slots[slot];
        At(node).Older = list.Newest;
        At(node).Newer = None;
        if (list.Newest == None)
        {
            list.Oldest = node;
        }
        else
        {
            At(list.Newest).Newer = node;
        }

        list.Newest = node;
        list.Count++;
    }

    private void Unlink(ushort slot, int node)
    {
        ref var list = ref _slots[slot];
        var (older, newer) = (At(node).Older, At(node).Newer);
        if (older == None)
        {
            list.Oldest = newer;
        }
        else
        {
            At(older).Newer = newer;
        }

        if (newer == None)
        {
            list.Newest = older;
        }
        else
        {
            At(newer).Older = older;
        }

        list.Count--;
    }
}
