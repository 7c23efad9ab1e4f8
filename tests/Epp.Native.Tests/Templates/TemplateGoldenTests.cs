using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Epp.Native.Templates;
using Epp.Testing;

namespace Epp.Native.Tests.Templates;

/// <summary>Every recorded rendering of the golden folder comes out the same, byte by byte.</summary>
[Trait("Category", "Golden")]
public sealed class TemplateGoldenTests
{
    /// <summary>2026-11-21, the day Dynamo was recorded; its clock was not frozen.</summary>
    private const long RecordingDay = 1_795_219_200;

    private static string Template(string file) => File.ReadAllText(Path.Combine(Golden.Folder!, "..", "templates", file));

    [SkippableFact]
    public void Render_TransformersSetUp_EqualsEveryGolden()
    {
        var golden = Golden.Require("templates");
        var mismatches = new Mismatches();
        foreach (var file in Directory.GetFiles(golden, "*.json"))
        {
            var root = JsonNode.Parse(File.ReadAllText(file))!;
            foreach (var item in root["cases"]!.AsArray())
            {
                var name = (string)item!["template"]!;
                var context = (JsonObject)root["conversations"]![(string)item["conversation"]!]!.DeepClone();
                context.TryAdd("tools", null);
                context.TryAdd("documents", null);
                foreach (var token in root["tokens"]![name]!.AsObject())
                {
                    context[token.Key] = token.Value?.DeepClone();
                }

                var actual = Rendering.Of(Template(name), context.ToJsonString());
                mismatches.Check($"{name} {item["conversation"]}", (string?)item["rendered"], actual, (string?)item["error"]);
            }
        }

        mismatches.AssertNone();
    }

    [SkippableFact]
    public void Render_FeatureSnippets_EqualEveryEngine()
    {
        var data = File.ReadAllText(Golden.Require("dynamo-preprocess/features-data.json"));
        var context = $$"""{"messages":[{"role":"user","content":"Hi"}],"tools":null,"add_generation_prompt":true,"bos_token":"<s>","eos_token":"</s>","d":{{data}}}""";
        var mismatches = new Mismatches();
        foreach (var line in File.ReadLines(Golden.Require("dynamo-preprocess/features.jsonl")))
        {
            using var row = JsonDocument.Parse(line);
            foreach (var result in row.RootElement.EnumerateObject().Where(static p => p.Value.ValueKind == JsonValueKind.Object))
            {
                var flavour = result.Name == "jinja2" ? TemplateFlavour.Jinja2 : Flavour(result.Name);
                var template = row.RootElement.GetProperty("template").GetString()!;
                var expected = result.Value.TryGetProperty("prompt", out var prompt) ? prompt.GetString() : null;
                mismatches.Check($"{result.Name} {template}", expected, Rendering.Of(template, context, flavour, RecordingDay));
            }
        }

        mismatches.AssertNone();
    }

    [SkippableFact]
    public void Render_Vllm_EqualsEveryRecordedPrompt()
    {
        var golden = Golden.Require("vllm-render");
        var mismatches = new Mismatches();
        foreach (var file in Directory.GetFiles(golden, "goldens-*.json"))
        {
            // Python's words for what is no number stand in conversations; JsonDocument gets them as marked strings.
            var text = Regex.Replace(File.ReadAllText(file), "(?<=[^\\\\]\": )(NaN|-?Infinity)(?=[,}])", "\"@$1@\"");
            using var root = JsonDocument.Parse(text);
            var templates = new Dictionary<string, ChatTemplate>();
            foreach (var result in root.RootElement.GetProperty("results").EnumerateArray())
            {
                CheckVllm(root.RootElement, result, templates, mismatches);
            }
        }

        mismatches.AssertNone();
    }

