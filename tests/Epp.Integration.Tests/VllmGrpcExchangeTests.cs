using Epp.Testing;
using Epp.Testing.Protos;
using Google.Protobuf;
using static Epp.Testing.Protos.ProcessingResponse.ResponseOneofCase;

namespace Epp.Integration.Tests;

/// <summary>Requests of vLLM's engine service through a running process (contract §10 row 33).</summary>
[Trait("Category", "Integration")]
public sealed class VllmGrpcExchangeTests(VllmGrpcExchangeTests.WithParser running) : IClassFixture<VllmGrpcExchangeTests.WithParser>
{
    /// <summary>The gRPC parser alone.</summary>
    public sealed class WithParser : RunningEpp
    {
        protected override string Config => """
            apiVersion: llm-d.ai/v1alpha1
            kind: EndpointPickerConfig
            plugins:
            - {type: file-discovery, parameters: {path: "@ENDPOINTS@", watchFile: true}}
            - type: queue-scorer
            - type: kv-cache-utilization-scorer
            - type: vllmgrpc-parser
            dataLayer: {discovery: {pluginRef: file-discovery}}
            requestHandler: {parsers: [{pluginRef: vllmgrpc-parser}]}
            """;
    }

    [Fact]
    public async Task Case33_Generate_GoesToTheLeastLoaded_AndItsFramesComeBack()
    {
        await running.PreferAsync(1);
        await using var stream = running.Epp.Open();
        await stream.SendAsync(Ask.Post("/vllm.grpc.engine.VllmEngine/Generate", ("content-type", "application/grpc")));
        var request = GrpcChannel.Frame(new VllmGenerateRequest { Text = "hello", Stream = true }.ToByteArray());
        await stream.SendAsync(Ask.Body(request.AsSpan(0, 4), endOfStream: false));
        await stream.SendAsync(Ask.Body(request.AsSpan(4)));
        var answer = await stream.AnswerAsync();
        Assert.Equal(running.Workers[1].HostPort, answer.Endpoint);
        Assert.Equal(request, answer.Body);
        await stream.SendAsync(Ask.ResponseHeaders(headers: [(":status", "200"), ("content-type", "application/grpc")]));
        await stream.ExpectAsync(ResponseHeaders);
        var frame = GrpcChannel.Frame(new VllmGenerateResponse { Complete = new() { PromptTokens = 7, CompletionTokens = 10 } }.ToByteArray());
        await stream.SendAsync(Ask.ResponseBody(frame, endOfStream: false));
        Assert.Equal(frame, (await stream.ExpectAsync(ResponseBody)).ResponseBody.Response.BodyMutation.StreamedResponse.Body);
        await stream.SendAsync(Ask.ResponseTrailers(("grpc-status", "0")));
        await stream.ExpectAsync(ResponseTrailers);
        Assert.Equal(7, (await running.Epp.MetricsAsync()).Sum("inference_objective_input_tokens_sum", ("model_name", "")));
    }
}
