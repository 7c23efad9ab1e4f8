using System.Text.Json;
using Epp.Aot.Cli;
using Epp.Aot.Tests.Architecture;

namespace Epp.Aot.Tests.Cli;

[Trait("Category", "Unit")]
public sealed class TokenizeBodyTests : IDisposable
{
    private const string Template = "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}";

    private readonly string _model = Directory.CreateTempSubdirectory("epp-model-").FullName;

    public TokenizeBodyTests()
    {
        File.Copy(Path.Combine(Repository.Root, "tests", "golden", "tokenizers", "shapes", "roberta.tokenizer.json"), Path.Combine(_model, "tokenizer.json"));
        File.WriteAllText(Path.Combine(_model, "tokenizer_config.json"), $$"""{"chat_template":{{JsonSerializer.Serialize(Template)}}}""");
    }

    public void Dispose() => Directory.Delete(_model, recursive: true);

    [Fact]
    public void Run_Bodies_AreRenderedAndEncodedLikeTheirPrompt()
    {
        var lines = Run(
            """
            {"messages":[{"role":"user","content":"Hi"}]}
            {"prompt":"one"}
            {"text":"<user>Hi"}
            {"messages":[]}
            {"prompt":["a","b"]}
            {"prompt":[5,6]}
            {"other":1}
            """, "--rendered");
        Assert.Equal("<user>Hi", lines[0].GetProperty("rendered").GetString());
        Assert.Equal(lines[2].GetProperty("ids").GetRawText(), lines[0].GetProperty("ids").GetRawText());
        Assert.Equal("one", lines[1].GetProperty("rendered").GetString());
        Assert.False(lines[2].TryGetProperty("rendered", out _));
        Assert.StartsWith("InvalidRequest: ", lines[3].GetProperty("error").GetString(), StringComparison.Ordinal);
        Assert.Equal(2, lines[4].GetProperty("ids").GetArrayLength());
        Assert.Equal(JsonValueKind.Array, lines[4].GetProperty("ids")[0].ValueKind);
        Assert.Equal("[5,6]", lines[5].GetProperty("ids").GetRawText());
        Assert.Equal("no string 'text', no 'messages' and no 'prompt' in this line", lines[6].GetProperty("error").GetString());
    }

    [Fact]
    public void Run_EndpointAndEngine_SayHowABodyIsRead()
    {
        const string Body = """{"max_tokens":3,"system":"S","messages":[{"role":"user","content":"Hi"}]}""";
        Assert.Equal("<system>S<user>Hi", Run(Body, "--endpoint=messages", "--rendered")[0].GetProperty("rendered").GetString());
        Assert.StartsWith("NotReproduced: ", Run(Body, "--endpoint", "messages", "--engine", "dynamo-1.6")[0].GetProperty("error").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Run_Now_IsTheTimeOfTheTemplate()
    {
        File.WriteAllText(Path.Combine(_model, "chat_template.jinja"), "{{ strftime_now('%Y-%m-%d') }}");
        var line = Run("""{"messages":[{"role":"user","content":"Hi"}]}""", "--now", "1721997296", "--rendered")[0];
        Assert.Equal("2024-07-26", line.GetProperty("rendered").GetString());
    }

    [Fact]
    public void Run_TemplateThatRaises_SaysWhatItSays()
    {
        File.WriteAllText(Path.Combine(_model, "chat_template.jinja"), "\n{{ raise_exception('roles must ' ~ 'alternate') }}");
        Assert.Equal(
            "Template: the chat template, line 2: roles must alternate",
            Run("""{"messages":[{"role":"user","content":"Hi"}]}""")[0].GetProperty("error").GetString());
    }

    [Fact]
    public void Run_BrokenTemplate_RefusesBodiesOnly()
    {
        File.WriteAllText(Path.Combine(_model, "chat_template.jinja"), "{% if %}");
        var lines = Run("{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}\n{\"text\":\"Hi\"}");
        Assert.Contains("chat template, line 1: ", lines[0].GetProperty("error").GetString(), StringComparison.Ordinal);
        Assert.True(lines[1].TryGetProperty("ids", out _));
    }

    [Theory]
    [InlineData("--engine", "vllm")]
    [InlineData("--endpoint", "rerank")]
    [InlineData("--now", "noon")]
    [InlineData("--transformers", "6")]
    [InlineData("--what")]
    public void Run_WrongArgument_IsNamed(params string[] args)
    {
        var error = new StringWriter();
        Assert.Equal(2, TokenizeCommand.Run(["--model", _model, .. args], new StringReader(""), new StringWriter(), error, TimeProvider.System));
        Assert.Contains(args[0], error.ToString(), StringComparison.Ordinal);
    }

    private JsonElement[] Run(string input, params string[] args)
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        Assert.Equal(0, TokenizeCommand.Run(["--model", _model, .. args], new StringReader(input), output, error, TimeProvider.System));
        return [.. output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(static line => JsonDocument.Parse(line).RootElement)];
    }
}
