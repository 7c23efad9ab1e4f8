using Epp.Native.Prefix;
using Epp.Testing;

namespace Epp.Native.Tests.Prefix;

[Trait("Category", "Unit")]
public class ApproxPrefixIndexTests
{
    [Fact]
    public void Match_Walk_StopsWhereNobodyHoldsTheBlock()
    {
        var index = new ApproxPrefixIndex(1);
        index.Add(0, 100, [1, 2, 3]);
        index.Add(1, 100, [1, 2, 3, 4, 5]);
        Assert.Equal([3, 5], Match(index, 2, [1, 2, 3, 4, 5, 6, 7]));
        Assert.Equal([0, 0], Match(index, 2, [9, 1, 2]));
    }

    [Fact]
    public void Match_GapInOneEndpoint_StillCountsLaterBlocks()
    {
        var index = new ApproxPrefixIndex(1);
        index.Add(0, 100, [1, 3]);
        index.Add(1, 100, [1, 2]);
        Assert.Equal([2, 2], Match(index, 2, [1, 2, 3]));
    }

    [Fact]
    public void Match_SeveralPrompts_AreIndependentChains()
    {
        var index = new ApproxPrefixIndex(1);
        index.Add(0, 100, [1, 2, 11, 12]);
        var match = new PrefixMatch();
        foreach (var prompt in new ulong[][] { [1, 99, 2], [11, 12], [] })
        {
            foreach (var hash in prompt)
            {
                match.Hashes.Add(hash);
            }

            match.Hashes.EndPrompt();
        }

        index.Match(match, 16);
        Assert.Equal(3, match.MatchBlocks[0]);
        Assert.Equal(5, match.TotalBlocks);
    }

    [Fact]
    public void Add_BeyondCapacity_EvictsLeastRecentlyUsed()
    {
        var index = new ApproxPrefixIndex(1);
        index.Add(0, 3, [1, 2, 3]);
        index.Add(0, 99, [1]);
        index.Add(0, 99, [4]);
        Assert.Equal([0], Match(index, 1, [2]));
        Assert.Equal([1], Match(index, 1, [1]));
        Assert.Equal(3, index.Blocks);
    }

    [Fact]
    public void Clear_Slot_ForgetsItAndItsCapacity()
    {
        var index = new ApproxPrefixIndex(1);
        index.Add(0, 2, [1, 2]);
        index.Add(1, 2, [1]);
        index.Clear(0);
        Assert.Equal([0, 1], Match(index, 2, [1, 2]));
        index.Add(0, 5, [1, 2, 3, 4]);
        Assert.Equal([4, 1], Match(index, 2, [1, 2, 3, 4]));
    }

    [Fact]
    public void Match_SlotsBeyondThePoolsCapacity_AreIgnored()
    {
        var index = new ApproxPrefixIndex(1);
        for (ushort slot = 0; slot < 100; slot++)
        {
            index.Add(slot, 10, [1]);
        }

        Assert.Equal([1, 1], Match(index, 2, [1]));
    }

    [Fact]
    public void Memory_Empty_IsSmall_AndGrowsToTheBudgetOnly()
    {
        const long Budget = 10 << 20;
        var index = new ApproxPrefixIndex(1, Budget);
        Assert.InRange(index.BytesUsed, 0, 64 << 10);
        var hashes = new ulong[1000];
        for (var round = 0; round < 400; round++)
        {
            for (var i = 0; i < hashes.Length; i++)
            {
                hashes[i] = TestPool.Hash((ulong)round, i);
            }

            index.Add((ushort)(round % 50), 31250, hashes);
            Assert.InRange(index.BytesUsed, 0, Budget);
        }

        Assert.InRange(index.HolderBlocks, 60_000, 1_000_000);

        // The newest request is complete, and an endpoint that joins a full index still gets a history.
        Assert.Equal(1000, Match(index, 50, hashes)[49]);
        for (var round = 0; round < 40; round++)
        {
            for (var i = 0; i < hashes.Length; i++)
            {
                hashes[i] = TestPool.Hash(7000 + (ulong)round, i);
            }

            index.Add(50, 31250, hashes);
        }

        Assert.Equal(1000, Match(index, 51, hashes)[50]);
    }

    [Fact]
    public void Memory_SharedBlocks_StayWithinTheBudget()
    {
        const long Budget = 1 << 20;
        var index = new ApproxPrefixIndex(1, Budget);
        for (var round = 0; round < 4; round++)
        {
            var hashes = Enumerable.Range(0, 300).Select(i => TestPool.Hash((ulong)round, i)).ToArray();
            for (ushort slot = 0; slot < 600; slot++)
            {
                index.Add(slot, 1000, hashes);
            }

            Assert.InRange(index.BytesUsed, 0, Budget);
        }

        Assert.InRange(index.HolderBlocks, 1000, 100_000);
    }

    [Fact]
    public void Match_AfterWarmUp_AllocatesNothing()
    {
        var index = new ApproxPrefixIndex(1);
        var match = new PrefixMatch();
        for (var i = 0; i < 256; i++)
        {
            match.Hashes.Add(TestPool.Hash(1, i));
        }

        match.Hashes.EndPrompt();
        for (ushort slot = 0; slot < 1000; slot++)
        {
            index.Add(slot, 1000, match.Hashes.All);
        }

        index.Match(match, 1024);
        Assert.Equal(0, Allocated.Least(() =>
        {
            for (var i = 0; i < 100; i++)
            {
                index.Match(match, 1024);
                index.Add((ushort)i, 1000, match.Hashes.All);
            }
        }));
        Assert.All(match.MatchBlocks[..1000], n => Assert.Equal(256, n));
    }

    internal static int[] Match(ApproxPrefixIndex index, int endpoints, ReadOnlySpan<ulong> hashes)
    {
        var match = new PrefixMatch();
        foreach (var hash in hashes)
        {
            match.Hashes.Add(hash);
        }

        match.Hashes.EndPrompt();
        index.Match(match, endpoints);
        return match.MatchBlocks[..endpoints];
    }
}
