using Epp.Native.KvEvents;

namespace Epp.Native.Prefix;

/// <summary>Which holder each slot of the index stands for. Immutable: published in one store, so that a cache is emptied in one step.</summary>
internal sealed class KvDirectory
{
    public static readonly KvDirectory Empty = new([], [], [], []);

    private KvDirectory(KvRank[] ranks, int[] owners, ulong[] plain, Tiered[] tiers)
    {
        Ranks = ranks;
        Owners = owners;
        Plain = plain;
        TieredRanks = tiers;
    }

    /// <summary>A rank with blocks on more than the device: its slot for each tier, −1 = none.</summary>
    public readonly record struct Tiered(KvRank Rank, int Owner, int Device, int Host, int Disk, int External)
    {
        public int Slot(int tier) => tier switch { 0 => Device, 1 => Host, 2 => Disk, _ => External };
    }

    /// <summary>By slot; meaningless for slots nobody has.</summary>
    public KvRank[] Ranks { get; }

    /// <summary>By slot: the number the caller gave the worker, −1 = none.</summary>
    public int[] Owners { get; }

    /// <summary>One bit for each slot of a rank that has blocks on the device only.</summary>
    public ulong[] Plain { get; }

    public Tiered[] TieredRanks { get; }

    public static KvDirectory Of(Dictionary<KvRank, KvHolder> holders, Dictionary<ulong, int> owners, int slots)
    {
        var ranks = new KvRank[slots];
        var owned = new int[slots];
        var plain = new ulong[(slots + 63) / 64];
        var tiers = new List<Tiered>();
        foreach (var (rank, holder) in holders)
        {
            var owner = owners.TryGetValue(rank.WorkerId, out var known) ? known : -1;
            var onDeviceOnly = true;
            for (var tier = 0; tier < KvHolder.Tiers; tier++)
            {
                var slot = holder.Slots[tier];
                onDeviceOnly &= tier == 0 || slot < 0;
                if (slot >= 0)
                {
                    ranks[slot] = rank;
                    owned[slot] = owner;
                }
            }

            if (!onDeviceOnly)
            {
                tiers.Add(new Tiered(rank, owner, holder.Slots[0], holder.Slots[1], holder.Slots[2], holder.Slots[3]));
            }
            else if (holder.Slots[0] >= 0)
            {
                plain[holder.Slots[0] / 64] |= 1UL << (holder.Slots[0] % 64);
            }
        }

        return new KvDirectory(ranks, owned, plain, tiers.Count == 0 ? [] : tiers.ToArray());
    }
}

/// <summary>What the writer knows of one rank.</summary>
internal sealed class KvHolder
{
    public const int Tiers = 4;

    /// <summary>Slot for each tier, −1 = no block was ever stored there.</summary>
    public int[] Slots { get; } = [-1, -1, -1, -1];

    /// <summary>Whether the rank's names for blocks are kept: not where each is the block's sequence hash.</summary>
    public bool IsNamed { get; set; }
}
