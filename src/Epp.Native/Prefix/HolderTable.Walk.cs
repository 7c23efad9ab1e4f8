using System.Numerics;
using Epp.Native.Kernels;

namespace Epp.Native.Prefix;

/// <summary>How a reader finds out who holds a chain from its first block on without a gap; see the rules above the first part.</summary>
internal sealed partial class HolderTable
{
    /// <summary>Cache lines of a row of neighbours that are asked for at once: 21 blocks.</summary>
    private const int RowLines = 8;

    /// <summary>
    /// Reader: walks a chain until no slot of <paramref name="alive"/> is left that held every block so far, or, with
    /// <paramref name="toTheEnd"/>, until a block that nobody holds; says for each slot where it fell out. What was read is in the walk, for
    /// <see cref="IsUnchanged"/>.
    /// </summary>
    /// <returns>Blocks read whose holders count.</returns>
    public int Walk(ReadOnlySpan<ulong> hashes, PrefixWalk walk, ReadOnlySpan<ulong> alive, bool toTheEnd, bool earlyExit)
    {
        walk.Begin(hashes.Length, SetWords);
        var words = walk.Words.AsSpan(0, hashes.Length);
        var places = walk.Places.AsSpan(0, hashes.Length);
        var previous = 0UL;
        var position = 0;
        var warm = 0;
        var begins = 0;
        var number = 1;
        var begun = 0;
        for (; position < hashes.Length; position++)
        {
            // Chains are stored from their end: the next block stands one before.
            var word = At(--number, hashes[position]);
            if (word == 0)
            {
                // Twice in a row: the chain lies scattered, more lookups will follow, and their misses may overlap.
                if (begins > 0 && begins == position - 1 && position >= warm)
                {
                    warm = Math.Min(position + Batch, hashes.Length);
                    Warm(hashes[position..warm]);
                }

                word = FindNext(begun, hashes[position], out number);
                begun = number;
                begins = position;
            }

            words[position] = word;
            places[position] = number;
            word &= HoldersMask;
            if (word == previous && word != 0)
            {
                continue;
            }

            previous = word;
            if (word == 0)
            {
                break;
            }

            walk.Runs.Add((position, word));
            var any = position == 0 ? Enter(word, walk, alive) : walk.HasLive && Narrow(word, position, walk);
            if (!toTheEnd && (!any || (earlyExit && walk.LiveCount == 1)))
            {
                // One that is alone is counted to here: a lower bound.
                position++;
                break;
            }
        }

        LeaveAll(walk, position);
        return position;
    }

    /// <summary>
    /// The holders and the number of the block that begins the next row of neighbours: where it was found the last time, or by the index. Asks
    /// for the row, and for the one that followed it the last time.
    /// </summary>
    /// <param name="begun">The entry that began the row before; 0 = none.</param>
    /// <param name="hash">The block.</param>
    /// <param name="number">Its entry.</param>
    private ulong FindNext(int begun, ulong hash, out int number)
    {
        number = _entries[begun].Next;
        var word = At(number, hash);
        if (word == 0 && (word = Find(hash, out number)) != 0 && begun != 0)
        {
            _entries[begun].Next = number;
        }

        ref var entry = ref _entries[number];
        Prefetch.Before(ref entry, RowLines);
        Prefetch.Before(ref _entries[entry.Next], RowLines);
        return word;
    }

