using System.Text.Json;
using Epp.Aot.Cli;

namespace Epp.Aot.Tests.Cli;

/// <summary><c>epp tokenize</c>: one answer per line, errors as lines, a model that cannot be used as exit code 1.</summary>
[Trait("Category", "Unit")]
public sealed class TokenizeCommandTests : IDisposable
{
    private const string Json =
        """
        {"model":{"type":"WordLevel","vocab":{"a":0,"b":1,"[B]":2},"unk_token":"?"},"pre_tokenizer":{"type":"WhitespaceSplit"},
         "post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"[B]","type_id":0}},{"Sequence":{"id":"A","type_id":0}}],
           "special_tokens":{"[B]":{"id":"[B]","ids":[2],"tokens":["[B]"]}}}}
        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("epp-tokenize").FullName;

    [Fact]
    public void Run_Lines_AnswersEach()
    {
        Write("tokenizer.json", Json);
        var (code, output, error) = Run("""{"text":"a b"}""" + "\n\nnonsense\n" + """{"text":"c"}""" + "\n" + """{"text":"\ud800"}""" + "\n" + """{"prompt":1}""", "--model", _folder);
        var lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(0, code);
        Assert.Equal("", error);
        Assert.Equal("""{"ids":[0,1]}""", lines[0]);
        Assert.Equal(5, lines.Length);
        Assert.All(lines[1..], static l => Assert.NotEqual("", JsonDocument.Parse(l).RootElement.GetProperty("error").GetString()));
        Assert.Contains("names no unknown token", lines[2], StringComparison.Ordinal);
    }

    [Fact]
    public void Run_SpecialPiecesAndTimings_AreAdded()
    {
        Write("tokenizer.json", Json);
        var (_, output, error) = Run("""{"text":"b"}""", $"--model={_folder}", "--special", "--pieces", "-v");
        Assert.Equal("""{"ids":[2,1],"pieces":["[B]","b"]}""", output.Trim());
        Assert.Contains("1 bytes, 2 tokens", error, StringComparison.Ordinal);
        Assert.Contains("loaded 3 tokens in", error, StringComparison.Ordinal);
    }

    [Fact]
    public void Run_UnsupportedModel_NamesThePlace()
    {
        Write("tokenizer.json", """{"model":{"type":"WordLevel","vocab":{},"unk_token":"?"},"normalizer":{"type":"Magic"}}""");
        var (code, _, error) = Run("", "--model", _folder);
        Assert.Equal(1, code);
        Assert.Contains("tokenizer.json: normalizer.type: normalizer 'Magic' is not supported", error, StringComparison.Ordinal);
    }

    [Fact]
    public void Run_RankFile_NeedsAPattern()
    {
        Write("x.tiktoken", string.Concat(Enumerable.Range(0, 256).Select(static b => $"{Convert.ToBase64String([(byte)b])} {b}\n")));
        Write("tokenizer_config.json", """{"added_tokens_decoder":{"300":{"content":"<|x|>","special":true}}}""");
        Assert.Equal((1, true), Run("", "--model", _folder) is var (code, _, error) ? (code, error.Contains("give --pattern", StringComparison.Ordinal)) : default);
        var (_, output, _) = Run("""{"text":"ab<|x|>"}""", "--model", _folder, "--pattern", @"\w+");
        Assert.Equal("""{"ids":[97,98,300]}""", output.Trim());
    }

    [Fact]
    public void Run_RebuiltClass_Warns()
    {
        Write("tokenizer.json", Json);
        Write("tokenizer_config.json", """{"tokenizer_class":"XglmTokenizer"}""");
        Write("config.json", """{"model_type":"xglm"}""");
        Assert.Contains("warning: tokenizer_class 'XglmTokenizer'", Run("", "--model", _folder).Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(2, "--model")]
    [InlineData(2, "--model", "x", "--nonsense")]
    [InlineData(2, "--model", "x", "--transformers", "3")]
    [InlineData(0, "--help")]
    [InlineData(1, "--model", "no-such-directory")]
    public void Run_Arguments_GiveExitCode(int expected, params string[] args) => Assert.Equal(expected, Run("", args).Code);

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private void Write(string name, string content) => File.WriteAllText(Path.Combine(_folder, name), content);

    private static (int Code, string Output, string Error) Run(string input, params string[] args)
    {
        using var output = new StringWriter { NewLine = "\n" };
        using var error = new StringWriter { NewLine = "\n" };
        var code = TokenizeCommand.Run(args, new StringReader(input), output, error, TimeProvider.System);
        return (code, output.ToString(), error.ToString());
    }
}
