using Epp.Native.Pool;
using Epp.Native.Scheduling;
using Epp.Native.Scheduling.Scorers;

namespace Epp.Native.Tests.Scheduling;

[Trait("Category", "Unit")]
public class ScorerTests
{
    [Fact]
    public void QueueScorer_Vectors_MinMaxReversed()
    {
        Assert.Equal([0, 0.5, 1], TestPool.Scores(new QueueScorer("q"), TestPool.Of((10, 0), (5, 0), (0, 0))));
        Assert.Equal([1, 1], TestPool.Scores(new QueueScorer("q"), TestPool.Of((5, 0), (5, 0))));
        Assert.Equal([1], TestPool.Scores(new QueueScorer("q"), TestPool.Of((5, 0))));
    }

    [Fact]
    public void RunningRequestsScorer_ReadsRunningOnly()
    {
        var pool = TestPool.WithEndpoints(3);
        TestPool.Update(pool, 0, 0, 0, running: 8);
        TestPool.Update(pool, 1, 9, 0, running: 4);
        TestPool.Update(pool, 2, 0, 0, running: 0);
        Assert.Equal([0, 0.5, 1], TestPool.Scores(new RunningRequestsScorer("r"), pool));
    }

    [Fact]
    public void KvScorer_Vectors_OneMinusUse_MissingCountsZeroInTheTotal()
    {
        var pool = TestPool.Of((0, 0.8), (0, 0.5), (0, 0), (0, double.NaN));
        var scores = TestPool.Scores(new KvCacheUtilizationScorer("k"), pool);
        Assert.Equal(0.2, scores[0], 12);
        Assert.Equal([0.5, 1], scores[1..3]);

        var totals = new double[4];
        Epp.Native.Kernels.ScoreKernels.AddClamped(totals, scores, 2);
        Assert.Equal(0, totals[3]);
    }

    [Theory]
    [InlineData("active", 1.0)]
    [InlineData("room", 0.8)]
    [InlineData("waiting", 0.6)]
    [InlineData("full", 0.0)]
    [InlineData("none", 0.0)]
    public void LoraScorer_Vectors_AsSpecified(string state, double expected)
    {
        var pool = TestPool.WithEndpoints(1);
        TestPool.Update(pool, 0, 0, 0, state switch
        {
            "active" => TestPool.Lora(2, ["a", "model"], "b"),
            "room" => TestPool.Lora(3, ["a"], "model"),
            "waiting" => TestPool.Lora(2, ["a"], "model"),
            "full" => TestPool.Lora(2, ["a"], "b"),
            _ => null,
        });
        var request = new RoutingRequest();
        request.SetTargetModel("model"u8);
        Assert.Equal([expected], TestPool.Scores(new LoraAffinityScorer("l"), pool, request));
    }

    [Theory]
    [InlineData(5, 10, 0, 8192, 0.5)]
    [InlineData(2, 10, 0, 8192, 0.2)]
    [InlineData(5, 10, 0.5, 100, 0.25125)]
    [InlineData(50, 100, 0.5, 100, 0.375)]
    [InlineData(0, 0, 0.5, 100, 0)]
    public void PrefixScorer_Vectors_RatioAndLength(int matched, int total, double weight, int scale, double expected)
    {
        var pool = TestPool.WithEndpoints(1);
        var request = new RoutingRequest { PrefixMatches = [new Epp.Native.Prefix.PrefixMatch { TotalBlocks = total, BlockTokens = 1 }] };
        request.PrefixMatches[0].Begin(pool.Current.Columns.Capacity);
        request.PrefixMatches[0].MatchBlocks[0] = matched;
        Assert.Equal(expected, TestPool.Scores(new PrefixCacheScorer("p", 0, weight, scale), pool, request)[0], 12);
    }

    [Fact]
    public void Gather_ScatteredAndConsecutive_SameValues()
    {
        var pool = TestPool.Of([.. Enumerable.Range(0, 40).Select(i => ((double)i, 0.0))]);
        ushort[] slots = [3, 4, 5, 6];
        var a = new double[4];
        var b = new double[4];
        new Candidates(pool.Current, slots).Gather(pool.Current.Columns.Waiting, a);
        new Candidates(pool.Current, slots, isRange: true).Gather(pool.Current.Columns.Waiting, b);
        Assert.Equal([3, 4, 5, 6], a);
        Assert.Equal(a, b);
    }
}
