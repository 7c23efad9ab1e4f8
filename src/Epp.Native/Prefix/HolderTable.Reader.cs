using System.Numerics;
using System.Runtime.CompilerServices;

namespace Epp.Native.Prefix;

/// <summary>How a reader counts the holders of a chain; see the rules above the first part.</summary>
internal sealed partial class HolderTable
{
    /// <summary>
    /// Lets the holders of an entry in, and those out of <paramref name="bits"/> that are not among them; returns the word that belongs
    /// to them, 0 where the entry has gone meanwhile or changes faster than it can be read.
    /// </summary>
    private ulong Enter(ulong word, ulong hash, int number, int position, Span<int> counts, Span<ulong> bits)
    {
        for (var attempt = 0; attempt < ReadAttempts; attempt++)
        {
            if (!IsSet(word))
            {
                ChangeAll(default, bits, position, counts);
                CountInline(word, -position, counts);
                return word;
            }

            ChangeAll(Bits(word), bits, position, counts);
            ref var entry = ref _entries[number];
            var again = Volatile.Read(ref entry.Holders) & HoldersMask;
            if (again == word)
            {
                return word;
            }

            if (again == 0 || Volatile.Read(ref entry.Hash) != hash)
            {
                return 0;
            }

            word = again;
        }

        return 0;
    }

    /// <summary>Lets the holders of an inline word out; those of a set are in the bits.</summary>
    private static void Leave(ulong word, int position, Span<int> counts)
    {
        if (!IsSet(word))
        {
            CountInline(word, position, counts);
        }
    }

    private static void CountInline(ulong word, int delta, Span<int> counts)
    {
        for (var n = (int)Tag(word); n > 0; n--)
        {
            var slot = (int)(word & SlotMask);
            if (slot < counts.Length)
            {
                counts[slot] += delta;
            }

            word >>= SlotBits;
        }
    }

    /// <summary>Makes <paramref name="bits"/> equal to <paramref name="wanted"/>, empty meaning nobody, and counts what changes.</summary>
    private static void ChangeAll(Span<ulong> wanted, Span<ulong> bits, int position, Span<int> counts)
    {
        for (var w = 0; w < bits.Length; w++)
        {
            // Not a plain load: the caller's second look at the entry must come after it.
            var next = w < wanted.Length ? Volatile.Read(ref wanted[w]) : 0;
            var changed = next ^ bits[w];
            if (changed != 0)
            {
                bits[w] = next;
                CountChanged(changed, next, w * 64, position, counts);
            }
        }
    }

    private static void CountChanged(ulong changed, ulong next, int firstSlot, int position, Span<int> counts)
    {
        if (position == 0 || firstSlot >= counts.Length)
        {
            return;
        }

        counts = counts[firstSlot..];
        if (changed == ulong.MaxValue && next is 0 or ulong.MaxValue && counts.Length >= 64)
        {
            AddToAll(counts[..64], next == 0 ? position : -position);
            return;
        }

        for (; changed != 0; changed &= changed - 1)
        {
            var bit = BitOperations.TrailingZeroCount(changed);
            if (bit < counts.Length)
            {
                counts[bit] += ((next >> bit) & 1) == 0 ? position : -position;
            }
        }
    }

    /// <summary>64 counts, a whole number of vectors.</summary>
    private static void AddToAll(Span<int> counts, int delta)
    {
        for (; !counts.IsEmpty; counts = counts[Vector<int>.Count..])
        {
            (new Vector<int>(counts) + new Vector<int>(delta)).CopyTo(counts);
        }
    }

    /// <summary>The bits a word names; a stale word may name bits that meanwhile belong to another one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Span<ulong> Bits(ulong word)
    {
        var set = (uint)word;
        return Volatile.Read(ref _setChunks)[set / SetsPerChunk].AsSpan(((int)(set % SetsPerChunk) * SetStride) + 1, SetWords);
    }
}