    /// <summary>Reader: true when the first <paramref name="count"/> blocks of a walk still have the holders it read, and had them all along.</summary>
    public bool IsUnchanged(ReadOnlySpan<ulong> hashes, PrefixWalk walk, int count)
    {
        // Bits were read without order; this comes after them.
        Interlocked.MemoryBarrier();
        for (var i = 0; i < count; i++)
        {
            ref var entry = ref _entries[walk.Places[i]];
            if (Volatile.Read(ref entry.Holders) != walk.Words[i] || Volatile.Read(ref entry.Hash) != hashes[i])
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Reader: true when a slot is among the holders a word of a run names.</summary>
    public bool IsHeld(ulong word, ushort slot)
    {
        if (IsSet(word))
        {
            var bits = Bits(word);
            return slot / 64 < bits.Length && (bits[slot / 64] >> (slot % 64) & 1) != 0;
        }

        for (var n = (int)Tag(word); n > 0; n--)
        {
            if ((ushort)(word & SlotMask) == slot)
            {
                return true;
            }

            word >>= SlotBits;
        }

        return false;
    }

    /// <summary>The holders of the first block that are alive.</summary>
    private bool Enter(ulong word, PrefixWalk walk, ReadOnlySpan<ulong> alive)
    {
        if (!IsSet(word))
        {
            var live = 0UL;
            var count = 0;
            for (var n = (int)Tag(word); n > 0; n--)
            {
                var slot = (int)(word & SlotMask);
                if (slot / 64 < alive.Length && (alive[slot / 64] >> (slot % 64) & 1) != 0)
                {
                    live |= (ulong)slot << (count++ * SlotBits);
                }

                word >>= SlotBits;
            }

            walk.Live = live | ((ulong)count << TagShift);
            walk.LiveCount = count;
            return count > 0;
        }

        var bits = Bits(word);
        var alives = 0;
        walk.LiveIsSet = true;
        for (var w = 0; w < walk.LiveBits.Length; w++)
        {
            walk.LiveBits[w] = w < bits.Length && w < alive.Length ? Volatile.Read(ref bits[w]) & alive[w] : 0;
            alives += BitOperations.PopCount(walk.LiveBits[w]);
        }

        walk.LiveCount = alives;
        return alives > 0;
    }

    /// <summary>Lets those fall out that do not hold a block.</summary>
    private bool Narrow(ulong word, int position, PrefixWalk walk)
    {
        if (!walk.LiveIsSet)
        {
            var left = walk.Live;
            var live = 0UL;
            var count = 0;
            for (var n = (int)Tag(left); n > 0; n--)
            {
                var slot = (ushort)(left & SlotMask);
                if (IsHeld(word, slot))
                {
                    live |= (ulong)slot << (count++ * SlotBits);
                }
                else
                {
                    walk.Leave(slot, position);
                }

                left >>= SlotBits;
            }

            walk.Live = live | ((ulong)count << TagShift);
            walk.LiveCount = count;
            return count > 0;
        }

        return IsSet(word) ? NarrowSet(Bits(word), position, walk) : NarrowToInline(word, position, walk);
    }

    /// <summary>A vector of words at a time: most hold nobody who falls out.</summary>
    private static bool NarrowSet(Span<ulong> bits, int position, PrefixWalk walk)
    {
        var lives = walk.LiveBits;
        var w = 0;
        for (; w + Vector<ulong>.Count <= lives.Length && w + Vector<ulong>.Count <= bits.Length; w += Vector<ulong>.Count)
        {
            var gone = Vector.AndNot(new Vector<ulong>(lives[w..]), new Vector<ulong>(bits[w..]));
            for (var i = 0; gone != Vector<ulong>.Zero && i < Vector<ulong>.Count; i++)
            {
                Drop(gone[i], w + i, position, walk);
            }
        }

        for (; w < lives.Length; w++)
        {
            Drop(lives[w] & ~(w < bits.Length ? bits[w] : 0), w, position, walk);
        }

        return walk.LiveCount > 0;
    }

    private static void Drop(ulong gone, int word, int position, PrefixWalk walk)
    {
        if (gone != 0)
        {
            walk.LiveBits[word] &= ~gone;
            LeaveWord(gone, word, position, walk);
        }
    }

    private static bool NarrowToInline(ulong word, int position, PrefixWalk walk)
    {
        var live = 0UL;
        var count = 0;
        for (var n = (int)Tag(word); n > 0; n--)
        {
            var slot = (int)(word & SlotMask);
            ref var bits = ref walk.LiveBits[slot / 64 < walk.LiveBits.Length ? slot / 64 : 0];
            if (slot / 64 < walk.LiveBits.Length && (bits >> (slot % 64) & 1) != 0)
            {
                bits &= ~(1UL << (slot % 64));
                live |= (ulong)slot << (count++ * SlotBits);
            }

            word >>= SlotBits;
        }

        LeaveAll(walk, position);
        walk.LiveIsSet = false;
        walk.Live = live | ((ulong)count << TagShift);
        walk.LiveCount = count;
        return count > 0;
    }

    private static void LeaveAll(PrefixWalk walk, int position)
    {
        if (walk.LiveIsSet)
        {
            for (var w = 0; w < walk.LiveBits.Length; w++)
            {
                if (walk.LiveBits[w] != 0)
                {
                    LeaveWord(walk.LiveBits[w], w, position, walk);
                    walk.LiveBits[w] = 0;
                }
            }

            return;
        }

        var live = walk.Live;
        for (var n = (int)Tag(live); n > 0; n--)
        {
            walk.Leave((ushort)(live & SlotMask), position);
            live >>= SlotBits;
        }

        walk.Live = 0;
        walk.LiveCount = 0;
    }

    private static void LeaveWord(ulong gone, int word, int position, PrefixWalk walk)
    {
        walk.LiveCount -= BitOperations.PopCount(gone);
        walk.Leave(gone, word * 64, position);
    }
}
