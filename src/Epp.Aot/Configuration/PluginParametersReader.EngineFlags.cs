using System.Text;
using System.Text.Json;
using Epp.Native.Chat;

namespace Epp.Aot.Configuration;

/// <content>What a model's engine was started with, as far as it decides prompts (tokenization §5b).</content>
internal sealed partial class PluginParametersReader
{
    private static readonly string[] VllmOnly =
    [
        "enableAutoToolChoice", "toolCallParser", "trustRequestChatTemplate", "excludeToolsWhenToolChoiceNone", "chatTemplateContentFormat",
        "defaultChatTemplateKwargs",
    ];

    private static EngineFlags Flags(MapReader map, ChatFlavour flavour, string engine)
    {
        var format = map.Text("chatTemplateContentFormat") ?? "auto";
        if (EngineFlags.FormatOf(format) is null)
        {
            map.Problems.Error(map.Value("chatTemplateContentFormat"), map.PathOf("chatTemplateContentFormat"), $"found '{format}', expected auto, string or openai");
        }

        var template = map.Text("chatTemplate");
        if (template is { Length: 0 })
        {
            map.Problems.Error(map.Value("chatTemplate"), map.PathOf("chatTemplate"), "is empty; expected a file, or the template itself");
        }

        var flags = new EngineFlags(
            map.Bool("enableAutoToolChoice", true),
            map.Text("toolCallParser") is null or { Length: > 0 },
            map.Bool("trustRequestChatTemplate", false),
            map.Bool("excludeToolsWhenToolChoiceNone", false),
            EngineFlags.FormatOf(format) ?? ContentFormat.Auto,
            Kwargs(map),
            map.Value("maxModelLen") is null ? null : map.Int("maxModelLen", 0, 0),
            template);
        foreach (var key in EngineFlags.AreKnownTo(flavour) || (int)flavour < 0 ? [] : VllmOnly)
        {
            if (map.Value(key) is { } given)
            {
                map.Problems.Error(given, map.PathOf(key), $"stands for a flag of vLLM's, which {engine} does not have; remove it");
            }
        }

        return flags;
    }

    /// <summary>A map, or the JSON that stands on the engine's command line.</summary>
    private static string Kwargs(MapReader map)
    {
        const string Key = "defaultChatTemplateKwargs";
        var value = map.Value(Key);
        var json = value switch
        {
            null => "{}",
            { Kind: YamlKind.Map } => JsonOf(value),
            { Kind: YamlKind.Scalar } => value.Text,
            _ => "",
        };
        if (ShapingProfile.IsKwargs(Encoding.UTF8.GetBytes(json)))
        {
            return json;
        }

        map.Problems.Error(value, map.PathOf(Key), $"found {value!.Describe()}, expected a map or a JSON object");
        return "{}";
    }

    private static string JsonOf(YamlNode node)
    {
        var text = new StringBuilder();
        Append(text, node);
        return text.ToString();
    }

    private static void Append(StringBuilder text, YamlNode node)
    {
        var separator = "";
        switch (node.Kind)
        {
            case YamlKind.Map:
                text.Append('{');
                foreach (var (key, value) in node.Entries)
                {
                    text.Append(separator).Append(Quoted(key.Text)).Append(':');
                    Append(text, value);
                    separator = ",";
                }

                text.Append('}');
                break;
            case YamlKind.List:
                text.Append('[');
                foreach (var item in node.Items)
                {
                    text.Append(separator);
                    Append(text, item);
                    separator = ",";
                }

                text.Append(']');
                break;
            default:
                text.Append(ScalarOf(node));
                break;
        }
    }

    private static string ScalarOf(YamlNode node) => node switch
    {
        { IsNull: true } => "null",
        { IsPlain: true, Text: "true" or "True" or "TRUE" or "false" or "False" or "FALSE" } => node.Text.ToLowerInvariant(),
        { IsPlain: true } when IsNumber(node.Text) => node.Text,
        _ => Quoted(node.Text),
    };

    // By way of bytes, which cannot hold half a surrogate pair.
    private static string Quoted(string text) => $"\"{JsonEncodedText.Encode(Encoding.UTF8.GetBytes(text)).Value}\"";

    private static bool IsNumber(string text)
    {
        var reader = new Utf8JsonReader(Encoding.UTF8.GetBytes(text));
        try
        {
            return reader.Read() && reader.TokenType == JsonTokenType.Number && !reader.Read();
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
