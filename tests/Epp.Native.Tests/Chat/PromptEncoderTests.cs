using System.Text;
using Epp.Native.Chat;
using Epp.Native.Tests.Tokens;
using Epp.Native.Tokens;
using Epp.Testing;

namespace Epp.Native.Tests.Chat;

[Trait("Category", "Unit")]
public sealed class PromptEncoderTests
{
    private const string Plain =
        "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}";

    private const string Strict =
        "{% for m in messages %}{% if m.role == 'system' and not loop.first %}{{ raise_exception('system first') }}{% endif %}<{{ m.role }}>{{ m.content }}{% endfor %}";

    private const string Hi = """{"messages":[{"role":"user","content":"Hi there"}]}""";

    [Theory]
    [InlineData(ChatEndpoint.Chat, Hi, "<user>Hi there<assistant>")]
    [InlineData(ChatEndpoint.Chat, """{"messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":"So "}],"add_generation_prompt":false,"continue_final_message":true}""", "<user>Hi<assistant>So ")]
    [InlineData(ChatEndpoint.Completions, """{"prompt":"once upon"}""", "once upon")]
    [InlineData(ChatEndpoint.Messages, """{"max_tokens":5,"system":"S","messages":[{"role":"user","content":"Hi"}]}""", "<system>S<user>Hi<assistant>")]
    [InlineData(ChatEndpoint.Responses, """{"input":"Hi"}""", "<user>Hi<assistant>")]
    public void TryEncode_Body_GivesPromptAndItsIds(ChatEndpoint endpoint, string body, string prompt)
    {
        var encoder = new PromptEncoder(Model(Plain));
        var scratch = encoder.CreateScratch();
        Assert.True(Encode(encoder, scratch, body, endpoint), scratch.RefusalDetail);
        Assert.Equal(prompt, Encoding.UTF8.GetString(scratch.Prompt));
        Assert.Equal(1, scratch.PromptCount);
        Assert.Equal(Ids(prompt, special: endpoint is ChatEndpoint.Completions or ChatEndpoint.Responses), scratch.Ids(0).ToArray());
    }

    [Fact]
    public void TryEncode_ListOfPrompts_KeepsEach()
    {
        var encoder = new PromptEncoder(Model(Plain));
        var scratch = encoder.CreateScratch();
        Assert.True(Encode(encoder, scratch, """{"prompt":["one two","three"]}""", ChatEndpoint.Completions));
        Assert.Equal(2, scratch.PromptCount);
        Assert.Equal(Ids("one two", special: true), scratch.Ids(0).ToArray());
        Assert.Equal(Ids("three", special: true), scratch.Ids(1).ToArray());
        Assert.True(Encode(encoder, scratch, """{"prompt":[[5,6],[7]]}""", ChatEndpoint.Completions));
        Assert.Equal((uint[])[5, 6], scratch.Ids(0).ToArray());
        Assert.Equal((uint[])[7], scratch.Ids(1).ToArray());
        Assert.True(scratch.Prompt.IsEmpty);
    }

    [Fact]
    public void TryEncode_Truncation_KeepsTheEndAndTheSpecialIds()
    {
        var encoder = new PromptEncoder(Model(Plain));
        var scratch = encoder.CreateScratch();
        var whole = Ids("one two three four five", special: true);
        Assert.True(Encode(encoder, scratch, """{"prompt":"one two three four five","truncate_prompt_tokens":5}""", ChatEndpoint.Completions));
        Assert.Equal((uint[])[whole[0], .. whole[^4..]], scratch.Ids(0).ToArray());
        Assert.True(Encode(encoder, scratch, """{"prompt":[1,2,3,4,5],"truncate_prompt_tokens":2}""", ChatEndpoint.Completions));
        Assert.Equal((uint[])[4, 5], scratch.Ids(0).ToArray());
    }

    [Theory]
    [InlineData(Plain, """{"messages":[]}""", ShapeRefusal.InvalidRequest)]
    [InlineData(Plain, """{"messages":[{"role":"user","content":"one two three four five six seven eight nine ten"}]}""", ShapeRefusal.PromptLength)]
    [InlineData("", Hi, ShapeRefusal.Template)]
    [InlineData("{{ raise_exception('no') }}", Hi, ShapeRefusal.Template)]
    [InlineData("{{ messages[0].role }}", """{"messages":[{"role":"user","content":"x"}],"add_generation_prompt":false,"continue_final_message":true}""", ShapeRefusal.Template)]
    public void TryEncode_WhatTheEngineRefuses_HasNoIds(string template, string body, ShapeRefusal refusal)
    {
        var encoder = new PromptEncoder(Model(template, new ShapingProfile { MaxModelTokens = 24 }));
        var scratch = encoder.CreateScratch();
        Assert.False(Encode(encoder, scratch, body, ChatEndpoint.Chat));
        Assert.Equal(refusal, scratch.Refusal);
        Assert.NotEqual("", scratch.RefusalDetail);
        Assert.Equal(0, scratch.PromptCount);
    }

