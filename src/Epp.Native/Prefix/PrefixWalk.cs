using System.Numerics;

namespace Epp.Native.Prefix;

/// <summary>Working memory and outcome of one walk along a chain of blocks. Reused; not thread-safe.</summary>
internal sealed class PrefixWalk
{
    private ulong[] _liveBits = [];
    private int _liveWords;
    private ushort[] _slots = new ushort[64];
    private int[] _depths = new int[64];

    /// <summary>The word each block's holders were read from, and where it stood.</summary>
    public ulong[] Words { get; private set; } = new ulong[256];

    public int[] Places { get; private set; } = new int[256];

    /// <summary>Blocks with the same holders in a row: where each run begins, and its word.</summary>
    public RunList Runs { get; } = new();

    /// <summary>Slots that held every block so far: an inline word, or bits.</summary>
    public ulong Live { get; set; }

    public bool LiveIsSet { get; set; }

    public Span<ulong> LiveBits => _liveBits.AsSpan(0, _liveWords);

    public int LiveCount { get; set; }

    public bool HasLive => LiveCount > 0;

    /// <summary>Slots that held the first block.</summary>
    public int Count { get; private set; }

    public ReadOnlySpan<ushort> Slots => _slots.AsSpan(0, Count);

    /// <summary>For each of <see cref="Slots"/> how many leading blocks it holds, ≥ 1.</summary>
    public ReadOnlySpan<int> Depths => _depths.AsSpan(0, Count);

    public void Begin(int blocks, int setWords)
    {
        if (Words.Length < blocks)
        {
            Words = new ulong[blocks + (blocks / 2)];
            Places = new int[Words.Length];
        }

        if (_liveBits.Length < setWords)
        {
            _liveBits = new ulong[setWords];
        }

        _liveWords = setWords;
        LiveIsSet = false;
        Live = 0;
        LiveCount = 0;
        Count = 0;
        Runs.Clear();
    }

    public void Leave(ushort slot, int depth)
    {
        Reserve(1);
        _slots[Count] = slot;
        _depths[Count++] = depth;
    }

    /// <summary>Up to 64 slots fall out at once.</summary>
    /// <param name="slots">One bit each.</param>
    /// <param name="first">The slot of the lowest bit.</param>
    /// <param name="depth">Where.</param>
    public void Leave(ulong slots, int first, int depth)
    {
        Reserve(64);
        var into = _slots.AsSpan(Count, 64);
        var n = 0;
        for (; slots != 0 && n < into.Length; slots &= slots - 1)
        {
            into[n++] = (ushort)(first + BitOperations.TrailingZeroCount(slots));
        }

        _depths.AsSpan(Count, n).Fill(depth);
        Count += n;
    }

    private void Reserve(int more)
    {
        if (Count + more > _slots.Length)
        {
            Array.Resize(ref _slots, _slots.Length * 2);
            Array.Resize(ref _depths, _slots.Length);
        }
    }

    /// <summary>A growing list of runs.</summary>
    public sealed class RunList
    {
        private (int Start, ulong Word)[] _runs = new (int, ulong)[16];

        public int Count { get; private set; }

        public (int Start, ulong Word) this[int i] => _runs[i];

        public void Clear() => Count = 0;

        public void Add((int Start, ulong Word) run)
        {
            if (Count == _runs.Length)
            {
                Array.Resize(ref _runs, Count * 2);
            }

            _runs[Count++] = run;
        }
    }
}
