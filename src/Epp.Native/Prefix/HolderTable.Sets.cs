using System.Numerics;

namespace Epp.Native.Prefix;

/// <summary>Sets of slots for blocks that many hold: one bit a slot, shared by blocks with the same holders.</summary>
internal sealed partial class HolderTable
{
    private ulong WithoutInSet(ulong word, ushort slot)
    {
        var bits = Bits(word);
        var count = -1;
        foreach (var b in bits)
        {
            count += BitOperations.PopCount(b);
        }

        // One below the limit, so that a holder that comes and goes does not move the entry each time.
        if (count >= InlineHolders)
        {
            return NewSetFrom(word, slot);
        }

        var inline = (ulong)count << TagShift;
        var n = 0;
        for (var w = 0; w < bits.Length; w++)
        {
            for (var left = bits[w]; left != 0; left &= left - 1)
            {
                var holder = (w * 64) + BitOperations.TrailingZeroCount(left);
                inline |= holder == slot ? 0 : (ulong)holder << (n++ * SlotBits);
            }
        }

        return inline;
    }

    /// <summary>A new set of an inline word's holders and one more.</summary>
    private ulong NewSetOf(ulong word, ushort slot)
    {
        var set = NewSet();
        var bits = Bits(set);
        for (var w = 0; w < bits.Length; w++)
        {
            var next = slot / 64 == w ? 1UL << (slot % 64) : 0;
            for (var i = 0; i < InlineHolders; i++)
            {
                var holder = (int)((word >> (i * SlotBits)) & SlotMask);
                next |= holder / 64 == w ? 1UL << (holder % 64) : 0;
            }

            Volatile.Write(ref bits[w], next);
        }

        return set;
    }

    /// <summary>A new set that differs from another in one slot.</summary>
    private ulong NewSetFrom(ulong word, ushort slot)
    {
        var set = NewSet();
        var bits = Bits(set);
        var from = Bits(word);
        for (var w = 0; w < bits.Length; w++)
        {
            Volatile.Write(ref bits[w], from[w] ^ (slot / 64 == w ? 1UL << (slot % 64) : 0));
        }

        return set;
    }

    /// <summary>
    /// A set with one user and any bits. They are written with Volatile: a reader that sees new bits in a reused set must also see that
    /// the word it came from has changed.
    /// </summary>
    private ulong NewSet()
    {
        var set = _firstFreeSet - 1;
        if (_firstFreeSet != 0)
        {
            _firstFreeSet = (uint)Header(set);
        }
        else
        {
            set = (uint)_sets++;
            if (set == _setChunks.Length * SetsPerChunk)
            {
                // Chunks only join the list, and a word is stored after its chunk: every word a reader loads names a chunk it can load.
                Volatile.Write(ref _setChunks, [.. _setChunks, new ulong[SetsPerChunk * SetStride]]);
            }
        }

        ref var header = ref Header(set);
        header = (header & GenerationMask) | 1;
        return (SetTag << TagShift) | (header & GenerationMask) | set;
    }

    private void Release(ulong word)
    {
        ref var header = ref Header(word);
        header--;
        if ((uint)header != 0)
        {
            return;
        }

        header = ((header + (1UL << GenerationShift)) & GenerationMask) | _firstFreeSet;
        _firstFreeSet = (uint)word + 1;
        if ((header & GenerationMask) == 0)
        {
            // Generations start over: a remembered step must not meet its set again.
            _lastAdded = _lastRemoved = default;
        }
    }

    /// <summary>The writer's own word of a set: its generation, and how many entries use it, or the next free set + 1.</summary>
    private ref ulong Header(ulong word) => ref _setChunks[(uint)word / SetsPerChunk][(int)((uint)word % SetsPerChunk) * SetStride];
}
