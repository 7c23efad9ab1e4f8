namespace Epp.Native.Tokens.Models;

/// <summary>
/// Positions by the rank of the pair that stands there, lowest rank first. A long word holds few ranks and each many times, so a heap of
/// ranks is small and the positions need no more than a sort where they were not added in order.
/// </summary>
internal readonly struct MergeRounds
{
    private const int NoEntry = -1;

    private readonly MergeTable _merges;
    private readonly RoundState _state;

    public MergeRounds(ModelState state, MergeTable merges, int expected)
    {
        _merges = merges;
        _state = state.Rounds;
        _state.Begin(merges.RankCount, expected);
    }

    /// <summary>The rank of the pair of two neighbours; the greatest number where it does not merge.</summary>
    public long RankOf(int[] symbols, int left, int right) =>
        _merges.Get(symbols[left], symbols[right]) is not MergeTable.None and var merge ? (long)(merge >> 32) : long.MaxValue;

    /// <summary>Adds the pair of two neighbours if it merges; its rank, or the greatest number where it does not.</summary>
    public long Offer(int[] symbols, int left, int right)
    {
        var merge = _merges.Get(symbols[left], symbols[right]);
        if (merge == MergeTable.None)
        {
            return long.MaxValue;
        }

        _state.Add((int)(merge >> 32), left);
        return (long)(merge >> 32);
    }

    /// <summary>Takes the lowest rank and its positions in order.</summary>
    public bool TryNext(out int rank, out ReadOnlySpan<int> positions) => _state.TryNext(out rank, out positions);

    public void Clear() => _state.Clear();

    /// <summary>The lists, kept from word to word.</summary>
    internal sealed class RoundState
    {
        private const int KeptEntries = 1 << 18;

        // Per rank the newest entry; per entry its position and the entry before it.
        private int[] _newest = [];
        private ulong[] _entries = [];
        private int[] _ranks = new int[64];
        private int[] _positions = [];
        private int _entryCount;
        private int _rankCount;

        public void Begin(int ranks, int expected)
        {
            if (_newest.Length < ranks)
            {
                _newest = new int[ranks];
                _newest.AsSpan().Fill(NoEntry);
            }

            if (_entries.Length < expected)
            {
                _entries = GC.AllocateUninitializedArray<ulong>(expected);
            }

            _entryCount = _rankCount = 0;
        }

        public void Add(int rank, int position)
        {
            if (_newest[rank] == NoEntry)
            {
                PushRank(rank);
            }

            if (_entryCount == _entries.Length)
            {
                var entries = GC.AllocateUninitializedArray<ulong>(_entryCount * 2);
                _entries.CopyTo(entries, 0);
                _entries = entries;
            }

            _entries[_entryCount] = ((ulong)(uint)_newest[rank] << 32) | (uint)position;
            _newest[rank] = _entryCount++;
        }

        public bool TryNext(out int rank, out ReadOnlySpan<int> positions)
        {
            rank = 0;
            positions = default;
            if (_rankCount == 0)
            {
                return false;
            }

            rank = PopRank();
            var count = 0;
            for (var entry = _newest[rank]; entry != NoEntry; entry = (int)(_entries[entry] >> 32))
            {
                count++;
            }

            if (_positions.Length < count)
            {
                _positions = GC.AllocateUninitializedArray<int>(Math.Max(count, _positions.Length * 2));
            }

            var (at, sorted) = (count, true);
            for (var entry = _newest[rank]; entry != NoEntry; entry = (int)(_entries[entry] >> 32))
            {
                _positions[--at] = (int)(uint)_entries[entry];
                sorted &= at + 1 == count || _positions[at] <= _positions[at + 1];
            }

            if (!sorted)
            {
                Array.Sort(_positions, 0, count);
            }

            _newest[rank] = NoEntry;
            positions = _positions.AsSpan(0, count);
            return true;
        }

        public void Clear()
        {
            while (_rankCount > 0)
            {
                _newest[PopRank()] = NoEntry;
            }

            if (_entries.Length > KeptEntries)
            {
                (_entries, _positions) = ([], []);
            }
        }

        // A binary heap of ranks, each once.
        private void PushRank(int rank)
        {
            if (_rankCount == _ranks.Length)
            {
                Array.Resize(ref _ranks, _rankCount * 2);
            }

            var at = _rankCount++;
            while (at > 0 && _ranks[(at - 1) / 2] > rank)
            {
                _ranks[at] = _ranks[(at - 1) / 2];
                at = (at - 1) / 2;
            }

            _ranks[at] = rank;
        }

        private int PopRank()
        {
            var (top, last) = (_ranks[0], _ranks[--_rankCount]);
            var at = 0;
            while ((2 * at) + 1 < _rankCount)
            {
                var child = (2 * at) + 1;
                if (child + 1 < _rankCount && _ranks[child + 1] < _ranks[child])
                {
                    child++;
                }

                if (_ranks[child] >= last)
                {
                    break;
                }

                _ranks[at] = _ranks[child];
                at = child;
            }

            _ranks[at] = last;
            return top;
        }
    }
}
