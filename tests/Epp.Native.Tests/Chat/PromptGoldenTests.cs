using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Epp.Native.Chat;
using Epp.Native.Tokens;
using Epp.Testing;

namespace Epp.Native.Tests.Chat;

/// <summary>Body to ids for every recorded request: prompt and ids equal the engine's, and what the engine refused is refused.</summary>
[Trait("Category", "Golden")]
public sealed class PromptGoldenTests
{
    private static readonly Dictionary<(string, TokenizerShape), Tokenizer> Tokenizers = [];

    [SkippableFact]
    public void TryEncode_EveryVllmRecording_EqualsVllm()
    {
        var folder = Golden.Require("vllm-render");
        var failures = new List<string>();
        var counts = new SortedDictionary<string, int>();
        foreach (var file in Directory.GetFiles(folder, "goldens-*.json"))
        {
            using var recording = RecordedJson.ReadFile(file);
            var root = recording.RootElement;
            var models = new Dictionary<string, (PromptEncoder Encoder, PromptScratch Scratch)>();
            foreach (var result in root.GetProperty("results").EnumerateArray())
            {
                var endpoint = result.GetProperty("endpoint").GetString()!;
                var id = result.GetProperty("request").GetString()!;
                var key = $"{result.GetProperty("model")} {result.GetProperty("server")}";
                if (!models.TryGetValue(key, out var model))
                {
                    var encoder = new PromptEncoder(VllmModel(root, result));
                    models[key] = model = (encoder, encoder.CreateScratch());
                }

                var body = VllmShapingGoldenTests.BodyOf(root.GetProperty("requests").GetProperty(endpoint).GetProperty(id));
                var isEncoded = model.Encoder.TryEncode(body, VllmShapingGoldenTests.EndpointOf(endpoint), Clock(root), model.Scratch);
                var difference = CompareVllm(isEncoded, model.Scratch, result, out var kind);
                counts[kind] = counts.GetValueOrDefault(kind) + 1;
                if (difference is not null)
                {
                    failures.Add($"{root.GetProperty("version")} {key} {endpoint}/{id}: {difference}");
                }
            }
        }

        Report(failures, counts);
    }

    [SkippableFact]
    public void TryEncode_EveryDynamoRecording_EqualsDynamo()
    {
        var folder = Golden.Require("dynamo-preprocess");
        using var requests = RecordedJson.ReadFile(Path.Combine(folder, "requests.json"));
        var failures = new List<string>();
        var counts = new SortedDictionary<string, int>();
        foreach (var file in Directory.GetFiles(folder, "goldens-*.json"))
        {
            using var recording = RecordedJson.ReadFile(file);
            var root = recording.RootElement;
            var now = Clock(root);
            foreach (var section in new[] { "chat", "completions" })
            {
                foreach (var model in root.GetProperty(section).EnumerateObject())
                {
                    var encoder = new PromptEncoder(DynamoModel(root, model.Name, DynamoShapingGoldenTests.FlavourOf(Path.GetFileName(file))));
                    var scratch = encoder.CreateScratch();
                    foreach (var result in model.Value.EnumerateObject())
                    {
                        var body = DynamoShapingGoldenTests.BodyOf(requests.RootElement.GetProperty(section).GetProperty(result.Name));
                        var isEncoded = encoder.TryEncode(body, section == "chat" ? ChatEndpoint.Chat : ChatEndpoint.Completions, now, scratch);
                        var difference = CompareDynamo(isEncoded, scratch, result.Value, out var kind);
                        counts[kind] = counts.GetValueOrDefault(kind) + 1;
                        if (difference is not null)
                        {
                            failures.Add($"{Path.GetFileName(file)} {section} {model.Name} {result.Name}: {difference}");
                        }
                    }
                }
            }
        }

        Report(failures, counts);
    }

