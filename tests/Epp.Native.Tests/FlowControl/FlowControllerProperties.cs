using System.Text;
using Epp.Native.FlowControl;

namespace Epp.Native.Tests.FlowControl;

/// <summary>Random arrivals, loads, limits, times to live, cancellations and bands: every order and outcome equals the naive model's.</summary>
[Trait("Category", "Unit")]
public sealed class FlowControllerProperties
{
    private const int Seed = 712;

    public static TheoryData<int> Runs => [.. Enumerable.Range(0, 60)];

    [Theory]
    [MemberData(nameof(Runs))]
    public void RandomTraffic_EqualsTheNaiveModel(int run)
    {
        var random = new Random(Seed + run);
        var settings = Settings(random);
        var byHoldback = random.Next(2) == 0;
        IUsageLimitPolicy usage = byHoldback ? new PriorityHoldback(0.3, 0.9, byValue: random.Next(2) == 0 && byHoldback) : new StaticUsageLimit(0.8);
        var controller = new FlowController(settings, usage);
        var model = new NaiveFlowControl(settings, (saturation, priorities) => Ceilings(usage, saturation, priorities));
        var now = 1000L;
        var empty = false;
        var all = new List<FlowItem>();
        for (var step = 0; step < 3000; step++)
        {
            now += random.Next(4);
            empty = random.Next(150) == 0 ? !empty : empty;
            switch (random.Next(20))
            {
                case < 9:
                    var item = Item(random, now);
                    all.Add(item);
                    Same(model.Enqueue(item, now, empty), controller.Enqueue(item, now, empty), "enqueue", run, step);
                    break;
                case < 16:
                    var saturation = random.NextDouble() * 1.2;
                    var expected = model.Dispatch(now, saturation, empty, out var blocked);
                    var picked = controller.Dispatch(now, saturation, empty);
                    Same(expected, picked, "dispatch", run, step);
                    Same(blocked, controller.Blocked?.Settings.Priority, "blocked band", run, step);
                    Same(picked is null ? null : FlowOutcome.Dispatched, picked?.Outcome, "outcome", run, step);
                    break;
                case 16 when all.Count > 0:
                    var gone = all[random.Next(all.Count)];
                    Same(model.Cancel(gone), controller.Cancel(gone, FlowOutcome.EvictedContextCancelled), "cancel", run, step);
                    break;
                case 17:
                    int[] wanted = [.. Enumerable.Range(0, 3).Select(_ => random.Next(-4, 5)).Distinct()];
                    model.Provision(wanted);
                    controller.Provision(wanted);
                    break;
                default:
                    var expired = new List<FlowItem>();
                    controller.Expire(now, empty, expired);
                    Assert.True(model.Expire(now, empty).SetEquals(expired), $"expire, run {run} step {step} of seed {Seed}");
                    Assert.All(expired, e => Assert.Equal(empty ? FlowOutcome.EvictedNoEndpoints : FlowOutcome.EvictedTtl, e.Outcome));
                    break;
            }

            Same((model.Count, model.Bytes), (controller.Count, controller.Bytes), "totals", run, step);
            var bands = controller.Bands.ToArray();
            Assert.Equal(model.Bands, bands.Select(b => b.Settings.Priority));
            Same((model.Count, model.Bytes), (bands.Sum(b => b.Count), bands.Sum(b => b.Bytes)), "bands", run, step);
        }

        var rest = new List<FlowItem>();
        controller.Drain(FlowOutcome.EvictedOther, rest);
        Assert.Equal((model.Count, 0, 0L), (rest.Count, controller.Count, controller.Bytes));
    }

    private static FlowSettings Settings(Random random)
    {
        BandSettings Band(int priority) => new(
            priority, random.Next(2) == 0 ? 2000 : 100_000, random.Next(2) == 0 ? 20 : 1000, (FlowFairness)random.Next(2), (FlowOrdering)random.Next(3));
        return new FlowSettings(
            random.Next(2) == 0 ? [Band(0), Band(3), Band(-1)] : [Band(2)],
            Band(0),
            Band(-1),
            random.Next(3) == 0 ? 4000 : 0,
            random.Next(3) == 0 ? 40 : 0,
            random.Next(4) == 0 ? 0 : random.Next(20, 400),
            random.Next(4) == 0 ? 0 : random.Next(20, 400));
    }

    private static FlowItem Item(Random random, long now)
    {
        var item = new FlowItem();
        var id = Encoding.UTF8.GetBytes(random.Next(3) == 0 ? "" : "tenant-" + random.Next(12));
        item.Begin(random.Next(-3, 5), id, random.Next(200), now - random.Next(20), random.Next(3) == 0 ? -1 : random.Next(100));
        return item;
    }

    private static double[] Ceilings(IUsageLimitPolicy usage, double saturation, IReadOnlyList<int> priorities)
    {
        var ceilings = new double[priorities.Count];
        usage.Ceilings(saturation, priorities.ToArray(), ceilings);
        return ceilings;
    }

    private static void Same<T>(T expected, T actual, string what, int run, int step) =>
        Assert.True(EqualityComparer<T>.Default.Equals(expected, actual), $"{what}: {actual} instead of {expected}; run {run}, step {step}, seed {Seed}");
}
