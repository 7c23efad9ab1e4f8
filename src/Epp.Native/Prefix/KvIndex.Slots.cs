using Epp.Native.KvEvents;

namespace Epp.Native.Prefix;

/// <summary>Which slot stands for which rank and tier, and what becomes of slots whose rank is gone.</summary>
public sealed partial class KvIndex
{
    /// <summary>Dead slots after which their blocks are swept up at once.</summary>
    private const int MaxDeadSlots = 64;

    private readonly Stack<int> _freeSlots = new();
    private readonly List<int> _deadSlots = [];
    private int[] _blocksOfSlot = new int[64];
    private int _slots;

    private bool TrySlot(KvRank rank, KvTier tier, out KvHolder? holder, out int slot)
    {
        slot = -1;
        holder = null;
        if ((int)tier >= KvHolder.Tiers)
        {
            return false;
        }

        if (!_holders.TryGetValue(rank, out holder))
        {
            if (_holders.Count >= MaxRanks)
            {
                return false;
            }

            holder = new KvHolder();
            _holders.Add(rank, holder);
        }

        slot = holder.Slots[(int)tier];
        if (slot >= 0)
        {
            return true;
        }

        if (_freeSlots.Count == 0 && _slots == MaxSlots)
        {
            Sweep();
        }

        if (!_freeSlots.TryPop(out slot))
        {
            if (_slots == MaxSlots)
            {
                return false;
            }

            slot = _slots++;
        }

        holder.Slots[(int)tier] = slot;
        if (slot >= _blocksOfSlot.Length)
        {
            Array.Resize(ref _blocksOfSlot, 2 * slot);
        }

        if (slot >= _table.SetWords * 64)
        {
            Rebuild(_table.SizeLog2, _table.SetWords * 2);
        }

        PublishDirectory();
        return true;
    }

    private void Retire(KvRank rank, KvHolder holder)
    {
        _holders.Remove(rank);
        foreach (var slot in holder.Slots)
        {
            if (slot < 0)
            {
                continue;
            }

            // A slot without blocks may still have names that went with their last copy.
            _deadSlots.Add(slot);
        }
    }

    private void PublishDirectory() => Volatile.Write(ref _directory, KvDirectory.Of(_holders, _owners, _slots));

    private void SweepIfMany()
    {
        if (_deadSlots.Count >= MaxDeadSlots)
        {
            Sweep();
        }
    }

    private void Sweep()
    {
        var dead = new ulong[(_slots + 63) / 64];
        var blocks = 0L;
        foreach (var slot in _deadSlots)
        {
            dead[slot / 64] |= 1UL << (slot % 64);
            blocks += _blocksOfSlot[slot];
            _blocksOfSlot[slot] = 0;
            _freeSlots.Push(slot);
        }

        _deadSlots.Clear();
        if (blocks > 0)
        {
            _table.RemoveSlots(dead);
        }

        _holds.Purge(dead, null);
    }
}
