namespace Epp.Native.Requests;

/// <summary>The API a request speaks, from its path (contract §3.2); decides which fields the scanner reads.</summary>
public enum RequestApi
{
    /// <summary>Bytes are passed through and only load decides.</summary>
    Passthrough = 0,
    ChatCompletions,
    Completions,
    Embeddings,
    Responses,
    Conversations,
    ImagesGenerations,
    AnthropicMessages,
    AnthropicCountTokens,
    VllmGenerate,
    SglangGenerate,

    /// <summary>GAIE dialect: any path, the body decides between completions and chat (contract §3.1).</summary>
    GaieAny,

    /// <summary><c>vllm.grpc.engine.VllmEngine/Generate</c>: a gRPC frame (contract §3.3).</summary>
    VllmGrpcGenerate,

    /// <summary><c>vllm.grpc.engine.VllmEngine/Embed</c>.</summary>
    VllmGrpcEmbed,
}
