using System.Text;
using System.Text.Json;
using Epp.Native.Chat;
using Epp.Testing;

namespace Epp.Native.Tests.Chat;

/// <summary>Every request in every recording of Dynamo's frontend: what the templates received, refusals, completions, tokens in nvext.</summary>
[Trait("Category", "Golden")]
public sealed class DynamoShapingGoldenTests
{
    [SkippableFact]
    public void Shape_EveryRecordedContext_EqualsDynamo()
    {
        var folder = Golden.Require("dynamo-preprocess");
        using var requests = RecordedJson.ReadFile(Path.Combine(folder, "requests.json"));
        var failures = new List<string>();
        var compared = 0;
        foreach (var file in Directory.GetFiles(folder, "context-*.json"))
        {
            using var recording = RecordedJson.ReadFile(file);
            foreach (var probe in recording.RootElement.EnumerateObject())
            {
                var profile = new ShapingProfile
                {
                    Flavour = FlavourOf(Path.GetFileName(file)),
                    Template = new TemplateFacts { MentionsReasoning = probe.Name.Contains("reason", StringComparison.Ordinal) },
                };
                foreach (var (name, expected) in probe.Value.EnumerateObject().Select(p => (p.Name, p.Value)))
                {
                    var shaped = new ChatShaper().Shape(BodyOf(requests.RootElement.GetProperty("chat").GetProperty(name)), ChatEndpoint.Chat, profile);
                    var difference = CompareProbe(shaped, expected);
                    compared++;
                    if (difference is not null)
                    {
                        failures.Add($"{Path.GetFileName(file)} {probe.Name} {name}: {difference}");
                    }
                }
            }
        }

        Assert.True(compared > 200, $"{compared} contexts");
        Assert.True(failures.Count == 0, $"{failures.Count} of {compared}\n{string.Join('\n', failures.Take(40))}");
    }

    [SkippableFact]
    public void Shape_EveryRecordedRequest_IsRefusedAsByDynamo()
    {
        var folder = Golden.Require("dynamo-preprocess");
        using var requests = RecordedJson.ReadFile(Path.Combine(folder, "requests.json"));
        var failures = new List<string>();
        var compared = 0;
        foreach (var file in Directory.GetFiles(folder, "goldens-*.json"))
        {
            using var recording = RecordedJson.ReadFile(file);
            var flavour = FlavourOf(Path.GetFileName(file));
            foreach (var section in new[] { "chat", "completions", "derived" })
            {
                foreach (var model in recording.RootElement.GetProperty(section).EnumerateObject())
                {
                    foreach (var result in model.Value.EnumerateObject())
                    {
                        var request = requests.RootElement.GetProperty(section).GetProperty(result.Name);
                        var difference = CompareStatus(request, section, flavour, result.Value);
                        compared++;
                        if (difference is not null)
                        {
                            failures.Add($"{Path.GetFileName(file)} {section} {model.Name} {result.Name}: {difference}");
                        }
                    }
                }
            }
        }

        Assert.True(compared > 1000, $"{compared} results");
        Assert.True(failures.Count == 0, $"{failures.Count} of {compared}\n{string.Join('\n', failures.Take(40))}");
    }

    internal static ChatFlavour FlavourOf(string file) =>
        file.Contains("-1.2", StringComparison.Ordinal) ? ChatFlavour.Dynamo12
        : file.Contains("-1.4", StringComparison.Ordinal) ? ChatFlavour.Dynamo14
        : ChatFlavour.Dynamo16;

    /// <summary>The body as it was sent: without the recorder's own marker, with a model and streaming.</summary>
    internal static byte[] BodyOf(JsonElement request)
    {
        var members = request.EnumerateObject().Where(p => !p.Name.StartsWith('$')).Select(p => $"{JsonSerializer.Serialize(p.Name)}: {p.Value.GetRawText()}");
        return Encoding.UTF8.GetBytes($"{{{string.Join(", ", members.Append("\"model\": \"m\"").Append("\"stream\": true"))}}}");
    }

    private static string? CompareStatus(JsonElement request, string section, ChatFlavour flavour, JsonElement result)
    {
        var isCompletion = section == "completions" || request.TryGetProperty("$completion", out _);
        var shaped = new ChatShaper().Shape(BodyOf(request), isCompletion ? ChatEndpoint.Completions : ChatEndpoint.Chat, new ShapingProfile { Flavour = flavour });
        var isRefused = shaped.Kind == ShapedKind.Refused;
        var error = result.TryGetProperty("error", out var value) ? value.GetRawText() : "";
        if (result.GetProperty("status").GetInt32() != 200)
        {
            // Other errors come from the template, the vocabulary or the fleet, none of which are known here.
            var isEarly = error.Contains("Validation:", StringComparison.Ordinal) || error.Contains("Failed to deserialize", StringComparison.Ordinal);
            return isEarly && !isRefused ? $"not refused: {error}" : null;
        }

        if (isRefused)
        {
            return $"refused: {shaped.RefusalDetail}";
        }

        return shaped.Kind == ShapedKind.Tokens ? CompareTokens(shaped, result) : null;
    }

    private static string? CompareTokens(ShapedRequest shaped, JsonElement result)
    {
        var lists = result.TryGetProperty("ids", out var ids)
            ? ids.EnumerateArray().Select(l => l.GetRawText())
            : result.GetProperty("preprocessed").EnumerateArray().Select(p => p.GetProperty("token_ids").GetRawText());
        var ours = Enumerable.Range(0, shaped.PromptCount).Select(i => $"[{string.Join(", ", shaped.Tokens(i).ToArray())}]");
        return lists.SequenceEqual(ours) ? null : "token ids differ";
    }

    private static string? CompareProbe(ShapedRequest shaped, JsonElement expected)
    {
        if (expected.ValueKind != JsonValueKind.String)
        {
            return shaped.Kind == ShapedKind.Refused ? null : $"not refused: {expected.GetRawText()}";
        }

        if (shaped.Kind != ShapedKind.Template)
        {
            return $"{shaped.Kind}: {shaped.RefusalDetail}";
        }

        var sections = expected.GetString()!.Split("@@");
        var messages = Array.FindIndex(sections, s => s.StartsWith('['));
        var context = RecordedJson.Context(shaped);

        // A continued prompt ends inside the last message's text.
        var isCut = sections.Length == messages + 1;
        using var dump = JsonDocument.Parse(sections[messages] + (isCut ? "\"}]" : ""));
        var difference = RecordedJson.Difference(dump.RootElement, context.GetProperty("messages"), "messages");
        if (difference is not null || isCut)
        {
            return difference ?? (shaped.ContinueFinalMessage ? null : "not continued");
        }

        using var tools = JsonDocument.Parse(sections[messages + 1]);
        return RecordedJson.Difference(tools.RootElement, context.GetProperty("tools"), "tools") ?? CompareFlags(context, sections, messages);
    }

    private static string? CompareFlags(JsonElement context, string[] sections, int messages)
    {
        var flags = sections[messages + 4].Trim().Split(' ').Select(f => f is "true" or "True").ToArray();
        var names = new[] { (0, "documents"), (1, "tools"), (5, "date_string"), (6, "enable_thinking"), (7, "reasoning_effort"), (8, "continue_final_message") };
        foreach (var (index, name) in names)
        {
            if (flags[index] != context.TryGetProperty(name, out _))
            {
                return $"{name} should {(flags[index] ? "" : "not ")}be there";
            }
        }

        return sections[messages + 3].Trim().Equals(context.GetProperty("add_generation_prompt").GetRawText(), StringComparison.OrdinalIgnoreCase)
            ? null
            : "add_generation_prompt";
    }
}
