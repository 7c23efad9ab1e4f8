using System.Text;
using Epp.Aot.Cli;
using Epp.Aot.Configuration;
using Epp.Aot.Models;
using Epp.Native.Requests;
using Epp.Testing;

namespace Epp.Aot.Tests.Models;

/// <summary>Each flag of an engine changes what becomes of a request, from the configuration file and from the command line alike.</summary>
[Trait("Category", "Unit")]
public sealed class EngineFlagsTests : IDisposable
{
    private const string Template =
        "{% for m in messages %}{{ m.role }}:{{ m.content }};{% endfor %}{% if tools %}tools{{ tools | length }};{% endif %}{% if color %}{{ color }};{% endif %}";

    private const string Hi = """{"model":"m","messages":[{"role":"user","content":"hi"}]}""";
    private const string Parts = """{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"hi"}]}]}""";
    private const string Own = """{"model":"m","messages":[{"role":"user","content":"hi"}],"chat_template":"own"}""";
    private const string Tool = "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}]";
    private const string WithTool = $$"""{"model":"m","messages":[{"role":"user","content":"hi"}],{{Tool}}}""";
    private const string WithRequired = $$"""{"model":"m","messages":[{"role":"user","content":"hi"}],"tool_choice":"required",{{Tool}}}""";
    private const string WithNone = $$"""{"model":"m","messages":[{"role":"user","content":"hi"}],"tool_choice":"none",{{Tool}}}""";

    private readonly ByteModel _model = new(Template);

    public void Dispose() => _model.Dispose();

    /// <summary>Null = no exact ids.</summary>
    [Theory]
    [InlineData("enableAutoToolChoice: false", "--no-enable-auto-tool-choice", WithTool, "user:hi;tools1;", null)]
    [InlineData("toolCallParser: ''", "--tool-call-parser=", WithRequired, "user:hi;tools1;", null)]
    [InlineData("toolCallParser: hermes", "--tool-call-parser=hermes", WithRequired, "user:hi;tools1;", "user:hi;tools1;")]
    [InlineData("trustRequestChatTemplate: true", "--trust-request-chat-template", Own, null, "own")]
    [InlineData("excludeToolsWhenToolChoiceNone: true", "--exclude-tools-when-tool-choice-none", WithNone, "user:hi;tools1;", "user:hi;")]
    [InlineData("chatTemplateContentFormat: openai", "--chat-template-content-format=openai", Parts, "user:hi;", "user:[{'type': 'text', 'text': 'hi'}];")]
    [InlineData("defaultChatTemplateKwargs: {color: red}", "--default-chat-template-kwargs={\"color\":\"red\"}", Hi, "user:hi;", "user:hi;red;")]
    [InlineData("defaultChatTemplateKwargs: '{\"color\": [1, true]}'", "--default-chat-template-kwargs={\"color\": [1, true]}", Hi, "user:hi;", "user:hi;[1, True];")]
    [InlineData("maxModelLen: 7", "--max-model-len=7", Hi, "user:hi;", null)]
    [InlineData("maxModelLen: 8", "--max-model-len=8", Hi, "user:hi;", "user:hi;")]
    [InlineData("chatTemplate: '{{ messages[0].content }}!'", "--chat-template={{ messages[0].content }}!", Hi, "user:hi;", "hi!")]
    public async Task Flag_ChangesTheOutcome(string key, string flag, string body, string? without, string? with)
    {
        Assert.Equal((without, with), (await FromConfigurationAsync("", body), await FromConfigurationAsync(", " + key, body)));
        Assert.Equal((without, with), (FromCommandLine(body), FromCommandLine(body, flag)));
    }

