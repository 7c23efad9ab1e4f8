using System.Text;
using System.Text.Json;
using Epp.Native.Chat;
using Epp.Testing;

namespace Epp.Native.Tests.Chat;

/// <summary>Every request in every recording of vLLM: what was refused, the conversation, the tools, the variables, texts and ids.</summary>
[Trait("Category", "Golden")]
public sealed class VllmShapingGoldenTests
{
    private static readonly string[] Transport = ["tokenize", "return_dict", "continue_final_message", "tools"];

    [SkippableFact]
    public void Shape_EveryRecordedRequest_EqualsVllm()
    {
        var folder = Golden.Require("vllm-render");
        var failures = new List<string>();
        var counts = new SortedDictionary<string, int>();
        var files = Directory.GetFiles(folder, "goldens-*.json");
        Assert.NotEmpty(files);
        foreach (var file in files)
        {
            using var recording = RecordedJson.ReadFile(file);
            Check(recording.RootElement, failures, counts);
        }

        Assert.True(failures.Count == 0, $"{failures.Count} differences; {string.Join(", ", counts)}\n{string.Join('\n', failures.Take(40))}");
        Assert.True(counts["context"] > 1000, string.Join(", ", counts));
    }

    internal static ChatFlavour FlavourOf(string version) =>
        version.StartsWith("0.11", StringComparison.Ordinal) ? ChatFlavour.Vllm011 : ChatFlavour.Vllm033;

    internal static ChatEndpoint EndpointOf(string name) => Enum.Parse<ChatEndpoint>(name, ignoreCase: true);

    internal static byte[] BodyOf(JsonElement request)
    {
        var raw = request.GetRawText().TrimEnd();
        var hasModel = request.TryGetProperty("model", out _);
        var body = hasModel ? raw : raw[..^1] + (raw.AsSpan(1).TrimStart()[0] == '}' ? "\"model\": \"m\"}" : ", \"model\": \"m\"}");
        return Encoding.UTF8.GetBytes(body.Replace("\"special ", "", StringComparison.Ordinal));
    }

    internal static ShapingProfile ProfileOf(JsonElement root, JsonElement result, bool raisesOnInlineSystem)
    {
        var model = root.GetProperty("models").GetProperty(result.GetProperty("model").GetString()!);
        var flags = root.GetProperty("servers").GetProperty(result.GetProperty("server").GetString()!).EnumerateArray().Select(f => f.GetString()!).ToList();
        var config = model.GetProperty("tokenizer_config");
        var template = File.ReadAllText(TemplateFile(model.GetProperty("template").GetString()!));
        var recorded = result.TryGetProperty("content_format", out var format) && format.ValueKind == JsonValueKind.String ? format.GetString() : "string";
        var option = ValueOf(flags, "--chat-template-content-format");
        return new ShapingProfile
        {
            Flavour = FlavourOf(root.GetProperty("version").GetString()!),
            Template = TemplateFacts.Of(template) with
            {
                ContentFormat = recorded == "openai" ? ContentFormat.OpenAi : ContentFormat.Text,
                RaisesOnInlineSystem = raisesOnInlineSystem,
            },
            SpecialTokens = SpecialTokens.Of(
                config.EnumerateObject().Where(p => p.Name.EndsWith("_token", StringComparison.Ordinal)).Select(p => (p.Name, p.Value.GetString())).ToArray()),
            ContentFormat = option switch { "openai" => ContentFormat.OpenAi, "string" => ContentFormat.Text, _ => ContentFormat.Auto },
            AutoToolChoice = flags.Contains("--enable-auto-tool-choice"),
            HasToolParser = flags.Contains("--tool-call-parser"),
            TrustsRequestTemplate = flags.Contains("--trust-request-chat-template"),
            ExcludesToolsOnChoiceNone = flags.Contains("--exclude-tools-when-tool-choice-none"),
            MaxModelTokens = model.GetProperty("max_model_len").GetInt32(),
            DefaultTemplateKwargs = Encoding.UTF8.GetBytes(ValueOf(flags, "--default-chat-template-kwargs") ?? "{}"),
        };
    }

    internal static string TemplateFile(string name) => Path.Combine(Golden.Folder!, "..", "templates", name + ".jinja");

    private static string? ValueOf(List<string> flags, string name) => flags.IndexOf(name) is var at and >= 0 ? flags[at + 1] : null;

    private static void Check(JsonElement root, List<string> failures, SortedDictionary<string, int> counts)
    {
        var shaper = new ChatShaper();
        foreach (var result in root.GetProperty("results").EnumerateArray())
        {
            var endpoint = result.GetProperty("endpoint").GetString()!;
            var id = result.GetProperty("request").GetString()!;
            var body = BodyOf(root.GetProperty("requests").GetProperty(endpoint).GetProperty(id));
            var kind = "";
            string? difference = null;

            // Whether the template raises over an inline system message is found by rendering; here either answer may fit.
            foreach (var raises in new[] { false, true })
            {
                var shaped = shaper.Shape(body, EndpointOf(endpoint), ProfileOf(root, result, raises));
                difference = Compare(shaped, result, body, out kind);
                if (difference is null || endpoint != "messages")
                {
                    break;
                }
            }

            counts[kind] = counts.GetValueOrDefault(kind) + 1;
            if (difference is not null)
            {
                failures.Add($"{root.GetProperty("version")} {result.GetProperty("model")} {result.GetProperty("server")} {endpoint}/{id}: {difference}");
            }
        }
    }

