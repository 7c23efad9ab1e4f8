namespace Epp.Native.Prefix;

/// <summary>How the index grows and stays within its budget.</summary>
public sealed partial class KvIndex
{
    /// <summary>Steps of age between a full table's youngest and oldest blocks.</summary>
    private const int Ages = 64;

    private long _evicted;
    private int _storedThisEpoch;
    private volatile bool _tracksMatches;

    /// <summary>Room for more blocks and names; false where the budget has none even when everything else goes.</summary>
    private bool MakeRoom(int blocks, int names)
    {
        Age(blocks);
        for (var attempt = 0; attempt < 2 * Ages; attempt++)
        {
            var full = _table.Count + (long)blocks > _table.MaxCount;
            if (full || _table.NeedsRebuild(blocks))
            {
                var log2 = _table.SizeLog2;
                while (HolderTable.MaxCountOf(log2) < _table.Count + (long)blocks && log2 < HolderTable.MaxLog2)
                {
                    log2++;
                }

                if (Fits(log2, _holds.Bytes))
                {
                    Rebuild(log2, _table.SetWords);
                }
                else if (!full)
                {
                    Rebuild(_table.SizeLog2, _table.SetWords);
                }
                else if (!Evict(blocks))
                {
                    return false;
                }
            }
            else if (_holds.BytesToGrow(names) is > 0 and var more)
            {
                if (Fits(_table.SizeLog2, Math.Max(more, _holds.Bytes)))
                {
                    _holds.Reserve(names);
                }
                else if (Evict(Math.Max(names, _table.Count / 8)))
                {
                    // Many at once: finding the names that go with them reads all names.
                    var table = _table;
                    _holds.Purge(default, (slot, sequence) => table.Contains(sequence, slot));
                }
                else
                {
                    return false;
                }
            }
            else if (_table.MaxSetBytesWithOneMore > _budgetBytes / 8 && _table.Count > 0)
            {
                Evict(blocks);
            }
            else
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>One table may be rebuilt while both stand.</summary>
    private bool Fits(int tableLog2, long holdBytes)
    {
        var table = HolderTable.EntryBytesOf(tableLog2);
        var sets = _table.SetBytes;
        return table + holdBytes + sets + Math.Max(table + sets, holdBytes) <= _budgetBytes;
    }

    /// <summary>At least a sixty-fourth of the blocks goes, and what is needed; the oldest first. False where there is nothing to evict.</summary>
    private bool Evict(int needed)
    {
        if (_table.Count == 0)
        {
            return false;
        }

        Span<int> counts = stackalloc int[256];
        _table.CountStamps(counts);
        var wanted = Math.Min(_table.Count, Math.Max(needed, (_table.MaxCount / Ages) + 1));
        var stamp = 0;
        for (var sum = counts[0]; sum < wanted && stamp < byte.MaxValue;)
        {
            sum += counts[++stamp];
        }

        var evicted = _table.Evict((byte)stamp, wanted, _blocksOfSlot);
        _tracksMatches = true;
        Volatile.Write(ref _evicted, _evicted + evicted);
        return evicted > 0;
    }

    private void Age(int blocks)
    {
        _storedThisEpoch += blocks;
        if (_storedThisEpoch < _table.MaxCount / Ages)
        {
            return;
        }

        _storedThisEpoch = 0;

        // Matches are remembered, which costs the readers a store a block, once the table cannot grow any more.
        _tracksMatches |= !Fits(_table.SizeLog2 + 1, _holds.Bytes);
        if (_table.Epoch == byte.MaxValue)
        {
            _table.AgeStamps();
        }

        _table.Epoch++;
    }

    private void Rebuild(int sizeLog2, int setWords)
    {
        var next = new HolderTable(sizeLog2, setWords, _seed);
        _table.CopyTo(next);
        Volatile.Write(ref _table, next);
    }
}
