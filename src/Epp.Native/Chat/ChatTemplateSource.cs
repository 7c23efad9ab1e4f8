using System.Text;
using Epp.Native.Requests;

namespace Epp.Native.Chat;

/// <summary>
/// What a model's files say about its chat template and tokens: <c>chat_template.jinja</c> beats <c>chat_template.json</c> beats
/// <c>tokenizer_config.json</c>, where the template is a string, a list of named ones or a map. Immutable; safe to share.
/// </summary>
public sealed class ChatTemplateSource
{
    /// <summary>The named tokens that transformers hands to templates, in its order.</summary>
    private static readonly string[] TokenNames = ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"];

    private readonly JsonTree _tree = new();

    private ChatTemplateSource()
    {
    }

    /// <summary>The template for requests without tools; null = the model has none.</summary>
    public string? Template { get; private set; }

    /// <summary>The template named <c>tool_use</c>; null = tools use <see cref="Template"/>.</summary>
    public string? ToolTemplate { get; private set; }

    /// <summary>Tokens by name.</summary>
    public SpecialTokens SpecialTokens { get; private set; } = SpecialTokens.None;

    /// <summary><c>tokenizer_class</c>; some classes rebuild the tokenizer whatever tokenizer.json says.</summary>
    public string? TokenizerClass { get; private set; }

    /// <summary><c>model_max_length</c> in tokens; 0 = unknown or the placeholder of 10^30.</summary>
    public long ModelMaxTokens { get; private set; }

    /// <summary>Reads the files; absent ones are empty. Null with the reason where one is malformed.</summary>
    public static ChatTemplateSource? Read(
        ReadOnlySpan<byte> tokenizerConfig, ReadOnlySpan<byte> jinja, ReadOnlySpan<byte> chatTemplateJson, out string error)
    {
        var source = new ChatTemplateSource();
        error = "";
        if (!tokenizerConfig.IsEmpty && !source.TryReadConfig(tokenizerConfig, out error))
        {
            return null;
        }

        if (!chatTemplateJson.IsEmpty && !source.TryReadJsonFile(chatTemplateJson, out error))
        {
            return null;
        }

        if (!jinja.IsEmpty)
        {
            source.Template = Encoding.UTF8.GetString(jinja);
            source.ToolTemplate = null;
        }

        return source;
    }

    private bool TryReadConfig(ReadOnlySpan<byte> json, out string error)
    {
        error = "tokenizer_config.json: not a JSON object.";
        if (_tree.Parse(json, allowSpecialNumbers: true) != JsonOutcome.Ok || _tree.RootKind != JsonKind.Map)
        {
            return false;
        }

        TokenizerClass = TextAt(_tree.Find(0, "tokenizer_class"u8));
        var length = _tree.Find(0, "model_max_length"u8);
        ModelMaxTokens = _tree.Kind(length) == JsonKind.Number && System.Buffers.Text.Utf8Parser.TryParse(_tree.Raw(length), out double tokens, out _)
            && tokens is > 0 and < int.MaxValue ? (long)tokens : 0;
        return TryReadTokens(out error) && TryReadTemplates(_tree.Find(0, "chat_template"u8), "tokenizer_config.json", out error);
    }

    private bool TryReadJsonFile(ReadOnlySpan<byte> json, out string error)
    {
        error = "chat_template.json: not a JSON object.";
        return _tree.Parse(json, allowSpecialNumbers: false) == JsonOutcome.Ok && _tree.RootKind == JsonKind.Map
            && TryReadTemplates(_tree.Find(0, "chat_template"u8), "chat_template.json", out error);
    }

    private bool TryReadTokens(out string error)
    {
        error = "";
        var found = new List<KeyValuePair<string, string>>();
        foreach (var name in TokenNames)
        {
            var node = _tree.Find(0, Encoding.ASCII.GetBytes(name));
            if (_tree.IsNothing(node))
            {
                continue;
            }

            // A plain string, or an AddedToken as a map.
            var text = TextAt(_tree.IsMap(node) ? _tree.Find(node, "content"u8) : node);
            if (text is null)
            {
                error = $"tokenizer_config.json: {name} is neither a string nor an object with content.";
                return false;
            }

            found.Add(new(name, text));
        }

        SpecialTokens = new SpecialTokens(found);
        return true;
    }

    private bool TryReadTemplates(int node, string file, out string error)
    {
        error = "";
        if (_tree.IsNothing(node))
        {
            return true;
        }

        if (_tree.IsText(node))
        {
            Template = TextAt(node);
            ToolTemplate = null;
            return true;
        }

        Template = null;
        ToolTemplate = null;
        var isGood = _tree.IsMap(node) ? TryReadMap(node) : _tree.IsList(node);
        for (var element = _tree.IsList(node) ? _tree.First(node) : -1; element >= 0 && isGood; element = _tree.After(node, element))
        {
            // Hugging Face writes {"name": …, "template": …}; Dynamo knows {"default": …}.
            var name = _tree.Find(element, "name"u8);
            isGood = _tree.IsText(name) ? TryName(name, _tree.Find(element, "template"u8)) : _tree.IsMap(element) && TryReadMap(element);
        }

        error = isGood ? "" : $"{file}: chat_template is neither a string nor a list of named templates.";
        return isGood;
    }

    private bool TryReadMap(int map)
    {
        for (var key = _tree.FirstKey(map); key >= 0; key = _tree.KeyAfter(map, key))
        {
            if (!TryName(key, _tree.Value(key)))
            {
                return false;
            }
        }

        return true;
    }

    private bool TryName(int name, int template)
    {
        if (!_tree.IsText(template))
        {
            return false;
        }

        if (_tree.Is(name, "default"u8))
        {
            Template = TextAt(template);
        }
        else if (_tree.Is(name, "tool_use"u8))
        {
            ToolTemplate = TextAt(template);
        }

        return true;
    }

    private string? TextAt(int node)
    {
        if (!_tree.IsText(node))
        {
            return null;
        }

        var plain = new byte[_tree.Raw(node).Length];
        return Encoding.UTF8.GetString(plain, 0, JsonText.Unescape(_tree.Raw(node), plain));
    }
}
