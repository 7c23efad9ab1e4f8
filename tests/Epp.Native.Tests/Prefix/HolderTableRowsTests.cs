using Epp.Native.Prefix;

namespace Epp.Native.Tests.Prefix;

/// <summary>Chains whose blocks stand side by side, scattered, or where another chain stood: found all the same.</summary>
public sealed class HolderTableRowsTests
{
    private const int Blocks = 40;
    private static readonly ulong[] Everyone = [ulong.MaxValue];

    [Fact]
    public void Walk_ChainsThatForkInMidRow_EachFindsItsOwn_HoweverOftenTheGuessWasAnother()
    {
        var table = new HolderTable(12, 1, 7);
        var first = Chain(1, Blocks);
        var second = first[..15].Concat(Chain(2, 25)).ToArray();
        Store(table, first, 0);
        Store(table, second, 1);
        for (var round = 0; round < 3; round++)
        {
            Assert.Equal([(0, Blocks), (1, 15)], Walk(table, first));
            Assert.Equal([(0, 15), (1, Blocks)], Walk(table, second));
        }
    }

    [Fact]
    public void Walk_BlocksStoredInAnyOrder_AreFound()
    {
        var table = new HolderTable(12, 1, 7);
        var chains = Enumerable.Range(1, 40).Select(i => Chain((ulong)i, Blocks)).ToArray();
        var random = new Random(3);
        foreach (var (chain, block) in chains.SelectMany((_, c) => Enumerable.Range(0, Blocks).Select(b => (c, b))).OrderBy(_ => random.Next()))
        {
            table.Add(chains[chain][block], (ushort)chain);
        }

        for (var c = 0; c < chains.Length; c++)
        {
            Assert.Equal([(c, Blocks)], Walk(table, chains[c]));
        }
    }

    /// <summary>Entries are reused, so what stood behind a block may be anybody's: a table that is kept full for long.</summary>
    [Fact]
    public void Walk_ChainsThatComeAndGoInAFullTable_AreFoundUntilTheyGo()
    {
        var table = new HolderTable(10, 1, 7);
        var random = new Random(5);
        var live = new List<(ulong[] Chain, ushort Slot)>();
        for (var step = 0UL; step < 4000; step++)
        {
            while (table.Count + Blocks > table.MaxCount)
            {
                var gone = random.Next(live.Count);
                foreach (var hash in live[gone].Chain.OrderBy(_ => random.Next()))
                {
                    Assert.True(table.Remove(hash, live[gone].Slot));
                }

                Assert.Empty(Walk(table, live[gone].Chain));
                live.RemoveAt(gone);
            }

            if (table.NeedsRebuild(Blocks))
            {
                var next = new HolderTable(10, 1, 7);
                table.CopyTo(next);
                table = next;
            }

            live.Add((Chain(step, 1 + random.Next(Blocks)), (ushort)(step % 64)));
            Store(table, live[^1].Chain, live[^1].Slot);
            var (chain, slot) = live[random.Next(live.Count)];
            Assert.Equal([(slot, chain.Length)], Walk(table, chain));
        }

        Assert.Equal(live.Sum(l => l.Chain.Length), table.Count);
    }

    private static ulong[] Chain(ulong seed, int blocks) => [.. Enumerable.Range(0, blocks).Select(i => TestPool.Hash(seed, i))];

    private static void Store(HolderTable table, ulong[] chain, ushort slot)
    {
        foreach (var hash in chain.Reverse())
        {
            table.Add(hash, slot);
        }
    }

    private static (int Slot, int Depth)[] Walk(HolderTable table, ulong[] chain)
    {
        var walk = new PrefixWalk();
        var read = table.Walk(chain, walk, Everyone, toTheEnd: false, earlyExit: false);
        Assert.True(table.IsUnchanged(chain, walk, read));
        return [.. walk.Slots.ToArray().Zip(walk.Depths.ToArray(), (slot, depth) => ((int)slot, depth)).Order()];
    }
}
