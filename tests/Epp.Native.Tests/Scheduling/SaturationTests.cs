using Epp.Native.Pool;
using Epp.Native.Scheduling;
using Epp.Native.Scheduling.Saturation;
using Epp.Testing;

namespace Epp.Native.Tests.Scheduling;

/// <summary>Both references' formulas; the figures are the vectors of plugins §3.5 and the recorded thresholds.</summary>
[Trait("Category", "Unit")]
public sealed class SaturationTests
{
    private const long Now = 1000;
    private const double Stale = -1;

    public static TheoryData<(double Queue, double Kv)[], double> Means => new()
    {
        { [(2, 0.5)], 0.5 / 0.9 },
        { [(10, 0.1)], 2.0 },
        { [(1, 0.95)], 0.95 / 0.9 },
        { [(1, 0.1), (0, 0.2)], (0.2 + (0.2 / 0.9)) / 2 },
        { [(Stale, 0)], 1.0 },
        { [(1, 0), (Stale, 0)], 0.6 },
        { [(1, 0), (15, 0)], 1.6 },
        { [(Stale, 0), (20, 0), (1, 0.99)], (1 + 4 + 1.1) / 3 },
        { [(5, 0)], 1.0 },
        { [], 1.0 },
        { [(1, double.NaN)], 0.2 },
    };

    [Theory]
    [MemberData(nameof(Means))]
    public void Utilization_IsTheMeanOfTheWorseOfQueueAndKv((double Queue, double Kv)[] endpoints, double expected)
    {
        var reading = Read(new UtilizationDetector("u", new UtilizationThresholds(5, 0.9)), PoolOf(endpoints));
        Assert.Equal(expected, reading.Value, 9);
        Assert.Equal(endpoints.Count(e => e.Queue == Stale), reading.StaleEndpoints);
        Assert.Equal(expected >= 1, reading.IsSaturated);
    }

    public static TheoryData<(double Queue, double Kv)[], bool> Any => new()
    {
        { [], true },
        { [(Stale, 0)], true },
        { [(5, 0.8)], false },
        { [(6, 0.1)], true },
        { [(0, 0.81)], true },
        { [(1000, 0.99), (1000, 0.99), (1000, 0.99), (0, 0)], false },
        { [(1000, 0.99), (Stale, 0)], true },
        { [(0, double.NaN)], false },
    };

    [Theory]
    [MemberData(nameof(Any))]
    public void AnyCapacity_OneGoodEndpointIsEnough((double Queue, double Kv)[] endpoints, bool saturated) =>
        Assert.Equal(saturated, Read(new AnyCapacityDetector(new UtilizationThresholds()), PoolOf(endpoints)).IsSaturated);

    [Theory]
    [InlineData(new[] { 5 }, 0.5)]
    [InlineData(new[] { 10, 0 }, 0.5)]
    [InlineData(new[] { 15 }, 1.5)]
    [InlineData(new int[0], 1.0)]
    public void Concurrency_IsTheShareOfAllThatMayRun(int[] inflight, double expected)
    {
        var pool = Inflight(inflight);
        Assert.Equal(expected, Read(new ConcurrencyDetector("c", 10), pool).Value, 9);
    }

    [Fact]
    public void Filters_KeepWhatIsBelow_UtilizationAllWhereNone_ConcurrencyNobody()
    {
        var utilization = new UtilizationDetector("u", new UtilizationThresholds(5, 0.8, 200, 0.2));
        Assert.Equal([0, 3], Kept(utilization, PoolOf((5.9, 0.9), (6, 0), (Stale, 0), (0, double.NaN))));
        Assert.Equal([0, 1], Kept(utilization, PoolOf((6, 0), (0, 0.96))));
        Assert.Equal([1], Kept(new ConcurrencyDetector("c", 10, 0.25), Inflight(12, 11)));
        Assert.Empty(Kept(new ConcurrencyDetector("c", 10), Inflight(10)));
    }

    [Fact]
    public void Scheduler_Saturation_LooksAtTheSubsetOnly_AndAllocatesNothing()
    {
        var pool = PoolOf((1000, 0.99), (0, 0));
        var scheduler = TestPool.Default(pool);
        var detector = new UtilizationDetector("u", new UtilizationThresholds());
        var request = new RoutingRequest { NowMs = Now, Subset = TestPool.Subset("192.168.1.2") };
        Assert.Equal(0, scheduler.Saturation(request, pool.Current, detector, out var candidates).Value);
        Assert.Equal(1, candidates);
        request.Subset = TestPool.Subset("10.9.9.9");
        Assert.True(scheduler.Saturation(request, pool.Current, detector, out candidates).IsSaturated);
        Assert.Equal(0, candidates);

        Assert.Equal(0, Allocated.Least(() =>
        {
            for (var i = 0; i < 100; i++)
            {
                scheduler.Saturation(request, pool.Current, detector, out _);
            }
        }));
    }

    private static Epp.Native.Pool.Pool PoolOf(params (double Queue, double Kv)[] endpoints)
    {
        var pool = TestPool.WithEndpoints(endpoints.Length);
        for (var i = 0; i < endpoints.Length; i++)
        {
            var (queue, kv) = endpoints[i];
            var endpoint = pool.Current[(ushort)i];
            // Stale: scraped once, 201 ms ago, when it was idle.
            pool.Update(endpoint, EndpointMetrics.None with { Waiting = Math.Max(0, queue), KvUsage = kv }, queue == Stale ? Now - 201 : Now - 200);
        }

        return pool;
    }

    private static Epp.Native.Pool.Pool Inflight(params int[] requests)
    {
        var pool = TestPool.WithEndpoints(requests.Length);
        for (var i = 0; i < requests.Length; i++)
        {
            for (var n = 0; n < requests[i]; n++)
            {
                pool.Current[(ushort)i].BeginRequest();
            }
        }

        return pool;
    }

    private static SaturationReading Read(ISaturationDetector detector, Epp.Native.Pool.Pool pool) =>
        detector.Saturation(new RoutingRequest { NowMs = Now }, new Candidates(pool.Current, pool.Current.Indexes));

    private static ushort[] Kept(IFilter filter, Epp.Native.Pool.Pool pool)
    {
        var kept = new ushort[pool.Current.Count];
        var count = filter.Filter(new RoutingRequest { NowMs = Now }, new Candidates(pool.Current, pool.Current.Indexes), kept);
        return kept[..count];
    }
}
