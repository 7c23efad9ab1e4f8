namespace Epp.Native.Requests;

/// <summary>Which API a path speaks (contract §3.2): the longest claimed suffix wins, segments are not looked at.</summary>
public static class RequestPaths
{
    /// <summary>
    /// The API of <paramref name="path"/>, query allowed: what the default parsers (<c>openai-parser</c>, <c>anthropic-parser</c>,
    /// <c>vllmhttp-parser</c>, <c>passthrough-parser</c>) claim. <see cref="RequestApi.Passthrough"/> where nobody claims it;
    /// <see cref="RequestApi.GaieAny"/> for every path of <see cref="Dialect.Gaie"/>.
    /// </summary>
    public static RequestApi Resolve(ReadOnlySpan<byte> path, Dialect dialect)
    {
        if (dialect == Dialect.Gaie)
        {
            return RequestApi.GaieAny;
        }

        path = Clean(path);

        // Longest first where one suffix ends with another.
        if (path.EndsWith("messages/count_tokens"u8))
        {
            return RequestApi.AnthropicCountTokens;
        }

        if (path.EndsWith("messages"u8))
        {
            return RequestApi.AnthropicMessages;
        }

        if (path.EndsWith("inference/v1/generate"u8))
        {
            return RequestApi.VllmGenerate;
        }

        return OpenAi(path);
    }

    /// <summary>True for the one path <c>sglanghttp-parser</c> serves, <c>/generate</c>; that parser is not in the default list.</summary>
    public static bool IsSglangGenerate(ReadOnlySpan<byte> path)
    {
        path = Clean(path);
        return path.SequenceEqual("generate"u8) || path.SequenceEqual("/generate"u8);
    }

    /// <summary>The two methods that <c>vllmgrpc-parser</c> claims; that parser is not in the default list.</summary>
    public static bool TryVllmGrpc(ReadOnlySpan<byte> path, out RequestApi api)
    {
        path = Clean(path);
        api = path.EndsWith("vllm.grpc.engine.VllmEngine/Generate"u8) ? RequestApi.VllmGrpcGenerate
            : path.EndsWith("vllm.grpc.engine.VllmEngine/Embed"u8) ? RequestApi.VllmGrpcEmbed
            : RequestApi.Passthrough;
        return api != RequestApi.Passthrough;
    }

    private static RequestApi OpenAi(ReadOnlySpan<byte> path)
    {
        if (path.EndsWith("completions/render"u8))
        {
            path = path[..^"/render".Length];
        }

        if (path.EndsWith("completions"u8))
        {
            return path.EndsWith("chat/completions"u8) ? RequestApi.ChatCompletions : RequestApi.Completions;
        }

        if (path.EndsWith("embeddings"u8))
        {
            return RequestApi.Embeddings;
        }

        if (path.EndsWith("responses"u8))
        {
            return RequestApi.Responses;
        }

        if (path.EndsWith("conversations"u8))
        {
            return RequestApi.Conversations;
        }

        return path.EndsWith("images/generations"u8) ? RequestApi.ImagesGenerations : RequestApi.Passthrough;
    }

    private static ReadOnlySpan<byte> Clean(ReadOnlySpan<byte> path)
    {
        var query = path.IndexOf((byte)'?');
        return (query < 0 ? path : path[..query]).TrimEnd("/ "u8);
    }
}