    [Fact]
    public void TryEncode_TemplateInTheRequest_IsRenderedWhereTrusted()
    {
        var body = """{"messages":[{"role":"user","content":"Hi"}],"chat_template":"[{{ messages[0].content }}]"}""";
        var encoder = new PromptEncoder(Model(Plain, new ShapingProfile { TrustsRequestTemplate = true }));
        var scratch = encoder.CreateScratch();
        Assert.True(Encode(encoder, scratch, body, ChatEndpoint.Chat));
        Assert.Equal("[Hi]", Encoding.UTF8.GetString(scratch.Prompt));
        Assert.False(Encode(encoder, scratch, """{"messages":[{"role":"user","content":"Hi"}],"chat_template":"{{ messages"}""", ChatEndpoint.Chat));
        Assert.False(Encode(new PromptEncoder(Model(Plain)), scratch, body, ChatEndpoint.Chat));
    }

    [Fact]
    public void Create_TemplateThatRaisesOnLaterSystem_MovesIt()
    {
        var messages = """{"max_tokens":5,"messages":[{"role":"user","content":"Hi"},{"role":"system","content":"mid"}]}""";
        Assert.Equal("<user>Hi<system>mid<assistant>", Prompt(Model(Plain), messages, ChatEndpoint.Messages));
        Assert.Equal("<system>mid<user>Hi", Prompt(Model(Strict), messages, ChatEndpoint.Messages));

        var chat = """{"messages":[{"role":"user","content":"Hi"},{"role":"system","content":"mid"},{"role":"user","content":"x"}]}""";
        var dynamo = new ShapingProfile { Flavour = ChatFlavour.Dynamo16 };
        Assert.Equal("<user>Hi<system>mid<user>x<assistant>", Prompt(Model(Plain, dynamo), chat, ChatEndpoint.Chat));
        Assert.Equal("<user>Hi<user>mid<user>x", Prompt(Model(Strict, dynamo), chat, ChatEndpoint.Chat));
    }

    [Fact]
    public void Create_BrokenTemplate_SaysWhere()
    {
        Assert.Null(ChatModel.Create(Roberta, Source("{{ 1 }}\n{% if %}"), new ShapingProfile(), out var error));
        Assert.StartsWith("chat template, line 2: ", error, StringComparison.Ordinal);
    }

    [Fact]
    public void TryEncode_ManyThreads_AgreeWithOne()
    {
        var encoder = new PromptEncoder(Model(Plain));
        var bodies = ShapingCases.All.Select(c => (Body: Encoding.UTF8.GetBytes(c.Body), c.Endpoint)).ToArray();
        string[] All()
        {
            var scratch = encoder.CreateScratch();
            return [.. bodies.Select(b => encoder.TryEncode(b.Body, b.Endpoint, 0, scratch) ? string.Join(',', scratch.Ids(0).ToArray()) : scratch.RefusalDetail)];
        }

        var expected = All();
        Assert.All(ParallelEnumerable.Range(0, 8).WithDegreeOfParallelism(4).Select(_ => All()).ToArray(), actual => Assert.Equal(expected, actual));
    }

    [Fact]
    public void TryEncode_SteadyState_AllocatesNothing()
    {
        var body = ChatShaperTests.LongChat();
        var encoder = new PromptEncoder(Model("{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}"));
        var scratch = encoder.CreateScratch();
        for (var i = 0; i < 5; i++)
        {
            Assert.True(encoder.TryEncode(body, ChatEndpoint.Chat, 0, scratch), scratch.RefusalDetail);
        }

        Assert.Equal(0, Allocated.Least(() =>
        {
            encoder.TryEncode(body, ChatEndpoint.Chat, 0, scratch);
        }));
    }

    private static Tokenizer Roberta { get; } =
        Tokenizer.Load(File.ReadAllBytes(Path.Combine(Repository.Tokenizers, "shapes", "roberta.tokenizer.json")), out _)!;

    private static ChatTemplateSource Source(string template) => ChatTemplateSource.Read("{}"u8, Encoding.UTF8.GetBytes(template), default, out _)!;

    private static ChatModel Model(string template, ShapingProfile? options = null) =>
        ChatModel.Create(Roberta, Source(template), options ?? new ShapingProfile(), out _)!;

    private static bool Encode(PromptEncoder encoder, PromptScratch scratch, string body, ChatEndpoint endpoint) =>
        encoder.TryEncode(Encoding.UTF8.GetBytes(body), endpoint, 0, scratch);

    private static string Prompt(ChatModel model, string body, ChatEndpoint endpoint)
    {
        var encoder = new PromptEncoder(model);
        var scratch = encoder.CreateScratch();
        Assert.True(Encode(encoder, scratch, body, endpoint), scratch.RefusalDetail);
        return Encoding.UTF8.GetString(scratch.Prompt);
    }

    private static uint[] Ids(string text, bool special)
    {
        var ids = new TokenBuffer();
        Assert.Equal(TokenizeStatus.Ok, Roberta.CreateEncoder().Encode(Encoding.UTF8.GetBytes(text), special, ids));
        return ids.Ids.ToArray();
    }
}
