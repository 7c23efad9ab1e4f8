using Epp.Testing;
using Google.Protobuf.WellKnownTypes;
using static Epp.Testing.Protos.ProcessingResponse.ResponseOneofCase;

namespace Epp.Integration.Tests;

/// <summary>Which endpoint: loads, LoRA, subset hints, dead endpoints (contract §10, §2.3). Workers are 127.0.0.1-3 on one port.</summary>
[Trait("Category", "Integration")]
public sealed class RoutingTests(RunningEpp running) : IClassFixture<RunningEpp>
{
    private EppProcess Epp => running.Epp;

    private string E(int index) => running.Workers[index].HostPort;

    [Fact]
    public async Task Case01_ShortestQueueAndLowestKv_WinsAndIsCountedOnce()
    {
        await running.LoadAsync((3, .2, []), (0, .1, []), (10, .2, []));
        Assert.Equal(E(1), (await Epp.PickAsync(New("case01"))).Endpoint);
        Assert.Equal(1, (await Epp.MetricsAsync()).Sum("inference_objective_request_total", ("model_name", "case01")));
        await Epp.WaitForMetricAsync("inference_pool_ready_pods", 3);
    }

    [Fact]
    public async Task Case02_RewrittenToAnActiveAdapter_WinsAtEqualLoad()
    {
        await running.LoadAsync((0, .2, ["foo", "bar"]), (0, .1, ["foo", "T"]), (10, .2, ["foo", "bar"]));
        Assert.Equal(E(1), (await Epp.PickAsync(New(), headers: [("x-llm-d-model-name-rewrite", "T")])).Endpoint);
    }

    [Fact]
    public async Task Case03_AdapterAffinity_BeatsKvUse()
    {
        await running.LoadAsync((10, .2, ["foo", "bar"]), (10, .4, ["foo", "T"]), (10, .3, ["foo", "bar"]));
        Assert.Equal(E(1), (await Epp.PickAsync(New("T"))).Endpoint);
    }

    [Fact]
    public async Task Case04_EveryEndpointBusy_TheBestIsPickedNotShed()
    {
        await running.LoadAsync((6, .2, ["foo", "T"]), (0, .85, ["foo"]), (10, .9, ["foo"]));
        Assert.Equal(E(0), (await Epp.PickAsync(New("T"))).Endpoint);
    }

    [Fact]
    public async Task Case05_BodyInTwoChunks_IsRoutedAndRewritten()
    {
        await running.PreferAsync(0);
        await using var stream = Epp.Open();
        await stream.SendAsync(Ask.Post(more: [("x-llm-d-model-name-rewrite", "T"), ("x-gateway-inference-objective", "sheddable")]));
        await stream.SendAsync(Ask.Body(Ask.ChatBody()[..12], endOfStream: false));
        await stream.SendAsync(Ask.Body(Ask.ChatBody()[12..]));
        var answer = await stream.AnswerAsync();
        Assert.Equal(E(0), answer.Endpoint);
        Assert.Equal(Ask.ChatBody("T"), answer.BodyText);
    }

    [Fact]
    public async Task Case08_UnknownObjective_IsRouted()
    {
        await running.PreferAsync(2);
        Assert.Equal(E(2), (await Epp.PickAsync(New("case08"), headers: [("x-llm-d-inference-objective", "nobody")])).Endpoint);
        Assert.Equal(1, (await Epp.MetricsAsync()).Sum("inference_objective_request_total", ("model_name", "case08"), ("priority", "0")));
    }

    [Fact]
    public async Task Case11_SubsetOfAll_IsTheBestOfThem()
    {
        await running.PreferAsync(1);
        Assert.Equal(E(1), (await Epp.PickAsync(New(), subset: [E(0), E(1), E(2)])).Endpoint);
    }

    [Fact]
    public async Task Case12_SubsetOfOne_WinsDespiteItsLoad()
    {
        await running.PreferAsync(1);
        Assert.Equal(E(2), (await Epp.PickAsync(New(), subset: [E(2)])).Endpoint);
    }

