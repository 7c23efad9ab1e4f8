namespace Epp.Native.Prefix;

/// <summary>
/// Which endpoint was sent which prefix blocks: a guess at the engines' caches from our own picks. Hash → holders, and per endpoint the
/// hashes by last use with a limit. Thread-safe: <see cref="Match"/> takes no lock and sees each block as it was at some moment during the
/// call; <see cref="Add"/> and <see cref="Clear"/> take one lock that readers never wait for. Memory grows with what is held, up to a
/// budget; then the oldest blocks of the longest histories make room. It is not given back while anything is held.
/// </summary>
public sealed class ApproxPrefixIndex
{
    /// <summary>256 MiB: about 5 million blocks held.</summary>
    public const long DefaultBudgetBytes = 256L << 20;

    /// <summary>The references' limit of one endpoint's history, in blocks.</summary>
    public const int DefaultBlocksPerEndpoint = 31250;

    private const int FirstTableLog2 = 10;

    /// <summary>Blocks whose cache misses overlap.</summary>
    private const int Batch = 16;

    private readonly Lock _gate = new();
    private readonly ulong _seed;
    private readonly long _budgetBytes;
    private RecencyLists _recency;
    private HolderTable _table;

    /// <param name="seed">Secret that spreads hashes over the tables.</param>
    /// <param name="budgetBytes">Most bytes of all arrays together, a table being replaced included; at least 1 MiB.</param>
    public ApproxPrefixIndex(ulong seed, long budgetBytes = DefaultBudgetBytes)
    {
        _seed = seed;
        _budgetBytes = Math.Max(1 << 20, budgetBytes);
        _recency = new RecencyLists(seed);
        _table = new HolderTable(FirstTableLog2, 1, seed);
    }

    /// <summary>Distinct hashes held by at least one endpoint: the metric <c>prefix_indexer_size</c>.</summary>
    public int Blocks => Volatile.Read(ref _table).Count;

    /// <summary>Blocks summed over the endpoints that hold them.</summary>
    public int HolderBlocks
    {
        get
        {
            lock (_gate)
            {
                return _recency.Count;
            }
        }
    }

    /// <summary>Bytes of all arrays.</summary>
    public long BytesUsed
    {
        get
        {
            lock (_gate)
            {
                return _recency.Bytes + _table.EntryBytes + _table.SetBytes;
            }
        }
    }

    /// <summary>
    /// Fills the match of a request whose <see cref="PrefixMatch.Hashes"/> are known. For each prompt, blocks are walked until one that
    /// no endpoint holds; each holder of a walked block counts 1. As in the references an endpoint that lacks block k but holds k + 1
    /// still counts k + 1 while another endpoint holds k.
    /// </summary>
    /// <param name="match">Hashes in, counts out.</param>
    /// <param name="capacity">Slots of the pool.</param>
    public void Match(PrefixMatch match, int capacity)
    {
        match.Begin(capacity);
        var table = Volatile.Read(ref _table);
        var counts = match.MatchBlocks.AsSpan(0, capacity);
        var runBits = match.RunBits(table.SetWords);
        for (var prompt = 0; prompt < match.Hashes.PromptCount; prompt++)
        {
            table.Match(match.Hashes.Prompt(prompt), counts, runBits);
        }

        match.TotalBlocks = match.Hashes.Count;
    }

    /// <summary>Records that an endpoint was sent these blocks; the last becomes its newest.</summary>
    /// <param name="slot">The endpoint's slot.</param>
    /// <param name="capacityBlocks">Limit of its history, ≥ 1; fixed by the first call for a slot until <see cref="Clear"/>.</param>
    /// <param name="hashes">Blocks in order.</param>
    public void Add(ushort slot, int capacityBlocks, ReadOnlySpan<ulong> hashes)
    {
        lock (_gate)
        {
            var capacity = _recency.CapacityOf(slot, capacityBlocks);
            while (!hashes.IsEmpty)
            {
                var batch = hashes[..Math.Min(Batch, hashes.Length)];
                hashes = hashes[batch.Length..];
                Warm(slot, batch, capacity);
                foreach (var hash in batch)
                {
                    if (!_recency.TryTouch(slot, hash))
                    {
                        AddNew(slot, hash, capacity);
                    }
                }
            }
        }
    }

