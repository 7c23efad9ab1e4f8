using System.Numerics;
using System.Runtime.CompilerServices;

namespace Epp.Native.Prefix;

/// <summary>
/// Block hash → set of endpoint slots: open addressing with linear probing over flat arrays. One writer (the owner's lock), any number
/// of readers without a lock. Entries never move inside a table: removal leaves a tombstone, growth fills a new table that the owner
/// publishes, so a reader finds every entry that is present all the while it looks.
/// </summary>
/// <remarks>
/// The holders of an entry are one 64-bit word, written and read in one piece: 0 = free; tag 1 … 4 = that many slots of 14 bits,
/// ascending; tag <see cref="SetTag"/> = index of a bit set; tag <see cref="TombstoneTag"/> = removed. A writer stores the hash before
/// the word and changes the word before it reuses what the old one named. A reader loads word, hash, bits, and the word again; where the
/// words differ it looks again. It may see the holders of a moment ago, or, while a bit set changes, some bits old and some new.
/// </remarks>
internal sealed partial class HolderTable
{
    private const int InlineHolders = 4;
    private const int SlotBits = 14;
    private const ulong SlotMask = (1UL << SlotBits) - 1;
    private const int TagShift = 56;
    private const ulong SetTag = 0xFE;
    private const ulong TombstoneTag = 0xFF;
    private const ulong Tombstone = TombstoneTag << TagShift;
    private const int SetsPerChunk = 64;

    /// <summary>How often a reader looks again at an entry that changes under it before it takes what it saw.</summary>
    private const int ReadAttempts = 4;

    private readonly Entry[] _entries;
    private readonly int _shift;
    private readonly ulong _multiplier;
    private ulong[][] _setChunks = [];
    private int[] _freeSets = [];
    private int _freeSetCount;
    private int _sets;
    private int _used;

    /// <param name="sizeLog2">Entries as a power of two, 4 … 30.</param>
    /// <param name="setWords">64-bit words of one bit set: endpoint slots / 64, rounded up.</param>
    /// <param name="multiplier">Secret: a client that chooses its hashes cannot aim them at one probe chain.</param>
    public HolderTable(int sizeLog2, int setWords, ulong multiplier)
    {
        SizeLog2 = sizeLog2;
        SetWords = setWords;
        _multiplier = multiplier | 1;
        _entries = new Entry[1 << sizeLog2];
        _shift = 64 - sizeLog2;
    }

    private struct Entry
    {
        public ulong Hash;
        public ulong Holders;
    }

    public int SizeLog2 { get; }

    public int SetWords { get; }

    /// <summary>Hashes with at least one holder.</summary>
    public int Count { get; private set; }

    /// <summary>Most hashes before the table is full: 1/2 of the entries.</summary>
    public int MaxCount => _entries.Length / 2;

    /// <summary>True when entries and tombstones together fill 5/8: probe chains would grow long.</summary>
    public bool NeedsRebuild => _used >= _entries.Length / 8 * 5;

    public long EntryBytes => EntryBytesOf(SizeLog2);

    public long SetBytes => (long)_setChunks.Length * SetsPerChunk * SetWords * sizeof(ulong);

    /// <summary>Bytes one more bit set would cost; 0 where one is free.</summary>
    public long NextSetBytes => _freeSetCount > 0 || _sets < _setChunks.Length * SetsPerChunk ? 0 : (long)SetsPerChunk * SetWords * sizeof(ulong);

    public static long EntryBytesOf(int sizeLog2) => 16L << sizeLog2;

