using System.Text;
using Epp.Native.Requests;

namespace Epp.Native.Tests.Requests;

[Trait("Category", "Unit")]
public sealed class RequestPathsTests
{
    [Theory]
    [InlineData("/v1/chat/completions", RequestApi.ChatCompletions)]
    [InlineData("/v1/chat/completions/", RequestApi.ChatCompletions)]
    [InlineData("/v1/chat/completions?x=1", RequestApi.ChatCompletions)]
    [InlineData("/v1/chat/completions/?x=/v1/messages", RequestApi.ChatCompletions)]
    [InlineData("/tenant/v1/chat/completions // ", RequestApi.ChatCompletions)]
    [InlineData("/v1/chat/completions/render", RequestApi.ChatCompletions)]
    [InlineData("/v1/completions", RequestApi.Completions)]
    [InlineData("/v1/xcompletions", RequestApi.Completions)]
    [InlineData("/v1/completions/render/", RequestApi.Completions)]
    [InlineData("/v1/embeddings", RequestApi.Embeddings)]
    [InlineData("/v1/responses", RequestApi.Responses)]
    [InlineData("/v1/conversations", RequestApi.Conversations)]
    [InlineData("/v1/images/generations", RequestApi.ImagesGenerations)]
    [InlineData("/v1/generations", RequestApi.Passthrough)]
    [InlineData("/v1/messages", RequestApi.AnthropicMessages)]
    [InlineData("/v1/messages/count_tokens", RequestApi.AnthropicCountTokens)]
    [InlineData("/inference/v1/generate", RequestApi.VllmGenerate)]
    [InlineData("/generate", RequestApi.Passthrough)]
    [InlineData("/v1/models", RequestApi.Passthrough)]
    [InlineData("/v1/embeddings/render", RequestApi.Passthrough)]
    [InlineData("/V1/CHAT/COMPLETIONS", RequestApi.Passthrough)]
    [InlineData("", RequestApi.Passthrough)]
    [InlineData("?", RequestApi.Passthrough)]
    public void Case34_Resolve_LlmD_LongestSuffixWins(string path, RequestApi expected)
    {
        Assert.Equal(expected, RequestPaths.Resolve(Encoding.UTF8.GetBytes(path), Dialect.LlmD));
    }

    [Theory]
    [InlineData("/v1/messages")]
    [InlineData("/foo")]
    [InlineData("")]
    public void Resolve_Gaie_IgnoresPath(string path)
    {
        Assert.Equal(RequestApi.GaieAny, RequestPaths.Resolve(Encoding.UTF8.GetBytes(path), Dialect.Gaie));
    }

    [Theory]
    [InlineData("/vllm.grpc.engine.VllmEngine/Generate", RequestApi.VllmGrpcGenerate)]
    [InlineData("/x/vllm.grpc.engine.VllmEngine/Generate/?a=b", RequestApi.VllmGrpcGenerate)]
    [InlineData("/vllm.grpc.engine.VllmEngine/Embed", RequestApi.VllmGrpcEmbed)]
    [InlineData("/vllm.grpc.engine.VllmEngine/HealthCheck", RequestApi.Passthrough)]
    [InlineData("/vllm.grpc.engine.VllmEngine/generate", RequestApi.Passthrough)]
    [InlineData("/v1/embeddings", RequestApi.Passthrough)]
    [InlineData("", RequestApi.Passthrough)]
    public void TryVllmGrpc_TheTwoMethods(string path, RequestApi expected)
    {
        Assert.Equal(expected != RequestApi.Passthrough, RequestPaths.TryVllmGrpc(Encoding.UTF8.GetBytes(path), out var api));
        Assert.Equal(expected, api);
    }

    [Theory]
    [InlineData("/generate", true)]
    [InlineData("generate/?a", true)]
    [InlineData("/x/generate", false)]
    public void IsSglangGenerate_OnlyExactPath(string path, bool expected)
    {
        Assert.Equal(expected, RequestPaths.IsSglangGenerate(Encoding.UTF8.GetBytes(path)));
    }
}
