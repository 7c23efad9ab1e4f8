using System.Text.Json;
using Epp.Native.Pool;
using Epp.Testing;
using Google.Protobuf.WellKnownTypes;
using static Epp.Testing.Protos.ProcessingResponse.ResponseOneofCase;
using Proto = Epp.Testing.Protos;

namespace Epp.Aot.Tests.ExtProc;

/// <summary><c>request-attribute-reporter</c>: a number of the usage in the metadata of the body's last message (plugins §5.10, contract §1.6).</summary>
[Collection("ext_proc")]
[Trait("Category", "Unit")]
public sealed class UsageReportTests
{
    private const string Sum = "{expression: usage.prompt_tokens + usage.completion_tokens, condition: has(usage.prompt_tokens) && has(usage.completion_tokens), key: {name: cost}}";
    private const string Document = """{"usage":{"prompt_tokens":21,"total_tokens":26,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":8}}}""";

    private static readonly (string, string)[] EventStream = [(":status", "200"), ("content-type", "text/event-stream")];

    private static Rig New(params string[] attributes) => new(config: $"""
        apiVersion: llm-d.ai/v1alpha1
        kind: EndpointPickerConfig
        plugins:
        - type: queue-scorer
        {string.Join('\n', attributes.Select((a, i) => $"- {{name: r{i}, type: request-attribute-reporter, parameters: {{attributes: [{a}]}}}}"))}
        """);

    private static List<Proto.ProcessingResponse> Respond(Rig rig, bool stream, params Proto.ProcessingRequest[] messages)
    {
        using var exchange = rig.Open();
        var asked = exchange.Send(Ask.Post());
        Assert.Empty(asked);
        asked = exchange.Send(Ask.Body(Ask.ChatBody(stream: stream)));
        Assert.Equal(["envoy.lb"], asked[0].DynamicMetadata.Fields.Keys);
        Assert.Equal(["x-gateway-destination-endpoint"], asked[0].DynamicMetadata.Fields["envoy.lb"].StructValue.Fields.Keys);
        List<Proto.ProcessingResponse> answers = [.. exchange.Send(Ask.ResponseHeaders(headers: stream ? EventStream : []))];
        foreach (var message in messages)
        {
            answers.AddRange(exchange.Send(message));
        }

        Assert.All(answers.SkipLast(1), a => Assert.Null(a.DynamicMetadata));
        return answers;
    }

    private static Dictionary<string, double>? Metadata(Proto.ProcessingResponse message, string space = "envoy.lb") =>
        message.DynamicMetadata?.Fields.GetValueOrDefault(space)?.StructValue.Fields.ToDictionary(f => f.Key, f => f.Value.NumberValue);

    [Fact]
    public void Case35_Document_LastMessageAloneCarriesTheNumber()
    {
        var padding = new string(' ', 70_000);
        var answers = Respond(New(Sum), false, Ask.ResponseBody(padding, false), Ask.ResponseBody(Document, false), Ask.ResponseBody(""));
        Assert.Equal([ResponseHeaders, ResponseBody, ResponseBody], answers.Select(a => a.ResponseCase));
        Assert.Equal(new() { ["cost"] = 26 }, Metadata(answers[^1]));
        Assert.True(answers[^1].ResponseBody.Response.BodyMutation.StreamedResponse.EndOfStream);
        Assert.Equal(padding + Document, string.Concat(answers.Skip(1).Select(a => a.ResponseBody.Response.BodyMutation.StreamedResponse.Body.ToStringUtf8())));
    }

    [Theory]
    [InlineData("data: [DONE]\n\n")]
    [InlineData("")]
    public void Case35_Sse_LastChunkAloneCarriesTheNumber(string last)
    {
        var answers = Respond(
            New(Sum), true, Ask.ResponseBody("data: {\"choices\":[]}\n\ndata: {\"usa", false),
            Ask.ResponseBody("ge\":{\"prompt_tokens\":7,\"completion_tokens\":10,\"total_tokens\":17}}\n\n", false), Ask.ResponseBody(last));
        Assert.Equal(4, answers.Count);
        Assert.Equal(new() { ["cost"] = 17 }, Metadata(answers[^1]));
        Assert.Equal(last, answers[^1].ResponseBody.Response.BodyMutation.StreamedResponse.Body.ToStringUtf8());
    }

    [Fact]
    public void Case35_LongLastChunk_IsCutAndItsLastPieceCarriesTheNumber()
    {
        var answers = Respond(New(Sum), true, Ask.ResponseBody("data: {\"usage\":{\"prompt_tokens\":7}}\n\n: " + new string('x', 130_000) + "\n"));
        Assert.Equal(4, answers.Count);
        Assert.Equal(new() { ["cost"] = 7 }, Metadata(answers[^1]));
    }

