using System.Text;
using Epp.Native.FlowControl;
using Epp.Native.Pool;
using Epp.Native.Scheduling.Saturation;
using Epp.Testing;

namespace Epp.Native.Tests.FlowControl;

[Trait("Category", "Unit")]
public sealed class FlowPolicyTests
{
    private static readonly BandSettings Plain = new();

    private static FlowItem Item(string flow = "f", int priority = 0, long size = 10, long received = 0, long slo = -1)
    {
        var item = new FlowItem();
        item.Begin(priority, Encoding.UTF8.GetBytes(flow), size, received, slo);
        return item;
    }

    private static FlowController Controller(params BandSettings[] bands) => new(new FlowSettings(bands, Plain, Plain), new StaticUsageLimit());

    [Fact]
    public void SloOrdering_ByReceiptPlusHeader_WithoutHeaderLast()
    {
        var controller = Controller(new BandSettings(ordering: FlowOrdering.SloDeadline));
        FlowItem[] items = [Item(received: 0), Item(received: 5, slo: 900), Item(received: 8, slo: 100), Item(received: 1)];
        foreach (var item in items)
        {
            controller.Enqueue(item, 10, false);
        }

        Assert.Equal([items[2], items[1], items[0], items[3]], Enumerable.Range(0, 4).Select(_ => controller.Dispatch(11, 0, false)));
    }

    [Fact]
    public void RoundRobin_OneOfEachFlow_HoweverManyWait()
    {
        var controller = Controller(new BandSettings(fairness: FlowFairness.RoundRobin));
        foreach (var flow in "bbbbac")
        {
            controller.Enqueue(Item(flow.ToString()), 1, false);
        }

        Assert.Equal("abcbbb", string.Concat(Enumerable.Range(0, 6).Select(_ => Encoding.UTF8.GetString(controller.Dispatch(2, 0, false)!.FairnessId))));
    }

    [Fact]
    public void BlockedHighBand_HoldsBackTheLowerOnes()
    {
        var controller = new FlowController(new FlowSettings([new(5), new(0)], Plain, Plain), new PriorityHoldback(0.2, 0.6, byValue: false));
        var (high, low) = (Item(priority: 5), Item());
        controller.Enqueue(low, 1, false);
        Assert.Null(controller.Dispatch(1, 0.3, false));
        Assert.Equal((0, 0.2), (controller.Blocked!.Settings.Priority, controller.BlockedCeiling));
        controller.Enqueue(high, 2, false);
        Assert.Null(controller.Dispatch(2, 0.7, false));
        Assert.Equal((5, 0.6), (controller.Blocked!.Settings.Priority, controller.BlockedCeiling));
        Assert.Same(high, controller.Dispatch(3, 0.3, false));
        Assert.Null(controller.Dispatch(3, 0.0, poolEmpty: true));
        Assert.Null(controller.Blocked);
        Assert.Same(low, controller.Dispatch(4, 0.1, false));
    }

    [Theory]
    [InlineData(false, new[] { 10, 0, -5 }, new[] { 0.9, 0.6, 0.3 })]
    [InlineData(true, new[] { 10, 0, -5 }, new[] { 0.9, 0.5, 0.3 })]
    [InlineData(true, new[] { 7 }, new[] { 0.9 })]
    public void Holdback_Ceilings_FallToTheLowestBand(bool byValue, int[] priorities, double[] expected)
    {
        var ceilings = new double[priorities.Length];
        new PriorityHoldback(0.3, 0.9, byValue).Ceilings(0.5, priorities, ceilings);
        Assert.All(expected.Zip(ceilings), p => Assert.Equal(p.First, p.Second, 12));
    }

    [Fact]
    public void SoftReflective_OpensOneCycleOfAPeriod_AndShutsAtOne()
    {
        var policy = new SoftReflectiveCeiling();
        var open = new int[3];
        for (var i = 0; i < 90; i++)
        {
            var ceilings = new double[3];
            policy.Ceilings(0.75, [2, 1, 0], ceilings);
            for (var b = 0; b < 3; b++)
            {
                open[b] += 0.75 < ceilings[b] ? 1 : 0;
            }
        }

        // Ceilings 1, 0.625 and 0.25 against 0.75: the lower two open once in round(0.75 / 0.25) = 3 cycles.
        Assert.Equal([90, 30, 30], open);
        var shut = new double[2];
        policy.Ceilings(1.1, [1, 0], shut);
        Assert.Equal([1, 0], shut);
        policy.Ceilings(0.2, [1, 0], shut);
        Assert.Equal([1, 1], shut);
    }