    /// <summary>Forgets everything about a slot, because its endpoint left.</summary>
    public void Clear(ushort slot)
    {
        lock (_gate)
        {
            while (_recency.CountOf(slot) > 0)
            {
                EvictOldest(slot);
            }

            _recency.Forget(slot);
            if (_recency.Count == 0)
            {
                _recency = new RecencyLists(_seed);
                Volatile.Write(ref _table, new HolderTable(FirstTableLog2, 1, _seed));
            }
        }
    }

    /// <summary>A long prompt adds thousands of blocks, each some cache misses; a full history also loses as many.</summary>
    private void Warm(ushort slot, ReadOnlySpan<ulong> batch, int capacity)
    {
        var held = _recency.CountOf(slot);
        Span<ulong> oldest = stackalloc ulong[Batch];
        oldest = oldest[..Math.Clamp(held + batch.Length - capacity, 0, Math.Min(held, batch.Length))];
        _recency.Warm(slot, batch, oldest);
        _table.Warm(batch);
        _table.Warm(oldest);
    }

    private void AddNew(ushort slot, ulong hash, int capacity)
    {
        while (_recency.CountOf(slot) >= capacity)
        {
            EvictOldest(slot);
        }

        if (!MakeRoom(slot, hash))
        {
            return;
        }

        _recency.Add(slot, hash);
        _table.Add(hash, slot);
    }

    /// <summary>Grows, or evicts where the budget forbids growing; false where one block has no room at all.</summary>
    private bool MakeRoom(ushort slot, ulong hash)
    {
        if (slot >= _table.SetWords * 64)
        {
            var words = _table.SetWords;
            while (slot >= words * 64)
            {
                words *= 2;
            }

            Rebuild(_table.SizeLog2, words);
        }

        while (_recency.BytesToGrow is > 0 and var more && !Fits(more, _table.SizeLog2))
        {
            if (!EvictForOthers(slot))
            {
                return false;
            }
        }

        if (!_table.Contains(hash) && !MakeRoomInTable(slot))
        {
            return false;
        }

        // An eighth of the budget is kept for bit sets, twice, because a rebuild copies them.
        return !_table.WouldNeedSet(hash) || _table.MaxSetBytesWithOneMore <= _budgetBytes / 16;
    }

    private bool MakeRoomInTable(ushort slot)
    {
        while (_table.Count >= _table.MaxCount)
        {
            if (_table.SizeLog2 < HolderTable.MaxLog2 && Fits(0, _table.SizeLog2 + 1))
            {
                Rebuild(_table.SizeLog2 + 1, _table.SetWords);
            }
            else if (!EvictForOthers(slot))
            {
                return false;
            }
        }

        if (_table.NeedsRebuild(1))
        {
            Rebuild(_table.SizeLog2, _table.SetWords);
        }

        return true;
    }

    /// <summary>The table counts twice: a rebuild holds two at a time.</summary>
    private bool Fits(long moreBytes, int tableLog2) =>
        _recency.Bytes + moreBytes + (2 * HolderTable.EntryBytesOf(tableLog2)) <= _budgetBytes - (_budgetBytes / 8);

    /// <summary>Evicts from the slot itself where its history is longer than the average, else from the longest one.</summary>
    private bool EvictForOthers(ushort slot)
    {
        if (_recency.Count == 0)
        {
            return false;
        }

        var own = _recency.CountOf(slot);
        EvictOldest(own > 0 && (long)own * _recency.ActiveSlots >= _recency.Count ? slot : _recency.Longest());
        return true;
    }

    private void EvictOldest(ushort slot) => _table.Remove(_recency.TakeOldest(slot), slot);

    private void Rebuild(int sizeLog2, int setWords)
    {
        var next = new HolderTable(sizeLog2, setWords, _seed);
        _table.CopyTo(next);
        Volatile.Write(ref _table, next);
    }
}