    [Fact]
    public async Task ChatTemplate_File_IsReadAndFollowed()
    {
        var file = Path.Combine(_model.Folder, "other.jinja");
        File.WriteAllText(file, "[{{ messages[0].content }}]");
        await using var models = _model.Load(new EngineFlags(ChatTemplate: file));
        await Wait.UntilAsync(() => models.IsReady);
        Assert.Equal("[hi]", ByteModel.Text(models, RequestApi.ChatCompletions, Hi));
        File.WriteAllText(file, "<<{{ messages[0].content }}>>");
        await Wait.UntilAsync(() => ByteModel.Text(models, RequestApi.ChatCompletions, Hi) == "<<hi>>");
    }

    [Fact]
    public async Task ChatTemplate_MissingFile_LoadsNothing()
    {
        await using var models = _model.Load(new EngineFlags(ChatTemplate: Path.Combine(_model.Folder, "missing.jinja")));
        await Wait.UntilAsync(() => models.IsReady);
        Assert.Equal(0, models.Loaded);
    }

    /// <summary>The directory decides what the operator does not say.</summary>
    [Fact]
    public async Task Directory_LimitsLengthAndIds()
    {
        _model.Write("config.json", """{"max_position_embeddings":7,"vocab_size":300}""");
        const string Inside = """{"model":"m","prompt":[299]}""";
        const string Outside = """{"model":"m","prompt":[300]}""";
        async Task<(bool, bool, bool)> Known(EngineFlags? flags)
        {
            await using var models = _model.Load(flags);
            await Wait.UntilAsync(() => models.IsReady);
            bool Has(RequestApi api, string body) => ByteModel.Tokens(models, api, body) is not null;
            return (Has(RequestApi.ChatCompletions, Hi), Has(RequestApi.Completions, Inside), Has(RequestApi.Completions, Outside));
        }

        Assert.Equal((false, true, false), await Known(null));
        Assert.Equal((true, true, false), await Known(new EngineFlags(MaxModelLen: 8)));
        Assert.Equal((true, true, false), await Known(new EngineFlags(MaxModelLen: 0)));
    }

    [Theory]
    [InlineData("{}", 0, 0)]
    [InlineData("[]", 0, 0)]
    [InlineData("""{"max_position_embeddings":4096,"vocab_size":32000}""", 4096, 32000)]
    [InlineData("""{"max_position_embeddings":4096,"seq_length":2048}""", 2048, 0)]
    [InlineData("""{"n_positions":1024,"max_position_embeddings":null}""", 1024, 0)]
    [InlineData("""{"vocab_size":7,"text_config":{"max_position_embeddings":64,"vocab_size":9}}""", 64, 9)]
    [InlineData("""{"max_position_embeddings":100,"rope_scaling":{"rope_type":"linear","factor":4.0}}""", 400, 0)]
    [InlineData("""{"max_position_embeddings":100,"rope_scaling":{"type":"dynamic","factor":2}}""", 200, 0)]
    [InlineData("""{"max_position_embeddings":163840,"rope_scaling":{"type":"yarn","factor":40,"original_max_position_embeddings":4096}}""", 163840, 0)]
    [InlineData("""{"max_position_embeddings":131072,"rope_scaling":{"rope_type":"llama3","factor":8.0,"original_max_position_embeddings":8192}}""", 131072, 0)]
    [InlineData("""{"max_position_embeddings":131072,"rope_scaling":{"type":"longrope","short_factor":[1],"original_max_position_embeddings":4096}}""", 131072, 0)]
    [InlineData("""{"model_type":"gemma3_text","max_position_embeddings":131072,"rope_scaling":{"rope_type":"linear","factor":8}}""", 131072, 0)]
    [InlineData("""{"max_position_embeddings":40960,"rope_parameters":{"rope_type":"default","rope_theta":1000000}}""", 40960, 0)]
    [InlineData("""{"max_position_embeddings":1e300,"vocab_size":-5}""", int.MaxValue, 0)]
    [InlineData("""{"max_position_embeddings":"4096"}""", 0, 0)]
    public void Read_ConfigOfAModel_GivesWhatVllmDerives(string json, int length, int vocabulary)
    {
        _model.Write("config.json", json);
        Assert.Equal(new ModelLimits(length, vocabulary), ModelLimits.Read(Path.Combine(_model.Folder, "config.json")));
    }

