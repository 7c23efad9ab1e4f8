using System.Globalization;
using System.Text;
using System.Text.Json;
using Epp.Hashing;

namespace Epp.Aot.Cli;

/// <summary>
/// <c>epp hash</c>: the block hashes of each line of standard input, <c>{"scheme", "block_size", "tokens", "seed"?, "lora"?, "namespace"?, "salt"?,
/// "model"?}</c>, one JSON object per line. A line that cannot be hashed is answered by an error line.
/// </summary>
internal static class HashCommand
{
    private const int MaxTokens = 1 << 24;

    private const string Usage =
        """
        Usage of epp hash: no arguments.
        Reads JSON lines {"scheme": …, "block_size": N, "tokens": […]} and writes {"hashes": […]} or {"error": "…"}.
          dynamo           XXH3 of each block, and sequence_hashes, their chain; with lora, namespace (or salt), eagle
          cbor-fnv, xxh64  llm-d's block keys; with model, lora (in place of the model), salt, seed
          sha256, sha256_cbor, xxhash, xxhash_cbor
                           vLLM's digests, and int_hashes, as events carry them; with seed (PYTHONHASHSEED), lora, salt
          sglang           SGLang's page hashes, and int_hashes

        """;

    /// <summary>Answers every line; 2 where there are arguments.</summary>
    public static int Run(IReadOnlyList<string> args, TextReader input, TextWriter output, TextWriter error)
    {
        if (args.Count > 0)
        {
            var wantsHelp = args[0] is "-h" or "--help";
            (wantsHelp ? output : error).Write(wantsHelp ? Usage : $"epp: unknown argument '{args[0]}'\n{Usage}");
            return wantsHelp ? 0 : 2;
        }

        while (input.ReadLine() is { } line)
        {
            if (!line.AsSpan().Trim().IsEmpty)
            {
                output.WriteLine(Answer(line));
            }
        }

        return 0;
    }

    private static string Answer(string line)
    {
        try
        {
            using var document = JsonDocument.Parse(line);
            return Hash(document.RootElement);
        }
        catch (JsonException e)
        {
            return Error("no JSON: " + e.Message);
        }
        catch (InvalidOperationException e)
        {
            return Error(e.Message);
        }
    }

    private static string Hash(JsonElement line)
    {
        if (line.ValueKind != JsonValueKind.Object)
        {
            return Error("found no object; expected {\"scheme\": …, \"block_size\": N, \"tokens\": […]}");
        }

        if (!line.TryGetProperty("block_size", out var size) || size.ValueKind != JsonValueKind.Number || !size.TryGetInt32(out var blockTokens) || blockTokens is < 1 or > 7168)
        {
            return Error("block_size: expected a number from 1 to 7168");
        }

        if (!TryTokens(line, out var tokens))
        {
            return Error("tokens: expected a list of numbers from 0 to 4294967295");
        }

        var scheme = Text(line, "scheme");
        return scheme switch
        {
            "dynamo" => Dynamo(line, blockTokens, tokens),
            "cbor-fnv" or "cbor_fnv" or "llmd" => Llmd(LlmdHashAlgorithm.CborFnv, line, blockTokens, tokens),
            "xxh64" => Llmd(LlmdHashAlgorithm.XxHash64, line, blockTokens, tokens),
            "sha256" or "vllm" => Vllm(VllmHashAlgorithm.Sha256, line, blockTokens, tokens),
            "sha256_cbor" => Vllm(VllmHashAlgorithm.Sha256Cbor, line, blockTokens, tokens),
            "xxhash" => Vllm(VllmHashAlgorithm.XxHash, line, blockTokens, tokens),
            "xxhash_cbor" => Vllm(VllmHashAlgorithm.XxHashCbor, line, blockTokens, tokens),
            "sglang" => Sglang(blockTokens, tokens),
            _ => Error($"scheme: found '{scheme}', expected dynamo, cbor-fnv, xxh64, sha256, sha256_cbor, xxhash, xxhash_cbor or sglang"),
        };
    }

    private static string Dynamo(JsonElement line, int blockTokens, uint[] tokens)
    {
        var hasher = new DynamoBlockHasher(blockTokens, line.TryGetProperty("eagle", out var eagle) && eagle.ValueKind == JsonValueKind.True);
        var scope = Text(line, "namespace");
        hasher.Reset(DynamoBlockHasher.Seed(Utf8(line, "lora"), Encoding.UTF8.GetBytes(scope.Length > 0 ? scope : Text(line, "salt"))));
        var blocks = hasher.BlocksAfter(tokens.Length);
        var local = new ulong[blocks];
        var sequence = new ulong[blocks];
        hasher.Append(tokens, local, sequence);
        return $"{{\"hashes\":{Numbers(local)},\"sequence_hashes\":{Numbers(sequence)}}}";
    }

