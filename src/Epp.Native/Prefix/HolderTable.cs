using System.Numerics;
using System.Runtime.CompilerServices;
using Epp.Native.Kernels;

namespace Epp.Native.Prefix;

/// <summary>
/// Block hash → set of endpoint slots: an index by open addressing with linear probing over entries that stand in the order in which they were
/// stored, so that the blocks of a prompt mostly stand side by side and a reader goes from one to the next without the index. One writer
/// (the owner's lock), any number of readers without a lock. Nothing moves inside a table: removal leaves a tombstone in the index, growth
/// fills a new table that the owner publishes, so a reader finds every entry that is present all the while it looks.
/// </summary>
/// <remarks>
/// The index holds an entry's number below <see cref="SizeLog2"/> bits and bits of its hash above them; 0 = free. The holders of an entry are one
/// 64-bit word, written and read in one piece. Its low 59 bits say who: tag 0 = free; tag 1 … 4 = that many slots of 14 bits, ascending; tag
/// <see cref="SetTag"/> = generation and index of a bit set. A bit set never changes while a word names it, and neighbours that come to the
/// same holders in the same step share one: a reader that knows the word knows the bits. The high 5 bits count the entry's changes, so that a
/// reader that looks twice sees whether it changed between.
/// A writer stores the hash before the word before the number in the index, and changes the word before it reuses what the old one named; a set's generation grows with
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
    private const uint Tombstone = 1U << 31;
    private const ulong OneChange = 1UL << 59;
    private const ulong HoldersMask = OneChange - 1;
    private const int GenerationShift = 32;
    private const ulong GenerationMask = 0xFFFFFFUL << GenerationShift;
    private const int SetsPerChunk = 64;

    /// <summary>Largest table: 2^27 blocks, 3.3 GB.</summary>
    public const int MaxLog2 = 28;

    /// <summary>How often a reader looks again at an entry that changes under it before it takes it for gone.</summary>
    private const int ReadAttempts = 4;

    private readonly uint[] _index;
    private readonly uint _numbers;

    /// <summary>From 1 on; the first and the last never hold anything, so that an entry has neighbours.</summary>
    private readonly Entry[] _entries;
    private readonly int _shift;
    private readonly ulong _multiplier;
    private ulong[][] _setChunks = [];
    private uint _firstFreeSet;
    private int _sets;
    private int _setEntries;
    private Step _lastAdded;
    private Step _lastRemoved;
    private int _used;

    /// <param name="sizeLog2">Places of the index as a power of two, 4 … 28.</param>
    /// <param name="setWords">64-bit words of one bit set: endpoint slots / 64, rounded up.</param>
    /// <param name="multiplier">Secret: a client that chooses its hashes cannot aim them at one probe chain.</param>
    public HolderTable(int sizeLog2, int setWords, ulong multiplier)
    {
        SizeLog2 = sizeLog2;
        SetWords = setWords;
        _multiplier = multiplier | 1;
        _numbers = (1U << sizeLog2) - 1;
        _index = HugePages.Allocate<uint>(1 << sizeLog2);
        _entries = HugePages.Allocate<Entry>(EntriesOf(sizeLog2));
        _free = new ulong[(_entries.Length + 63) / 64];
        FreeAll();
        _shift = 64 - sizeLog2;
    }

    private struct Entry
    {
        public ulong Hash;
        public ulong Holders;

        /// <summary>Of a block that begins a row of neighbours: where readers last found the row that follows; a guess.</summary>
        public int Next;

        /// <summary>When it was last stored or matched.</summary>
        public byte Stamp;
    }

    public int SizeLog2 { get; }

    public int SetWords { get; }

    /// <summary>Hashes with at least one holder.</summary>
    public int Count { get; private set; }

    /// <summary>Most hashes before the table is full: 1/2 of the index.</summary>
    public int MaxCount => MaxCountOf(SizeLog2);

    /// <summary>True when numbers and tombstones and this many more together fill 5/8 of the index: probe chains would grow long.</summary>
    public bool NeedsRebuild(int more) => _used + (long)more >= _index.Length / 8 * 5;

    public long EntryBytes => EntryBytesOf(SizeLog2);

    public long SetBytes => _setChunks.Length * ChunkBytes;

    /// <summary>Bytes of the bit sets if one more entry had one and no two shared theirs: what sharing saves can be lost again.</summary>
    public long MaxSetBytesWithOneMore => (_setEntries + 1L + SetsPerChunk) / SetsPerChunk * ChunkBytes;

    private long ChunkBytes => (long)SetsPerChunk * SetStride * sizeof(ulong);

    /// <summary>One header word, then the bits.</summary>
    private int SetStride => SetWords + 1;

    public static long EntryBytesOf(int sizeLog2) => (4L << sizeLog2) + (24L * EntriesOf(sizeLog2)) + (EntriesOf(sizeLog2) / 8);

    public static int MaxCountOf(int sizeLog2) => (1 << sizeLog2) / 2;

    /// <summary>A sixteenth more than are ever used, so that a free one is found soon.</summary>
    private static int EntriesOf(int sizeLog2) => MaxCountOf(sizeLog2) + (MaxCountOf(sizeLog2) / 16) + 3;

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
        var number = 0;
        for (; position < hashes.Length; position++)
        {
            // Blocks were added in order.
            var word = Find(hashes[position], number + 1, out number) & HoldersMask;
            if (word == current && word != 0)
            {
                continue;
            }

            var left = current;
            current = 0;
            Leave(left, position, counts);
            if (word == 0 || (current = Enter(word, hashes[position], number, position, counts, runBits)) == 0)
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

    private ulong Spread(ulong hash) => hash * _multiplier;

    private int Home(ulong spread) => (int)(spread >> _shift);

    /// <summary>What stands above an entry's number in the index: the bits behind those that say where its chain begins.</summary>
    private uint Mark(ulong spread) => (uint)(spread >> 32) << SizeLog2;

    /// <summary>The holders of a hash and the number of its entry, which is looked for at a likely number first; 0 = none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ulong Find(ulong hash, int likely, out int number)
    {
        number = likely;
        var word = At(likely, hash);
        return word != 0 ? word : Find(hash, out number);
    }

    /// <summary>The holders of an entry if it is this hash's, else 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ulong At(int number, ulong hash)
    {
        ref var entry = ref _entries[number];
        for (; ;)
        {
            var word = Volatile.Read(ref entry.Holders);
            if (Volatile.Read(ref entry.Hash) != hash || Tag(word) == 0)
            {
                return 0;
            }

            // The entry may have been freed and reused between the two loads: then the word is not this hash's.
            if (Volatile.Read(ref entry.Holders) == word)
            {
                return word;
            }
        }
    }

    /// <summary>The holders of a hash and the number of its entry; 0 = none.</summary>
    private ulong Find(ulong hash, out int number)
    {
        var index = _index;
        var spread = Spread(hash);
        var mark = Mark(spread);

        // The index is never more than 5/8 used, so a free place ends the loop.
        for (var i = Home(spread); ; i++)
        {
            var place = Volatile.Read(ref index[i & (index.Length - 1)]);
            if (place == 0)
            {
                number = 0;
                return 0;
            }

            if ((place ^ mark) <= _numbers)
            {
                number = (int)(place & _numbers);
                var word = At(number, hash);
                if (word != 0)
                {
                    return word;
                }
            }
        }
    }
}
