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

/// <summary>Requests that wait for their turn, through the ext_proc service (plugins §12.2, contract §2.6).</summary>
[Collection("ext_proc")]
[Trait("Category", "Unit")]
public sealed class FlowControlTests
{
    [Fact]
    public void IdlePool_IsAnsweredOnTheSpot()
    {
        var rig = New();
        using var exchange = rig.Open();
        exchange.Send(Ask.Post());
        Assert.Equal(RequestHeaders, exchange.Send(Ask.Body(Ask.ChatBody()))[0].ResponseCase);
        Assert.Contains("llm_d_epp_flow_control_requests_total{inference_pool=\"pool\",outcome=\"Dispatched\",priority=\"0\"} 1", rig.Exposition(), StringComparison.Ordinal);
        Assert.Contains("llm_d_epp_flow_control_capacity_utilization_requests{inference_pool=\"pool\",priority=\"-5\"} 0", rig.Exposition(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task SaturatedPool_WaitsThenGoesOn()
    {
        var rig = New();
        Load(rig, 1000);
        var call = await AskAsync(rig, "low");
        await WaitingAsync(rig, 1);
        Assert.True(call.IsSilent);
        Assert.Contains("llm_d_epp_flow_control_queue_size{fairness_id=\"default-flow\",inference_pool=\"pool\",model_name=\"m\",priority=\"-5\",target_model_name=\"m\"} 1", rig.Exposition(), StringComparison.Ordinal);
        await Wait.UntilAsync(() => rig.Exposition().Contains("llm_d_epp_flow_control_pool_saturation{inference_pool=\"pool\",stage=\"effective\"} 200", StringComparison.Ordinal));
        Load(rig, 0);
        await PickedAsync(call);
        await EndAsync(call);
        rig.AssertAtRest();
    }

    [Theory]
    [InlineData(2, 429, "inference error: ResourceExhausted - request timed out in queue: request evicted from queue: request TTL expired", "rejected-ttl-expired", "EvictedTTL")]
    [InlineData(0, 503, "inference error: ServiceUnavailable - request timed out in queue and no endpoints are available: request evicted from queue: request TTL expired: no endpoints available", "rejected-no-endpoints", "EvictedNoEndpoints")]
    public async Task Wait_BeyondItsTtl_IsRefused(int endpoints, int status, string text, string reason, string outcome)
    {
        var rig = New("flowControl: {defaultRequestTTL: 2s, noEndpointRequestTTL: 1s}", endpoints: endpoints);
        Load(rig, 1000);
        var call = await AskAsync(rig);
        await WaitingAsync(rig, 1);
        rig.Time.Advance(endpoints == 0 ? 0.8 : 1.8);
        await CyclesAsync(rig, 2);
        Assert.True(call.IsSilent);
        rig.Time.Advance(0.4);
        var refusal = await RefusedAsync(call);
        Assert.Equal((status, text, reason), ((int)refusal.Status.Code, refusal.Body.ToStringUtf8(), Reason(refusal)));
        Assert.Contains($"flow_control_requests_total{{inference_pool=\"pool\",outcome=\"{outcome}\",priority=\"0\"}} 1", rig.Exposition(), StringComparison.Ordinal);
        rig.AssertAtRest();
    }

    [Theory]
    [InlineData(2, 429, "inference error: ResourceExhausted - request rejected pre-queue: queue at capacity", "rejected-saturated")]
    [InlineData(0, 503, "inference error: ServiceUnavailable - no endpoints available: request rejected pre-queue: queue at capacity", "rejected-no-endpoints")]
    public async Task Queue_AtCapacity_RefusesAtOnce(int endpoints, int status, string text, string reason)
    {
        var rig = New("flowControl: {maxRequests: 2}", endpoints: endpoints);
        Load(rig, 1000);
        ServiceCall[] waiting = [await AskAsync(rig), await AskAsync(rig, "important")];
        await WaitingAsync(rig, 2);
        Assert.Contains("llm_d_epp_flow_control_global_capacity_utilization_requests{inference_pool=\"pool\"} 1", rig.Exposition(), StringComparison.Ordinal);
        var refusal = await RefusedAsync(await AskAsync(rig));
        Assert.Equal((status, text, reason), ((int)refusal.Status.Code, refusal.Body.ToStringUtf8(), Reason(refusal)));
        foreach (var call in waiting)
        {
            call.Reset();
            await call.Ended;
        }

        rig.AssertAtRest();
    }

    [Fact]
    public async Task Client_ThatLeaves_LeavesTheQueue()
    {
        var rig = New();
        Load(rig, 1000);
        var call = await AskAsync(rig);
        await WaitingAsync(rig, 1);
        call.Reset();
        await WaitingAsync(rig, 0);
        await call.Ended;
        var text = rig.Exposition();
        Assert.Contains("llm_d_epp_flow_control_requests_total{inference_pool=\"pool\",outcome=\"EvictedContextCancelled\",priority=\"0\"} 1", text, StringComparison.Ordinal);
        Assert.Contains("inference_objective_request_error_total{error_code=\"ServiceUnavailable\",model_name=\"m\",target_model_name=\"m\"} 1", text, StringComparison.Ordinal);
        rig.AssertAtRest();
    }

    [Fact]
    public async Task Shutdown_RefusesWhoWaitsAndWhoComes()
    {
        var rig = New();
        Load(rig, 1000);
        var waiting = await AskAsync(rig);
        await WaitingAsync(rig, 1);
        rig.Flow!.Gate.Shutdown();
        foreach (var call in (ServiceCall[])[waiting, await AskAsync(rig)])
        {
            var refusal = await RefusedAsync(call);
            Assert.Equal((503, "rejected-shutting-down"), ((int)refusal.Status.Code, Reason(refusal)));
        }

        rig.AssertAtRest();
    }

    [Fact]
    public async Task Turns_ByPriorityThenByFlow()
    {
        var rig = Limited(1, ", defaultPriorityBand: {fairnessPolicyRef: round-robin-fairness-policy}");
        var running = await AskAsync(rig);
        await PickedAsync(running);
        (string Objective, string Flow)[] asked = [("low", "a"), ("plain", "b"), ("plain", "b"), ("plain", "a"), ("important", "z"), ("plain", "c")];
        var calls = new List<ServiceCall>();
        foreach (var (objective, flow) in asked)
        {
            calls.Add(await AskAsync(rig, objective, flow));
            await WaitingAsync(rig, calls.Count);
        }

        foreach (var next in (int[])[4, 3, 1, 5, 2, 0])
        {
            Assert.All(calls.Where((_, i) => i == next), c => Assert.True(c.IsSilent));
            await EndAsync(running);
            running = calls[next];
            await PickedAsync(running);
        }

        await EndAsync(running);
        rig.AssertAtRest();
    }

    [Fact]
    public async Task ProgramAware_ServesWhoHadLess()
    {
        var rig = Limited(1, ", priorityBands: [{priority: 0, fairnessPolicyRef: program-aware-fairness}]");
        var running = await AskAsync(rig, flow: "glutton");
        await PickedAsync(running);
        await running.SendAsync(Ask.ResponseHeaders(headers: [(":status", "200"), ("content-type", "application/json")]));
        await running.SendAsync(Ask.ResponseBody("""{"usage":{"prompt_tokens":700,"completion_tokens":10,"total_tokens":710}}"""));
        await running.NextAsync();
        await running.NextAsync();
        var glutton = await AskAsync(rig, flow: "glutton");
        await WaitingAsync(rig, 1);
        var modest = await AskAsync(rig, flow: "modest");
        await WaitingAsync(rig, 2);
        await EndAsync(running);
        await PickedAsync(modest);
        Assert.True(glutton.IsSilent);
        await EndAsync(modest);
        await PickedAsync(glutton);
        await EndAsync(glutton);
        rig.AssertAtRest();
    }

    [Fact]
    public async Task Case36_BlockedBand_EvictsTheNewestSheddableRequest()
    {
        var rig = Limited(2, ", enableEviction: true");
        ServiceCall[] low = [await AskAsync(rig, "low"), await AskAsync(rig, "low")];
        await PickedAsync(low[0]);
        await PickedAsync(low[1]);
        var important = await AskAsync(rig, "important");
        await PickedAsync(important);
        var victim = await Task.WhenAny(low[0].Ended, low[1].Ended) == low[0].Ended ? low[0] : low[1];
        var refusal = await RefusedAsync(victim);
        Assert.Equal((429, "request evicted by flow control", "evicted-priority"), ((int)refusal.Status.Code, refusal.Body.ToStringUtf8(), Reason(refusal)));
        var text = rig.Exposition();
        Assert.Contains("llm_d_epp_flow_control_revocations_issued_total{inference_pool=\"pool\",priority=\"-5\"} 1", text, StringComparison.Ordinal);
        Assert.Contains("llm_d_epp_flow_control_revocations_total{inference_pool=\"pool\",outcome=\"evicted\"} 1", text, StringComparison.Ordinal);
        Assert.Contains("error_code=\"Evicted\",fairness_id=\"default-flow\",model_name=\"m\",priority=\"-5\"", text, StringComparison.Ordinal);
        await EndAsync([important, .. low.Except([victim])]);
        rig.AssertAtRest();
    }

    [Fact]
    public async Task Gaie_HoldsEveryPriority_WithoutLimitInTime()
    {
        var rig = New(dialect: Dialect.Gaie, plugins: "plugins: [{type: queue-scorer}]\nschedulingProfiles: [{name: default, plugins: [{pluginRef: queue-scorer}]}]\n");
        Load(rig, 1000);
        var low = await AskAsync(rig, "low");
        await WaitingAsync(rig, 1);
        rig.Time.Advance(3600);
        Load(rig, 1000);
        await CyclesAsync(rig, 2);
        Assert.True(low.IsSilent);
        Load(rig, 0);
        await PickedAsync(low);
        await EndAsync(low);
        Assert.Contains("inference_extension_flow_control_request_queue_duration_seconds_count{fairness_id=\"default-flow\",outcome=\"Dispatched\",priority=\"0\"} 1", rig.Exposition(), StringComparison.Ordinal);
        rig.Publish(0);
        var refusal = await RefusedAsync(await AskAsync(rig));
        Assert.Equal((503, "inference gateway: ServiceUnavailable - failed to find candidate pods for serving the request"), ((int)refusal.Status.Code, refusal.Body.ToStringUtf8()));
        rig.AssertAtRest();
    }

    [Fact]
    public async Task RewrittenRequest_ThatWaited_KeepsItsTarget()
    {
        var rig = New();
        Load(rig, 1000);
        var call = new ServiceCall(rig.Services);
        await call.SendAsync(Ask.Post(more: ("x-llm-d-model-name-rewrite", "target")));
        await call.SendAsync(Ask.Body(Ask.ChatBody()));
        await WaitingAsync(rig, 1);
        Load(rig, 0);
        await call.NextAsync();
        Assert.Contains("\"target\"", (await call.NextAsync()).RequestBody.Response.BodyMutation.StreamedResponse.Body.ToStringUtf8(), StringComparison.Ordinal);
        await EndAsync(call);
        rig.AssertAtRest();
    }
}