    /// <summary>
    /// Reader: adds 1 to <paramref name="counts"/> of every holder of each hash, from the first hash to the last before one nobody
    /// holds; returns how many hashes were held. Neighbours with the same holders are counted as one run, so a long match costs about
    /// one probe a block.
    /// </summary>
    /// <param name="hashes">One chain.</param>
    /// <param name="counts">By slot; holders beyond its end are ignored.</param>
    /// <param name="runBits">Working memory, <see cref="SetWords"/> long.</param>
    public int Match(ReadOnlySpan<ulong> hashes, Span<int> counts, Span<ulong> runBits)
    {
        var run = 0;
        var runWord = 0UL;
        var matched = 0;
        foreach (var hash in hashes)
        {
            var word = Find(hash, out var index);
            if (word == 0)
            {
                break;
            }

            matched++;
            if (word == runWord || (IsSet(word) && IsSet(runWord) && SameBits(Bits(word), runBits)))
            {
                run++;
                continue;
            }

            Flush(runWord, runBits, run, counts);
            run = 1;
            runWord = CopyBits(word, index, runBits);
        }

        Flush(runWord, runBits, run, counts);
        return matched;
    }

    private static bool IsSet(ulong word) => word >> TagShift == SetTag;

    private int Home(ulong hash) => (int)((hash * _multiplier) >> _shift);

    /// <summary>The holders of a hash and where they are; 0 = none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ulong Find(ulong hash, out int index)
    {
        var entries = _entries;
        var i = Home(hash);
        // The table is never more than 5/8 used, so a free entry ends the loop.
        for (; ;)
        {
            ref var entry = ref entries[i & (entries.Length - 1)];
            var word = Volatile.Read(ref entry.Holders);
            if (word == 0)
            {
                index = 0;
                return 0;
            }

            if (Volatile.Read(ref entry.Hash) == hash && word != Tombstone)
            {
                // The entry may have been freed and reused between the two loads: then the word is not this hash's.
                var again = Volatile.Read(ref entry.Holders);
                if (again == word)
                {
                    index = i & (entries.Length - 1);
                    return word;
                }

                continue;
            }

            i++;
        }
    }

    /// <summary>Copies the bits of a set, looking again while the entry changes; returns the word that belongs to them.</summary>
    private ulong CopyBits(ulong word, int index, Span<ulong> into)
    {
        for (var attempt = 0; attempt < ReadAttempts && IsSet(word); attempt++)
        {
            Bits(word).CopyTo(into);
            var again = Volatile.Read(ref _entries[index].Holders);
            if (again == word || again is 0 or Tombstone)
            {
                break;
            }

            word = again;
        }

        return word;
    }

    private static void Flush(ulong word, ReadOnlySpan<ulong> bits, int run, Span<int> counts)
    {
        if (run == 0)
        {
            return;
        }

        if (!IsSet(word))
        {
            for (var n = (int)(word >> TagShift); n > 0; n--)
            {
                Count(counts, (int)(word & SlotMask), run);
                word >>= SlotBits;
            }

            return;
        }

        for (var w = 0; w < bits.Length; w++)
        {
            for (var left = bits[w]; left != 0; left &= left - 1)
            {
                Count(counts, (w * 64) + BitOperations.TrailingZeroCount(left), run);
            }
        }

        static void Count(Span<int> counts, int slot, int run)
        {
            if ((uint)slot < (uint)counts.Length)
            {
                counts[slot] += run;
            }
        }
    }

    /// <summary>The bits a word names; a stale word may name bits that meanwhile belong to another hash.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Span<ulong> Bits(ulong word)
    {
        var set = (uint)word;
        return Volatile.Read(ref _setChunks)[set / SetsPerChunk].AsSpan((int)(set % SetsPerChunk) * SetWords, SetWords);
    }

    /// <summary>Pools of up to 256 endpoints are compared in place: the call of the general routine costs more than their words.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool SameBits(ReadOnlySpan<ulong> a, ReadOnlySpan<ulong> b)
    {
        if (a.Length > 4)
        {
            return a.SequenceEqual(b);
        }

        var different = 0UL;
        for (var i = 0; i < a.Length && i < b.Length; i++)
        {
            different |= a[i] ^ b[i];
        }

        return different == 0;
    }
}
