using System.Numerics;
using System.Runtime.CompilerServices;

namespace Epp.Native.Tokens.Models;

/// <summary>Pairs of symbols, the rank of their merge and what it makes: open addressing. Filled while loading, then immutable.</summary>
internal sealed class MergeTable
{
    /// <summary>No merge; larger than every merge.</summary>
    public const ulong None = ulong.MaxValue;

    // A pair is stored plus one in its upper half, so that 0 is empty.
    private readonly ulong[] _keys;
    private readonly ulong[] _values;
    private readonly int _shift;

    public MergeTable(int pairs)
    {
        var bits = BitOperations.Log2(BitOperations.RoundUpToPowerOf2((uint)Math.Max(16, pairs + (pairs / 2))));
        (_keys, _values, _shift) = (new ulong[1 << bits], new ulong[1 << bits], 64 - bits);
    }

    /// <summary>One more than the highest rank.</summary>
    public int RankCount { get; private set; }

    /// <summary>Adds a merge; a later one of the same pair replaces it.</summary>
    public void Set(int left, int right, int rank, int made)
    {
        var slot = Slot(Key(left, right));
        _keys[slot] = Key(left, right);
        _values[slot] = ((ulong)(uint)rank << 32) | (uint)made;
        RankCount = Math.Max(RankCount, rank + 1);
    }

    /// <summary>Rank in the upper half, the symbol made in the lower; <see cref="None"/> where the pair does not merge.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Get(int left, int right)
    {
        var slot = Slot(Key(left, right));
        return _keys[slot] != 0 ? _values[slot] : None;
    }

    private static ulong Key(int left, int right) => ((ulong)((uint)left + 1) << 32) | (uint)right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int Slot(ulong key)
    {
        var keys = _keys;
        var slot = (int)((key * 0x9E3779B97F4A7C15) >> _shift);
        while ((uint)slot < (uint)keys.Length && keys[slot] != key && keys[slot] != 0)
        {
            slot = (slot + 1) & (keys.Length - 1);
        }

        return slot;
    }
}