    [Fact]
    public async Task Case13_SubsetOfStrangers_Is503WithReason()
    {
        var refused = (await Epp.PickAsync(New(), subset: ["10.99.99.99:8000"])).Immediate!;
        Assert.Equal(503, refused.Status.Code);
        Assert.Equal("inference error: ServiceUnavailable - failed to find endpoint candidates for serving the request", refused.Body.ToStringUtf8());
        Assert.Equal("rejected-no-endpoints", refused.Header("x-llm-d-request-dropped-reason"));
    }

    [Fact]
    public async Task Subset_EmptyList_Is503() => Assert.Equal(503, (await Epp.PickAsync(New(), subset: [])).Immediate!.Status.Code);

    [Theory]
    [InlineData("127.0.0.3")]
    [InlineData("127.0.0.3:1")]
    [InlineData("[::ffff:127.0.0.3]:1")]
    public async Task Subset_EverySpelling_MatchesByAddress(string item)
    {
        await running.PreferAsync(0);
        Assert.Equal(E(2), (await Epp.PickAsync(New(), subset: [item])).Endpoint);
    }

    [Fact]
    public async Task Subset_AString_IsNoHint()
    {
        await running.PreferAsync(0);
        Assert.Equal(E(0), (await WithHintAsync(Value.ForString(E(2)))).Endpoint);
    }

    [Fact]
    public async Task Subset_NonStringItems_AreIgnored()
    {
        await running.PreferAsync(0);
        Assert.Equal(E(2), (await WithHintAsync(Value.ForList(Value.ForNumber(7), Value.ForNull(), Value.ForString(E(2))))).Endpoint);
    }

    [Fact]
    public async Task Subset_OnGet_IsObeyed()
    {
        for (var i = 0; i < 8; i++)
        {
            await using var stream = Epp.Open();
            await stream.SendAsync(Ask.Get().WithSubset(E(1)));
            Assert.Equal(E(1), (await stream.ExpectAsync(RequestHeaders)).Header("x-gateway-destination-endpoint"));
        }
    }

    [Fact]
    public async Task DeadEndpoint_RanksBehindLiveOnes_AndIsUsedWhenNothingElseIsLeft()
    {
        await running.LoadAsync((5, .5, []), (6, .6, []), (0, 0, []));
        running.Workers[2].MetricsStatus = 500;
        await EppProcess.WaitForLoadsAsync(running.Workers);
        try
        {
            for (var i = 0; i < 10; i++)
            {
                Assert.Equal(E(0), (await Epp.PickAsync(New())).Endpoint);
            }

            Assert.Equal(E(2), (await Epp.PickAsync(New(), subset: [E(2)])).Endpoint);
            Assert.Equal(1, (await Epp.MetricsAsync()).Sum("epp_endpoints_not_live"));
        }
        finally
        {
            running.Workers[2].MetricsStatus = 200;
        }

        await EppProcess.WaitForLoadsAsync(running.Workers);
        Assert.Equal(E(2), (await Epp.PickAsync(New())).Endpoint);
    }

    [Fact]
    public async Task PrefixAffinity_LongPromptAgain_KeepsItsEndpoint()
    {
        await running.LoadAsync((0, 0, []), (0, 0, []), (0, 0, []));
        var body = Ask.ChatBody(prompt: string.Concat(Enumerable.Range(0, 400).Select(i => $"word{i} ")));
        var first = (await Epp.PickAsync(body)).Endpoint;
        for (var i = 0; i < 6; i++)
        {
            Assert.Equal(first, (await Epp.PickAsync(body)).Endpoint);
        }
    }

    [Fact]
    public async Task PreferIfAvailable_NothingCached_Is412()
    {
        var refused = (await Epp.PickAsync(New(), headers: [("prefer", "if-available")])).Immediate!;
        Assert.Equal(412, refused.Status.Code);
        Assert.Equal("inference error: PreconditionFailed - no decode worker has the requested KV cache", refused.Body.ToStringUtf8());
    }

    // A prompt that no endpoint holds: only the loads decide.
    private static string New(string model = "m") => Ask.ChatBody(model, $"prompt {Guid.NewGuid()}");

    private async Task<Answer> WithHintAsync(Value hint)
    {
        await using var stream = Epp.Open();
        await stream.SendAsync(Ask.Post());
        await stream.SendAsync(Ask.Body(New()).WithSubsetValue(hint));
        return await stream.AnswerAsync();
    }
}
