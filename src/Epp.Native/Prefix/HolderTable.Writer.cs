namespace Epp.Native.Prefix;

/// <summary>What the one writer does; see the rules for readers above the other part.</summary>
internal sealed partial class HolderTable
{
    /// <summary>
    /// The holders <see cref="From"/> became <see cref="To"/> by one slot. A request's blocks go through the same step one after the
    /// other, so remembering the last one lets them share its outcome.
    /// </summary>
    private readonly record struct Step(ulong From, ushort Slot, ulong To);

    /// <summary>Writer: true when the hash has a holder.</summary>
    public bool Contains(ulong hash) => Find(hash, out _) != 0;

    /// <summary>Writer: true when one more holder of this hash needs a bit set that it does not have yet.</summary>
    public bool WouldNeedSet(ulong hash) => Tag(Find(hash, out _)) == InlineHolders;

    /// <summary>Writer: true when a slot holds the hash.</summary>
    public bool Contains(ulong hash, ushort slot) => IsHeld(Find(hash, out _), slot);

    /// <summary>Writer: every hash a slot holds, by reading the whole table.</summary>
    public List<ulong> BlocksOf(ushort slot)
    {
        var blocks = new List<ulong>();
        foreach (ref var entry in _entries.AsSpan())
        {
            if ((entry.Holders & HoldersMask) != 0 && IsHeld(entry.Holders, slot))
            {
                blocks.Add(entry.Hash);
            }
        }

        return blocks;
    }

    /// <summary>
    /// Writer: adds a holder; <paramref name="slot"/> &lt; 64 · <see cref="SetWords"/> and the table is not full. False where it is one already.
    /// </summary>
    public bool Add(ulong hash, ushort slot)
    {
        var spread = Spread(hash);
        var mark = Mark(spread);
        var i = Home(spread);
        var free = -1;
        for (; _index[i] is var place and not 0; i = (i + 1) & (_index.Length - 1))
        {
            if (place == Tombstone)
            {
                free = free < 0 ? i : free;
            }
            else if ((place ^ mark) <= _numbers && _entries[place & _numbers].Hash == hash)
            {
                return AddHolder(ref _entries[place & _numbers], slot);
            }
        }

        if (free < 0)
        {
            free = i;
            _used++;
        }

        Count++;
        var number = TakeFree();
        Volatile.Write(ref _entries[number].Hash, hash);
        Change(ref _entries[number], (1UL << TagShift) | slot);
        _entries[number].Stamp = _epoch;
        Volatile.Write(ref _index[free], mark | (uint)number);
        return true;
    }

    /// <summary>Writer: removes a holder; the entry goes with its last one. False where it was none.</summary>
    public bool Remove(ulong hash, ushort slot)
    {
        var word = Find(hash, out var number) & HoldersMask;
        if (word == 0)
        {
            return false;
        }

        if (!TryRepeat(in _lastRemoved, word, slot, out var next))
        {
            next = Without(word, slot);
            _lastRemoved = new Step(word, slot, next);
        }

        if (next != 0)
        {
            Replace(ref _entries[number], word, next);
            return next != word;
        }

        Count--;
        Free(number);
        return true;
    }

    /// <summary>Writer: copies every entry to an empty table with at least as wide bit sets; what was shared stays shared.</summary>
    public void CopyTo(HolderTable next)
    {
        var moved = new ulong[_sets];
        next._epoch = _epoch;
        for (var from = 0; from < _entries.Length; from++)
        {
            var entry = _entries[from];
            var word = entry.Holders & HoldersMask;
            if (word == 0)
            {
                continue;
            }

            if (IsSet(word))
            {
                word = next.CopyOf(Bits(word), ref moved[(uint)word]);
                next._setEntries++;
            }

            next.Append(entry with { Holders = word, Next = 0 });
        }

        next.Count = Count;
        next.FillIndex();
    }

    private ulong CopyOf(ReadOnlySpan<ulong> bits, ref ulong copy)
    {
        if (copy != 0)
        {
            Header(copy)++;
            return copy;
        }

        copy = NewSet();
        var into = Bits(copy);
        into.Clear();
        bits.CopyTo(into);
        return copy;
    }

    private bool AddHolder(ref Entry entry, ushort slot)
    {
        var word = entry.Holders & HoldersMask;
        if (!TryRepeat(in _lastAdded, word, slot, out var next))
        {
            next = With(word, slot);
            _lastAdded = new Step(word, slot, next);
        }

        Replace(ref entry, word, next);
        return next != word;
    }

    /// <summary>Shares the outcome of a remembered step, where it is a set that still exists.</summary>
    private bool TryRepeat(in Step step, ulong word, ushort slot, out ulong next)
    {
        next = step.To;
        if (step.From != word || step.Slot != slot || !IsSet(next) || next == word || ((Header(next) ^ next) & GenerationMask) != 0)
        {
            return false;
        }

        Header(next)++;
        return true;
    }

    private void Replace(ref Entry entry, ulong word, ulong next)
    {
        if (next == word)
        {
            return;
        }

        Change(ref entry, next);
        _setEntries += (IsSet(next) ? 1 : 0) - (IsSet(word) ? 1 : 0);
        if (IsSet(word))
        {
            Release(word);
        }
    }

    /// <summary>The word of these holders and one more; the same word where it is one already.</summary>
    private ulong With(ulong word, ushort slot)
    {
        if (IsSet(word))
        {
            return (Bits(word)[slot / 64] >> (slot % 64) & 1) != 0 ? word : NewSetFrom(word, slot);
        }

        var count = (int)Tag(word);
        var next = 0UL;
        var n = 0;
        var placed = false;
        for (var i = 0; i < count; i++)
        {
            var holder = (word >> (i * SlotBits)) & SlotMask;
            if (holder == slot)
            {
                return word;
            }

            if (!placed && holder > slot)
            {
                next |= (ulong)slot << (n++ * SlotBits);
                placed = true;
            }

            next |= n < InlineHolders ? holder << (n++ * SlotBits) : 0;
        }

        if (count == InlineHolders)
        {
            return NewSetOf(word, slot);
        }

        next |= placed ? 0 : (ulong)slot << (count * SlotBits);
        return ((ulong)(count + 1) << TagShift) | next;
    }

    /// <summary>The word of these holders without one, 0 where none is left; the same word where it is none of them.</summary>
    private ulong Without(ulong word, ushort slot)
    {
        if (IsSet(word))
        {
            return (Bits(word)[slot / 64] >> (slot % 64) & 1) == 0 ? word : WithoutInSet(word, slot);
        }

        var left = 0UL;
        var count = 0;
        for (var i = 0; i < (int)Tag(word); i++)
        {
            var holder = (word >> (i * SlotBits)) & SlotMask;
            if (holder != slot)
            {
                left |= holder << (count++ * SlotBits);
            }
        }

        return count == 0 ? 0 : ((ulong)count << TagShift) | left;
    }

    /// <summary>Stores who holds an entry, and that it changed.</summary>
    private static void Change(ref Entry entry, ulong holders) =>
        Volatile.Write(ref entry.Holders, ((entry.Holders + OneChange) & ~HoldersMask) | holders);
}
