using System.Numerics;
using Epp.Native.Kernels;

namespace Epp.Native.Prefix;

/// <summary>Where entries stand: the first free place behind the last one taken, round and round.</summary>
internal sealed partial class HolderTable
{
    /// <summary>Entries whose cache misses overlap.</summary>
    private const int Batch = 32;

    /// <summary>One bit an entry.</summary>
    private readonly ulong[] _free;
    private int _cursor;

    /// <summary>Asks for the places where these hashes' chains begin, then for the entries they name: many misses at a time.</summary>
    public void Warm(ReadOnlySpan<ulong> hashes)
    {
        foreach (var hash in hashes)
        {
            Prefetch.Before(ref _index[Home(Spread(hash))], 1);
        }

        foreach (var hash in hashes)
        {
            var spread = Spread(hash);
            var place = _index[Home(spread)];
            if ((place ^ Mark(spread)) <= _numbers)
            {
                Prefetch.Before(ref _entries[place & _numbers], 1);
            }
        }
    }

    private void FreeAll()
    {
        _free.AsSpan().Fill(ulong.MaxValue);
        for (var number = _free.Length * 64; --number >= _entries.Length - 1;)
        {
            _free[number / 64] &= ~(1UL << (number % 64));
        }

        _free[0] &= ~1UL;
    }

    /// <summary>A free entry; there is one, and at least a seventeenth of all are.</summary>
    private int TakeFree()
    {
        var word = _cursor / 64;
        var left = _free[word] & (ulong.MaxValue << (_cursor % 64));
        while (left == 0)
        {
            word = word + 1 == _free.Length ? 0 : word + 1;
            left = _free[word];
        }

        _free[word] &= ~(left & (0 - left));
        return _cursor = (word * 64) + BitOperations.TrailingZeroCount(left);
    }

    /// <summary>Frees an entry and its place in the index: really where the next one is free, for then no probe chain goes through it, else by a tombstone.</summary>
    private void Free(int number)
    {
        var mask = _index.Length - 1;
        var i = Home(Spread(_entries[number].Hash));
        while ((_index[i] & _numbers) != (uint)number)
        {
            i = (i + 1) & mask;
        }

        Change(ref _entries[number], 0);
        _free[number / 64] |= 1UL << (number % 64);
        if (_index[(i + 1) & mask] != 0)
        {
            Volatile.Write(ref _index[i], Tombstone);
            return;
        }

        do
        {
            Volatile.Write(ref _index[i], 0);
            _used--;
            i = (i - 1) & mask;
        }
        while (_index[i] == Tombstone);
    }

    /// <summary>Takes the next entry of a table that nobody reads yet.</summary>
    private void Append(in Entry entry) => _entries[TakeFree()] = entry;

    /// <summary>Indexes the entries of a table that nobody reads yet.</summary>
    private void FillIndex()
    {
        for (var number = 1; number <= Count; number++)
        {
            Prefetch.Before(ref _index[Home(Spread(_entries[Math.Min(number + Batch, Count)].Hash))], 1);
            var spread = Spread(_entries[number].Hash);
            var i = Home(spread);
            while (_index[i] != 0)
            {
                i = (i + 1) & (_index.Length - 1);
            }

            _index[i] = Mark(spread) | (uint)number;
        }

        _used = Count;
    }
}
