using Epp.Aot.ExtProc;
using Epp.Aot.FlowControl;
using Epp.Aot.Grpc;
using Epp.Aot.Telemetry;
using Epp.Testing;
using static Epp.Testing.Protos.ProcessingResponse.ResponseOneofCase;

namespace Epp.Aot.Tests.ExtProc;

/// <summary>Requests in flight that flow control ends, through the ext_proc service (contract §1.5, §2.6 and case 36).</summary>
[Collection("ext_proc")]
[Trait("Category", "Unit")]
public sealed class EvictionTests
{
    private const int Seed = 36;

    private readonly Rig _rig = new();
    private readonly InflightRequests _inflight = new();
    private readonly StreamServices _services;
    private int _told;
    private int _untold;

    public EvictionTests()
    {
        _rig.Objectives.SetObjectives([new("important", 10), new("plain", 0), new("low", -5), new("lower", -9)]);
        _services = _rig.Services with { Inflight = _inflight };
        _inflight.Confirmed += (_, told) => Interlocked.Increment(ref told ? ref _told : ref _untold);
    }

    private async Task<ServiceCall> RunningAsync(string objective = "low")
    {
        var call = new ServiceCall(_services);
        await call.SendAsync(Ask.Post(more: ("x-llm-d-inference-objective", objective)));
        await call.SendAsync(Ask.Body(Ask.ChatBody(stream: true)));
        Assert.Equal(RequestHeaders, (await call.NextAsync()).ResponseCase);
        Assert.Equal(RequestBody, (await call.NextAsync()).ResponseCase);
        return call;
    }

    private RequestSeries Series(int priority) => _rig.Metrics.Requests("m"u8, "m"u8, default, priority);

    [Theory]
    [InlineData((int)EvictionReason.Priority, "evicted-priority")]
    [InlineData((int)EvictionReason.Unspecified, null)]
    public async Task Case36_EvictedInFlight_Answers429WithTheReason(int reason, string? header)
    {
        var call = await RunningAsync();
        Assert.Equal(1, _inflight.Evict(1, 0, (EvictionReason)reason, 1));
        var refusal = (await call.NextAsync()).ImmediateResponse;
        Assert.Equal((429, "request evicted by flow control"), ((int)refusal.Status.Code, refusal.Body.ToStringUtf8()));
        Assert.Equal(header, refusal.Headers?.SetHeaders.Single(h => h.Header.Key == "x-llm-d-request-dropped-reason").Header.RawValue.ToStringUtf8());
        Assert.Equal(GrpcStatus.Ok, await call.Ended);
        AssertCounted(Series(-5), errors: 1);
        Assert.Equal((1, 0, 0), (_told, _untold, _inflight.Count));
    }

    [Fact]
    public async Task Case36_EvictedMidResponse_CountsAsEvictedOnly()
    {
        var call = await RunningAsync();
        await call.SendAsync(Ask.ResponseHeaders(headers: [(":status", "200"), ("content-type", "text/event-stream")]));
        await call.SendAsync(Ask.ResponseBody("data: {}\n\n", endOfStream: false));
        await call.NextAsync();
        await call.NextAsync();
        Assert.Equal(1, _inflight.Evict(5, 0, EvictionReason.Priority, 1));
        Assert.Equal(ImmediateResponse, (await call.NextAsync()).ResponseCase);
        Assert.Equal(GrpcStatus.Ok, await call.Ended);
        Assert.Empty(await call.RestAsync());
        AssertCounted(Series(-5), errors: 1);
    }

    [Fact]
    public async Task Case36_ResponseComplete_IsNoCandidateAnyMore()
    {
        var call = await RunningAsync();
        await call.SendAsync(Ask.ResponseHeaders(headers: [(":status", "200")]));
        await call.SendAsync(Ask.ResponseBody("{}"));
        await call.NextAsync();
        await call.NextAsync();
        Assert.Equal((0, 0), (_inflight.Count, _inflight.Evict(1, 0, EvictionReason.Priority, 1)));
        call.HalfClose();
        Assert.Equal(GrpcStatus.Ok, await call.Ended);
        Assert.Empty(await call.RestAsync());
        AssertCounted(Series(-5), errors: 0);
    }

