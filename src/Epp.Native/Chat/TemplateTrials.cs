using System.Text;
using Epp.Native.Templates;

namespace Epp.Native.Chat;

/// <summary>
/// The facts that engines find out by rendering small conversations when they load a template. Runs once per template, not per request.
/// </summary>
internal static class TemplateTrials
{
    private const string System0 = """{"role":"system","content":"a"}""";
    private const string User0 = """{"role":"user","content":"b"}""";
    private const string Assistant0 = """{"role":"assistant","content":"c"}""";
    private const string Word = "template_test";

    private const string SomeTools =
        """[{"type":"function","function":{"name":"noop","description":"","parameters":{"type":"object","properties":{}}}}]""";

    /// <summary>All facts of a template for a flavour. Trials that a flavour does not make stay false.</summary>
    public static TemplateFacts Find(string source, ChatTemplate template, ChatFlavour flavour, SpecialTokens tokens, bool withTools)
    {
        var facts = TemplateFacts.Of(source) with
        {
            ContentFormat = template.ContentFormat == Templates.ContentFormat.OpenAi ? ContentFormat.OpenAi : ContentFormat.Text,
        };
        return flavour switch
        {
            ChatFlavour.Vllm011 => facts,
            ChatFlavour.Vllm033 => facts with { RaisesOnInlineSystem = RaisesOnInlineSystem(source) },
            ChatFlavour.Dynamo16 => FindDynamoSystem(WithLists(facts, template), template, tokens, withTools),
            _ => WithLists(facts, template),
        };
    }

    /// <summary>
    /// vLLM tries in a bare Jinja environment, which knows neither <c>strftime_now</c> nor the generation tag: a template that needs them
    /// raises too.
    /// </summary>
    private static bool RaisesOnInlineSystem(string source)
    {
        var bare = source.Replace("strftime_now", "strftime_is_unknown", StringComparison.Ordinal);
        if (HasGenerationTag(bare) || !ChatTemplate.TryParse(Encoding.UTF8.GetBytes(bare), TemplateFlavour.Jinja2, out var template, out _))
        {
            return true;
        }

        return Raises(template!, $$"""{"messages":[{{System0}},{{User0}},{{System0}},{{User0}}],"add_generation_prompt":true}""");
    }

    private static bool HasGenerationTag(string source)
    {
        for (var at = source.IndexOf("endgeneration", StringComparison.Ordinal); at >= 0; at = source.IndexOf("endgeneration", at + 1, StringComparison.Ordinal))
        {
            var before = source.AsSpan(0, at).TrimEnd();
            if (before.EndsWith("{%") || before.EndsWith("{%-") || before.EndsWith("{%+"))
            {
                return true;
            }
        }

        return false;
    }

    private static TemplateFacts WithLists(TemplateFacts facts, ChatTemplate template)
    {
        var scratch = new TemplateScratch();
        var asList = Prints(template, scratch, $$"""[{"type":"text","text":"{{Word}}"}]""");
        var asText = Prints(template, scratch, $"\"{Word}\"");
        return facts with { NeedsContentLists = asList && !asText };
    }

    private static bool Prints(ChatTemplate template, TemplateScratch scratch, string content)
    {
        var context = Encoding.UTF8.GetBytes($$"""{"messages":[{"role":"user","content":{{content}}}],"add_generation_prompt":false}""");
        return template.Render(context, scratch, 0, TemplateLimits.Default).Kind == TemplateErrorKind.None
            && scratch.Prompt.IndexOf("template_test"u8) >= 0;
    }

    private static TemplateFacts FindDynamoSystem(TemplateFacts facts, ChatTemplate template, SpecialTokens tokens, bool withTools)
    {
        bool RaisesOver(string messages) => Raises(template, DynamoContext(messages, tokens, withTools));

        // A template that renders not even this rejects something else.
        return RaisesOver($"{System0},{User0}") ? facts : facts with
        {
            RaisesOnLaterSystem = RaisesOver($"{System0},{User0},{System0}") || RaisesOver($"{System0},{User0},{Assistant0},{System0},{User0}"),
            RaisesOnUserAfterUser = RaisesOver($"{System0},{User0},{User0}"),
        };
    }

    private static string DynamoContext(string messages, SpecialTokens tokens, bool withTools)
    {
        string Token(ReadOnlySpan<byte> name) => tokens.Find(name) is { } json ? Encoding.UTF8.GetString(json) : "null";

        return $$"""{"messages":[{{messages}}],"tools":{{(withTools ? SomeTools : "null")}},"bos_token":{{Token("bos_token"u8)}}"""
            + $$""","eos_token":{{Token("eos_token"u8)}},"unk_token":{{Token("unk_token"u8)}},"add_generation_prompt":false}""";
    }

    private static bool Raises(ChatTemplate template, string context) =>
        template.Render(Encoding.UTF8.GetBytes(context), new TemplateScratch(), 0, TemplateLimits.Default).Kind != TemplateErrorKind.None;
}
