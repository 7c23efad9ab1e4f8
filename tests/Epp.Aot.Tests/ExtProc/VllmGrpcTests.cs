using Epp.Native.Pool;
using Epp.Testing;
using Epp.Testing.Protos;
using Google.Protobuf;
using static Epp.Testing.Protos.ProcessingResponse.ResponseOneofCase;

namespace Epp.Aot.Tests.ExtProc;

/// <summary><c>vllmgrpc-parser</c>: requests and answers of vLLM's engine service (contract §3.2, §3.3, §3.6, §10 row 33).</summary>
[Collection("ext_proc")]
[Trait("Category", "Unit")]
public sealed class VllmGrpcTests
{
    private const string Generate = "/vllm.grpc.engine.VllmEngine/Generate";
    private const string Embed = "/vllm.grpc.engine.VllmEngine/Embed";

    private static readonly (string, string)[] Grpc = [(":status", "200"), ("content-type", "application/grpc")];

    private static Rig New(int endpoints = 3, string fallback = "", string head = "llm-d.ai/v1alpha1") => new(endpoints: endpoints, config: $$$"""
        apiVersion: {{{head}}}
        kind: EndpointPickerConfig
        plugins: [{type: queue-scorer}, {type: prefix-cache-scorer}, {type: request-attribute-reporter, parameters: {attributes: [{key: {name: cost}, expression: usage.total_tokens}]}}]
        requestHandler: {parsers: [{pluginRef: vllmgrpc-parser}{{{fallback}}}]}
        """);

    private static byte[] Frame(IMessage message) => GrpcChannel.Frame(message.ToByteArray());

    private static byte[] Text(string text, bool stream = false) =>
        Frame(new VllmGenerateRequest { RequestId = "r", Text = text, Stream = stream, SamplingParams = new() { MaxTokens = 5 } });

    private static byte[] Ids(uint first) => Frame(new VllmGenerateRequest { Tokenized = new() { InputIds = { Enumerable.Range(0, 200).Select(i => first + (uint)i) } } });

    private static byte[] Complete(uint prompt, uint completion) => Frame(new VllmGenerateResponse { Complete = new() { OutputIds = { 1, 2, 3 }, PromptTokens = prompt, CompletionTokens = completion } });

    private static byte[] Body(IEnumerable<ProcessingResponse> answers) => [.. answers.Where(a => a.ResponseCase == RequestBody).SelectMany(a => a.RequestBody.Response.BodyMutation.StreamedResponse.Body)];

    private static string Pick(Rig rig, string path, byte[] body)
    {
        using var exchange = rig.Open();
        exchange.Send(Ask.Post(path));
        var answers = exchange.Send(Ask.Body(body));
        Assert.Equal(body, Body(answers));
        return answers[0].Destination()!;
    }

    [Fact]
    public void Case33_GenerateAndEmbed_AreScheduledByLoadAndPrefix_AsTextIs()
    {
        var rig = New();
        byte[][] prompts = [Text(new string('a', 2000)), Ids(7), Frame(new VllmEmbedRequest { Tokenized = new() { InputIds = { Enumerable.Range(0, 200).Select(i => (uint)i) } } })];
        foreach (var prompt in prompts)
        {
            var path = prompt == prompts[2] ? Embed : Generate;
            Wait(rig, 0, 9, 5);
            Assert.Equal("10.0.0.1:8000", Pick(rig, path, prompt));
            // Its prefix is worth as much as the shortest queue, and the next queue is not the shortest.
            Wait(rig, 4, 0, 9);
            Assert.Equal("10.0.0.1:8000", Pick(rig, path, prompt));
        }

        Assert.Equal("10.0.0.2:8000", Pick(rig, Generate, Text(new string('b', 2000))));
        Assert.Equal(7, MetricsText.Parse(rig.Exposition()).Sum("inference_objective_request_total", ("model_name", ""), ("target_model_name", "")));
    }

    private static void Wait(Rig rig, params double[] queues)
    {
        for (var i = 0; i < queues.Length; i++)
        {
            rig.Pool.Update(rig.Pool.Current[(ushort)i], EndpointMetrics.None with { Waiting = queues[i], Running = 0, KvUsage = 0 }, 1);
        }
    }

