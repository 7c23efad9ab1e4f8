using Epp.Native.KvEvents;
using Epp.Native.Prefix;

namespace Epp.Native.Tests.Prefix;

[Trait("Category", "Unit")]
public sealed class KvIndexProperties
{
    /// <summary>10^6 random operations on all seeds together, each lookup against dictionaries of sets.</summary>
    [Theory]
    [InlineData(1, 3, true, 1)]
    [InlineData(2, 12, false, 1)]
    [InlineData(3, 6, true, 4)]
    [InlineData(4, 40, true, 1)]
    [InlineData(5, 9, false, 4)]
    public void RandomOperations_EqualTheModel(int seed, int ranks, bool counted, int tiers)
    {
        var random = new Random(seed);
        var index = new KvIndex((ulong)seed * 0x9E3779B97F4A7C15);
        var model = new KvIndexModel();
        var match = new KvMatch();
        for (var operation = 0; operation < 200_000; operation++)
        {
            var rank = new KvRank((ulong)random.Next((ranks + 1) / 2), (uint)random.Next(2));
            var tier = (KvTier)random.Next(tiers);
            switch (random.Next(1000))
            {
                case 0:
                    index.ClearWorker(rank.WorkerId, forget: true);
                    model.Clear(r => r.WorkerId == rank.WorkerId);
                    break;
                case < 4:
                    index.Clear(rank);
                    model.Clear(r => r == rank);
                    break;
                case 4:
                    index.Maintain();
                    break;
                case < 300:
                    var names = Path(random).Select(s => Name(rank, s, random)).Where(_ => random.Next(3) == 0).ToArray();
                    index.Remove(rank, tier, names);
                    model.Remove(rank, tier, names);
                    break;
                case < 600:
                    Store(index, model, rank, tier, random, counted);
                    break;
                default:
                    var path = Path(random);
                    index.Find(path, match);
                    Assert.True(Same(model.Find(path), match), $"seed {seed}, operation {operation}");
                    break;
            }
        }

        Assert.True(index.BytesUsed <= index.BudgetBytes);
    }

    /// <summary>With <c>earlyExit</c> the numbers are lower bounds, and the deepest holder of several is exact where they part.</summary>
    [Fact]
    public void EarlyExit_LowerBounds()
    {
        var random = new Random(7);
        var index = new KvIndex(7);
        var model = new KvIndexModel();
        var match = new KvMatch();
        for (var operation = 0; operation < 5_000; operation++)
        {
            Store(index, model, new KvRank((ulong)random.Next(5), 0), KvTier.Device, random, counted: false);
            var path = Path(random);
            index.Find(path, match, earlyExit: true);
            var expected = model.Find(path);
            Assert.Equal(expected.Count, match.Count);
            for (var i = 0; i < match.Count; i++)
            {
                Assert.InRange(match.Blocks(i), 1, expected[$"{match.Rank(i).WorkerId}:{match.Rank(i).DpRank}"].Blocks);
            }
        }
    }

    /// <summary>A block whose holder has its own name for it, and one whose name is its hash, live side by side.</summary>
    private static ulong Name(KvRank rank, ulong sequence, Random random) => (rank.WorkerId % 3) switch
    {
        0 => sequence,
        1 => TestPool.Hash(rank.WorkerId, (int)(sequence & 0xFFFFFF)),
        _ => TestPool.Hash(rank.WorkerId + (ulong)random.Next(2), (int)(sequence & 0xFFFFFF)),
    };

    private static ulong[] Path(Random random)
    {
        var locals = new ulong[random.Next(1, 40)];
        var family = (ulong)random.Next(4);
        for (var i = 0; i < locals.Length; i++)
        {
            locals[i] = TestPool.Hash(family, i < 8 ? i : (i * 3) + random.Next(15) / 14);
        }

        return KvIndexModel.Chain(null, locals);
    }

    private static void Store(KvIndex index, KvIndexModel model, KvRank rank, KvTier tier, Random random, bool counted)
    {
        var path = Path(random);
        var from = random.Next(3) == 0 ? random.Next(path.Length) : 0;
        var sequences = path[from..];
        var names = sequences.Select(s => Name(rank, s, random)).ToArray();
        var copies = counted && rank.WorkerId % 3 != 0;
        Assert.True(index.Store(rank, tier, names, sequences, copies));
        model.Store(rank, tier, names, sequences, copies);
        Assert.Equal(model.TryResolve(rank, names[0], out var expected), index.TryResolve(rank, names[0], alsoGone: false, out var actual));
        Assert.Equal(expected, actual);
    }

    private static bool Same(SortedDictionary<string, (int Blocks, KvIndexModel.KvTierCounts Tiers)> expected, KvMatch match)
    {
        var same = expected.Count == match.Count;
        for (var i = 0; i < match.Count && same; i++)
        {
            var tiers = match.Tiers(i);
            same = expected.TryGetValue($"{match.Rank(i).WorkerId}:{match.Rank(i).DpRank}", out var e)
                && e.Blocks == match.Blocks(i)
                && e.Tiers == new KvIndexModel.KvTierCounts(tiers.Device, tiers.Host, tiers.Disk);
        }

        return same;
    }
}
