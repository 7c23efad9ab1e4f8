using Epp.Hashing;
using Epp.Native.KvEvents;

namespace Epp.Native.Tests.Prefix;

/// <summary>The contract of kv-routing §7 and §8 as dictionaries of sets: slow, obvious.</summary>
internal sealed class KvIndexModel
{
    private readonly Dictionary<(KvRank Rank, KvTier Tier), Dictionary<ulong, (ulong Sequence, int Copies)>> _names = [];

    /// <summary>How many names a holder has for each block.</summary>
    private readonly Dictionary<(KvRank Rank, KvTier Tier), Dictionary<ulong, int>> _held = [];

    public static ulong[] Chain(ulong? parent, IEnumerable<ulong> locals)
    {
        var chain = new List<ulong>();
        foreach (var local in locals)
        {
            parent = parent is { } p ? DynamoBlockHasher.Chain(p, local) : local;
            chain.Add(parent.Value);
        }

        return [.. chain];
    }

    public bool TryResolve(KvRank rank, ulong external, out ulong sequence)
    {
        for (var tier = KvTier.Device; tier <= KvTier.External; tier++)
        {
            if (_names.TryGetValue((rank, tier), out var names) && names.TryGetValue(external, out var block))
            {
                sequence = block.Sequence;
                return true;
            }
        }

        sequence = 0;
        return false;
    }

    public void Store(KvRank rank, KvTier tier, ulong[] externals, ulong[] sequences, bool counted)
    {
        if (!_names.TryGetValue((rank, tier), out var names))
        {
            _names[(rank, tier)] = names = [];
        }

        foreach (var (external, sequence) in externals.Zip(sequences).Reverse())
        {
            var known = names.TryGetValue(external, out var block);
            var copies = known && block.Sequence == sequence ? block.Copies : 0;
            if (known && copies == 0)
            {
                Count(rank, tier, block.Sequence, -1);
            }

            Count(rank, tier, sequence, copies == 0 ? 1 : 0);
            names[external] = (sequence, counted ? copies + 1 : 1);
        }
    }

    public void Remove(KvRank rank, KvTier tier, ulong[] externals)
    {
        foreach (var external in externals)
        {
            if (_names.TryGetValue((rank, tier), out var names) && names.TryGetValue(external, out var block))
            {
                if (block.Copies == 1)
                {
                    names.Remove(external);
                    Count(rank, tier, block.Sequence, -1);
                }
                else
                {
                    names[external] = block with { Copies = block.Copies - 1 };
                }
            }
        }
    }

    public void Clear(Func<KvRank, bool> which)
    {
        foreach (var key in _names.Keys.Where(k => which(k.Rank)).ToArray())
        {
            _names.Remove(key);
            _held.Remove(key);
        }
    }

    public SortedDictionary<string, (int Blocks, KvTierCounts Tiers)> Find(ulong[] sequences)
    {
        var found = new SortedDictionary<string, (int, KvTierCounts)>(StringComparer.Ordinal);
        foreach (var rank in _names.Keys.Select(k => k.Rank).Distinct())
        {
            var union = sequences.TakeWhile(s => Tiers.Any(t => Holds(rank, t, s))).Count();
            if (union > 0)
            {
                var device = sequences.TakeWhile(s => Holds(rank, KvTier.Device, s)).Count();
                var host = sequences.Skip(device).TakeWhile(s => Holds(rank, KvTier.HostPinned, s)).Count();
                var disk = sequences.Skip(device + host).TakeWhile(s => Holds(rank, KvTier.Disk, s) || Holds(rank, KvTier.External, s)).Count();
                found[$"{rank.WorkerId}:{rank.DpRank}"] = (union, new KvTierCounts(device, host, disk));
            }
        }

        return found;
    }

    private static KvTier[] Tiers { get; } = [KvTier.Device, KvTier.HostPinned, KvTier.Disk, KvTier.External];

    private bool Holds(KvRank rank, KvTier tier, ulong sequence) => _held.TryGetValue((rank, tier), out var held) && held.ContainsKey(sequence);

    private void Count(KvRank rank, KvTier tier, ulong sequence, int more)
    {
        if (!_held.TryGetValue((rank, tier), out var held))
        {
            _held[(rank, tier)] = held = [];
        }

        held[sequence] = held.GetValueOrDefault(sequence) + more;
        if (held[sequence] == 0)
        {
            held.Remove(sequence);
        }
    }

    public readonly record struct KvTierCounts(int Device, int Host, int Disk);
}