    private static void CheckVllm(
        JsonElement root, JsonElement result, Dictionary<string, ChatTemplate> templates, Mismatches mismatches)
    {
        var model = root.GetProperty("models").GetProperty(result.GetProperty("model").GetString()!);
        var (endpoint, id) = (result.GetProperty("endpoint").GetString()!, result.GetProperty("request").GetString()!);
        var name = $"{root.GetProperty("version")} {result.GetProperty("model")} {result.GetProperty("server")} {endpoint} {id}";
        var error = result.TryGetProperty("template_error", out var e) ? e.GetString() : null;
        if (Regex.IsMatch(result.GetRawText(), "\\\\u[dD][89aAbB]..(?!\\\\u[dD][c-fC-F])"))
        {
            // Half a surrogate pair: the engine refuses the request, and it is no context for us.
            return;
        }

        var expected = result.TryGetProperty("prompt", out var p) ? p.GetString() : null;

        // Raised by transformers around the template, not by it.
        var isOutside = error is not null && (error.StartsWith("ValueError", StringComparison.Ordinal) || error.StartsWith("IndexError", StringComparison.Ordinal));
        if (!result.TryGetProperty("conversation", out var conversation) || conversation.ValueKind == JsonValueKind.Null || isOutside
            || (expected is null && error is null))
        {
            return;
        }

        var request = root.GetProperty("requests").TryGetProperty(endpoint, out var requests) && requests.TryGetProperty(id, out var r) ? r : default;
        // The format is detected in the server's own template, also where the arguments of the request bring another.
        var isOverridden = Override(request) is not null;
        var source = Override(request) ?? Template(model.GetProperty("template").GetString() + ".jinja");
        if (!templates.TryGetValue(source, out var template))
        {
            Assert.True(ChatTemplate.TryParse(Encoding.UTF8.GetBytes(source), TemplateFlavour.Jinja2, out template, out var problem), $"{name}: {problem}");
            templates[source] = template!;
        }

        var continues = false;
        var context = VllmContext(model, result, conversation, ref continues);
        var actual = Rendering.Of(template!, context, now: 1_721_995_200);
        if (continues && expected is not null && actual.Prompt is not null && actual.Prompt.StartsWith(expected, StringComparison.Ordinal))
        {
            // Cutting behind the last message is not the template's work.
            actual = new Rendering(expected, default);
        }

        mismatches.Check(name, expected, actual, error);
        var server = result.GetProperty("server").GetString()!;
        if (result.TryGetProperty("content_format", out var format) && !isOverridden && !server.StartsWith("format-", StringComparison.Ordinal)
            && format.GetString() is { } detected && (detected == "openai") != (template!.ContentFormat == ContentFormat.OpenAi))
        {
            mismatches.Add($"{name}: content format {detected}, ours {template.ContentFormat}");
        }
    }

    private static string? Override(JsonElement request)
    {
        if (request.ValueKind != JsonValueKind.Object)
        {
            return null;
        }

        if (request.TryGetProperty("chat_template", out var own) && own.ValueKind == JsonValueKind.String && own.GetString() is { Length: > 0 } text)
        {
            return text;
        }

        return request.TryGetProperty("chat_template_kwargs", out var kwargs) && kwargs.ValueKind == JsonValueKind.Object
            && kwargs.TryGetProperty("chat_template", out var inner) ? inner.GetString() : null;
    }

    private static string VllmContext(JsonElement model, JsonElement result, JsonElement conversation, ref bool continues)
    {
        var context = new StringBuilder("{\"messages\":").Append(conversation.GetRawText());
        context.Append(",\"tools\":").Append(result.TryGetProperty("tools", out var tools) ? tools.GetRawText() : "null");
        context.Append(",\"documents\":null,\"add_generation_prompt\":false");
        foreach (var token in model.GetProperty("tokenizer_config").EnumerateObject())
        {
            if (token.Name is "bos_token" or "eos_token" or "unk_token" or "pad_token" && token.Value.ValueKind == JsonValueKind.String)
            {
                context.Append($",\"{token.Name}\":{token.Value.GetRawText()}");
            }
        }

        if (result.TryGetProperty("template_kwargs", out var kwargs) && kwargs.ValueKind == JsonValueKind.Object)
        {
            foreach (var pair in kwargs.EnumerateObject())
            {
                continues |= pair.Name == "continue_final_message" && pair.Value.ValueKind == JsonValueKind.True;
                if (pair.Name is not ("tokenize" or "return_dict" or "continue_final_message"))
                {
                    context.Append($",{JsonSerializer.Serialize(pair.Name)}:{pair.Value.GetRawText()}");
                }
            }
        }

        return Regex.Replace(context.Append('}').ToString(), "\"@(NaN|-?Infinity)@\"", "$1");
    }

