namespace Epp.Native.Prefix;

/// <summary>
/// Blocks that endpoints were sent, each for a time that starts anew whenever it is sent again: a guess beside what engines tell (kv-routing
/// §6.8), or a bet until they tell (llm-d's speculative entries). Thread-safe: <see cref="Match"/> takes no lock, the others take turns. At the
/// budget the blocks that expire first go.
/// </summary>
public sealed class ExpiringPrefixIndex
{
    private const int Steps = 64;
    private const int Buckets = 2 * Steps;
    private const int FirstTableLog2 = 10;

    private readonly Lock _gate = new();
    private readonly ulong _seed;
    private readonly long _budgetBytes;
    private readonly int _ttlMs;
    private readonly long _stepMs;
    private readonly HoldTable _expiries;
    private readonly List<(ushort Slot, ulong Hash)>[] _wheel = new List<(ushort, ulong)>[Buckets];
    private HolderTable _table;
    private long _step = -1;
    private ulong[] _everyone = [];

    /// <param name="seed">Secret that spreads hashes over the tables.</param>
    /// <param name="ttl">How long a block counts, ≥ 64 ms; precise to a sixty-fourth.</param>
    /// <param name="budgetBytes">Most bytes of all tables; at least 1 MiB.</param>
    public ExpiringPrefixIndex(ulong seed, TimeSpan ttl, long budgetBytes)
    {
        _seed = seed;
        _ttlMs = (int)Math.Clamp(ttl.TotalMilliseconds, Steps, int.MaxValue / 2);
        _stepMs = Math.Max(1, _ttlMs / Steps);
        _budgetBytes = Math.Max(1 << 20, budgetBytes);
        _expiries = new HoldTable(seed);
        _table = new HolderTable(FirstTableLog2, 1, seed);
        for (var i = 0; i < Buckets; i++)
        {
            _wheel[i] = [];
        }
    }

    /// <summary>Distinct blocks that somebody was sent lately.</summary>
    public int Blocks => Volatile.Read(ref _table).Count;

    /// <summary>Bytes of the tables.</summary>
    public long BytesUsed
    {
        get
        {
            lock (_gate)
            {
                return _table.EntryBytes + _table.SetBytes + _expiries.Bytes + WheelBytes(_expiries.Live);
            }
        }
    }

    /// <summary>Writes into <paramref name="blocks"/>, by slot, how many leading blocks each slot was sent, where that is more than there stands.</summary>
    /// <param name="sequences">Sequence hashes of a prompt.</param>
    /// <param name="match">Working memory.</param>
    /// <param name="blocks">By slot.</param>
    public void Match(ReadOnlySpan<ulong> sequences, KvMatch match, Span<int> blocks)
    {
        ArgumentNullException.ThrowIfNull(match);
        var walk = match.Walk;
        var table = Volatile.Read(ref _table);
        for (var attempt = 0; attempt < 8; attempt++)
        {
            var read = table.Walk(sequences, walk, Volatile.Read(ref _everyone), toTheEnd: false, earlyExit: false);
            if (table.IsUnchanged(sequences, walk, read))
            {
                break;
            }
        }

        for (var i = 0; i < walk.Count; i++)
        {
            var slot = walk.Slots[i];
            if (slot < blocks.Length)
            {
                blocks[slot] = Math.Max(blocks[slot], walk.Depths[i]);
            }
        }

        match.Clear();
    }

    /// <summary>Records that a slot is sent a prompt.</summary>
    public void Add(ushort slot, ReadOnlySpan<ulong> sequences, long nowMs)
    {
        lock (_gate)
        {
            Turn(nowMs);
            if (slot / 64 >= _everyone.Length)
            {
                var everyone = new ulong[(slot / 64) + 1];
                Array.Fill(everyone, ulong.MaxValue);
                Volatile.Write(ref _everyone, everyone);
            }

            for (var i = sequences.Length - 1; i >= 0; i--)
            {
                Add(slot, sequences[i], nowMs + _ttlMs);
            }
        }
    }

    /// <summary>Forgets a slot, because its endpoint left.</summary>
    public void Clear(ushort slot)
    {
        lock (_gate)
        {
            var dead = new ulong[(slot / 64) + 1];
            dead[slot / 64] = 1UL << (slot % 64);
            _table.RemoveSlots(dead);
            _expiries.Purge(dead, null);
        }
    }

    /// <summary>Lets go what expired. Call it now and then; adding does it too.</summary>
    public void Expire(long nowMs)
    {
        lock (_gate)
        {
            Turn(nowMs);
        }
    }

    private void Add(ushort slot, ulong hash, long expiresMs)
    {
        if (_expiries.TryFind(slot, hash, out _, out var copies) && copies > 0)
        {
            _expiries.RemoveAll(slot, hash);
            _expiries.Add(slot, hash, (ulong)expiresMs);
            return;
        }

        if (!MakeRoom(slot))
        {
            return;
        }

        _expiries.Add(slot, hash, (ulong)expiresMs);
        _table.Add(hash, slot);
        Schedule(slot, hash, expiresMs);
    }

    private void Schedule(ushort slot, ulong hash, long expiresMs) => _wheel[(expiresMs / _stepMs) % Buckets].Add((slot, hash));

    private void Turn(long nowMs)
    {
        var now = nowMs / _stepMs;
        if (_step < 0)
        {
            _step = now;
        }

        // After a long pause each bucket is due once.
        _step = Math.Max(_step, now - Buckets);

        while (_step < now)
        {
            Empty((int)(_step % Buckets), nowMs);
            _step++;
        }
    }

    /// <summary>Removes what expired; what was sent again meanwhile moves to where it expires now.</summary>
    private void Empty(int bucket, long nowMs)
    {
        var due = _wheel[bucket];
        if (due.Count == 0)
        {
            return;
        }

        _wheel[bucket] = [];
        foreach (var (slot, hash) in due)
        {
            if (!_expiries.TryFind(slot, hash, out var expiresMs, out var copies) || copies == 0)
            {
                continue;
            }

            if ((long)expiresMs > nowMs)
            {
                Schedule(slot, hash, (long)expiresMs);
                continue;
            }

            _expiries.RemoveAll(slot, hash);
            _table.Remove(hash, slot);
        }
    }

    private bool MakeRoom(ushort slot)
    {
        var words = _table.SetWords;
        while (slot >= words * 64)
        {
            words *= 2;
        }

        for (var bucket = 0; bucket < Buckets; bucket++)
        {
            var log2 = _table.SizeLog2 + (_table.Count >= _table.MaxCount ? 1 : 0);
            var rebuild = log2 != _table.SizeLog2 || words != _table.SetWords || _table.NeedsRebuild(1);
            var names = _expiries.BytesToGrow(1);
            if (!rebuild && names == 0)
            {
                return true;
            }

            var table = HolderTable.EntryBytesOf(log2) + _table.SetBytes;
            var peak = rebuild ? table + _table.EntryBytes + _expiries.Bytes : table + _expiries.Bytes + names;
            if (peak + WheelBytes(_expiries.Live) <= _budgetBytes)
            {
                _expiries.Reserve(1);
                if (rebuild)
                {
                    var next = new HolderTable(log2, words, _seed);
                    _table.CopyTo(next);
                    Volatile.Write(ref _table, next);
                }

                return true;
            }

            // What expires next goes now.
            Empty((int)((_step + bucket) % Buckets), long.MaxValue);
        }

        return false;
    }

    private static long WheelBytes(int entries) => 16L * entries * 3 / 2;
}
