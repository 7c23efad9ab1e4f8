using System.Text;
using Epp.Native.Chat;

namespace Epp.Native.Tests.Chat;

[Trait("Category", "Unit")]
public sealed class ChatShaperTests
{
    [Fact]
    public void Shape_EachRule_GivesTheWrittenResult()
    {
        var failures = new List<string>();
        var shaper = new ChatShaper();
        foreach (var (name, flavour, endpoint, format, body, expected) in ShapingCases.All)
        {
            var actual = Describe(shaper.Shape(Encoding.UTF8.GetBytes(body), endpoint, Profile(flavour, format)));
            if (actual != expected)
            {
                failures.Add($"{flavour} {name}:\n expected {expected}\n      got {actual}");
            }
        }

        Assert.True(failures.Count == 0, string.Join('\n', failures));
    }

    [Fact]
    public void Shape_MoreBlanks_GivesTheSameContext()
    {
        const int Seed = 4711;
        var random = new Random(Seed);
        var shaper = new ChatShaper();
        foreach (var (name, flavour, endpoint, format, body, expected) in ShapingCases.All)
        {
            var spaced = Encoding.UTF8.GetBytes(Spaced(body, random));
            Assert.True(expected == Describe(shaper.Shape(spaced, endpoint, Profile(flavour, format))), $"{flavour} {name}, seed {Seed}: {Encoding.UTF8.GetString(spaced)}");
        }
    }

    [Fact]
    public void Shape_DynamoSystemLater_IsRewrittenOnlyWhereTheTemplateRaises()
    {
        var body = """{"messages":[{"role":"system","content":"A"},{"role":"system","content":"B"},{"role":"user","content":"u"},{"role":"system","content":"C"},{"role":"user","content":[{"type":"text","text":"v"}]}]}"""u8;
        var shaper = new ChatShaper();
        var untouched = Describe(shaper.Shape(body, ChatEndpoint.Chat, Profile(ChatFlavour.Dynamo16, ContentFormat.Text)));
        Assert.Contains("""{"role":"system","content":"A"},{"role":"system","content":"B"}""", untouched);

        var strict = new ShapingProfile { Flavour = ChatFlavour.Dynamo16, Template = new TemplateFacts { RaisesOnLaterSystem = true, RaisesOnUserAfterUser = true } };
        Assert.Contains("""[{"role":"system","content":"A\n\nB"},{"role":"user","content":"u\n\nC\nv"}]""", Describe(shaper.Shape(body, ChatEndpoint.Chat, strict)));

        var later = new ShapingProfile { Flavour = ChatFlavour.Dynamo16, Template = new TemplateFacts { RaisesOnLaterSystem = true } };
        Assert.Contains("""{"role":"user","content":"u"},{"role":"user","content":"C"},{"role":"user","content":"v"}""", Describe(shaper.Shape(body, ChatEndpoint.Chat, later)));
    }

    [Theory]
    [InlineData(false, """[{"role":"user","content":"Hi"},{"role":"system","content":"mid"}]""")]
    [InlineData(true, """[{"role":"system","content":"mid"},{"role":"user","content":"Hi"}]""")]
    public void Shape_InlineSystemOfMessages_IsHoistedWhereTheTemplateRaises(bool raises, string messages)
    {
        var body = """{"max_tokens":9,"messages":[{"role":"user","content":"Hi"},{"role":"system","content":"mid"}]}"""u8;
        var profile = new ShapingProfile { Template = new TemplateFacts { RaisesOnInlineSystem = raises } };
        Assert.Contains(messages, Describe(new ChatShaper().Shape(body, ChatEndpoint.Messages, profile)));
    }

    [Fact]
    public void Shape_TemplateInTheRequest_IsHandedOutWhereTrusted()
    {
        var body = """{"messages":[{"role":"user","content":"Hi"}],"chat_template":"{{ x }}\n"}"""u8;
        var shaped = new ChatShaper().Shape(body, ChatEndpoint.Chat, new ShapingProfile { TrustsRequestTemplate = true });
        Assert.Equal("{{ x }}\n", Encoding.UTF8.GetString(shaped.TemplateOverride));
    }