    private static string? Compare(ShapedRequest shaped, JsonElement result, byte[] body, out string kind)
    {
        var status = result.GetProperty("status").GetInt32();
        var isGood = status == 200 || Has(result, "error_after_generation");
        var hasConversation = Has(result, "conversation");
        var error = Has(result, "error") ? result.GetProperty("error").GetRawText() : "";
        kind = isGood ? hasConversation ? "context" : "prompts" : "refused";
        if (shaped.Kind == ShapedKind.Refused)
        {
            return isGood ? $"refused: {shaped.RefusalDetail}" : null;
        }

        if (hasConversation)
        {
            return shaped.Kind == ShapedKind.Template ? CompareContext(shaped, result) : $"is {shaped.Kind}";
        }

        if (!isGood)
        {
            kind = "refused later";
            return NeedsMoreFacts(status, error, shaped) ? null : $"not refused: {error}";
        }

        return ComparePrompts(shaped, result, body);
    }

    /// <summary>Refusals that only the engine's own tables or the tokenizer can decide.</summary>
    private static bool NeedsMoreFacts(int status, string error, ShapedRequest shaped) =>
        status == 404
        || (error.Contains("out of vocabulary", StringComparison.Ordinal) && shaped.Kind == ShapedKind.Tokens)
        || ((error.Contains("cannot be empty", StringComparison.Ordinal) || error.Contains("No token_ids", StringComparison.Ordinal)) && shaped.Kind == ShapedKind.Texts)
        || (error.Contains("maximum context length", StringComparison.Ordinal) && shaped.Kind == ShapedKind.Texts)
        || (error.Contains("Jinja was looking", StringComparison.Ordinal) && !shaped.TemplateOverride.IsEmpty);

    private static bool Has(JsonElement result, string name) => result.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null;

    private static string? CompareContext(ShapedRequest shaped, JsonElement result)
    {
        var context = RecordedJson.Context(shaped);
        var kwargs = result.GetProperty("template_kwargs");
        var tools = Has(result, "tools") ? result.GetProperty("tools") : JsonDocument.Parse("null").RootElement;
        var difference = RecordedJson.Difference(result.GetProperty("conversation"), context.GetProperty("messages"), "messages")
            ?? RecordedJson.Difference(tools, context.GetProperty("tools"), "tools");
        if (difference is not null)
        {
            return difference;
        }

        foreach (var expected in kwargs.EnumerateObject().Where(p => !Transport.Contains(p.Name)))
        {
            if (!context.TryGetProperty(expected.Name, out var actual))
            {
                return $"no variable {expected.Name}";
            }

            difference = RecordedJson.Difference(expected.Value, actual, expected.Name);
            if (difference is not null)
            {
                return difference;
            }
        }

        var extra = context.EnumerateObject().Where(p => !kwargs.TryGetProperty(p.Name, out _)
            && p.Name is not ("messages" or "tools") && !(p.Name == "documents" && p.Value.ValueKind == JsonValueKind.Null)
            && !p.Name.EndsWith("_token", StringComparison.Ordinal)).Select(p => p.Name).FirstOrDefault();
        return extra is not null ? $"variable {extra} too many"
            : shaped.ContinueFinalMessage == kwargs.GetProperty("continue_final_message").GetBoolean() ? null : "continue_final_message";
    }

    private static string? ComparePrompts(ShapedRequest shaped, JsonElement result, byte[] body)
    {
        using var request = JsonDocument.Parse(body);
        var prompt = request.RootElement.TryGetProperty("prompt", out var found) ? found : request.RootElement.GetProperty("input");
        if (shaped.Kind == ShapedKind.Texts)
        {
            var texts = prompt.ValueKind == JsonValueKind.String ? [prompt.GetString()!] : prompt.EnumerateArray().Select(p => p.GetString()!).ToList();
            var ours = Enumerable.Range(0, shaped.PromptCount).Select(i => Encoding.UTF8.GetString(shaped.Text(i)));
            return texts.SequenceEqual(ours) ? null : "texts differ";
        }

        var lists = prompt[0].ValueKind == JsonValueKind.Array ? prompt.EnumerateArray().ToList() : [prompt];
        var expected = lists.Select(l => string.Join(',', l.EnumerateArray().Select(t => unchecked((uint)t.GetInt64()))));
        var actual = Enumerable.Range(0, shaped.PromptCount).Select(i => string.Join(',', shaped.Tokens(i).ToArray()));
        return shaped.Kind == ShapedKind.Tokens && expected.SequenceEqual(actual) ? null : "token ids differ";
    }
}
