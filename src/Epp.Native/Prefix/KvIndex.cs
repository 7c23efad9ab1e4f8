using Epp.Native.KvEvents;

namespace Epp.Native.Prefix;

/// <summary>
/// Which ranks hold which prefix blocks: sequence hash → holders, in flat tables (kv-routing §7). Blocks are named twice: by the sequence hash,
/// which says where in which prompt they stand, and by the external hash of their holder, which may be anything.
/// </summary>
/// <remarks>
/// Thread-safe. Writers take turns on one lock. Readers take none: a walk reads the chain's words, and then once more; where nothing changed
/// between, there was a moment when all of them were true together. A stored chain is written from its end, so that at every moment all or
/// nothing of it can be reached; several removals of one event are hidden by a counter; a cache is emptied by one store of the directory. So a
/// reader sees each event whole or not at all. Memory has a budget: at the budget the blocks that were matched or stored longest ago go first.
/// </remarks>
public sealed partial class KvIndex
{
    /// <summary>256 MiB.</summary>
    public const long DefaultBudgetBytes = 256L << 20;

    /// <summary>Most ranks; each takes one slot for every tier it has blocks on.</summary>
    public const int MaxRanks = 4096;

    private const int MaxSlots = 16384;
    private const int FirstTableLog2 = 10;

    /// <summary>Walks that may fail before a reader asks the writers to wait.</summary>
    private const int Attempts = 64;

    private readonly Lock _gate = new();
    private readonly ulong _seed;
    private readonly long _budgetBytes;
    private readonly HoldTable _holds;
    private readonly Dictionary<KvRank, KvHolder> _holders = [];
    private readonly Dictionary<ulong, int> _owners = [];
    private HolderTable _table;
    private KvDirectory _directory = KvDirectory.Empty;

    /// <summary>Odd while an event is applied.</summary>
    private int _version;

    /// <summary>Odd while several blocks of one event are removed.</summary>
    private int _removals;

    /// <param name="seed">Secret that spreads hashes over the tables.</param>
    /// <param name="budgetBytes">Most bytes of all tables together, one being replaced included; at least 1 MiB.</param>
    public KvIndex(ulong seed, long budgetBytes = DefaultBudgetBytes)
    {
        _seed = seed;
        _budgetBytes = Math.Max(1 << 20, budgetBytes);
        _holds = new HoldTable(seed);
        _table = new HolderTable(FirstTableLog2, 1, seed);
    }

    /// <summary>Distinct blocks with a holder.</summary>
    public int Blocks => Volatile.Read(ref _table).Count;

    /// <summary>Blocks that went because the budget was reached.</summary>
    public long Evicted => Volatile.Read(ref _evicted);

    /// <summary>Blocks, each counted once for every holder and tier.</summary>
    public long HolderBlocks
    {
        get
        {
            lock (_gate)
            {
                var sum = 0L;
                foreach (var holder in _holders.Values)
                {
                    foreach (var slot in holder.Slots)
                    {
                        sum += slot < 0 ? 0 : _blocksOfSlot[slot];
                    }
                }

                return sum;
            }
        }
    }

    /// <summary>Bytes of all tables.</summary>
    public long BytesUsed
    {
        get
        {
            lock (_gate)
            {
                return _table.EntryBytes + _table.SetBytes + _holds.Bytes;
            }
        }
    }

    /// <summary>Most bytes of all tables.</summary>
    public long BudgetBytes => _budgetBytes;

    /// <summary>Finds who holds how many leading blocks of a prompt without a gap. Any thread; takes no lock unless writers outrun it 64 times.</summary>
    /// <param name="sequences">Sequence hashes of the prompt's full blocks, in order.</param>
    /// <param name="match">Receives the outcome.</param>
    /// <param name="earlyExit">Stop where one holder is left; its number is then a lower bound.</param>
    public void Find(ReadOnlySpan<ulong> sequences, KvMatch match, bool earlyExit = false)
    {
        ArgumentNullException.ThrowIfNull(match);
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            if (TryFind(sequences, match, earlyExit))
            {
                return;
            }

            Thread.SpinWait(8 << Math.Min(attempt, 6));
        }

        lock (_gate)
        {
            TryFind(sequences, match, earlyExit);
        }
    }

    private bool TryFind(ReadOnlySpan<ulong> sequences, KvMatch match, bool earlyExit)
    {
        var removals = Volatile.Read(ref _removals);
        var version = Volatile.Read(ref _version);
        if ((removals & 1) != 0)
        {
            return false;
        }

        var directory = Volatile.Read(ref _directory);
        var table = Volatile.Read(ref _table);
        match.Begin(directory, sequences.Length);
        var tiered = directory.TieredRanks.Length > 0;
        var read = table.Walk(sequences, match.Walk, directory.Plain, tiered, earlyExit);
        if (tiered)
        {
            match.AddTiered(table, read);
        }

        var still = Volatile.Read(ref _version);
        if ((version != still || (still & 1) != 0)
            && (Volatile.Read(ref _removals) != removals
                || Volatile.Read(ref _directory) != directory
                || Volatile.Read(ref _table) != table
                || !table.IsUnchanged(sequences, match.Walk, read)))
        {
            return false;
        }

        if (_tracksMatches)
        {
            table.StampMatched(match.Walk, read);
        }

        return true;
    }
}
