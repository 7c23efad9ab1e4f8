using Epp.Hashing;
using Epp.Native.Memory;
using Epp.Native.Prefix;

namespace Epp.Native.Requests;

/// <summary>
/// Block hashes of a request's prompt without a tokenizer, streamed from the body: plugins §5.1 (estimate) with the chain of §5.2 for
/// llm-d, plugins §3.3 for GAIE. The hashes equal the references' for valid UTF-8; bytes that are not UTF-8 are hashed as they are,
/// where Go hashes U+FFFD (they never leave the process). Thread-safe.
/// </summary>
public static partial class ApproxPrefixHasher
{
    /// <summary>Most prompts of one completions list that are hashed; bounds what an endless list of empty strings costs.</summary>
    public const int MaxPrompts = 4096;

    private const int TokenBytes = 4;

    [ThreadStatic]
    private static JsonTape? _tape;

    /// <summary>Adds the hashes to <paramref name="into"/>, one chain per prompt; none where the API has no prompt to hash.</summary>
    /// <param name="scan">A scan whose <see cref="RequestScanner.Complete(BodyBuffer)"/> returned true.</param>
    /// <param name="body">The body it read.</param>
    /// <param name="targetModel">Model the worker will see, UTF-8.</param>
    /// <param name="cacheSalt">Cache salt, UTF-8; may be empty.</param>
    /// <param name="rules">Whose rules.</param>
    /// <param name="blockSize">Tokens of a block for llm-d, bytes for GAIE; ≥ 1.</param>
    /// <param name="maxBlocks">Most blocks of one prompt; 0 = no limit.</param>
    /// <param name="into">Receives the hashes; not cleared.</param>
    public static void Hash(
        RequestScanner scan,
        BodyBuffer body,
        ReadOnlySpan<byte> targetModel,
        ReadOnlySpan<byte> cacheSalt,
        Dialect rules,
        int blockSize,
        int maxBlocks,
        BlockHashes into)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(blockSize, 1);
        var seed = new XxHash64(0);
        seed.Append(targetModel);
        seed.Append(cacheSalt);
        var blockBytes = rules == Dialect.Gaie ? blockSize : (int)Math.Min((long)blockSize * TokenBytes, int.MaxValue - 3);
        var chain = new BlockChain(rules, blockBytes, maxBlocks, seed.Digest(), into);
        if (rules == Dialect.Gaie)
        {
            HashGaie(scan, body, ref chain);
        }
        else
        {
            HashEstimate(scan, body, ref chain);
        }
    }

    private static void HashEstimate(RequestScanner scan, BodyBuffer body, ref BlockChain chain)
    {
        switch (scan.EffectiveApi)
        {
            case RequestApi.ChatCompletions:
                Tools(scan, body, ref chain);
                Messages(body, scan.Messages, ref chain);
                break;
            case RequestApi.AnthropicMessages:
                Tools(scan, body, ref chain);
                System(body, scan.System, ref chain);
                Turns(body, scan.Messages, ref chain);
                break;
            case RequestApi.Completions:
                Prompts(scan, body, ref chain);
                return;
            case RequestApi.Embeddings:
                Embeddings(scan, body, ref chain);
                break;
            case RequestApi.Responses:
                Responses(scan, body, ref chain);
                break;
            case RequestApi.Conversations:
                Items(body, scan.Items, ref chain);
                break;
            case RequestApi.VllmGenerate or RequestApi.SglangGenerate:
                TokenIds(body, scan.TokenIds, ref chain);
                break;
            case RequestApi.VllmGrpcGenerate or RequestApi.VllmGrpcEmbed:
                Grpc(body, scan.GrpcPrompt, ref chain);
                break;
            default:
                return;
        }

        chain.EndPrompt();
    }

    /// <summary>A text is hashed as that of completions, ids as token ids.</summary>
    private static void Grpc(BodyBuffer body, in VllmGrpcPrompt prompt, ref BlockChain chain)
    {
        if (prompt.IsText)
        {
            JsonTape.WriteRaw(body, new JsonField(JsonKind.Text, prompt.Start, prompt.TextBytes), ref chain);
            return;
        }

        var ids = new VllmGrpcIdReader(body, prompt);
        while (!chain.IsFull && ids.TryRead(out var id))
        {
            chain.WriteToken(id);
        }
    }

    private static void Prompts(RequestScanner scan, BodyBuffer body, ref BlockChain chain)
    {
        var prompt = scan.Prompt;
        if (scan.HasPromptTokenIds)
        {
            TokenIds(body, prompt, ref chain);
            chain.EndPrompt();
            return;
        }

        if (prompt.Kind == JsonKind.Text)
        {
            Text(body, prompt, ref chain);
            chain.EndPrompt();
            return;
        }

        var reader = new BodyReader(body, prompt);
        reader.Read();
        for (var i = 0; i < MaxPrompts && reader.NextElement(); i++)
        {
            reader.Read();
            Text(ref reader, ref chain);
            chain.EndPrompt();
        }
    }

    private static void TokenIds(BodyBuffer body, JsonField field, ref BlockChain chain)
    {
        Span<byte> text = stackalloc byte[JsonPushReader.MaxNumberBytes];
        var reader = new BodyReader(body, field);
        reader.Read();
        while (!chain.IsFull && reader.NextElement())
        {
            var length = 0;
            while (reader.Peek() is var c && c is >= '0' and <= '9' or '+' or '-' or '.' or 'e' or 'E')
            {
                text[Math.Min(length++, text.Length - 1)] = (byte)reader.Read();
            }

            if (length == 0)
            {
                return;
            }

            JsonNumber.TryUInt32(text[..Math.Min(length, text.Length)], allowReal: true, out var token);
            chain.WriteToken(token);
        }
    }

    /// <summary>Go marshals the union of an embeddings input as the struct that holds it.</summary>
    private static void Embeddings(RequestScanner scan, BodyBuffer body, ref BlockChain chain)
    {
        if (scan.HasPromptTokenIds)
        {
            TokenIds(body, scan.Input, ref chain);
            return;
        }

        chain.Write("{\"Raw\":"u8);
        if (scan.Input.Kind == JsonKind.Text)
        {
            Json(body, scan.Input, ref chain);
            chain.Write(",\"Strings\":null"u8);
        }
        else
        {
            chain.Write("\"\",\"Strings\":"u8);
            Json(body, scan.Input, ref chain);
        }

        chain.Write(",\"TokenIDs\":null}"u8);
    }

    private static void Tools(RequestScanner scan, BodyBuffer body, ref BlockChain chain)
    {
        if (scan.Tools.Kind != JsonKind.List)
        {
            return;
        }

        var reader = new BodyReader(body, scan.Tools);
        reader.Read();
        if (reader.NextElement())
        {
            Json(body, scan.Tools, ref chain);
        }
    }

    /// <summary>Writes a value as Go marshals it.</summary>
    private static void Json(BodyBuffer body, JsonField field, ref BlockChain chain)
    {
        if (field.Kind == JsonKind.Text)
        {
            var reader = new BodyReader(body, field);
            reader.Read();
            GoText.Quote(ref reader, ref chain);
            return;
        }

        (_tape ??= new JsonTape()).Write(body, field, ref chain);
    }

    /// <summary>Writes the rest of a string, opening quote taken, unescaped.</summary>
    private static void Text(ref BodyReader reader, ref BlockChain chain)
    {
        while (reader.NextText(out var part))
        {
            chain.Write(part);
        }
    }

    private static void Text(BodyBuffer body, JsonField field, ref BlockChain chain)
    {
        if (field.IsPlain)
        {
            JsonTape.WriteRaw(body, new JsonField(JsonKind.Text, field.Start + 1, field.Length - 2), ref chain);
        }
        else if (field.Kind == JsonKind.Text)
        {
            var reader = new BodyReader(body, field);
            reader.Read();
            Text(ref reader, ref chain);
        }
    }
}
