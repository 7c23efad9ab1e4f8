using Epp.Native.KvEvents;

namespace Epp.Native.Prefix;

/// <summary>What writers do; each call is one event to readers.</summary>
public sealed partial class KvIndex
{
    private int _shadows;

    /// <summary>Gives a worker the number that matches name it by.</summary>
    public void SetOwner(ulong workerId, int owner)
    {
        lock (_gate)
        {
            BeginEvent();
            _owners[workerId] = owner;
            PublishDirectory();
            EndEvent();
        }
    }

    /// <summary>The block that a rank calls so, on any tier.</summary>
    /// <param name="rank">Whose name it is.</param>
    /// <param name="external">The name.</param>
    /// <param name="alsoGone">Also blocks that the rank held until lately.</param>
    /// <param name="sequence">Its sequence hash.</param>
    public bool TryResolve(KvRank rank, ulong external, bool alsoGone, out ulong sequence)
    {
        lock (_gate)
        {
            sequence = external;
            if (!_holders.TryGetValue(rank, out var holder))
            {
                return false;
            }

            foreach (var slot in holder.Slots)
            {
                if (slot < 0)
                {
                    continue;
                }

                if (!holder.IsNamed ? _table.Contains(external, (ushort)slot)
                    : _holds.TryFind((ushort)slot, external, out sequence, out var copies)
                        && (alsoGone || (copies > 0 && _table.Contains(sequence, (ushort)slot))))
                {
                    return true;
                }
            }

            return false;
        }
    }

    /// <summary>A rank has a chain of blocks, each the child of the one before; atomic to readers.</summary>
    /// <param name="rank">Who.</param>
    /// <param name="tier">Where.</param>
    /// <param name="externals">Its names for them.</param>
    /// <param name="sequences">Their sequence hashes.</param>
    /// <param name="counted">Storing a block again makes another copy, which takes another removal; else it changes nothing.</param>
    /// <returns>False where nothing was stored: more ranks than <see cref="MaxRanks"/>, or no room within the budget.</returns>
    public bool Store(KvRank rank, KvTier tier, ReadOnlySpan<ulong> externals, ReadOnlySpan<ulong> sequences, bool counted)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(externals.Length, sequences.Length);
        if (externals.IsEmpty)
        {
            return true;
        }

