using System.Text;
using Epp.Native.Templates;
using Epp.Native.Tokens;

namespace Epp.Native.Chat;

/// <summary>
/// One model as its engine sees it: tokenizer, templates and the rules that shape requests. Immutable; safe to share. Requests are encoded
/// by <see cref="PromptEncoder"/>.
/// </summary>
public sealed class ChatModel
{
    private ChatModel(Tokenizer tokenizer, ChatTemplate? template, ChatTemplate? toolTemplate, ShapingProfile profile)
    {
        Tokenizer = tokenizer;
        Template = template;
        ToolTemplate = toolTemplate;
        Profile = profile;
    }

    /// <summary>Text to ids.</summary>
    public Tokenizer Tokenizer { get; }

    /// <summary>The template; null = only texts and ids have a prompt.</summary>
    public ChatTemplate? Template { get; }

    /// <summary>The template for requests with tools; null = the same.</summary>
    public ChatTemplate? ToolTemplate { get; }

    /// <summary>The rules.</summary>
    public ShapingProfile Profile { get; }

    /// <summary>
    /// Puts a model together. <paramref name="options"/> says flavour and server flags; its facts and tokens are read from
    /// <paramref name="source"/>. Null with the reason where a template is not understood.
    /// </summary>
    public static ChatModel? Create(Tokenizer tokenizer, ChatTemplateSource source, ShapingProfile options, out string error)
    {
        error = "";
        if (!TryTemplate(source.Template, options.Flavour, "chat template", out var template, ref error)
            || !TryTemplate(source.ToolTemplate, options.Flavour, "chat template tool_use", out var toolTemplate, ref error))
        {
            return null;
        }

        var facts = template is null
            ? new TemplateFacts()
            : TemplateTrials.Find(source.Template!, template, options.Flavour, source.SpecialTokens, withTools: false);
        var toolSource = toolTemplate is null ? source.Template : source.ToolTemplate;
        var toolFacts = toolSource is null
            ? null
            : TemplateTrials.Find(toolSource, (toolTemplate ?? template)!, options.Flavour, source.SpecialTokens, withTools: true);
        return new ChatModel(tokenizer, template, toolTemplate, options.With(facts, toolFacts, source.SpecialTokens));
    }

    /// <summary>Which template engine a flavour renders with.</summary>
    public static TemplateFlavour EngineOf(ChatFlavour flavour) => flavour switch
    {
        ChatFlavour.Dynamo12 => TemplateFlavour.Dynamo12,
        ChatFlavour.Dynamo14 => TemplateFlavour.Dynamo14,
        ChatFlavour.Dynamo16 => TemplateFlavour.Dynamo16,
        _ => TemplateFlavour.Jinja2,
    };

    private static bool TryTemplate(string? source, ChatFlavour flavour, string what, out ChatTemplate? template, ref string error)
    {
        template = null;
        if (source is null || ChatTemplate.TryParse(Encoding.UTF8.GetBytes(source), EngineOf(flavour), out template, out var problem))
        {
            return true;
        }

        error = $"{what}, line {problem.Line}: {problem.Message}";
        return false;
    }
}
