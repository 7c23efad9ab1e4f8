using Epp.Aot.ExtProc;
using Epp.Native;
using Epp.Native.Objectives;
using Epp.Native.Pool;
using Epp.Testing;
using Proto = Epp.Testing.Protos;

namespace Epp.Aot.Tests.ExtProc;

/// <summary>Objectives, saturation and rewrites, as the recorded Kubernetes cases show them.</summary>
[Collection("ext_proc")]
[Trait("Category", "Unit")]
public sealed class AdmissionTests
{
    private const string Sheddable = "sheddable";

    private static Rig New(Dialect dialect = Dialect.LlmD, int endpoints = 4)
    {
        var rig = new Rig(new ExtProcOptions(dialect), endpoints: endpoints);
        rig.Objectives.SetObjectives([new("important", 10), new("plain", 0), new(Sheddable, -5)]);
        return rig;
    }

    private static void Load(Rig rig, params (double Queue, double Kv)[] loads)
    {
        for (var i = 0; i < loads.Length; i++)
        {
            rig.Pool.Update(rig.Pool.Current[(ushort)i], EndpointMetrics.None with { Waiting = loads[i].Queue, KvUsage = loads[i].Kv }, Now(rig));
        }
    }

    private static int Status(Rig rig, string? objective, string[]? subset = null, string header = "x-gateway-inference-objective")
    {
        using var exchange = rig.Open();
        exchange.Send(objective is null ? Ask.Post() : Ask.Post(more: (header, objective)));
        var body = Ask.Body(Ask.ChatBody());
        var answer = exchange.Send(subset is null ? body : body.WithSubset(subset))[0];
        return answer.ResponseCase == Proto.ProcessingResponse.ResponseOneofCase.ImmediateResponse ? (int)answer.ImmediateResponse.Status.Code : 200;
    }

    [Theory]
    [InlineData(Dialect.LlmD)]
    [InlineData(Dialect.Gaie)]
    public void Saturated_OnlyNegativePrioritiesAreShed(Dialect dialect)
    {
        var rig = New(dialect);
        Load(rig, (1000, 0.99), (1000, 0.99), (1000, 0.99), (1000, 0.99));
        Assert.Equal((429, 200, 200, 200, 200), (Status(rig, Sheddable), Status(rig, "important"), Status(rig, "plain"), Status(rig, "unknown"), Status(rig, null)));
        Load(rig, (0, 0), (0, 0), (0, 0), (0, 0));
        Assert.Equal(200, Status(rig, Sheddable));
        rig.AssertAtRest();
    }

    [Theory]
    [InlineData(Dialect.Gaie, 5, 0.8, 200)]
    [InlineData(Dialect.Gaie, 6, 0.1, 429)]
    [InlineData(Dialect.Gaie, 0, 0.81, 429)]
    [InlineData(Dialect.LlmD, 5, 0.8, 429)]
    [InlineData(Dialect.LlmD, 6, 0.1, 429)]
    [InlineData(Dialect.LlmD, 4, 0.79, 200)]
    public void Thresholds_AreIncludedInGaieOnly(Dialect dialect, double queue, double kv, int status)
    {
        var rig = New(dialect);
        Load(rig, (queue, kv), (queue, kv), (queue, kv), (queue, kv));
        Assert.Equal(status, Status(rig, Sheddable));
    }

    [Fact]
    public void OneHotEndpoint_ShedsInLlmD_OneColdEndpointServesInGaie()
    {
        var llmd = New();
        Load(llmd, (1000, 0.99), (0, 0), (0, 0), (0, 0));
        Assert.Equal(429, Status(llmd, Sheddable));
        Assert.Equal(429, Status(llmd, Sheddable, ["10.0.0.1:8000"]));
        Assert.Equal(200, Status(llmd, Sheddable, ["10.0.0.2:8000"]));
        var gaie = New(Dialect.Gaie);
        Load(gaie, (1000, 0.99), (1000, 0.99), (1000, 0.99), (0, 0));
        Assert.Equal(200, Status(gaie, Sheddable));
        Assert.Equal(429, Status(gaie, Sheddable, ["10.0.0.1:8000"]));
    }

    [Fact]
    public void Case04_NormalPriority_IsNotShed()
    {
        var rig = New(endpoints: 3);
        Load(rig, (6, 0.2), (0, 0.85), (10, 0.9));
        Assert.Equal(200, Status(rig, null));
    }