    private static TemplateFlavour Flavour(string version) => version switch
    {
        ['1', '.', '0' or '1' or '2' or '3', ..] => TemplateFlavour.Dynamo12,
        ['1', '.', '4' or '5', ..] => TemplateFlavour.Dynamo14,
        _ => TemplateFlavour.Dynamo16,
    };

    [SkippableFact]
    public void Render_Dynamo_EqualsEveryPromptWhoseContextIsRecorded()
    {
        var golden = Golden.Require("dynamo-preprocess");
        var requests = JsonNode.Parse(File.ReadAllText(Path.Combine(golden, "requests.json")))!["chat"]!.AsObject();
        var mismatches = new Mismatches();
        foreach (var file in Directory.GetFiles(golden, "goldens-*.json"))
        {
            var version = Path.GetFileNameWithoutExtension(file)["goldens-".Length..];
            using var root = JsonDocument.Parse(File.ReadAllBytes(file));
            var contexts = JsonNode.Parse(File.ReadAllText(Path.Combine(golden, $"context-{version}.json")))!;
            foreach (var model in root.RootElement.GetProperty("chat").EnumerateObject())
            {
                var template = Template(model.Name + ".jinja");
                var tokens = root.RootElement.GetProperty("special_tokens").GetProperty(model.Name).GetRawText();
                foreach (var request in model.Value.EnumerateObject())
                {
                    var dump = contexts[template.Contains("reasoning_content", StringComparison.Ordinal) ? "dump-reason" : "dump"]?[request.Name];
                    CheckDynamo($"{version} {model.Name} {request.Name}", template, tokens, requests[request.Name], dump, request.Value, Flavour(version), mismatches);
                }
            }
        }

        mismatches.AssertNone();
    }

    private static void CheckDynamo(
        string name, string template, string tokens, JsonNode? request, JsonNode? dump, JsonElement result, TemplateFlavour flavour, Mismatches mismatches)
    {
        // Not recorded: raw arguments for templates that ask for them, lists for templates that need them, the merge of system messages.
        var isShapedOtherwise = template.Contains("arguments is string", StringComparison.Ordinal) || template.Contains("image", StringComparison.Ordinal);
        isShapedOtherwise |= dump?.ToJsonString().Contains("image", StringComparison.Ordinal) == true;
        if (dump is not JsonValue value || !value.TryGetValue<string>(out var text) || isShapedOtherwise
            || !result.TryGetProperty("prompt", out var prompt) || prompt.ValueKind != JsonValueKind.String
            || request!["continue_final_message"] is not null)
        {
            return;
        }

        var parts = text.Split("\n@@");
        var context = JsonNode.Parse(tokens)!.AsObject();
        foreach (var kwargs in new[] { request["chat_template_kwargs"], request["chat_template_args"] })
        {
            foreach (var pair in kwargs?.AsObject() ?? [])
            {
                context.TryAdd(pair.Key, pair.Value?.DeepClone());
            }
        }

        if (request["reasoning_effort"] is { } effort && flavour != TemplateFlavour.Dynamo12)
        {
            context["reasoning_effort"] = effort.DeepClone();
        }

        context["messages"] = JsonNode.Parse(parts[0]);
        context["tools"] = JsonNode.Parse(parts[1]);
        context["add_generation_prompt"] = JsonNode.Parse(parts[3].ToLowerInvariant());
        mismatches.Check(name, prompt.GetString(), Rendering.Of(template, context.ToJsonString(), flavour, RecordingDay));
    }
}