    [Fact]
    public async Task Evict_OrderAndDemand_LowestFirstNewestFirstNeverAtOrAboveTheDemand()
    {
        string[] objectives = ["low", "lower", "important", "plain", "lower", "low"];
        var calls = new List<ServiceCall>();
        foreach (var objective in objectives)
        {
            calls.Add(await RunningAsync(objective));
            _rig.Time.Advance(0.01);
        }

        Assert.Equal(4, _inflight.Count);
        Assert.Equal(0, _inflight.Evict(9, -9, EvictionReason.Priority, 1));
        foreach (var expected in (int[])[4, 1, 5])
        {
            Assert.Equal(1, _inflight.Evict(1, 0, EvictionReason.Priority, 1));
            Assert.Equal(ImmediateResponse, (await calls[expected].NextAsync()).ResponseCase);
        }

        Assert.Equal(0, _inflight.Evict(1, -5, EvictionReason.Priority, 1));
        foreach (var left in (int[])[0, 2, 3])
        {
            Assert.True(calls[left].IsSilent);
            calls[left].Reset();
        }

        await Task.WhenAll(calls.ConvertAll(c => c.Ended));
        _rig.AssertAtRest();
    }

    /// <summary>Evictions race with responses that end, clients that go away and half-closes: each request is told at most once and counted once.</summary>
    [Fact]
    public async Task Evict_RacingWithEveryEnd_CountsEachRequestOnce()
    {
        const int Requests = 300;
        var random = new Random(Seed);
        var evicted = 0;
        var answered = 0;
        for (var i = 0; i < Requests; i++)
        {
            var call = await RunningAsync();
            var spins = random.Next(400);
            var ending = random.Next(3);
            var evicting = Task.Run(() =>
            {
                Thread.SpinWait(spins);
                return _inflight.Evict(1, 0, EvictionReason.Priority, 1);
            });
            switch (ending)
            {
                case 0:
                    await call.SendAsync(Ask.ResponseHeaders(headers: [(":status", "200")]));
                    await call.SendAsync(Ask.ResponseBody("{}"));
                    call.HalfClose();
                    break;
                case 1:
                    call.Reset();
                    break;
                default:
                    call.HalfClose();
                    break;
            }

            evicted += await evicting;
            var rest = await call.RestAsync();
            Assert.InRange(rest.Count(a => a.ResponseCase == ImmediateResponse), 0, 1);
            answered += rest.Count(a => a.ResponseCase == ImmediateResponse);
            Assert.True(rest.SkipLast(1).All(a => a.ResponseCase != ImmediateResponse), "something follows the refusal");
        }

        Assert.Equal((Requests, evicted, answered), ((int)Series(-5).Requests, _told + _untold, _told));
        var errors = Series(-5).Errors().Where(e => e.Code == "Evicted").Sum(e => e.Count);
        Assert.Equal(answered, errors);
        Assert.Equal((0L, 0), (Series(-5).RunningNow, _inflight.Count));
        _rig.AssertAtRest();
    }

    [Fact]
    public async Task Registry_Absent_TracksNothing()
    {
        var call = new ServiceCall(_rig.Services);
        await call.SendAsync(Ask.Post(more: ("x-llm-d-inference-objective", "low")));
        await call.SendAsync(Ask.Body(Ask.ChatBody()));
        await call.NextAsync();
        await call.NextAsync();
        Assert.Equal(0, _inflight.Evict(1, 100, EvictionReason.Priority, 1));
        call.HalfClose();
        Assert.Equal(GrpcStatus.Ok, await call.Ended);
        _rig.AssertAtRest();
    }

    private void AssertCounted(RequestSeries series, int errors)
    {
        Assert.Equal((1L, 0L, errors), (series.Requests, series.RunningNow, (int)series.Errors().Sum(e => e.Count)));
        Assert.All(series.Errors(), e => Assert.Equal("Evicted", e.Code));
        _rig.AssertAtRest();
    }
}
