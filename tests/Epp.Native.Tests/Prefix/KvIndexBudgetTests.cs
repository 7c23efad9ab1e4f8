using Epp.Native.KvEvents;
using Epp.Native.Prefix;

namespace Epp.Native.Tests.Prefix;

[Trait("Category", "Unit")]
public sealed class KvIndexBudgetTests
{
    /// <summary>Ten times what fits: the budget holds, what is matched stays, the rest goes and is counted.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void OverBudget_LeastRecentlyMatchedGo(bool named)
    {
        const long Budget = 8 << 20;
        var index = new KvIndex(3, Budget);
        var match = new KvMatch();
        var hot = Chain(0, 64);
        Store(index, 0, hot, named);
        for (var i = 1; i < 40_000; i++)
        {
            Store(index, (ulong)i % 50, Chain(i, 64), named);
            if (i % 20 == 0)
            {
                index.Find(hot, match);
                Assert.Equal((1, 64), (match.Count, match.Count == 0 ? 0 : match.Blocks(0)));
            }
        }

        Assert.True(index.BytesUsed <= Budget, $"{index.BytesUsed} bytes of {Budget}");
        Assert.InRange(index.Blocks, 50_000, 1_000_000);
        Assert.True(index.Evicted > 1_000_000, $"{index.Evicted} evicted");
        Assert.True(index.HolderBlocks <= index.Blocks * 2L);
        index.Find(Chain(39_999, 64), match);
        Assert.Equal(64, match.Deepest);
    }

    [Fact]
    public void ManyRanks_ComeAndGo_SlotsAreReused()
    {
        var index = new KvIndex(4);
        var match = new KvMatch();
        var chain = Chain(1, 8);
        for (var round = 0; round < 6; round++)
        {
            for (var w = 0; w < KvIndex.MaxRanks; w++)
            {
                Assert.True(index.Store(new KvRank((ulong)((round * 10_000) + w), 0), KvTier.Device, chain, chain, counted: false));
            }

            Assert.False(index.Store(new KvRank(999_999, 0), KvTier.Device, chain, chain, counted: false));
            index.Find(chain, match);
            Assert.Equal(KvIndex.MaxRanks, match.Count);
            Assert.Equal(8L * KvIndex.MaxRanks, index.HolderBlocks);
            for (var w = 0; w < KvIndex.MaxRanks; w++)
            {
                index.ClearWorker((ulong)((round * 10_000) + w), forget: true);
            }

            index.Find(chain, match);
            Assert.Equal(0, match.Count);
        }

        index.Maintain();
        Assert.Equal(0, index.Blocks);
    }

    [Fact]
    public void SteadyState_StoreFindRemove_AllocatesNothing()
    {
        var index = new KvIndex(5);
        var match = new KvMatch();
        var chains = Enumerable.Range(0, 64).Select(i => Chain(i, 64)).ToArray();
        void Round()
        {
            for (var i = 0; i < chains.Length; i++)
            {
                index.Store(new KvRank((ulong)i % 8, 0), KvTier.Device, chains[i], chains[i], counted: false);
                index.Find(chains[i], match);
                index.Remove(new KvRank((ulong)i % 8, 0), KvTier.Device, chains[i]);
            }
        }

        // The first rounds give the tables and the working memory their sizes.
        for (var i = 0; i < 50; i++)
        {
            Round();
        }

        var least = long.MaxValue;
        for (var attempt = 0; attempt < 5 && least > 0; attempt++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            Round();
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.Equal(0, least);
    }

    private static ulong[] Chain(int family, int blocks) =>
        KvIndexModel.Chain(null, Enumerable.Range(0, blocks).Select(i => TestPool.Hash((ulong)family, i)));

    private static void Store(KvIndex index, ulong worker, ulong[] sequences, bool named) =>
        Assert.True(index.Store(
            new KvRank(worker, 0), KvTier.Device, named ? Array.ConvertAll(sequences, static s => s ^ 0x5555) : sequences, sequences, counted: named));
}
