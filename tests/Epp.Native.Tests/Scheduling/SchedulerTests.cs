using Epp.Native.Pool;
using Epp.Native.Prefix;
using Epp.Native.Scheduling;
using Epp.Native.Scheduling.Filters;
using Epp.Native.Scheduling.Pickers;
using Epp.Native.Scheduling.Scorers;
using Epp.Testing;

namespace Epp.Native.Tests.Scheduling;

[Trait("Category", "Unit")]
public class SchedulerTests
{
    [Fact]
    public void Case01_LeastLoaded_Wins()
    {
        var pool = TestPool.Of((3, 0.2), (0, 0.1), (10, 0.2));
        Assert.Equal("192.168.1.2:8000", Pick(TestPool.Default(pool), pool));
    }

    [Fact]
    public void Case02_ActiveAdapter_Wins()
    {
        var pool = TestPool.WithEndpoints(3);
        TestPool.Update(pool, 0, 0, 0.2, TestPool.Lora(2, ["foo", "bar"]));
        TestPool.Update(pool, 1, 0, 0.1, TestPool.Lora(2, ["foo", "target"]));
        TestPool.Update(pool, 2, 10, 0.2, TestPool.Lora(2, ["foo", "bar"]));
        Assert.Equal("192.168.1.2:8000", Pick(WithLora(pool), pool, model: "target"));
    }

    [Fact]
    public void Case03_AffinityBeatsKv()
    {
        var pool = TestPool.WithEndpoints(3);
        TestPool.Update(pool, 0, 10, 0.2, TestPool.Lora(1, ["foo"]));
        TestPool.Update(pool, 1, 10, 0.4, TestPool.Lora(2, ["foo", "target"]));
        TestPool.Update(pool, 2, 10, 0.3, TestPool.Lora(1, ["foo"]));
        Assert.Equal("192.168.1.2:8000", Pick(WithLora(pool), pool, model: "target"));
    }

    [Fact]
    public void Case11_Subset_BestOfIt()
    {
        var pool = TestPool.Of((3, 0.2), (1, 0.1), (10, 0.2), (0, 0));
        Assert.Equal("192.168.1.2:8000", Pick(TestPool.Default(pool), pool, ["192.168.1.1:8000", "192.168.1.2:8000", "192.168.1.3:8000"]));
    }

    [Fact]
    public void Case12_SubsetOfOne_DespiteLoad()
    {
        var pool = TestPool.Of((0, 0.2), (0, 0.1), (10, 0.2));
        Assert.Equal("192.168.1.3:8000", Pick(TestPool.Default(pool), pool, ["192.168.1.3:8000"]));
    }

    [Theory]
    [InlineData("192.168.9.9:8000")]
    [InlineData(null)]
    public void Case13_SubsetOfUnknownAddresses_NoCandidates(string? address)
    {
        var pool = TestPool.Of((0, 0.2), (0, 0.1));
        var request = new RoutingRequest { Subset = TestPool.Subset(address is null ? [] : [address]) };
        var scheduler = TestPool.Default(pool);
        Assert.Equal(PickError.NoCandidates, scheduler.Pick(request, pool.Current).Error);
        Assert.Equal(PickError.NoCandidates, scheduler.PickRandom(request, pool.Current).Error);
    }

    [Fact]
    public void Case28_Scores_HoldEveryScoredEndpoint()
    {
        var pool = TestPool.Of((0, 0.8), (10, 0));
        var scheduler = TestPool.Default(pool);
        var request = TestPool.WithHashes(scheduler, 1, 4);
        request.Random = new RandomSource(1);
        scheduler.Pick(request, pool.Current);
        scheduler.OnPicked(request);
        Assert.Equal(2, request.ScoredCount);
        Assert.Equal([2 + (2 * (1 - 0.8)), 2.0], request.ScoredTotals[..2]);

        // The second endpoint got the prompt: now it holds all of its blocks (plugins Part 3, 3.3).
        scheduler.Pick(request, pool.Current);
        Assert.Equal([0, 1], request.ScoredIndexes[..2].Select(i => (int)i));
        Assert.Equal([(0.0 + (1 * 2)) + ((1 - 0.8) * 2) + (1.0 * 3), 2.0], request.ScoredTotals[..2]);
    }

