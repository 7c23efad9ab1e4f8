using System.Numerics;

namespace Epp.Native.Prefix;

/// <summary>What the one writer does; see the rules for readers above the other part.</summary>
internal sealed partial class HolderTable
{
    /// <summary>Writer: true when the hash has a holder.</summary>
    public bool Contains(ulong hash) => Find(hash, out _) != 0;

    /// <summary>Writer: true when one more holder of this hash needs a bit set that it does not have yet.</summary>
    public bool WouldNeedSet(ulong hash) => Find(hash, out _) >> TagShift == InlineHolders;

    /// <summary>Writer: adds a holder; <paramref name="slot"/> &lt; 64 · <see cref="SetWords"/> and the table is not full.</summary>
    public void Add(ulong hash, ushort slot)
    {
        var i = Home(hash);
        var free = -1;
        while (_entries[i].Holders is var word and not 0)
        {
            if (word == Tombstone)
            {
                free = free < 0 ? i : free;
            }
            else if (_entries[i].Hash == hash)
            {
                AddHolder(ref _entries[i], slot);
                return;
            }

            i = (i + 1) & (_entries.Length - 1);
        }

        if (free < 0)
        {
            free = i;
            _used++;
        }

        Count++;
        Volatile.Write(ref _entries[free].Hash, hash);
        Volatile.Write(ref _entries[free].Holders, (1UL << TagShift) | slot);
    }

    /// <summary>Writer: removes a holder; the entry goes with its last one.</summary>
    public void Remove(ulong hash, ushort slot)
    {
        var word = Find(hash, out var index);
        if (word == 0)
        {
            return;
        }

        ref var entry = ref _entries[index];
        if (IsSet(word))
        {
            RemoveFromSet(ref entry, word, slot);
            return;
        }

        var left = 0UL;
        var count = 0;
        for (var i = 0; i < (int)(word >> TagShift); i++)
        {
            var holder = (word >> (i * SlotBits)) & SlotMask;
            if (holder != slot)
            {
                left |= holder << (count++ * SlotBits);
            }
        }

        if (count > 0)
        {
            Volatile.Write(ref entry.Holders, ((ulong)count << TagShift) | left);
            return;
        }

        Count--;
        Free(index);
    }

    /// <summary>Writer: copies every entry to an empty table with at least as wide bit sets.</summary>
    public void CopyTo(HolderTable next)
    {
        foreach (var entry in _entries)
        {
            if (entry.Holders is 0 or Tombstone)
            {
                continue;
            }

            var i = next.Home(entry.Hash);
            while (next._entries[i].Holders != 0)
            {
                i = (i + 1) & (next._entries.Length - 1);
            }

            var word = entry.Holders;
            if (IsSet(word))
            {
                var bits = Bits(word);
                word = next.NewSet();
                bits.CopyTo(next.Bits(word));
            }

            next._entries[i] = new Entry { Hash = entry.Hash, Holders = word };
            next._used++;
        }

        next.Count = Count;
    }

    private void AddHolder(ref Entry entry, ushort slot)
    {
        var word = entry.Holders;
        if (IsSet(word))
        {
            ref var bits = ref Bits(word)[slot / 64];
            Volatile.Write(ref bits, bits | (1UL << (slot % 64)));
            return;
        }

        var count = (int)(word >> TagShift);
        if (count == InlineHolders)
        {
            MoveToSet(ref entry, word, slot);
            return;
        }

        var next = 0UL;
        var n = 0;
        var placed = false;
        for (var i = 0; i < count; i++)
        {
            var holder = (word >> (i * SlotBits)) & SlotMask;
            if (holder == slot)
            {
                return;
            }

            if (!placed && holder > slot)
            {
                next |= (ulong)slot << (n++ * SlotBits);
                placed = true;
            }

            next |= holder << (n++ * SlotBits);
        }

        next |= placed ? 0 : (ulong)slot << (count * SlotBits);
        Volatile.Write(ref entry.Holders, ((ulong)(count + 1) << TagShift) | next);
    }

    private void MoveToSet(ref Entry entry, ulong word, ushort slot)
    {
        var set = NewSet();
        var bits = Bits(set);
        bits[slot / 64] |= 1UL << (slot % 64);
        for (var i = 0; i < InlineHolders; i++)
        {
            var holder = (int)((word >> (i * SlotBits)) & SlotMask);
            if (holder == slot)
            {
                FreeSet(set);
                return;
            }

            bits[holder / 64] |= 1UL << (holder % 64);
        }

        Volatile.Write(ref entry.Holders, set);
    }

    private void RemoveFromSet(ref Entry entry, ulong word, ushort slot)
    {
        var bits = Bits(word);
        Volatile.Write(ref bits[slot / 64], bits[slot / 64] & ~(1UL << (slot % 64)));
        var count = 0;
        foreach (var b in bits)
        {
            count += BitOperations.PopCount(b);
        }

        // One below the limit, so that a holder that comes and goes does not move the entry each time.
        if (count >= InlineHolders)
        {
            return;
        }

        var inline = (ulong)count << TagShift;
        var n = 0;
        for (var w = 0; w < bits.Length; w++)
        {
            for (var left = bits[w]; left != 0; left &= left - 1)
            {
                inline |= (ulong)((w * 64) + BitOperations.TrailingZeroCount(left)) << (n++ * SlotBits);
            }
        }

        Volatile.Write(ref entry.Holders, inline);
        FreeSet(word);
    }

    /// <summary>Frees an entry: really where the next one is free, for then no probe chain goes through it, else by a tombstone.</summary>
    private void Free(int index)
    {
        var mask = _entries.Length - 1;
        if (_entries[(index + 1) & mask].Holders != 0)
        {
            Volatile.Write(ref _entries[index].Holders, Tombstone);
            return;
        }

        do
        {
            Volatile.Write(ref _entries[index].Holders, 0);
            _used--;
            index = (index - 1) & mask;
        }
        while (_entries[index].Holders == Tombstone);
    }

    private ulong NewSet()
    {
        int set;
        if (_freeSetCount > 0)
        {
            set = _freeSets[--_freeSetCount];
        }
        else
        {
            set = _sets++;
            if (set == _setChunks.Length * SetsPerChunk)
            {
                // Chunks only join the list, and a word is stored after its chunk: every word a reader loads names a chunk it can load.
                Volatile.Write(ref _setChunks, [.. _setChunks, new ulong[SetsPerChunk * SetWords]]);
            }
        }

        var word = (SetTag << TagShift) | (uint)set;
        Bits(word).Clear();
        return word;
    }

    private void FreeSet(ulong word)
    {
        if (_freeSetCount == _freeSets.Length)
        {
            Array.Resize(ref _freeSets, Math.Max(16, _freeSetCount * 2));
        }

        _freeSets[_freeSetCount++] = (int)(word & uint.MaxValue);
    }
}