    [Fact]
    public void Case05_Sheddable_OneEndpointWithCapacity_IsRoutedInGaie()
    {
        var rig = New(Dialect.Gaie, 3);
        Load(rig, (0, 0.2), (100, 0.85), (100, 0.9));
        using var exchange = rig.Open();
        exchange.Send(Ask.Post(more: [("x-gateway-inference-objective", Sheddable), ("x-gateway-model-name-rewrite", "target")]));
        var body = Ask.ChatBody();
        Assert.Empty(exchange.Send(Ask.Body(body[..10], endOfStream: false)));
        var answers = exchange.Send(Ask.Body(body[10..]));
        Assert.Equal("10.0.0.1:8000", answers[0].Destination());
        Assert.Contains("\"target\"", answers[1].RequestBody.Response.BodyMutation.StreamedResponse.Body.ToStringUtf8(), StringComparison.Ordinal);
    }

    [Fact]
    public void EmptyPool_Sheddable_Is503InGaieAnd429InLlmD()
    {
        Assert.Equal(503, Status(New(Dialect.Gaie, 0), Sheddable));
        Assert.Equal(429, Status(New(Dialect.LlmD, 0), Sheddable));
        Assert.Equal(503, Status(New(Dialect.LlmD, 0), "plain"));
    }

    [Fact]
    public void Case07_ParseErrorsComeFirst()
    {
        var rig = New(endpoints: 0);
        using var exchange = rig.Open();
        exchange.Send(Ask.Post(more: ("x-llm-d-inference-objective", Sheddable)));
        Assert.Equal(400, (int)exchange.Refused(Ask.Body("{")).Status.Code);
    }

    [Fact]
    public void Get_IsNeverShed()
    {
        var rig = New();
        Load(rig, (1000, 0.99), (1000, 0.99), (1000, 0.99), (1000, 0.99));
        using var exchange = rig.Open();
        Assert.NotNull(exchange.Ask(Ask.Get(more: ("x-llm-d-inference-objective", Sheddable))).Destination());
    }

    [Fact]
    public void Case22_BothObjectiveHeaders_TheNewOneWins()
    {
        var rig = New(endpoints: 0);
        Assert.Equal(429, Status(rig, Sheddable, header: "x-llm-d-inference-objective"));
        using var exchange = rig.Open();
        exchange.Send(Ask.Post(more: [("x-llm-d-inference-objective", "plain"), ("x-gateway-inference-objective", Sheddable)]));
        Assert.Equal(503, (int)exchange.Refused(Ask.Body(Ask.ChatBody())).Status.Code);
    }