    [Fact]
    public void Shape_VariablesTheTemplateDoesNotRead_AreLeftOut()
    {
        var body = """{"messages":[{"role":"user","content":"Hi"}],"chat_template_kwargs":{"seen":1,"unseen":2,"quoted":3,"attribute":4}}"""u8;
        var profile = new ShapingProfile { Template = TemplateFacts.Of("{{ seen }}{% if 'quoted' in x.attribute %}{# unseen #}{% endif %}") };
        var context = Describe(new ChatShaper().Shape(body, ChatEndpoint.Chat, profile));
        Assert.Contains("\"seen\":1}", context);
    }

    [Fact]
    public void Shape_SteadyState_AllocatesNothing()
    {
        var body = LongChat();
        var shaper = new ChatShaper();
        foreach (var flavour in Enum.GetValues<ChatFlavour>())
        {
            var profile = Profile(flavour, ContentFormat.Text);
            for (var i = 0; i < 3; i++)
            {
                Assert.Equal(ShapedKind.Template, shaper.Shape(body, ChatEndpoint.Chat, profile).Kind);
            }

            var before = GC.GetAllocatedBytesForCurrentThread();
            shaper.Shape(body, ChatEndpoint.Chat, profile);
            Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        }
    }

    internal static ShapingProfile Profile(ChatFlavour flavour, ContentFormat format) => new()
    {
        Flavour = flavour,
        Template = new TemplateFacts { ContentFormat = format },
        SpecialTokens = SpecialTokens.Of(("bos_token", "<s>"), ("eos_token", "</s>")),
    };

    internal static string Describe(ShapedRequest shaped) => shaped.Kind switch
    {
        ShapedKind.Template => Encoding.UTF8.GetString(shaped.Context) + (shaped.ContinueFinalMessage
            ? $" continue {Encoding.UTF8.GetString(shaped.Context[shaped.FinalTextStart..shaped.FinalTextEnd])}|" : ""),
        ShapedKind.Texts => $"texts {string.Join('|', Enumerable.Range(0, shaped.PromptCount).Select(i => Encoding.UTF8.GetString(shaped.Text(i))))} special {shaped.AddSpecialTokens}",
        ShapedKind.Tokens => $"tokens {string.Join('|', Enumerable.Range(0, shaped.PromptCount).Select(i => string.Join(',', shaped.Tokens(i).ToArray())))}",
        _ => $"{shaped.Refusal}: {shaped.RefusalDetail}",
    };

    /// <summary>A conversation with tools of about 32 KB.</summary>
    internal static byte[] LongChat()
    {
        var text = new StringBuilder("""{"model":"m","messages":[{"role":"system","content":"You are terse."}""");
        for (var i = 0; text.Length < 32_000; i++)
        {
            text.Append(",{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"Question ").Append(i).Append(": the quick brown fox\\njumps over \\u00e9 it.\"}]}");
            text.Append(",{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"c").Append(i)
                .Append("\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"city\\\": \\\"Rome\\\", \\\"n\\\": ").Append(i).Append("}\"}}]}");
            text.Append(",{\"role\":\"tool\",\"tool_call_id\":\"c").Append(i).Append("\",\"content\":\"12.5\"}");
        }

        text.Append("""],"tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object","properties":{"city":{"type":"string"}}}}}]}""");
        return Encoding.UTF8.GetBytes(text.ToString());
    }

    private static string Spaced(string json, Random random)
    {
        var text = new StringBuilder();
        var isInside = false;
        for (var i = 0; i < json.Length; i++)
        {
            var c = json[i];
            if (isInside && c == '\\')
            {
                text.Append(c).Append(json[++i]);
                continue;
            }

            isInside ^= c == '"';
            var isMark = !isInside && c is '{' or '}' or '[' or ']' or ',' or ':';
            text.Append(isMark && !isInside ? Blanks(random) : "").Append(c).Append(isMark && !isInside ? Blanks(random) : "");
        }

        return text.ToString();
    }

    private static string Blanks(Random random) => new string(" \n\t\r"[random.Next(4)], random.Next(3));
}
