using System.Numerics;
using System.Runtime.CompilerServices;

namespace Epp.Native.Prefix;

/// <summary>
/// Block hash → set of endpoint slots: open addressing with linear probing over flat arrays. One writer (the owner's lock), any number
/// of readers without a lock. Entries never move inside a table: removal leaves a tombstone, growth fills a new table that the owner
/// publishes, so a reader finds every entry that is present all the while it looks.
/// </summary>
/// <remarks>
/// The holders of an entry are one 64-bit word, written and read in one piece. Its low 59 bits say who: tag 0 = free; tag 1 … 4 = that many
/// slots of 14 bits, ascending; tag <see cref="SetTag"/> = generation and index of a bit set; tag <see cref="TombstoneTag"/> = removed. A bit
/// set never changes while a word names it, and neighbours that come to the same holders in the same step share one: a reader that knows
/// the word knows the bits. The high 5 bits count the entry's changes, so that a reader that looks twice sees whether it changed between.
/// A writer stores the hash before the word and changes the word before it reuses what the old one named; a set's generation grows with
/// each reuse, so that no word means two sets. A reader loads word, hash, bits, and the word again; where the words differ it looks again.
/// </remarks>
internal sealed partial class HolderTable
{
    private const int InlineHolders = 4;
    private const int SlotBits = 14;
    private const ulong SlotMask = (1UL << SlotBits) - 1;
    private const int TagShift = 56;
    private const ulong TagMask = 7;
    private const ulong SetTag = 6;
    private const ulong TombstoneTag = 7;
    private const ulong Tombstone = TombstoneTag << TagShift;
    private const ulong OneChange = 1UL << 59;
    private const ulong HoldersMask = OneChange - 1;
    private const int GenerationShift = 32;
    private const ulong GenerationMask = 0xFFFFFFUL << GenerationShift;
    private const int SetsPerChunk = 64;

    /// <summary>Largest table: 2^28 entries, 4.3 GB.</summary>
    public const int MaxLog2 = 28;

    /// <summary>How often a reader looks again at an entry that changes under it before it takes it for gone.</summary>
    private const int ReadAttempts = 4;

    private readonly Entry[] _entries;
    private readonly byte[]? _stamps;
    private readonly int _shift;
    private readonly ulong _multiplier;
    private ulong[][] _setChunks = [];
    private uint _firstFreeSet;
    private int _sets;
    private int _setEntries;
    private Step _lastAdded;
    private Step _lastRemoved;
    private int _used;

    /// <param name="sizeLog2">Entries as a power of two, 4 … 30.</param>
    /// <param name="setWords">64-bit words of one bit set: endpoint slots / 64, rounded up.</param>
    /// <param name="multiplier">Secret: a client that chooses its hashes cannot aim them at one probe chain.</param>
    /// <param name="stamped">Keep one byte an entry that says when it was last matched.</param>
    public HolderTable(int sizeLog2, int setWords, ulong multiplier, bool stamped = false)
    {
        SizeLog2 = sizeLog2;
        SetWords = setWords;
        _multiplier = multiplier | 1;
        _entries = new Entry[1 << sizeLog2];
        _stamps = stamped ? new byte[1 << sizeLog2] : null;
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
    public int MaxCount => MaxCountOf(SizeLog2);

    /// <summary>True when entries and tombstones and this many more together fill 5/8: probe chains would grow long.</summary>
    public bool NeedsRebuild(int more) => _used + (long)more >= _entries.Length / 8 * 5;

    public long EntryBytes => EntryBytesOf(SizeLog2) + (_stamps?.Length ?? 0);

    public long SetBytes => _setChunks.Length * ChunkBytes;

    /// <summary>Bytes of the bit sets if one more entry had one and no two shared theirs: what sharing saves can be lost again.</summary>
    public long MaxSetBytesWithOneMore => (_setEntries + 1L + SetsPerChunk) / SetsPerChunk * ChunkBytes;

    private long ChunkBytes => (long)SetsPerChunk * SetStride * sizeof(ulong);

    /// <summary>One header word, then the bits.</summary>
    private int SetStride => SetWords + 1;

    public static long EntryBytesOf(int sizeLog2) => 16L << sizeLog2;

    public static int MaxCountOf(int sizeLog2) => (1 << sizeLog2) / 2;

    /// <summary>
    /// Reader: adds 1 to <paramref name="counts"/> of every holder of each hash, from the first hash to the last before one nobody
    /// holds; returns how many hashes were held. Only the holders that differ from the hash before cost more than one probe.
    /// </summary>
    /// <param name="hashes">One chain.</param>
    /// <param name="counts">By slot; holders beyond its end are ignored.</param>
    /// <param name="runBits">Working memory, <see cref="SetWords"/> long.</param>
    public int Match(ReadOnlySpan<ulong> hashes, Span<int> counts, Span<ulong> runBits)
    {
        // A holder that enters at position p and leaves at q gets −p and +q. The bits hold who is in; they are 0 beside an inline word.
        runBits.Clear();
        var current = 0UL;
        var position = 0;
        for (; position < hashes.Length; position++)
        {
            var word = Find(hashes[position], out var index) & HoldersMask;
            if (word == current && word != 0)
            {
                continue;
            }

            var left = current;
            current = 0;
            Leave(left, position, counts);
            if (word == 0 || (current = Enter(word, hashes[position], index, position, counts, runBits)) == 0)
            {
                break;
            }
        }

        Leave(current, position, counts);
        ChangeAll(default, runBits, position, counts);
        return position;
    }

    private static bool IsSet(ulong word) => Tag(word) == SetTag;

    private static ulong Tag(ulong word) => (word >> TagShift) & TagMask;

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
            var tag = Tag(word);
            if (tag == 0)
            {
                index = 0;
                return 0;
            }

            if (Volatile.Read(ref entry.Hash) == hash && tag != TombstoneTag)
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
}