    [Fact]
    public void Case33_BodyInPieces_IsOneRequest()
    {
        using var exchange = New().Open();
        exchange.Send(Ask.Post(Generate));
        var body = Text(new string('a', 9000));
        Assert.Empty(exchange.Send(Ask.Body(body.AsSpan(0, 3), endOfStream: false)));
        Assert.Empty(exchange.Send(Ask.Body(body.AsSpan(3, 5000), endOfStream: false)));
        var answers = exchange.Send(Ask.Body(body.AsSpan(5003)));
        Assert.Equal(("10.0.0.1:8000", body.Length.ToString(System.Globalization.CultureInfo.InvariantCulture)), (answers[0].Destination(), answers[0].Header("Content-Length")));
        Assert.Equal(body, Body(answers));
    }

    [Fact]
    public void Case33_Model_IsNotThere_ARewriteIsForTheLabelOnly()
    {
        var rig = New();
        rig.Objectives.SetRewrites([new("all", DateTimeOffset.UnixEpoch, [new([], [new("rule", null)])])]);
        using var exchange = rig.Open();
        exchange.Send(Ask.Post(Generate, ("x-llm-d-model-name-rewrite", "adapter")));
        Assert.Equal(Text("t"), Body(exchange.Send(Ask.Body(Text("t")))));
        Assert.Equal(1, MetricsText.Parse(rig.Exposition()).Sum("inference_objective_request_total", ("model_name", ""), ("target_model_name", "adapter")));
    }

    [Theory]
    [InlineData("no frame", Generate, "invalid or unsupported gRPC payload")]
    [InlineData("{\"model\":\"m\",\"prompt\":\"p\"}", Generate, "invalid or unsupported gRPC payload")]
    [InlineData("\0\0\0\0\0", Generate, "not supported request inputType")]
    [InlineData("\0\0\0\0\0", Embed, "missing tokenized input in EmbedRequest")]
    public void Case33_RequestThatIsNoFrame_Is400InTheWordsOfThePeer(string body, string path, string expected)
    {
        using var exchange = New().Open();
        exchange.Send(Ask.Post(path));
        var refused = exchange.Refused(Ask.Body(body));
        Assert.Equal((400, "inference error: BadRequest - " + expected), ((int)refused.Status.Code, refused.Body.ToStringUtf8()));
    }

    [Theory]
    [InlineData("/vllm.grpc.engine.VllmEngine/HealthCheck")]
    [InlineData("/v1/chat/completions")]
    public void Case33_OtherPaths_NeedAFallback(string path)
    {
        using var refusing = New().Open();
        Assert.Equal("inference error: BadRequest - no parser registered matching path suffix for: " + path, refusing.Refused(Ask.Post(path)).Body.ToStringUtf8());
        Assert.Equal("10.0.0.1:8000", Pick(New(fallback: ", {pluginRef: passthrough-parser}"), path, [0, 0, 0, 0, 2, 0xFF, 0xFF]));
    }

    [Fact]
    public void Case33_OldApiVersion_HasTheParserToo() =>
        Assert.Equal("10.0.0.1:8000", Pick(New(head: "inference.networking.x-k8s.io/v1alpha1"), Generate, Text("t")));

    [Fact]
    public void Case33_WithoutTheParser_TheMethodIsAnyPath() =>
        Assert.Equal("10.0.0.1:8000", Pick(new Rig(endpoints: 3), Generate, [1, 2, 3]));

    [Fact]
    public void Case33_Document_IsHeldUntilTheTrailers_WhichAreAnswered_AndItsUsageCounts()
    {
        var rig = New();
        using var exchange = rig.Open();
        exchange.Send(Ask.Post(Generate));
        exchange.Send(Ask.Body(Text("t")));
        exchange.Send(Ask.ResponseHeaders(headers: Grpc));
        var frame = Complete(7, 10);
        Assert.Empty(exchange.Send(Ask.ResponseBody(frame.AsSpan(0, 6), false)));
        Assert.Empty(exchange.Send(Ask.ResponseBody(frame.AsSpan(6), false)));
        var answers = exchange.Send(Ask.ResponseTrailers(("grpc-status", "0")));
        Assert.Equal([ResponseBody, ResponseTrailers], answers.Select(a => a.ResponseCase));
        Assert.Equal(frame, answers[0].ResponseBody.Response.BodyMutation.StreamedResponse.Body);
        Assert.False(answers[0].ResponseBody.Response.BodyMutation.StreamedResponse.EndOfStream);
        Assert.Equal(17, answers[0].DynamicMetadata.Fields["envoy.lb"].StructValue.Fields["cost"].NumberValue);
        AssertTokens(rig, 7, 10);
    }