    [Fact]
    public void Case35_BodyEndedByTrailers_HeldBodyCarriesTheNumber_ElseTheTrailersDo()
    {
        using var exchange = New(Sum).Open();
        exchange.Send(Ask.Post());
        exchange.Send(Ask.Body(Ask.ChatBody()));
        exchange.Send(Ask.ResponseHeaders());
        exchange.Send(Ask.ResponseBody(Document, false));
        var answers = exchange.Send(Ask.ResponseTrailers(("a", "b")));
        Assert.Equal([ResponseBody, ResponseTrailers], answers.Select(a => a.ResponseCase));
        Assert.Equal(new() { ["cost"] = 26 }, Metadata(answers[0]));
        Assert.Null(answers[1].DynamicMetadata);

        var streamed = Respond(New(Sum), true, Ask.ResponseBody("data: {\"usage\":{\"prompt_tokens\":7}}\n\n", false), Ask.ResponseTrailers(("a", "b")));
        Assert.Equal(ResponseTrailers, streamed[^1].ResponseCase);
        Assert.Equal(new() { ["cost"] = 7 }, Metadata(streamed[^1]));
    }

    [Theory]
    [InlineData(Proto.BodySendMode.Buffered, true)]
    [InlineData(Proto.BodySendMode.Streamed, true)]
    [InlineData(Proto.BodySendMode.Buffered, false)]
    [InlineData(Proto.BodySendMode.Streamed, false)]
    public void Case35_OtherBodyModes_CarryItToo(Proto.BodySendMode mode, bool rewrites)
    {
        using var exchange = New(Sum).Open();
        exchange.Send(Ask.Post(more: rewrites ? [("x-llm-d-model-name-rewrite", "target")] : []).WithModes(Proto.BodySendMode.FullDuplexStreamed, mode));
        exchange.Send(Ask.Body(Ask.ChatBody()));
        exchange.Send(Ask.ResponseHeaders());
        var halves = mode == Proto.BodySendMode.Buffered ? [Document] : new[] { Document[..20], Document[20..] };
        foreach (var half in halves.SkipLast(1))
        {
            Assert.Null(exchange.Ask(Ask.ResponseBody(half, false)).DynamicMetadata);
        }

        Assert.Equal(new() { ["cost"] = 26 }, Metadata(exchange.Ask(Ask.ResponseBody(halves[^1], true))));
    }

    [Theory]
    [InlineData("{expression: usage.prompt_tokens - 21.0, key: {name: cost}}")]
    [InlineData("{expression: 20.5 - usage.prompt_tokens, key: {name: cost}}")]
    [InlineData("{expression: 20 - usage.prompt_tokens, key: {name: cost}}")]
    [InlineData("{expression: 0.9, key: {name: cost}}")]
    [InlineData("{expression: usage.prompt_tokens, condition: usage.completion_tokens > 5, key: {name: cost}}")]
    [InlineData("{expression: usage.prompt_tokens, condition: usage.prompt_tokens, key: {name: cost}}")]
    [InlineData("{expression: usage.reasoning_tokens, key: {name: cost}}", 1)]
    [InlineData("{expression: 1 / 0, key: {name: cost}}", 1)]
    public void Case35_ZeroMinusOneAndNothing_AreNotReported(string attribute, int failed = 0)
    {
        var rig = New(attribute);
        Assert.Null(Respond(rig, false, Ask.ResponseBody(Document))[^1].DynamicMetadata);
        Assert.Equal(failed, rig.Metrics.UsageReportsFailed.Value);
    }

    [Theory]
    [InlineData("{\"id\":\"x\"}")]
    [InlineData("no healthy upstream")]
    [InlineData("{\"usage\":\"many\"}")]
    public void Case35_ResponseWithoutUsage_CountsAsZeros(string body)
    {
        Assert.Null(Respond(New(Sum), false, Ask.ResponseBody(body))[^1].DynamicMetadata);
        Assert.Equal(new() { ["cost"] = 3 }, Metadata(Respond(New("{expression: usage.total_tokens + 3.0, key: {name: cost}}"), false, Ask.ResponseBody(body))[^1]));
    }

    [Fact]
    public void Case35_SeveralReporters_ShareANamespaceOnce()
    {
        var answers = Respond(
            New(Sum, "{expression: usage.prompt_tokens_details.cached_tokens, key: {namespace: billing, name: cached}}", "{expression: usage.total_tokens * -2, key: {namespace: envoy.lb, name: total}}"),
            false, Ask.ResponseBody(Document));
        Assert.Equal(new() { ["cost"] = 26, ["total"] = -52 }, Metadata(answers[^1]));
        Assert.Equal(new() { ["cached"] = 8 }, Metadata(answers[^1], "billing"));
    }

