using Epp.Native.Requests;

namespace Epp.Native.Chat;

/// <summary>
/// Everything about one model and its servers that decides how a body becomes a prompt. The defaults are the lenient ones: where a
/// server's flags are not known, a request is shaped rather than refused. Immutable; safe to share.
/// </summary>
public sealed class ShapingProfile
{
    private readonly JsonTree _defaultKwargs = new();
    private readonly ReadOnlyMemory<byte> _defaultKwargsText;

    /// <summary>Whose prompts.</summary>
    public ChatFlavour Flavour { get; init; }

    /// <summary>Facts of the template used without tools.</summary>
    public TemplateFacts Template { get; init; } = new();

    /// <summary>Facts of the template used with tools; null = the same.</summary>
    public TemplateFacts? ToolTemplate { get; init; }

    /// <summary>The special tokens a template may print.</summary>
    public SpecialTokens SpecialTokens { get; init; } = SpecialTokens.None;

    /// <summary><c>--chat-template-content-format</c>.</summary>
    public ContentFormat ContentFormat { get; init; }

    /// <summary><c>--enable-auto-tool-choice</c>.</summary>
    public bool AutoToolChoice { get; init; } = true;

    /// <summary>A <c>--tool-call-parser</c> is set.</summary>
    public bool HasToolParser { get; init; } = true;

    /// <summary><c>--trust-request-chat-template</c>.</summary>
    public bool TrustsRequestTemplate { get; init; }

    /// <summary><c>--exclude-tools-when-tool-choice-none</c>.</summary>
    public bool ExcludesToolsOnChoiceNone { get; init; }

    /// <summary>The model's context length in tokens (<c>max_model_len</c>); 0 = unknown, nothing is refused for it.</summary>
    public int MaxModelTokens { get; init; }

    /// <summary>First token id that does not exist; 0 = unknown.</summary>
    public int VocabularySize { get; init; }

    /// <summary><c>--default-chat-template-kwargs</c>: a JSON object.</summary>
    /// <exception cref="ArgumentException">The value is no JSON object.</exception>
    public ReadOnlyMemory<byte> DefaultTemplateKwargs
    {
        get => _defaultKwargsText;
        init
        {
            _defaultKwargsText = value;
            if (!IsMap(_defaultKwargs, value.Span))
            {
                throw new ArgumentException("default chat template kwargs: not a JSON object; write {\"name\": value}.", nameof(value));
            }
        }
    }

    /// <summary>True for what <see cref="DefaultTemplateKwargs"/> takes.</summary>
    public static bool IsKwargs(ReadOnlySpan<byte> json) => IsMap(new JsonTree(), json);

    /// <summary>These options with a model's facts.</summary>
    internal ShapingProfile With(TemplateFacts template, TemplateFacts? toolTemplate, SpecialTokens tokens)
    {
        var profile = new ShapingProfile
        {
            Flavour = Flavour,
            Template = template,
            ToolTemplate = toolTemplate,
            SpecialTokens = tokens,
            ContentFormat = ContentFormat,
            AutoToolChoice = AutoToolChoice,
            HasToolParser = HasToolParser,
            TrustsRequestTemplate = TrustsRequestTemplate,
            ExcludesToolsOnChoiceNone = ExcludesToolsOnChoiceNone,
            MaxModelTokens = MaxModelTokens,
            VocabularySize = VocabularySize,
            DefaultTemplateKwargs = _defaultKwargsText.IsEmpty ? "{}"u8.ToArray() : _defaultKwargsText,
        };
        return profile;
    }

    private static bool IsMap(JsonTree tree, ReadOnlySpan<byte> json) =>
        tree.Parse(json, allowSpecialNumbers: false) == JsonOutcome.Ok && tree.RootKind == JsonKind.Map;

    internal JsonTree DefaultKwargs => _defaultKwargs;

    internal FlavourRules Rules => FlavourRules.Of(Flavour);

    internal TemplateFacts FactsFor(bool hasTools) => hasTools && ToolTemplate is not null ? ToolTemplate : Template;

    internal ContentFormat FormatFor(TemplateFacts facts) => ContentFormat == ContentFormat.Auto ? facts.ContentFormat : ContentFormat;
}
