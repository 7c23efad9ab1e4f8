using System.Text;
using Epp.Native.Chat;

namespace Epp.Native.Tests.Chat;

[Trait("Category", "Unit")]
public sealed class ChatTemplateSourceTests
{
    [Theory]
    [InlineData("{}", "", "", null, null)]
    [InlineData("""{"chat_template":null}""", "", "", null, null)]
    [InlineData("""{"chat_template":"a\nb"}""", "", "", "a\nb", null)]
    [InlineData("""{"chat_template":"a"}""", "", """{"chat_template":"b"}""", "b", null)]
    [InlineData("""{"chat_template":"a"}""", "c\n", """{"chat_template":"b"}""", "c\n", null)]
    [InlineData("""{"chat_template":[{"name":"default","template":"a"},{"name":"tool_use","template":"t"},{"name":"rag","template":"r"}]}""", "", "", "a", "t")]
    [InlineData("""{"chat_template":[{"default":"a"},{"tool_use":"t"}]}""", "", "", "a", "t")]
    [InlineData("""{"chat_template":{"default":"a","tool_use":"t"}}""", "", "", "a", "t")]
    [InlineData("""{"chat_template":[{"name":"tool_use","template":"t"}]}""", "", "", null, "t")]
    [InlineData("""{"chat_template":[{"name":"tool_use","template":"t"}]}""", "c", "", "c", null)]
    [InlineData("", "c", "", "c", null)]
    [InlineData("", "", "", null, null)]
    public void Read_EachForm_FindsTheTemplates(string config, string jinja, string json, string? template, string? toolTemplate)
    {
        var source = Read(config, out var error, jinja, json);
        Assert.Equal("", error);
        Assert.NotNull(source);
        Assert.Equal(template, source.Template);
        Assert.Equal(toolTemplate, source.ToolTemplate);
    }

    [Theory]
    [InlineData("{", "", "tokenizer_config.json: not a JSON object.")]
    [InlineData("[]", "", "tokenizer_config.json: not a JSON object.")]
    [InlineData("{}", "\"a\"", "chat_template.json: not a JSON object.")]
    [InlineData("""{"chat_template":1}""", "", "tokenizer_config.json: chat_template is neither a string nor a list of named templates.")]
    [InlineData("""{"chat_template":[1]}""", "", "tokenizer_config.json: chat_template is neither a string nor a list of named templates.")]
    [InlineData("""{"chat_template":[{"name":"default"}]}""", "", "tokenizer_config.json: chat_template is neither a string nor a list of named templates.")]
    [InlineData("{}", """{"chat_template":{"default":1}}""", "chat_template.json: chat_template is neither a string nor a list of named templates.")]
    [InlineData("""{"bos_token":1}""", "", "tokenizer_config.json: bos_token is neither a string nor an object with content.")]
    [InlineData("""{"eos_token":{"lstrip":true}}""", "", "tokenizer_config.json: eos_token is neither a string nor an object with content.")]
    public void Read_Malformed_SaysWhere(string config, string json, string message)
    {
        Assert.Null(Read(config, out var error, json: json));
        Assert.Equal(message, error);
    }

    [Fact]
    public void Read_Tokens_AreStringsOrObjects()
    {
        var source = Read("""{"eos_token":{"content":"<\/s>","lstrip":false},"bos_token":"<s>","unk_token":null,"image_token":"<i>"}""", out _);
        Assert.NotNull(source);
        var profile = new ShapingProfile { SpecialTokens = source.SpecialTokens };
        var context = ChatShaperTests.Describe(new ChatShaper().Shape("""{"messages":[{"role":"user","content":"Hi"}]}"""u8, ChatEndpoint.Chat, profile));
        Assert.Contains("""
            "bos_token":"<s>","eos_token":"</s>"
            """, context);
        Assert.DoesNotContain("unk_token", context);
        Assert.DoesNotContain("image_token", context);
    }

    [Theory]
    [InlineData("{}", 0)]
    [InlineData("""{"model_max_length":32768}""", 32768)]
    [InlineData("""{"model_max_length":1000000000000000019884624838656}""", 0)]
    [InlineData("""{"model_max_length":null}""", 0)]
    public void Read_Length_LeavesThePlaceholderOut(string config, long tokens) => Assert.Equal(tokens, Read(config, out _)!.ModelMaxTokens);

    [Fact]
    public void Read_Class_IsKept() => Assert.Equal("LlamaTokenizerFast", Read("""{"tokenizer_class":"LlamaTokenizerFast"}""", out _)!.TokenizerClass);

    private static ChatTemplateSource? Read(string config, out string error, string jinja = "", string json = "") =>
        ChatTemplateSource.Read(Encoding.UTF8.GetBytes(config), Encoding.UTF8.GetBytes(jinja), Encoding.UTF8.GetBytes(json), out error);
}