    [Fact]
    public void Priority_IsALabel_AndStaleEndpointsAreCounted()
    {
        var rig = New(endpoints: 2);
        Load(rig, (1000, 0.99));
        rig.Time.Advance(1);
        Load(rig, (1000, 0.99));
        Assert.Equal((200, 429), (Status(rig, "important"), Status(rig, Sheddable)));
        var text = rig.Exposition();
        Assert.Contains("llm_d_epp_request_total{fairness_id=\"default-flow\",model_name=\"m\",priority=\"10\",target_model_name=\"m\"} 1\n", text, StringComparison.Ordinal);
        Assert.Contains("llm_d_epp_request_error_total{error_code=\"ResourceExhausted\",fairness_id=\"default-flow\",model_name=\"m\",priority=\"-5\",target_model_name=\"m\"} 1\n", text, StringComparison.Ordinal);
        Assert.Contains("llm_d_epp_flow_control_stale_endpoints{detector=\"utilization-detector\"} 1\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Case18_Rewrite_OverridesTheHeader_IsCountedAndRestored()
    {
        var rig = New();
        rig.Objectives.SetRewrites([new("a", DateTimeOffset.UnixEpoch, [new ModelRewriteRule(["base"], [new ModelRewriteTarget("base-v2", 1)])])]);
        using (var exchange = rig.Open())
        {
            exchange.Send(Ask.Post(more: ("x-llm-d-model-name-rewrite", "from-header")));
            var body = exchange.Send(Ask.Body(Ask.ChatBody("base")))[1].RequestBody.Response.BodyMutation.StreamedResponse.Body.ToStringUtf8();
            Assert.Contains("\"base-v2\"", body, StringComparison.Ordinal);
            exchange.Ask(Ask.ResponseHeaders());
            var response = exchange.Ask(Ask.ResponseBody("{\"model\":\"base-v2\"}"));
            Assert.Equal("{\"model\":\"base\"}", response.ResponseBody.Response.BodyMutation.StreamedResponse.Body.ToStringUtf8());
        }

        var text = rig.Exposition();
        Assert.Contains("llm_d_epp_model_rewrite_decisions_total{model_name=\"base\",model_rewrite_name=\"a\",target_model=\"base-v2\"} 1\n", text, StringComparison.Ordinal);
        Assert.Contains("model_name=\"base\",priority=\"0\",target_model_name=\"base-v2\"} 1\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Case31_GenericRule_InsertsAMissingModel_AndTheAnswerKeepsTheTarget()
    {
        var rig = New();
        rig.Objectives.SetRewrites([new("any", DateTimeOffset.UnixEpoch, [new ModelRewriteRule([], [new ModelRewriteTarget("any-v2", null)])])]);
        using var exchange = rig.Open();
        exchange.Send(Ask.Post());
        var body = exchange.Send(Ask.Body("""{"messages":[{"role":"user","content":"x"}]}"""))[1].RequestBody.Response.BodyMutation.StreamedResponse.Body.ToStringUtf8();
        Assert.Contains("\"model\":\"any-v2\"", body, StringComparison.Ordinal);
        exchange.Ask(Ask.ResponseHeaders());
        Assert.Equal("{\"model\":\"any-v2\"}", exchange.Ask(Ask.ResponseBody("{\"model\":\"any-v2\"}")).ResponseBody.Response.BodyMutation.StreamedResponse.Body.ToStringUtf8());
    }

    [Fact]
    public void Rewrite_GaieDialect_OrABodyThatIsPassedThrough_IsNotTouched()
    {
        ModelRewriteRule[] rules = [new([], [new ModelRewriteTarget("other", null)])];
        var gaie = New(Dialect.Gaie);
        gaie.Objectives.SetRewrites([new("any", DateTimeOffset.UnixEpoch, rules)]);
        using var first = gaie.Open();
        first.Send(Ask.Post());
        Assert.Contains("\"m\"", first.Send(Ask.Body(Ask.ChatBody()))[1].RequestBody.Response.BodyMutation.StreamedResponse.Body.ToStringUtf8(), StringComparison.Ordinal);
        var llmd = New();
        llmd.Objectives.SetRewrites([new("any", DateTimeOffset.UnixEpoch, rules)]);
        using var second = llmd.Open();
        second.Send(Ask.Post("/upload"));
        Assert.Equal("raw", second.Send(Ask.Body("raw"))[1].RequestBody.Response.BodyMutation.StreamedResponse.Body.ToStringUtf8());
    }

    [Fact]
    public void Rewrite_ItsModels_StayLabelsBeyondTheCap()
    {
        var rig = New();
        for (var i = 0; i <= Epp.Aot.Telemetry.EppMetrics.MaxLabelValues; i++)
        {
            rig.Series($"m{i}");
        }

        rig.Objectives.SetRewrites([new("a", DateTimeOffset.UnixEpoch, [new ModelRewriteRule(["base"], [new ModelRewriteTarget("base-v2", 1)])])]);
        using var exchange = rig.Open();
        exchange.Send(Ask.Post());
        exchange.Send(Ask.Body(Ask.ChatBody("base")));
        Assert.Contains("model_name=\"base\",priority=\"0\",target_model_name=\"base-v2\"} 1\n", rig.Exposition(), StringComparison.Ordinal);
    }

    [Fact]
    public void Admission_AndRewrite_AllocateNothingBeyondAPlainRequest()
    {
        Assert.True(Bytes(objective: "important", rewrites: true) <= Bytes(objective: "unknown", rewrites: false) + 64);

        static long Bytes(string objective, bool rewrites)
        {
            const int Streams = 100;
            var rig = New();
            rig.Objectives.SetObjectives([new("important", -1)]);
            Load(rig, (0, 0), (0, 0), (0, 0), (0, 0));
            if (rewrites)
            {
                // To the model itself: looked up, counted, nothing to splice.
                rig.Objectives.SetRewrites([new("a", DateTimeOffset.UnixEpoch, [new ModelRewriteRule(["m"], [new ModelRewriteTarget("m", 1), new ModelRewriteTarget("m", 2)])])]);
            }

            var output = new System.Buffers.ArrayBufferWriter<byte>(1 << 16);
            byte[][] messages = [Google.Protobuf.MessageExtensions.ToByteArray(Ask.Post(more: [("x-request-id", "r"), ("x-llm-d-inference-objective", objective)])), Google.Protobuf.MessageExtensions.ToByteArray(Ask.Body(Ask.ChatBody()))];
            long before = 0;
            for (var i = -Streams; i < Streams; i++)
            {
                before = i == 0 ? GC.GetAllocatedBytesForCurrentThread() : before;
                var stream = new ExtProcStream(rig.Services);
                foreach (var message in messages)
                {
                    AllocationTests.Send(stream, message, output);
                }

                stream.Finish();
            }

            return (GC.GetAllocatedBytesForCurrentThread() - before) / Streams;
        }
    }

    private static long Now(Rig rig) => Epp.Aot.Telemetry.EppMetrics.MonotonicMs(rig.Time);
}