    private static string Llmd(LlmdHashAlgorithm algorithm, JsonElement line, int blockTokens, uint[] tokens)
    {
        var hasher = new LlmdBlockHasher(algorithm, blockTokens, Utf8(line, "seed"));
        var lora = Utf8(line, "lora");
        hasher.Reset(hasher.Root(lora.Length > 0 ? lora : Utf8(line, "model")));
        var keys = new ulong[hasher.BlocksAfter(tokens.Length)];
        var salt = Utf8(line, "salt");
        var extras = salt.Length > 0 ? new LlmdExtraKeys() : null;
        extras?.Fill([], salt, blockTokens, keys.Length);
        hasher.Append(tokens, keys, extras);
        return $"{{\"hashes\":{Numbers(keys)}}}";
    }

    private static string Vllm(VllmHashAlgorithm algorithm, JsonElement line, int blockTokens, uint[] tokens)
    {
        var seed = line.TryGetProperty("seed", out _) ? Utf8(line, "seed") : Encoding.UTF8.GetBytes(VllmBlockHasher.DefaultSeed);
        if (seed.Length > byte.MaxValue)
        {
            return Error("seed: expected at most 255 bytes");
        }

        var hasher = new VllmBlockHasher(algorithm, blockTokens, seed);
        var digests = new byte[hasher.BlocksAfter(tokens.Length) * hasher.DigestBytes];
        hasher.Append(tokens, digests, Extras(line, digests.Length / hasher.DigestBytes));
        return Digests(digests, hasher.DigestBytes, VllmBlockHasher.ToNumber);
    }

    /// <summary>Adapter on every block, salt on the first: bare texts, as vLLM up to 0.31 hashes them.</summary>
    private static VllmExtraKeys? Extras(JsonElement line, int blocks)
    {
        var lora = Utf8(line, "lora");
        var salt = Utf8(line, "salt");
        if (lora.Length + salt.Length == 0)
        {
            return null;
        }

        var extras = new VllmExtraKeys();
        for (var block = 0; block < (lora.Length > 0 ? blocks : 1); block++)
        {
            extras.BeginBlock(block);
            var fits = (lora.Length == 0 || extras.Text(lora)) && (block > 0 || salt.Length == 0 || extras.Text(salt));
            if (!fits)
            {
                throw new InvalidOperationException("lora, salt: too long");
            }
        }

        return extras;
    }

    private static string Sglang(int blockTokens, uint[] tokens)
    {
        var hasher = new SglangBlockHasher(blockTokens);
        var digests = new byte[hasher.PagesAfter(tokens.Length) * SglangBlockHasher.DigestBytes];
        hasher.Append(tokens, digests);
        return Digests(digests, SglangBlockHasher.DigestBytes, SglangBlockHasher.ToNumber);
    }

    private delegate ulong ToNumber(ReadOnlySpan<byte> digest);

    private static string Digests(byte[] digests, int length, ToNumber number)
    {
        var hex = new StringBuilder("[");
        var numbers = new ulong[digests.Length / length];
        for (var i = 0; i < numbers.Length; i++)
        {
            var digest = digests.AsSpan(i * length, length);
            hex.Append(i > 0 ? ",\"" : "\"").Append(Convert.ToHexStringLower(digest)).Append('"');
            numbers[i] = number(digest);
        }

        return $"{{\"hashes\":{hex}],\"int_hashes\":{Numbers(numbers)}}}";
    }

    private static string Numbers(ulong[] numbers)
    {
        var text = new StringBuilder("[");
        for (var i = 0; i < numbers.Length; i++)
        {
            text.Append(i > 0 ? "," : "").Append(numbers[i].ToString(CultureInfo.InvariantCulture));
        }

        return text.Append(']').ToString();
    }

    private static bool TryTokens(JsonElement line, out uint[] tokens)
    {
        tokens = [];
        if (!line.TryGetProperty("tokens", out var list) || list.ValueKind != JsonValueKind.Array || list.GetArrayLength() > MaxTokens)
        {
            return false;
        }

        tokens = new uint[list.GetArrayLength()];
        var i = 0;
        foreach (var item in list.EnumerateArray())
        {
            if (item.ValueKind != JsonValueKind.Number || !item.TryGetUInt32(out tokens[i++]))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>A text; a number as it is written, because seeds often are; empty where absent or null.</summary>
    private static string Text(JsonElement line, string name) =>
        !line.TryGetProperty(name, out var value) ? "" : value.ValueKind switch
        {
            JsonValueKind.String => value.GetString()!,
            JsonValueKind.Number => value.GetRawText(),
            JsonValueKind.Null => "",
            _ => throw new InvalidOperationException($"{name}: expected a text"),
        };

    private static byte[] Utf8(JsonElement line, string name) => Encoding.UTF8.GetBytes(Text(line, name));

    private static string Error(string problem) => $"{{\"error\":\"{JsonEncodedText.Encode(problem)}\"}}";
}