    private static void Report(List<string> failures, SortedDictionary<string, int> counts) =>
        Assert.True(failures.Count == 0, $"{failures.Count} differences; {string.Join(", ", counts)}\n{string.Join('\n', failures.Take(60))}");

    /// <summary>The first date in the recording's own note about its clock, at noon.</summary>
    private static long Clock(JsonElement root)
    {
        var text = root.GetProperty("clock").GetString()!;
        for (var at = 0; at + 10 <= text.Length; at++)
        {
            if (DateTimeOffset.TryParseExact(text.AsSpan(at, 10), "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var day))
            {
                return day.AddHours(12).ToUnixTimeSeconds();
            }
        }

        throw new InvalidDataException($"no date in '{text}'");
    }

    private static Tokenizer TokenizerOf(string name, TokenizerForm form)
    {
        lock (Tokenizers)
        {
            if (!Tokenizers.TryGetValue((name, form.Shape), out var tokenizer))
            {
                var file = Path.Combine(Golden.Folder!, "..", "tokenizers", name, "tokenizer.json");
                Skip.IfNot(File.Exists(file), $"{file} is missing");
                tokenizer = Tokenizer.Load(File.ReadAllBytes(file), form, out var error);
                Assert.True(tokenizer is not null, error);
                Tokenizers[(name, form.Shape)] = tokenizer!;
            }

            return tokenizer!;
        }
    }

    private static ChatModel VllmModel(JsonElement root, JsonElement result)
    {
        var model = root.GetProperty("models").GetProperty(result.GetProperty("model").GetString()!);
        var config = Encoding.UTF8.GetBytes(model.GetProperty("tokenizer_config").GetRawText());
        var profile = VllmShapingGoldenTests.ProfileOf(root, result, raisesOnInlineSystem: false);
        var name = model.GetProperty("tokenizer_config").TryGetProperty("tokenizer_class", out var value) ? value.GetString() : null;
        var form = TokenizerForm.Of(name, modelType: null, profile.Flavour == ChatFlavour.Vllm011 ? 4 : 5);
        return Create(TokenizerOf(model.GetProperty("tokenizer").GetString()!, form), config, model.GetProperty("template").GetString()!, profile);
    }

    private static ChatModel DynamoModel(JsonElement root, string name, ChatFlavour flavour)
    {
        var config = Encoding.UTF8.GetBytes(root.GetProperty("special_tokens").GetProperty(name).GetRawText());
        return Create(TokenizerOf(root.GetProperty("template_tokenizer").GetProperty(name).GetString()!, TokenizerForm.AsWritten), config, name, new ShapingProfile { Flavour = flavour });
    }

    private static ChatModel Create(Tokenizer tokenizer, byte[] config, string template, ShapingProfile options)
    {
        var source = ChatTemplateSource.Read(config, File.ReadAllBytes(VllmShapingGoldenTests.TemplateFile(template)), default, out var error);
        Assert.True(source is not null, error);
        var model = ChatModel.Create(tokenizer, source!, options, out error);
        Assert.True(model is not null, $"{template}: {error}");
        return model!;
    }

    private static string? CompareVllm(bool isEncoded, PromptScratch scratch, JsonElement result, out string kind)
    {
        var hasIds = result.TryGetProperty("token_ids", out var ids) && ids.ValueKind == JsonValueKind.Array;
        var status = result.GetProperty("status").GetInt32();
        kind = hasIds ? "ids" : "refused";
        if (!hasIds)
        {
            // The name of the model and, before 0.33, the true size of its vocabulary are the engine's to know.
            var error = result.TryGetProperty("error", out var value) ? value.GetRawText() : "";
            var isBeyond = status == 404 || error.Contains("out of vocabulary", StringComparison.Ordinal);
            return isEncoded && !isBeyond ? $"not refused: {status} {error}" : null;
        }

        if (!isEncoded)
        {
            return $"refused: {scratch.RefusalDetail} ({status})";
        }

        var expectedPrompt = result.TryGetProperty("prompt", out var prompt) && prompt.ValueKind == JsonValueKind.String ? prompt.GetString() : null;
        var ours = Encoding.UTF8.GetString(scratch.Prompt);
        return expectedPrompt is not null && expectedPrompt != ours ? $"prompt {Where(expectedPrompt, ours)}" : CompareIds(ids, scratch);
    }

    private static string? CompareIds(JsonElement ids, PromptScratch scratch)
    {
        var lists = ids.GetArrayLength() > 0 && ids[0].ValueKind == JsonValueKind.Array ? ids.EnumerateArray().ToList() : [ids];
        if (ids.GetArrayLength() == 0 && scratch.PromptCount == 0)
        {
            return null;
        }

        if (lists.Count != scratch.PromptCount)
        {
            return $"{scratch.PromptCount} prompts for {lists.Count}";
        }

        for (var i = 0; i < lists.Count; i++)
        {
            var expected = lists[i].EnumerateArray().Select(t => unchecked((uint)t.GetInt64())).ToArray();
            var actual = scratch.Ids(i).ToArray();
            if (!expected.SequenceEqual(actual))
            {
                var at = expected.Zip(actual).TakeWhile(p => p.First == p.Second).Count();
                return $"ids differ at {at} of {expected.Length}/{actual.Length}: [{string.Join(',', expected.Skip(at).Take(6))}] ours [{string.Join(',', actual.Skip(at).Take(6))}]";
            }
        }

        return null;
    }

    private static string Where(string expected, string actual)
    {
        var at = expected.Zip(actual).TakeWhile(p => p.First == p.Second).Count();
        string Around(string text) => JsonSerializer.Serialize(text[Math.Max(0, at - 20)..Math.Min(text.Length, at + 60)]);
        return $"differs at {at}: {Around(expected)} ours {Around(actual)}";
    }

    private static string? CompareDynamo(bool isEncoded, PromptScratch scratch, JsonElement result, out string kind)
    {
        var isGood = result.GetProperty("status").GetInt32() == 200;
        kind = isGood ? "ids" : "refused";
        if (!isGood)
        {
            // From 1.6 on, ids are checked against the model's configuration, which is not recorded.
            return isEncoded && scratch.Prompt.IsEmpty ? null : isEncoded ? $"not refused: {result.GetProperty("error").GetRawText()}" : null;
        }

        if (!isEncoded)
        {
            return $"refused: {scratch.RefusalDetail}";
        }

        if (result.TryGetProperty("prompt", out var prompt) && prompt.ValueKind == JsonValueKind.String && prompt.GetString() is { } text
            && Encoding.UTF8.GetString(scratch.Prompt) is var ours && ours != text)
        {
            return $"prompt {Where(text, ours)}";
        }

        // Where both are recorded, the frontend's own ids are the inexact ones.
        var expected = result.TryGetProperty("ids_hf", out var exact) ? exact : result.TryGetProperty("ids", out var ids) ? ids : default;
        if (expected.ValueKind == JsonValueKind.Array && expected.GetArrayLength() > 0 && expected[0].ValueKind == JsonValueKind.Object)
        {
            return CompareDigest(expected[0], scratch);
        }

        return expected.ValueKind switch
        {
            JsonValueKind.Array => CompareIds(expected, scratch),
            JsonValueKind.Object => CompareDigest(expected, scratch),
            _ => null,
        };
    }

    private static string? CompareDigest(JsonElement digest, PromptScratch scratch)
    {
        var bytes = new byte[scratch.Ids(0).Length * 4];
        for (var i = 0; i < scratch.Ids(0).Length; i++)
        {
            BitConverter.TryWriteBytes(bytes.AsSpan(i * 4), scratch.Ids(0)[i]);
        }

        return Convert.ToHexStringLower(SHA256.HashData(bytes)) == digest.GetProperty("ids_sha256").GetString() ? null : "digest of ids differs";
    }
}