    [Fact]
    public void Case33_Stream_EveryFrameIsEchoedAsItComes_AndUsageIsFoundWhereverItIsCut()
    {
        var rig = New();
        using var exchange = rig.Open();
        exchange.Send(Ask.Post(Generate));
        exchange.Send(Ask.Body(Text("t", stream: true)));
        exchange.Send(Ask.ResponseHeaders(headers: Grpc));
        byte[] answer = [.. Frame(new VllmGenerateResponse { Chunk = new() { TokenIds = { 1, 2, 3 } } }), .. Complete(7, 10)];
        foreach (var piece in answer.Chunk(5))
        {
            var echo = exchange.Ask(Ask.ResponseBody(piece, false));
            Assert.Equal(piece, echo.ResponseBody.Response.BodyMutation.StreamedResponse.Body);
            Assert.Null(echo.DynamicMetadata);
        }

        var trailers = exchange.Ask(Ask.ResponseTrailers(("grpc-status", "0")));
        Assert.Equal((ResponseTrailers, 17), (trailers.ResponseCase, trailers.DynamicMetadata.Fields["envoy.lb"].StructValue.Fields["cost"].NumberValue));
        AssertTokens(rig, 7, 10);
    }

    [Theory]
    [InlineData("no healthy upstream")]
    [InlineData("\0\0\0\0\u0002\u000a\u0009")]
    public void Case33_AnswerThatIsNoFrame_PassesUnchanged(string body)
    {
        var rig = New();
        using var exchange = rig.Open();
        exchange.Send(Ask.Post(Generate));
        exchange.Send(Ask.Body(Text("t")));
        exchange.Send(Ask.ResponseHeaders(headers: Grpc));
        var answer = exchange.Ask(Ask.ResponseBody(body));
        Assert.Equal((body, true), (answer.ResponseBody.Response.BodyMutation.StreamedResponse.Body.ToStringUtf8(), answer.ResponseBody.Response.BodyMutation.StreamedResponse.EndOfStream));
        AssertTokens(rig, 0, 0);
    }

    [Fact]
    public void Case33_AnswerWithoutARequestBody_IsReadByThePath()
    {
        var rig = New();
        using var exchange = rig.Open();
        exchange.Send(Ask.Post(Generate));
        exchange.Send(Ask.ResponseHeaders(headers: Grpc));
        exchange.Send(Ask.ResponseBody(Complete(7, 10), true));
        AssertTokens(rig, 7, 10);
    }

    [Fact]
    public void Case33_Embedding_CountsItsPrompt()
    {
        var rig = New();
        using var exchange = rig.Open();
        exchange.Send(Ask.Post(Embed));
        exchange.Send(Ask.Body(Frame(new VllmEmbedRequest { Tokenized = new() { InputIds = { 1, 2, 3 } } })));
        exchange.Send(Ask.ResponseHeaders(headers: Grpc));
        exchange.Send(Ask.ResponseBody(Frame(new VllmEmbedResponse { Embedding = { 0.1f, 0.2f }, PromptTokens = 3 }), false));
        exchange.Send(Ask.ResponseTrailers(("grpc-status", "0")));
        AssertTokens(rig, 3, 0);
    }

    private static void AssertTokens(Rig rig, int input, int output)
    {
        var metrics = MetricsText.Parse(rig.Exposition());
        Assert.Equal(input, metrics.Sum("inference_objective_input_tokens_sum", ("model_name", ""), ("target_model_name", "")));
        Assert.Equal(output, metrics.Sum("inference_objective_output_tokens_sum", ("model_name", ""), ("target_model_name", "")));
    }
}