    [Fact]
    public void ProgramAware_LeastServedFirst()
    {
        var controller = Controller(new BandSettings(fairness: FlowFairness.ProgramAware));
        controller.Served(0, "busy"u8, ProgramService(100, 50), 0);
        controller.Served(0, "idle"u8, 10, 0);
        controller.Enqueue(Item("busy"), 1, false);
        controller.Enqueue(Item("idle"), 1, false);
        controller.Enqueue(Item("new"), 1, false);
        Assert.Equal("new", Next(controller, 2));
        Assert.Equal("idle", Next(controller, 2));
        Assert.Equal("busy", Next(controller, 2));
        controller.Enqueue(Item("busy"), 3, false);
        controller.Enqueue(Item("idle"), 4, false);
        Assert.Equal("idle", Next(controller, 5));
    }

    [Theory]
    [InlineData(1.5, 1.0, 10, 2)]
    [InlineData(1.05, 1.0, 10, 1)]
    [InlineData(1.0, 1.0, 10, 1)]
    [InlineData(3.0, 1.0, 2, 2)]
    [InlineData(1.2, 1.0, 0, 0)]
    public void Pacer_Victims_AreWhatTheSaturationNeedsAtMostTwo(double saturation, double ceiling, int inflight, int victims) =>
        Assert.Equal(victims, new EvictionPacer(500).Victims(1, saturation, ceiling, inflight));

    [Fact]
    public void Pacer_WaitsForConfirmationAndGrace_OrTenSeconds()
    {
        var pacer = new EvictionPacer(500);
        Assert.Equal(2, pacer.Victims(1000, 2, 1, 10));
        pacer.Issued(2, 1000);
        Assert.Equal(0, pacer.Victims(1001, 2, 1, 10));
        pacer.Confirmed(1100);
        Assert.Equal(0, pacer.Victims(1700, 2, 1, 10));
        pacer.Confirmed(1200);
        Assert.Equal((0, 2), (pacer.Victims(1699, 2, 1, 10), pacer.Victims(1700, 2, 1, 10)));
        pacer.Issued(2, 1700);
        Assert.Equal((0, 1), (pacer.Victims(11_699, 1.3, 1, 10), pacer.Victims(11_700, 1.3, 1, 10)));
        Assert.Equal((0.26, 0.3), (Math.Round(pacer.PendingReclaim, 9), Math.Round(pacer.ReclaimTarget, 9)));
    }

    [Fact]
    public void Stages_HigherOfPrefillAndDecode_EncodersAside()
    {
        var pool = new global::Epp.Native.Pool.Pool();
        string?[] roles = ["prefill", "decode", "both", "encode", "strange", null];
        pool.Publish([.. roles.Select((r, i) => new Endpoint("default", $"e{i}", $"10.0.0.{i}", 80, r is null ? null : new Dictionary<string, string> { ["llm-d.ai/role"] = r }))]);
        double[] queues = [10, 1, 4, 100, 100, 1];
        foreach (var i in pool.Current.Indexes)
        {
            pool.Update(pool.Current[i], EndpointMetrics.None with { Waiting = queues[i], KvUsage = 0 }, 1000);
        }

        var stages = new PoolStages();
        var detector = new UtilizationDetector("u", new UtilizationThresholds());
        Assert.Equal(1.4, stages.Read(pool.Current, detector, 1000, 0), 9);
        Assert.Equal(1.4, stages.Prefill, 9);
        Assert.Equal(0.4, stages.Decode, 9);
        pool.Publish([new Endpoint("default", "x", "10.0.1.1", 80, new Dictionary<string, string> { ["llm-d.ai/role"] = "encode" })]);
        Assert.Equal(1, stages.Read(pool.Current, detector, 1000, 0));
        Assert.True(double.IsNaN(stages.Prefill) && double.IsNaN(stages.Decode));
        pool.Publish([]);
        Assert.Equal(1, stages.Read(pool.Current, detector, 1000, 0));
    }

    [Fact]
    public void Stages_DispatchedRequests_CountAsLoadOfConcurrency()
    {
        var pool = new global::Epp.Native.Pool.Pool();
        pool.Publish([new Endpoint("default", "a", "10.0.0.1", 80)]);
        var stages = new PoolStages();
        Assert.Equal(0.75, stages.Read(pool.Current, new ConcurrencyDetector("c", 4), 1, 3));
    }

    [Fact]
    public void EnqueueAndDispatch_SteadyState_AllocatesNothing()
    {
        var controller = Controller(new BandSettings(fairness: FlowFairness.RoundRobin));
        var items = Enumerable.Range(0, 32).Select(i => Item("tenant-" + (i % 5))).ToArray();
        void Round()
        {
            foreach (var item in items)
            {
                controller.Enqueue(item, 1, false);
            }

            while (controller.Dispatch(2, 0.5, false) is not null)
            {
            }
        }

        for (var i = 0; i < 100; i++)
        {
            Round();
        }

        Assert.Equal(0, Allocated.Least(() =>
        {
            for (var i = 0; i < 100; i++)
            {
                Round();
            }
        }));
    }

    private static double ProgramService(long prompt, long completion) => prompt + (2 * completion);

    private static string Next(FlowController controller, long now) => Encoding.UTF8.GetString(controller.Dispatch(now, 0, false)!.FairnessId);
}