    [Fact]
    public void Pick_NoScorers_NoScores()
    {
        var pool = TestPool.Of((0, 0), (0, 0));
        var scheduler = new Scheduler(new Profile("p", [], [], new MaxScorePicker("m")), [], 1);
        var request = new RoutingRequest();
        Assert.True(scheduler.Pick(request, pool.Current).Ok);
        Assert.Equal(0, request.ScoredCount);
    }

    [Fact]
    public void Profile_Arithmetic_AsTheReferences()
    {
        var pool = TestPool.Of((0, 0), (0, 0));
        var scheduler = new Scheduler(
            new Profile("p", [], [new(new Fixed(1, 0), 2), new(new Fixed(0.2, 1), 2), new(new Fixed(1.7, -3), 3)], new MaxScorePicker("m")), [], 1);
        var request = new RoutingRequest();
        scheduler.Pick(request, pool.Current);
        Assert.Equal([2 + (0.2 * 2) + 3, 2.0], request.ScoredTotals[..2]);
    }

    [Fact]
    public void Pick_EmptyPool_NoCandidates()
    {
        var pool = TestPool.WithEndpoints(0);
        Assert.Equal(PickError.NoCandidates, TestPool.Default(pool).Pick(new RoutingRequest(), pool.Current).Error);
        Assert.Equal(PickError.NoCandidates, TestPool.Default(pool).PickRandom(new RoutingRequest(), pool.Current).Error);
    }

    [Fact]
    public void Pick_DeadEndpoints_RankBehindEveryLiveOne()
    {
        // Endpoint 0 looks idle but its scrapes fail, endpoint 1 was never scraped.
        var pool = TestPool.WithEndpoints(4);
        TestPool.Update(pool, 0, 0, 0);
        pool.MarkFailed(pool.Current[0]);
        TestPool.Update(pool, 2, 50, 0.9);
        TestPool.Update(pool, 3, 40, 0.9);
        for (var i = 0; i < 50; i++)
        {
            Assert.Equal("192.168.1.4:8000", Pick(TestPool.Default(pool, seed: (ulong)i), pool));
        }

        var request = new RoutingRequest();
        TestPool.Default(pool, maxEndpoints: 3).Pick(request, pool.Current);
        Assert.Equal(["192.168.1.4:8000", "192.168.1.3:8000", "192.168.1.1:8000"], request.Picked[..request.PickedCount].Select(e => e!.HostPort));
        Assert.Equal([2, 3, 0, 1], request.ScoredIndexes[..request.ScoredCount].Select(i => (int)i));
    }

    [Fact]
    public void Pick_OnlyDeadEndpoints_AreUsed()
    {
        var pool = TestPool.WithEndpoints(3);
        Assert.True(TestPool.Default(pool).Pick(new RoutingRequest(), pool.Current).Ok);
        Assert.True(TestPool.Default(pool).PickRandom(new RoutingRequest(), pool.Current).Ok);
    }

    [Fact]
    public void Pick_FiltersLeaveOnlyDeadOnes_AreUsed()
    {
        var pool = TestPool.WithEndpoints(2);
        TestPool.Update(pool, 0, 0, 0);
        var scheduler = new Scheduler(new Profile("p", [new HeaderTestingFilter("f")], [], new MaxScorePicker("m")), [], 1);
        var request = new RoutingRequest { Headers = TestPool.Headers("test-epp-endpoint-selection", "192.168.1.2") };
        Assert.Equal("192.168.1.2:8000", scheduler.Pick(request, pool.Current).Endpoint!.HostPort);
        Assert.Equal("192.168.1.2:8000", scheduler.PickRandom(request, pool.Current).Endpoint!.HostPort);
    }

