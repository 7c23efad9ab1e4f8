using System.Runtime.InteropServices;
using Epp.Native.Kernels;

namespace Epp.Native.Prefix;

/// <summary>
/// What a holder calls its blocks: (slot, external hash) → sequence hash and number of copies. Open addressing with linear probing. An entry
/// whose last copy went stays for a while, so that a child that is stored late still finds its parent; it goes at the second rebuild.
/// One thread at a time.
/// </summary>
internal sealed class HoldTable
{
    private const uint SlotMask = (1 << 14) - 1;
    private const uint ShadowBit = 1 << 14;
    private const uint UsedBit = 1 << 15;
    private const uint OldBit = 1 << 16;
    private const int CountShift = 17;
    private const uint MaxCopies = (1 << (32 - CountShift)) - 1;
    private const int EntryBytes = 20;
    private const int SmallestLog2 = 10;

    private readonly ulong _multiplier;
    private Entry[] _entries = [];
    private int _shift;

    /// <param name="multiplier">Secret: a worker that chooses its hashes cannot aim them at one probe chain.</param>
    public HoldTable(ulong multiplier) => _multiplier = multiplier | 1;

    [StructLayout(LayoutKind.Sequential, Pack = 4)]
    private struct Entry
    {
        public ulong External;
        public ulong Sequence;

        /// <summary>Slot, shadow, used, old, copies; 0 = free.</summary>
        public uint Meta;
    }

    /// <summary>Entries with at least one copy, shadows included.</summary>
    public int Live { get; private set; }

    /// <summary>Entries that are not free.</summary>
    public int Used { get; private set; }

    public long Bytes => (long)_entries.Length * EntryBytes;

    /// <summary>Bytes that a rebuild may need beside the present ones to take <paramref name="more"/> entries; 0 where there is room.</summary>
    public long BytesToGrow(int more) => Used + more <= MaxUsed(_entries.Length) ? 0 : (long)SizeFor(Live + more) * EntryBytes;

    /// <summary>The block a holder calls so, with or without a copy left.</summary>
    public bool TryFind(ushort slot, ulong external, out ulong sequence, out int copies)
    {
        var i = Find(slot, external);
        sequence = i < 0 ? 0 : _entries[i].Sequence;
        copies = i < 0 ? 0 : (int)(_entries[i].Meta >> CountShift);
        return i >= 0;
    }

    /// <summary>Asks for the entry where a name's chain begins.</summary>
    public void Warm(ushort slot, ulong external)
    {
        if (_entries.Length > 0)
        {
            Prefetch.Before(ref _entries[Home(slot, external)], 1);
        }
    }

    /// <summary>Adds a copy; returns how many there are now. There is room: see <see cref="Reserve"/>.</summary>
    public int Add(ushort slot, ulong external, ulong sequence)
    {
        var i = Find(slot, external);
        if (i < 0)
        {
            i = FreePlace(slot, external);
            Used++;
            _entries[i] = new Entry { External = external, Sequence = sequence, Meta = slot | UsedBit };
        }

        ref var entry = ref _entries[i];
        entry.Sequence = sequence;
        Live += entry.Meta >> CountShift == 0 ? 1 : 0;
        entry.Meta = (entry.Meta & ~OldBit) + (entry.Meta >> CountShift == MaxCopies ? 0 : 1u << CountShift);
        return (int)(entry.Meta >> CountShift);
    }

    /// <summary>Takes a copy away; −1 where there was none, else how many are left.</summary>
    public int Remove(ushort slot, ulong external, out ulong sequence)
    {
        var i = Find(slot, external);
        sequence = i < 0 ? 0 : _entries[i].Sequence;
        if (i < 0 || _entries[i].Meta >> CountShift == 0)
        {
            return -1;
        }

        _entries[i].Meta -= 1u << CountShift;
        var left = (int)(_entries[i].Meta >> CountShift);
        Live -= left == 0 ? 1 : 0;
        return left;
    }

    /// <summary>Takes all copies away; returns how many there were.</summary>
    public int RemoveAll(ushort slot, ulong external)
    {
        var i = Find(slot, external);
        if (i < 0 || _entries[i].Meta >> CountShift is var copies && copies == 0)
        {
            return 0;
        }

        _entries[i].Meta &= (1u << CountShift) - 1;
        Live--;
        return (int)copies;
    }

    /// <summary>Makes room for more entries; drops what lost its last copy before the rebuild before.</summary>
    public void Reserve(int more)
    {
        if (Used + more > MaxUsed(_entries.Length))
        {
            Rebuild(default, null, SizeFor(Live + more));
        }
    }

    /// <summary>Drops the entries of slots, and those whose block is gone; never grows.</summary>
    /// <param name="dead">One bit a slot; may be empty.</param>
    /// <param name="isHeld">Whether a slot still holds a block; null = do not ask.</param>
    public void Purge(ReadOnlySpan<ulong> dead, Func<ushort, ulong, bool>? isHeld) => Rebuild(dead, isHeld, _entries.Length == 0 ? 1 << SmallestLog2 : Math.Min(_entries.Length, SizeFor(Live)));

    /// <summary>The name of other names that one holder has for a block, as a second key space.</summary>
    public static ushort Shadow(ushort slot) => (ushort)(slot | ShadowBit);

    private static int MaxUsed(int size) => size / 4 * 3;

    private static int SizeFor(int count)
    {
        var size = 1 << SmallestLog2;
        while (MaxUsed(size) < count + (count / 8))
        {
            size *= 2;
        }

        return size;
    }

    private void Rebuild(ReadOnlySpan<ulong> dead, Func<ushort, ulong, bool>? isHeld, int size)
    {
        var old = _entries;
        _entries = HugePages.Allocate<Entry>(size);
        _shift = 64 - System.Numerics.BitOperations.Log2((uint)size);
        Used = 0;
        Live = 0;
        foreach (ref var entry in old.AsSpan())
        {
            var slot = (int)(entry.Meta & SlotMask);
            var copies = entry.Meta >> CountShift;
            var gone = entry.Meta == 0
                || (slot / 64 < dead.Length && (dead[slot / 64] >> (slot % 64) & 1) != 0)
                || (copies == 0 && (entry.Meta & OldBit) != 0)
                || (copies == 0 && Used - Live > size / 8)
                || (isHeld is not null && !isHeld((ushort)slot, (entry.Meta & ShadowBit) == 0 ? entry.Sequence : entry.External));
            if (gone)
            {
                continue;
            }

            _entries[FreePlace((ushort)(entry.Meta & (SlotMask | ShadowBit)), entry.External)] = entry with { Meta = copies == 0 ? entry.Meta | OldBit : entry.Meta };
            Used++;
            Live += copies == 0 ? 0 : 1;
        }
    }

    private int Find(ushort slot, ulong external)
    {
        if (_entries.Length == 0)
        {
            return -1;
        }

        for (var i = Home(slot, external); ; i = (i + 1) & (_entries.Length - 1))
        {
            ref var entry = ref _entries[i];
            if (entry.Meta == 0)
            {
                return -1;
            }

            if (entry.External == external && (entry.Meta & (SlotMask | ShadowBit)) == slot)
            {
                return i;
            }
        }
    }

    private int FreePlace(ushort slot, ulong external)
    {
        var i = Home(slot, external);
        while (_entries[i].Meta != 0)
        {
            i = (i + 1) & (_entries.Length - 1);
        }

        return i;
    }

    private int Home(ushort slot, ulong external) => (int)(((external ^ (slot * 0x9E3779B97F4A7C15UL)) * _multiplier) >> _shift);
}