    [Fact]
    public void Refusal_AndAnswerWithoutBody_CarryNoMetadata()
    {
        var rig = New("{expression: 5, key: {name: cost}}");
        using var refused = rig.Open();
        refused.Send(Ask.Post());
        Assert.Null(refused.Ask(Ask.Body("no json")).DynamicMetadata);
        using var bare = rig.Open();
        bare.Send(Ask.Get());
        Assert.Null(bare.Ask(Ask.ResponseHeaders(endOfStream: true)).DynamicMetadata);
    }

    [Theory]
    [InlineData(null, null, "fail: missing envoy lb metadata")]
    [InlineData("envoy.lb.subset_hint", "x-gateway-destination-endpoint-served", "fail: missing envoy lb metadata")]
    [InlineData("envoy.lb", "other", "fail: missing destination endpoint served metadata")]
    [InlineData("envoy.lb", "x-gateway-destination-endpoint-served", "10.0.0.1:8000")]
    public void ServedVerifier_TellsTheClientWhatTheProxySays(string? space, string? key, string expected)
    {
        var rig = new Rig(config: "apiVersion: llm-d.ai/v1alpha1\nkind: EndpointPickerConfig\nplugins: [{type: queue-scorer}, {type: destination-endpoint-served-verifier}]\n");
        using var exchange = rig.Open();
        exchange.Send(Ask.Post());
        exchange.Send(Ask.Body(Ask.ChatBody()));
        var headers = Ask.ResponseHeaders();
        if (space is not null)
        {
            headers.MetadataContext = new Proto.Metadata { FilterMetadata = { [space] = new Struct { Fields = { [key!] = Value.ForString("10.0.0.1:8000") } } } };
        }

        Assert.Equal(expected, exchange.Ask(headers).Header("x-conformance-test-served-endpoint"));
    }

    /// <summary>Every recorded exchange of a configuration with a reporter: the same metadata on the same message.</summary>
    [SkippableFact]
    [Trait("Category", "Golden")]
    public void Case35_RecordedExchanges_CarryTheSameMetadata()
    {
        var folder = SharedTools.RequireData("transcripts");
        var compared = 0;
        foreach (var file in Directory.GetFiles(folder, "*.jsonl"))
        {
            using var head = JsonDocument.Parse(File.ReadLines(file).First());
            var config = head.RootElement.TryGetProperty("epp_config", out var name) ? Path.Combine(folder, "configs", name.GetString() + ".yaml") : "";
            if (!File.Exists(config) || !File.ReadAllText(config).Contains("request-attribute-reporter", StringComparison.Ordinal))
            {
                continue;
            }

            compared += Replay(file, File.ReadAllText(config));
        }

        Assert.True(compared > 0, "no recorded exchange carries metadata on a response");
    }

    private static int Replay(string file, string config)
    {
        var lines = File.ReadLines(file).Select(l => JsonDocument.Parse(l).RootElement).Where(e => e.GetProperty("type").GetString() == "message").ToArray();
        var recorded = lines.Where(l => l.GetProperty("dir").GetString() == "epp->envoy").Select(l => Proto.ProcessingResponse.Parser.ParseFrom(l.GetProperty("raw_b64").GetBytesFromBase64())).ToArray();
        if (!recorded.Any(r => r.ResponseCase == ResponseBody && r.DynamicMetadata is not null) || recorded[0].Destination() is not { } destination)
        {
            return 0;
        }

        var rig = new Rig(config: config.Replace("@ENDPOINTS@", "endpoints.yaml", StringComparison.Ordinal));
        rig.Pool.Publish([new Endpoint("default", "recorded", destination.Split(':')[0], int.Parse(destination.Split(':')[1], System.Globalization.CultureInfo.InvariantCulture))]);
        using var exchange = rig.Open();
        var answers = new List<Proto.ProcessingResponse>();
        foreach (var line in lines.Where(l => l.GetProperty("dir").GetString() == "envoy->epp" && l.TryGetProperty("raw_b64", out _)))
        {
            answers.AddRange(exchange.Send(Proto.ProcessingRequest.Parser.ParseFrom(line.GetProperty("raw_b64").GetBytesFromBase64())));
        }

        Assert.Equal(recorded.Select(Described), answers.Select(Described));
        return 1;
    }

    private static (Proto.ProcessingResponse.ResponseOneofCase, Struct?, string?) Described(Proto.ProcessingResponse message) =>
        (message.ResponseCase, message.DynamicMetadata, message.Header("x-conformance-test-served-endpoint"));
}