        lock (_gate)
        {
            BeginEvent();
            var stored = TrySlot(rank, tier, out var holder, out var slot);
            if (stored && !holder!.IsNamed && (counted || !externals.SequenceEqual(sequences)))
            {
                KeepNames(holder);
            }

            stored = stored && MakeRoom(externals.Length, holder!.IsNamed ? externals.Length : 0);
            if (stored)
            {
                StoreBackwards((ushort)slot, holder!, externals, sequences, counted);
            }

            EndEvent();
            return stored;
        }
    }

    /// <summary>A rank loses one copy of each block, in any order; atomic to readers. Returns how many of the names it did not know.</summary>
    public int Remove(KvRank rank, KvTier tier, ReadOnlySpan<ulong> externals)
    {
        lock (_gate)
        {
            if ((int)tier >= KvHolder.Tiers || !_holders.TryGetValue(rank, out var holder) || holder.Slots[(int)tier] is var slot && slot < 0)
            {
                return externals.Length;
            }

            BeginEvent();
            var hidden = externals.Length > 1;
            if (hidden)
            {
                Volatile.Write(ref _removals, _removals + 1);
            }

            var unknown = 0;
            foreach (var external in externals)
            {
                unknown += RemoveOne((ushort)slot, holder, external) ? 0 : 1;
            }

            if (hidden)
            {
                Volatile.Write(ref _removals, _removals + 1);
            }

            EndEvent();
            return unknown;
        }
    }

    /// <summary>A rank loses everything, on every tier.</summary>
    public void Clear(KvRank rank)
    {
        lock (_gate)
        {
            if (_holders.TryGetValue(rank, out var holder))
            {
                BeginEvent();
                Retire(rank, holder);
                PublishDirectory();
                SweepIfMany();
                EndEvent();
            }
        }
    }

    /// <summary>Every rank of a worker loses everything.</summary>
    /// <param name="workerId">Which worker.</param>
    /// <param name="forget">The worker is gone: forget its number too.</param>
    public void ClearWorker(ulong workerId, bool forget)
    {
        lock (_gate)
        {
            BeginEvent();
            foreach (var (rank, holder) in _holders)
            {
                if (rank.WorkerId == workerId)
                {
                    Retire(rank, holder);
                }
            }

            if (forget)
            {
                _owners.Remove(workerId);
            }

            PublishDirectory();
            SweepIfMany();
            EndEvent();
        }
    }

    /// <summary>Sweeps up the blocks of holders that are gone. Call it every few seconds.</summary>
    public void Maintain()
    {
        lock (_gate)
        {
            if (_deadSlots.Count > 0)
            {
                BeginEvent();
                Sweep();
                EndEvent();
            }
        }
    }

    private void BeginEvent() => Volatile.Write(ref _version, _version + 1);

    private void EndEvent() => Volatile.Write(ref _version, (_version | 1) + 1);

    /// <summary>From the last block to the first: what is written cannot be reached before the first new block is, and then all of it can.</summary>
    private void StoreBackwards(ushort slot, KvHolder holder, ReadOnlySpan<ulong> externals, ReadOnlySpan<ulong> sequences, bool counted)
    {
        const int Batch = 16;
        for (var end = sequences.Length; end > 0;)
        {
            var start = Math.Max(0, end - Batch);
            _table.Warm(sequences[start..end]);
            for (var i = start; holder.IsNamed && i < end; i++)
            {
                _holds.Warm(slot, externals[i]);
            }

            for (var i = end - 1; i >= start; i--)
            {
                if (holder.IsNamed)
                {
                    StoreNamed(slot, externals[i], sequences[i], counted);
                }
                else if (_table.Add(sequences[i], slot))
                {
                    _blocksOfSlot[slot]++;
                }
            }

            end = start;
        }
    }

    private void StoreNamed(ushort slot, ulong external, ulong sequence, bool counted)
    {
        var known = _holds.TryFind(slot, external, out var before, out var copies) && copies > 0;
        if (known && before != sequence)
        {
            // The name moves to another block: the old one is no longer held by it.
            _holds.RemoveAll(slot, external);
            Release(slot, before);
            known = false;
        }

        if (known && !counted)
        {
            AddBlock(slot, sequence);
            return;
        }

        _holds.Add(slot, external, sequence);
        if (!AddBlock(slot, sequence) && !known)
        {
            // Held already, under another name.
            _holds.Add(HoldTable.Shadow(slot), sequence, sequence);
            _shadows++;
        }
    }

    private bool AddBlock(ushort slot, ulong sequence)
    {
        var added = _table.Add(sequence, slot);
        _blocksOfSlot[slot] += added ? 1 : 0;
        return added;
    }

    private bool RemoveOne(ushort slot, KvHolder holder, ulong external)
    {
        if (!holder.IsNamed)
        {
            return RemoveBlock(slot, external);
        }

        var left = _holds.Remove(slot, external, out var sequence);
        if (left == 0)
        {
            Release(slot, sequence);
        }

        return left >= 0;
    }

    /// <summary>One name of a block is gone: so is the block, unless the slot has another name for it.</summary>
    private void Release(ushort slot, ulong sequence)
    {
        if (_shadows > 0 && _holds.Remove(HoldTable.Shadow(slot), sequence, out _) >= 0)
        {
            _shadows--;
            return;
        }

        RemoveBlock(slot, sequence);
    }

    private bool RemoveBlock(ushort slot, ulong sequence)
    {
        var removed = _table.Remove(sequence, slot);
        _blocksOfSlot[slot] -= removed ? 1 : 0;
        return removed;
    }

    /// <summary>From now on the rank's names are kept; until now each was the block's sequence hash.</summary>
    private void KeepNames(KvHolder holder)
    {
        holder.IsNamed = true;
        foreach (var slot in holder.Slots)
        {
            if (slot < 0 || _blocksOfSlot[slot] == 0)
            {
                continue;
            }

            foreach (var sequence in _table.BlocksOf((ushort)slot))
            {
                _holds.Reserve(1);
                _holds.Add((ushort)slot, sequence, sequence);
            }
        }
    }
}