    [Fact]
    public void CommandLine_WrongFlags_AreNamed()
    {
        Assert.Contains("--chat-template-content-format text: expected auto, string or openai", Problem("--chat-template-content-format", "text"), StringComparison.Ordinal);
        Assert.Contains("--default-chat-template-kwargs [1]: expected a JSON object", Problem("--default-chat-template-kwargs", "[1]"), StringComparison.Ordinal);
        Assert.Contains("--max-model-len -1: expected a number of tokens", Problem("--max-model-len", "-1"), StringComparison.Ordinal);
        Assert.Contains("--trust-request-chat-template is a flag of vLLM's", Problem("--trust-request-chat-template", "--engine", "dynamo-1.6"), StringComparison.Ordinal);
    }

    [Fact]
    public void Configuration_AllMistakesAreReportedAtOnce()
    {
        var errors = Configuration(", engine: dynamo-1.2, enableAutoToolChoice: 3, chatTemplateContentFormat: x, defaultChatTemplateKwargs: 4, maxModelLen: x, chatTemplate: ''").Errors;
        Assert.Equal(
            ["chatTemplate", "chatTemplateContentFormat", "chatTemplateContentFormat", "defaultChatTemplateKwargs", "defaultChatTemplateKwargs", "enableAutoToolChoice", "enableAutoToolChoice", "maxModelLen"],
            errors.Select(e => e.ToString()!.Split("parameters.local.")[1].Split(':')[0]).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Configuration_OfTheRouterItself_IsRead()
    {
        var parameters = Configuration(", prefixCacheBytes: 64Mi, compareTraffic: false").Config!.Plugins.Select(p => p.Parameters).OfType<TokenProducerParameters>().Single();
        Assert.Equal((64L << 20, false), (parameters.Models[0].PrefixCacheBytes, parameters.ComparesTraffic));
        parameters = Configuration("").Config!.Plugins.Select(p => p.Parameters).OfType<TokenProducerParameters>().Single();
        Assert.Equal((0L, true), (parameters.Models[0].PrefixCacheBytes, parameters.ComparesTraffic));
    }

    private (EppConfig? Config, IReadOnlyList<ConfigProblem> Errors) Configuration(string keys)
    {
        var text = $$"""
            apiVersion: llm-d.ai/v1alpha1
            kind: EndpointPickerConfig
            plugins: [{type: token-producer, parameters: {modelName: m, local: {path: '{{_model.Folder}}'{{keys}} } } }, {type: queue-scorer}]
            """;
        var loaded = EppConfigLoader.Load(Encoding.UTF8.GetBytes(text), "test");
        return (loaded.Config, loaded.Errors);
    }

    private async Task<string?> FromConfigurationAsync(string keys, string body)
    {
        var (config, errors) = Configuration(keys);
        Assert.Empty(errors);
        var parameters = config!.Plugins.Select(p => p.Parameters).OfType<TokenProducerParameters>().Single();
        await using var models = new LocalModels(parameters.Models, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance, TimeProvider.System);
        await Wait.UntilAsync(() => models.IsReady);
        Assert.Equal(1, models.Loaded);
        return ByteModel.Text(models, RequestApi.ChatCompletions, body);
    }

    private string? FromCommandLine(string body, params string[] flags)
    {
        var output = new StringWriter();
        Assert.Equal(0, TokenizeCommand.Run(["--model", _model.Folder, "--rendered", .. flags], new StringReader(body), output, TextWriter.Null, TimeProvider.System));
        using var line = System.Text.Json.JsonDocument.Parse(output.ToString());
        return line.RootElement.TryGetProperty("rendered", out var rendered) ? rendered.GetString() : null;
    }

    private string Problem(params string[] args)
    {
        var error = new StringWriter();
        Assert.Equal(2, TokenizeCommand.Run(["--model", _model.Folder, .. args], new StringReader(""), TextWriter.Null, error, TimeProvider.System));
        return error.ToString();
    }
}
