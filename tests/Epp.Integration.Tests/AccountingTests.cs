using Epp.Testing;
using static Epp.Testing.Protos.ProcessingResponse.ResponseOneofCase;

namespace Epp.Integration.Tests;

/// <summary>What /metrics says after an exchange: every stream counts exactly once, whatever ends it.</summary>
[Trait("Category", "Integration")]
public sealed class AccountingTests(AccountingTests.WithScores running) : IClassFixture<AccountingTests.WithScores>
{
    private EppProcess Epp => running.Epp;

    /// <summary>Emits endpoint scores.</summary>
    public sealed class WithScores : RunningEpp
    {
        protected override IReadOnlyList<string> Flags => ["--emit-endpoint-scores"];
    }

    /// <summary>Ways in which a stream ends.</summary>
    public enum Ending
    {
        HalfClose,
        Reset,
        ResetBeforeResponse,
        ClientAbortMidStream,
        WorkerReset,
        HalfCloseMidStream,
    }

    [Theory]
    [InlineData(Ending.HalfClose)]
    [InlineData(Ending.Reset)]
    [InlineData(Ending.ResetBeforeResponse)]
    [InlineData(Ending.ClientAbortMidStream)]
    [InlineData(Ending.WorkerReset)]
    [InlineData(Ending.HalfCloseMidStream)]
    public async Task Stream_HoweverItEnds_CountsOnce(Ending ending)
    {
        var model = "ending-" + ending;
        var before = await Epp.MetricsAsync();
        await using (var stream = Epp.Open())
        {
            await stream.SendAsync(Ask.Post());
            await stream.SendAsync(Ask.Body(Ask.ChatBody(model, stream: true)));
            await stream.AnswerAsync();
            await Epp.WaitForMetricAsync("inference_objective_running_requests", 1, ("model_name", model));
            await EndAsync(stream, ending);
        }

        await Epp.WaitForMetricAsync("inference_objective_running_requests", 0, ("model_name", model));
        await Epp.WaitForMetricAsync("llm_d_epp_extproc_streams_inflight", before.Sum("llm_d_epp_extproc_streams_inflight"));
        var after = await Epp.MetricsAsync();
        Assert.Equal(before.Sum("llm_d_epp_extproc_streams_total") + 1, after.Sum("llm_d_epp_extproc_streams_total"));
        Assert.Equal(1, after.Sum("inference_objective_request_total", ("model_name", model)));
        Assert.Equal(1, after.Sum("llm_d_epp_request_total", ("model_name", model)));
        Assert.Equal(0, after.Sum("epp_accounting_anomalies_total"));
        var completed = ending is Ending.HalfClose or Ending.Reset ? 1 : 0;
        Assert.Equal(completed, after.Sum("inference_objective_output_tokens_count", ("model_name", model)));
        Assert.InRange(after.Sum("inference_objective_request_duration_seconds_count", ("model_name", model)), completed, 1);
        var cutOff = ending is Ending.ClientAbortMidStream or Ending.WorkerReset or Ending.HalfCloseMidStream ? 1 : 0;
        Assert.Equal(cutOff, after.Sum("inference_objective_request_error_total", ("model_name", model), ("error_code", "ResponseIncomplete")));
        Assert.Equal(cutOff, after.Sum("inference_objective_request_error_total", ("model_name", model)));
    }

    [Theory]
    [InlineData(":status", "500", 1)]
    [InlineData(":status", "503", 1)]
    [InlineData("status", "404", 1)]
    [InlineData(":status", "200", 0)]
    public async Task WorkerStatus_Bad_CountsOneError(string key, string status, int errors)
    {
        var model = $"status-{key.Trim(':')}-{status}";
        await using var stream = Epp.Open();
        await stream.SendAsync(Ask.Post());
        await stream.SendAsync(Ask.Body(Ask.ChatBody(model)));
        await stream.AnswerAsync();
        await stream.SendAsync(Ask.ResponseHeaders(headers: [(key, status), ("content-type", "application/json")]));
        await stream.ExpectAsync(ResponseHeaders);
        await stream.SendAsync(Ask.ResponseBody("{}"));
        await stream.ExpectAsync(ResponseBody);
        Assert.Equal(errors, (await Epp.MetricsAsync()).Sum("inference_objective_request_error_total", ("model_name", model)));
    }

    [Theory]
    [InlineData("""{"usage":{"prompt_tokens":7,"completion_tokens":10,"total_tokens":17}}""", 7, 10, 0)]
    [InlineData("""{"usage":{"prompt_tokens":7,"completion_tokens":10,"total_tokens":17,"prompt_tokens_details":{"cached_tokens":3}}}""", 7, 10, 3)]
    [InlineData("""{"id":"x"}""", 0, 0, 0)]
    [InlineData("not json", 0, 0, 0)]
    [InlineData("""{"usage":{}}""", 0, 0, 0)]
    [InlineData("""{"usage":"many"}""", 0, 0, 0)]
    public async Task Case26_UsageOfAWholeAnswer_IsCounted(string body, double input, double output, double cached)
    {
        var model = $"case26-{body.GetHashCode(StringComparison.Ordinal)}";
        await RespondAsync(model, false, body);
        var metrics = await Epp.MetricsAsync();
        Assert.Equal(input, metrics.Sum("inference_objective_input_tokens_sum", ("model_name", model)));
        Assert.Equal(output, metrics.Sum("inference_objective_output_tokens_sum", ("model_name", model)));
        Assert.Equal(cached, metrics.Sum("inference_objective_prompt_cached_tokens_sum", ("model_name", model)));
        Assert.Equal(1, metrics.Sum("inference_objective_request_duration_seconds_count", ("model_name", model)));
    }