    [Fact]
    public void PickRandom_LiveOnly_UniformWithinSubset()
    {
        var pool = TestPool.Of((0, 0), (100, 1), (0, 0), (0, 0));
        pool.MarkFailed(pool.Current[0]);
        var scheduler = TestPool.Default(pool, seed: 5);
        var request = new RoutingRequest { Subset = TestPool.Subset("192.168.1.1", "192.168.1.2", "192.168.1.3") };
        var counts = new Dictionary<string, int>();
        for (var i = 0; i < 10000; i++)
        {
            var host = scheduler.PickRandom(request, pool.Current).Endpoint!.HostPort;
            counts[host] = counts.GetValueOrDefault(host) + 1;
            Assert.Equal(0, request.ScoredCount);
        }

        Assert.Equal(["192.168.1.2:8000", "192.168.1.3:8000"], counts.Keys.Order());
        Assert.All(counts.Values, n => Assert.InRange(n, 4750, 5250));
    }

    [Fact]
    public void Pick_SamePrefix_StaysAtItsEndpoint()
    {
        var pool = TestPool.Of((0, 0), (0, 0), (0, 0), (0, 0));
        var scheduler = TestPool.Default(pool, seed: 9);
        var request = TestPool.WithHashes(scheduler, 3, 32);
        var first = scheduler.Pick(request, pool.Current).Endpoint;
        for (var i = 0; i < 50; i++)
        {
            scheduler.OnPicked(request);
            Assert.Equal(first, scheduler.Pick(request, pool.Current).Endpoint);
        }
    }

    [Fact]
    public void Pick_PluginTicks_OnePerPluginThatRan()
    {
        var pool = TestPool.Of((0, 0), (0, 0));
        var scheduler = TestPool.Default(pool);
        var request = TestPool.WithHashes(scheduler, 3, 32);
        scheduler.Pick(request, pool.Current);
        Assert.Equal(
            ["DataProducer", "Scorer", "Scorer", "Scorer", "Picker", "PreRequest"],
            scheduler.Plugins.Select(p => p.Point.ToString()));
        Assert.All(request.PluginTicks[..5], t => Assert.InRange(t, 0, long.MaxValue));
        Assert.Equal(-1, request.PluginTicks[5]);
        scheduler.OnPicked(request);
        Assert.InRange(request.PluginTicks[5], 0, long.MaxValue);
        request.Reset();
        scheduler.PickRandom(request, pool.Current);
        Assert.All(request.PluginTicks, t => Assert.Equal(-1, t));
    }

    [Theory]
    [InlineData(10)]
    [InlineData(100)]
    [InlineData(1000)]
    public void Pick_256Blocks_AllocatesNothing(int endpoints)
    {
        var pool = TestPool.Of([.. Enumerable.Range(0, endpoints).Select(i => ((double)(i % 7), 0.1))]);
        var scheduler = TestPool.Default(pool, maxEndpoints: 3);
        var request = TestPool.WithHashes(scheduler, 3, 256);
        for (var slot = 0; slot < endpoints; slot++)
        {
            ((ApproxPrefixProducer)scheduler.Producers[0]).Index.Add((ushort)slot, 1000, request.PrefixMatches[0].Hashes.All);
        }

        void Decide()
        {
            TestPool.SetHashes(request, 3, 256);
            scheduler.Pick(request, pool.Current);
            scheduler.OnPicked(request);
            scheduler.PickRandom(request, pool.Current);
            request.Reset();
        }

        Decide();
        Assert.Equal(0, Allocated.Least(() =>
        {
            for (var i = 0; i < 100; i++)
            {
                Decide();
            }
        }));
    }

    private static string Pick(Scheduler scheduler, Epp.Native.Pool.Pool pool, string[]? subset = null, string model = "m")
    {
        var request = new RoutingRequest { Subset = subset is null ? null : TestPool.Subset(subset) };
        request.SetTargetModel(System.Text.Encoding.UTF8.GetBytes(model));
        return scheduler.Pick(request, pool.Current).Endpoint!.HostPort;
    }

    private static Scheduler WithLora(Epp.Native.Pool.Pool pool) => new(
        new Profile(
            "default",
            [],
            [new(new QueueScorer("q"), 1), new(new KvCacheUtilizationScorer("k"), 1), new(new LoraAffinityScorer("l"), 1)],
            new MaxScorePicker("m")),
        [TestPool.Producer(pool)],
        1);

    private sealed class Fixed(params double[] values) : IScorer
    {
        public string Name => "fixed";

        public string Type => "fixed";

        public void Score(RoutingRequest request, in Candidates candidates, Span<double> scores) => values.CopyTo(scores);
    }
}
