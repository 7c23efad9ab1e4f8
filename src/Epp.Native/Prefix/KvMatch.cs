using Epp.Native.KvEvents;

namespace Epp.Native.Prefix;

/// <summary>Leading blocks of one prompt on the tiers of one rank, each tier going on where the one before ends (kv-routing §6.1).</summary>
/// <param name="Device">Blocks on the device, from the first on.</param>
/// <param name="Host">Blocks in the host's memory behind them.</param>
/// <param name="Disk">Blocks on disk or shared storage behind those.</param>
public readonly record struct KvTierBlocks(int Device, int Host, int Disk);

/// <summary>
/// Who holds how much of one prompt: for every rank that holds the first block, the leading blocks it holds without a gap. Reused; not
/// thread-safe.
/// </summary>
public sealed class KvMatch
{
    private TieredMatch[] _tiered = [];
    private int _tieredCount;
    private KvDirectory _directory = KvDirectory.Empty;

    private readonly record struct TieredMatch(KvRank Rank, int Owner, int Blocks, double Weighted, KvTierBlocks Tiers);

    /// <summary>
    /// What a block counts for on device, host, disk and external storage, in <see cref="Weighted"/>; a block on several tiers counts for the
    /// most. Defaults: llm-d's 1 for the device, 0.8 for the host; 1 for tiers it does not name.
    /// </summary>
    public double[] TierWeights { get; } = [1, 0.8, 1, 1];

    /// <summary>Blocks of the prompt that was looked up.</summary>
    public int TotalBlocks { get; private set; }

    /// <summary>Ranks that hold at least the first block; in no order.</summary>
    public int Count => Walk.Count + _tieredCount;

    /// <summary>Leading blocks of the ranks that have blocks on the device only; they stand first.</summary>
    public ReadOnlySpan<int> DeviceBlocks => Walk.Depths;

    internal PrefixWalk Walk { get; } = new();

    /// <summary>Most blocks that any rank holds.</summary>
    public int Deepest
    {
        get
        {
            var deepest = 0;
            foreach (var blocks in Walk.Depths)
            {
                deepest = Math.Max(deepest, blocks);
            }

            for (var i = 0; i < _tieredCount; i++)
            {
                deepest = Math.Max(deepest, _tiered[i].Blocks);
            }

            return deepest;
        }
    }

    /// <summary>The rank.</summary>
    public KvRank Rank(int i) => i < Walk.Count ? _directory.Ranks[Walk.Slots[i]] : _tiered[i - Walk.Count].Rank;

    /// <summary>The number its worker was given by <see cref="KvIndex.SetOwner"/>; −1 = none.</summary>
    public int Owner(int i) => i < Walk.Count ? _directory.Owners[Walk.Slots[i]] : _tiered[i - Walk.Count].Owner;

    /// <summary>Leading blocks it holds without a gap, on whatever tier; ≥ 1.</summary>
    public int Blocks(int i) => i < Walk.Count ? Walk.Depths[i] : _tiered[i - Walk.Count].Blocks;

    /// <summary>The same, each block by the weight of its tier.</summary>
    public double Weighted(int i) => i < Walk.Count ? Walk.Depths[i] * TierWeights[0] : _tiered[i - Walk.Count].Weighted;

    /// <summary>The same by tier, each beginning where the one before ends.</summary>
    public KvTierBlocks Tiers(int i) => i < Walk.Count ? new KvTierBlocks(Walk.Depths[i], 0, 0) : _tiered[i - Walk.Count].Tiers;

    /// <summary>Forgets the outcome.</summary>
    public void Clear()
    {
        Begin(KvDirectory.Empty, 0);
        Walk.Begin(0, 0);
    }

    internal void Begin(KvDirectory directory, int blocks)
    {
        _directory = directory;
        _tieredCount = 0;
        TotalBlocks = blocks;
    }

    /// <summary>Works out the ranks with several tiers from the runs of a walk that read <paramref name="read"/> blocks.</summary>
    internal void AddTiered(HolderTable table, int read)
    {
        if (_tiered.Length < _directory.TieredRanks.Length)
        {
            _tiered = new TieredMatch[_directory.TieredRanks.Length];
        }

        foreach (ref readonly var rank in _directory.TieredRanks.AsSpan())
        {
            var tiers = new KvTierBlocks(
                Extend(table, read, rank.Device, -1, 0, out var device),
                Extend(table, read, rank.Host, -1, device, out var host),
                Extend(table, read, rank.Disk, rank.External, host, out _));
            var blocks = Union(table, read, rank, out var weighted);
            if (blocks > 0)
            {
                _tiered[_tieredCount++] = new TieredMatch(rank.Rank, rank.Owner, blocks, weighted, tiers);
            }
        }
    }

    /// <summary>How many blocks from <paramref name="from"/> on either slot holds without a gap.</summary>
    private int Extend(HolderTable table, int read, int slot, int other, int from, out int end)
    {
        end = from;
        for (var run = 0; run < Walk.Runs.Count && (slot >= 0 || other >= 0); run++)
        {
            var (_, word) = Walk.Runs[run];
            var runEnd = run + 1 < Walk.Runs.Count ? Walk.Runs[run + 1].Start : read;
            if (runEnd <= end)
            {
                continue;
            }

            if (!Holds(table, word, slot) && !Holds(table, word, other))
            {
                break;
            }

            end = runEnd;
        }

        return end - from;
    }

    private int Union(HolderTable table, int read, in KvDirectory.Tiered rank, out double weighted)
    {
        weighted = 0;
        for (var run = 0; run < Walk.Runs.Count; run++)
        {
            var (start, word) = Walk.Runs[run];
            var end = run + 1 < Walk.Runs.Count ? Walk.Runs[run + 1].Start : read;
            var best = double.NegativeInfinity;
            for (var tier = 0; tier < KvHolder.Tiers; tier++)
            {
                best = Holds(table, word, rank.Slot(tier)) ? Math.Max(best, TierWeights[tier]) : best;
            }

            if (double.IsNegativeInfinity(best))
            {
                return start;
            }

            weighted += (end - start) * best;
        }

        return read;
    }

    private static bool Holds(HolderTable table, ulong word, int slot) => slot >= 0 && table.IsHeld(word, (ushort)slot);
}