    [Fact]
    public async Task Case27_UsageInSse_IsFoundWhereverItIsCut()
    {
        const string Tail = "data: {\"choices\":[{\"delta\":{\"content\":\"usage\"}}]}\n\ndata: {\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":10,\"total_tokens\":17}}\n\ndata: [DONE]\n\n";
        for (var cut = 0; cut < Tail.Length; cut += 7)
        {
            await RespondAsync("case27", true, Tail[..cut], Tail[cut..]);
        }

        var metrics = await Epp.MetricsAsync();
        var rounds = (Tail.Length + 6) / 7;
        Assert.Equal(7 * rounds, metrics.Sum("inference_objective_input_tokens_sum", ("model_name", "case27")));
        Assert.Equal(10 * rounds, metrics.Sum("inference_objective_output_tokens_sum", ("model_name", "case27")));
    }

    [Fact]
    public async Task Case23_FairnessId_IsALabelOrTheDefault()
    {
        await Epp.PickAsync(Ask.ChatBody("case23"), headers: [("x-llm-d-inference-fairness-id", "tenant-a"), ("x-gateway-inference-fairness-id", "loser")]);
        await Epp.PickAsync(Ask.ChatBody("case23"), headers: [("x-gateway-inference-fairness-id", "tenant-b")]);
        await Epp.PickAsync(Ask.ChatBody("case23"));
        var metrics = await Epp.MetricsAsync();
        foreach (var id in new[] { "tenant-a", "tenant-b", "default-flow" })
        {
            Assert.Equal(1, metrics.Sum("llm_d_epp_request_total", ("model_name", "case23"), ("fairness_id", id)));
        }
    }

    [Fact]
    public async Task Case28_EmitEndpointScores_NamesEveryEndpoint()
    {
        await running.PreferAsync(1);
        var answer = await Epp.PickAsync(Ask.ChatBody());
        var scores = answer.Headers!.DynamicMetadata.Fields["envoy.lb"].StructValue.Fields["x-gateway-destination-endpoint-scores"].StructValue.Fields;
        Assert.Equal(running.Workers.Select(w => w.HostPort).Order(), scores.Keys.Order());
        Assert.Equal(running.Workers[1].HostPort, scores.MaxBy(s => s.Value.NumberValue).Key);
    }

    [Fact]
    public async Task Labels_HostileModelNames_KeepTheExpositionReadable()
    {
        await Epp.PickAsync("""{"model":"a\"b\\c\nd{e}=,","messages":[{"role":"user","content":"hi"}]}""");
        var metrics = await Epp.MetricsAsync();
        Assert.Equal(1, metrics.Sum("inference_objective_request_total", ("model_name", "a\"b\\c\nd{e}=,")));
    }

    [SkippableFact]
    public async Task Exposition_AfterTraffic_SatisfiesPromtool()
    {
        var promtool = SharedTools.RequireProgram("promtool", "prometheus");
        await RespondAsync("promtool", true, "data: [DONE]\n\n");
        var file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, (await Epp.MetricsAsync()).Text);
            var (_, output, errors) = SharedTools.Run("/bin/sh", ["-c", $"{promtool} check metrics < {file}"], TimeSpan.FromSeconds(30));
            // It takes the "d" of the references' own prefix llm_d_epp for a unit.
            var complaints = (output + errors).Split('\n').Where(l => l.Length > 0 && !(l.StartsWith("llm_d_", StringComparison.Ordinal) && l.EndsWith("abbreviated units", StringComparison.Ordinal)));
            Assert.Empty(complaints);
        }
        finally
        {
            File.Delete(file);
        }
    }

    private async Task RespondAsync(string model, bool sse, params string[] chunks)
    {
        await using var stream = Epp.Open();
        await stream.SendAsync(Ask.Post());
        await stream.SendAsync(Ask.Body(Ask.ChatBody(model, stream: sse)));
        await stream.AnswerAsync();
        await stream.SendAsync(Ask.ResponseHeaders(headers: [(":status", "200"), ("content-type", sse ? "text/event-stream" : "application/json")]));
        await stream.ExpectAsync(ResponseHeaders);
        for (var i = 0; i < chunks.Length; i++)
        {
            await stream.SendAsync(Ask.ResponseBody(chunks[i], endOfStream: i == chunks.Length - 1));
        }

        while (!(await stream.ExpectAsync(ResponseBody)).ResponseBody.Response.BodyMutation.StreamedResponse.EndOfStream)
        {
        }
    }

    private static async Task EndAsync(GrpcStream stream, Ending ending)
    {
        if (ending == Ending.ResetBeforeResponse)
        {
            stream.Reset();
            return;
        }

        await stream.SendAsync(Ask.ResponseHeaders(headers: [(":status", "200"), ("content-type", "text/event-stream")]));
        await stream.ExpectAsync(ResponseHeaders);
        var whole = ending is Ending.HalfClose or Ending.Reset;
        await stream.SendAsync(Ask.ResponseBody("data: {\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":10,\"total_tokens\":17}}\n\n", endOfStream: whole));
        await stream.ExpectAsync(ResponseBody);
        if (ending is Ending.HalfClose or Ending.HalfCloseMidStream)
        {
            await stream.HalfCloseAsync();
            Assert.Equal(0, (await stream.EndAsync()).Code);
        }
        else
        {
            // Envoy resets after a whole answer, when its client goes away, and when the worker does.
            stream.Reset();
        }
    }
}
