using System.Globalization;
using Epp.Aot.ExtProc;
using Epp.Aot.Grpc;
using Epp.Native;
using Epp.Native.Pool;
using Epp.Testing;
using static Epp.Aot.Tests.ExtProc.FlowRig;
using static Epp.Testing.Protos.ProcessingResponse.ResponseOneofCase;
using Proto = Epp.Testing.Protos;

namespace Epp.Aot.Tests.ExtProc;

/// <summary>Many requests at once: limits hold and each request has one outcome.</summary>
[Collection("ext_proc")]
[Trait("Category", "Unit")]
public sealed class FlowControlRaceTests
{
    [Fact]
    public async Task Concurrency_UnderABurst_NeverExceedsItsLimit()
    {
        var rig = Limited(3, endpoints: 2);
        var most = 0;
        async Task OneAsync()
        {
            var call = await AskAsync(rig);
            await PickedAsync(call);
            var now = rig.Pool.Current.Indexes.Sum(i => rig.Pool.Current[i].InflightRequests);
            int seen;
            while (now > (seen = Volatile.Read(ref most)) && Interlocked.CompareExchange(ref most, now, seen) != seen)
            {
            }

            await Task.Yield();
            await EndAsync(call);
        }

        await Task.WhenAll(Enumerable.Range(0, 150).Select(_ => Task.Run(OneAsync)));
        Assert.InRange(most, 2, 6);
        Assert.Equal(0, rig.Flow!.Gate.Waiting);
        rig.AssertAtRest();
    }

    /// <summary>Turns, times to live, clients that leave and shutdown race: each request has one outcome, and nothing stays reserved.</summary>
    [Fact]
    public async Task Races_EachRequestHasOneOutcome()
    {
        const int Seed = 1212;
        var rig = Limited(2, ", defaultRequestTTL: 300ms, maxRequests: 40", endpoints: 2);
        var random = new Random(Seed);
        var choices = Enumerable.Range(0, 400).Select(_ => random.Next(4)).ToArray();
        var refused = 0;
        async Task OneAsync(int choice)
        {
            var call = await AskAsync(rig, choice == 0 ? "low" : "important", "flow-" + choice);
            if (choice == 1)
            {
                await Task.Yield();
                call.Reset();
            }
            else if ((await call.NextAsync()).ResponseCase == ImmediateResponse)
            {
                Interlocked.Increment(ref refused);
            }
            else if (choice == 2)
            {
                call.Reset();
            }
            else
            {
                call.HalfClose();
            }

            await call.Ended;
        }

        using var stop = new CancellationTokenSource();
        var clock = Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                rig.Time.Advance(0.05);
                await Task.Delay(2);
            }
        });
        await Task.WhenAll(choices.Select(c => Task.Run(() => OneAsync(c)))).WaitAsync(TimeSpan.FromSeconds(60));
        stop.Cancel();
        await clock;
        await WaitingAsync(rig, 0);
        var outcomes = rig.Exposition().Split('\n').Where(l => l.StartsWith("llm_d_epp_flow_control_requests_total{", StringComparison.Ordinal)).ToArray();
        // A client that resets at once may be gone before its body was read.
        Assert.InRange(outcomes.Sum(l => int.Parse(l[(l.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture)), choices.Count(c => c != 1), choices.Length);
        Assert.All(
            rig.Exposition().Split('\n').Where(l => l.StartsWith("llm_d_epp_flow_control_queue_", StringComparison.Ordinal)),
            l => Assert.EndsWith(" 0", l, StringComparison.Ordinal));
        Assert.True(refused > 0, $"nothing was refused; seed {Seed}");
        // Nothing is reserved: the whole capacity is there again, at once.
        var again = new List<ServiceCall>();
        for (var i = 0; i < 4; i++)
        {
            again.Add(await AskAsync(rig));
            await PickedAsync(again[i]);
        }

        await EndAsync([.. again]);
        rig.AssertAtRest();
    }
}
