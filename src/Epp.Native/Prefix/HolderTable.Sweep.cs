using System.Numerics;

namespace Epp.Native.Prefix;

/// <summary>What the one writer does to the whole table: forget slots, age, evict.</summary>
internal sealed partial class HolderTable
{
    private byte _epoch;

    /// <summary>Writer: the stamp of what is matched or stored from now on.</summary>
    public byte Epoch
    {
        get => Volatile.Read(ref _epoch);
        set => Volatile.Write(ref _epoch, value);
    }

    /// <summary>Reader: says that the first blocks of a walk were matched now. Racing readers may both write; either is right.</summary>
    public void StampMatched(PrefixWalk walk, int count)
    {
        var epoch = Epoch;
        foreach (var place in walk.Places.AsSpan(0, count))
        {
            ref var entry = ref _entries[place];
            if (entry.Stamp != epoch)
            {
                entry.Stamp = epoch;
            }
        }
    }

    /// <summary>Writer: removes slots from every entry; entries without holders go.</summary>
    /// <param name="dead">One bit a slot.</param>
    public void RemoveSlots(ReadOnlySpan<ulong> dead)
    {
        // Entries that shared a set share its successor.
        var successors = new ulong[_sets];
        for (var i = 0; i < _entries.Length; i++)
        {
            var word = _entries[i].Holders & HoldersMask;
            if (word == 0)
            {
                continue;
            }

            var next = IsSet(word) ? SetWithout(word, dead, ref successors[(uint)word]) : InlineWithout(word, dead);
            if (next == 0)
            {
                RemoveAt(i, word);
            }
            else
            {
                Replace(ref _entries[i], word, next);
            }
        }
    }

    /// <summary>Writer: how many blocks bear each stamp.</summary>
    public void CountStamps(Span<int> counts)
    {
        counts.Clear();
        for (var i = 0; i < _entries.Length; i++)
        {
            if ((_entries[i].Holders & HoldersMask) != 0)
            {
                counts[_entries[i].Stamp]++;
            }
        }
    }

    /// <summary>Writer: halves the past, so that stamps stay within a byte.</summary>
    public void AgeStamps()
    {
        foreach (ref var entry in _entries.AsSpan())
        {
            entry.Stamp = (byte)Math.Max(0, entry.Stamp - 128);
        }

        Epoch -= 128;
    }

    /// <summary>
    /// Writer: removes blocks whose stamp is at most <paramref name="stamp"/>, for every holder.
    /// </summary>
    /// <param name="stamp">The youngest that go.</param>
    /// <param name="most">How many go at most.</param>
    /// <param name="blocksOfSlot">Loses one for each holder of each.</param>
    /// <returns>How many went.</returns>
    public int Evict(byte stamp, int most, int[] blocksOfSlot)
    {
        var evicted = 0;
        for (var i = 0; i < _entries.Length && evicted < most; i++)
        {
            var word = _entries[i].Holders & HoldersMask;
            if (word == 0 || _entries[i].Stamp > stamp)
            {
                continue;
            }

            CountHolders(word, blocksOfSlot);
            RemoveAt(i, word);
            evicted++;
        }

        return evicted;
    }

    private void RemoveAt(int index, ulong word)
    {
        Count--;
        Free(index);
        if (IsSet(word))
        {
            _setEntries--;
            Release(word);
        }
    }

    private void CountHolders(ulong word, int[] blocksOfSlot)
    {
        if (!IsSet(word))
        {
            for (var n = (int)Tag(word); n > 0; n--)
            {
                blocksOfSlot[word & SlotMask]--;
                word >>= SlotBits;
            }

            return;
        }

        var bits = Bits(word);
        for (var w = 0; w < bits.Length; w++)
        {
            for (var left = bits[w]; left != 0; left &= left - 1)
            {
                blocksOfSlot[(w * 64) + BitOperations.TrailingZeroCount(left)]--;
            }
        }
    }

    private static bool Has(ReadOnlySpan<ulong> bits, int slot) => slot / 64 < bits.Length && (bits[slot / 64] >> (slot % 64) & 1) != 0;

    private static ulong InlineWithout(ulong word, ReadOnlySpan<ulong> dead)
    {
        var left = 0UL;
        var count = 0;
        for (var n = (int)Tag(word); n > 0; n--)
        {
            left |= Has(dead, (int)(word & SlotMask)) ? 0 : (word & SlotMask) << (count++ * SlotBits);
            word >>= SlotBits;
        }

        return count == 0 ? 0 : ((ulong)count << TagShift) | left;
    }

    private ulong SetWithout(ulong word, ReadOnlySpan<ulong> dead, ref ulong successor)
    {
        if (successor == 0)
        {
            successor = NewSetWithout(word, dead);
        }
        else if (successor != word && IsSet(successor))
        {
            Header(successor)++;
        }

        return successor;
    }

    private ulong NewSetWithout(ulong word, ReadOnlySpan<ulong> dead)
    {
        var bits = Bits(word);
        var left = 0;
        var same = true;
        for (var w = 0; w < bits.Length; w++)
        {
            var gone = w < dead.Length ? dead[w] : 0;
            left += BitOperations.PopCount(bits[w] & ~gone);
            same &= (bits[w] & gone) == 0;
        }

        if (same)
        {
            return word;
        }

        if (left <= InlineHolders)
        {
            var inline = (ulong)left << TagShift;
            var n = 0;
            for (var w = 0; w < bits.Length; w++)
            {
                for (var b = bits[w] & ~(w < dead.Length ? dead[w] : 0); b != 0; b &= b - 1)
                {
                    inline |= (ulong)((w * 64) + BitOperations.TrailingZeroCount(b)) << (n++ * SlotBits);
                }
            }

            return left == 0 ? 0 : inline;
        }

        var set = NewSet();
        var into = Bits(set);
        bits = Bits(word);
        for (var w = 0; w < into.Length; w++)
        {
            Volatile.Write(ref into[w], bits[w] & ~(w < dead.Length ? dead[w] : 0));
        }

        return set;
    }
}
