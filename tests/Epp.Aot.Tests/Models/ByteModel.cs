using System.Text;
using System.Text.Json;
using Epp.Aot.Configuration;
using Epp.Aot.Models;
using Epp.Native;
using Epp.Native.Memory;
using Epp.Native.Requests;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Epp.Aot.Tests.Models;

/// <summary>A directory with a model whose tokens are the bytes of a text: what was rendered can be read from the ids.</summary>
internal sealed class ByteModel : IDisposable
{
    public ByteModel(string template, int firstId = 0)
    {
        Write("tokenizer.json", Tokenizer(firstId));
        Write("tokenizer_config.json", $$"""{"tokenizer_class":"PreTrainedTokenizerFast","chat_template":{{JsonSerializer.Serialize(template)}}}""");
    }

    public string Folder { get; } = Directory.CreateTempSubdirectory("epp-model-").FullName;

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    public void Write(string name, string text) => File.WriteAllText(Path.Combine(Folder, name), text);

    /// <summary>The model alone, by the name m.</summary>
    public LocalModels Load(EngineFlags? flags = null, ILogger? logger = null) =>
        new([new LocalModelConfig("m", Folder, Flags: flags)], logger ?? NullLogger.Instance, TimeProvider.System, TimeSpan.FromMilliseconds(20));

    /// <summary>The text behind the ids of a request; null where there are none.</summary>
    public static string? Text(LocalModels models, RequestApi api, string json)
    {
        var tokens = Tokens(models, api, json);
        return tokens is null ? null : Encoding.UTF8.GetString([.. tokens.Prompt(0).ToArray().Select(static t => (byte)t)]);
    }

    /// <summary>The ids of a request; null where there are none.</summary>
    public static PromptTokens? Tokens(LocalModels models, RequestApi api, string json)
    {
        using var body = new BodyBuffer();
        var bytes = Encoding.UTF8.GetBytes(json);
        body.Append(bytes);
        var scan = new RequestScanner();
        scan.Reset(api, Dialect.LlmD);
        scan.Feed(bytes);
        Assert.True(scan.Complete(), scan.ErrorMessage);
        var tokens = new PromptTokens();
        return models.TryTokenize(scan, body, scan.Model, tokens) ? tokens : null;
    }

    /// <summary>Byte-level BPE without merges: the id of a byte is the byte.</summary>
    public static string Tokenizer(int firstId)
    {
        var vocabulary = new List<string>();
        var next = 256;
        for (var b = 0; b < 256; b++)
        {
            var c = b is (>= 33 and <= 126) or (>= 161 and <= 172) or (>= 174 and <= 255) ? b : next++;
            vocabulary.Add($"{JsonSerializer.Serialize(((char)c).ToString())}:{b + firstId}");
        }

        return $$"""
            {"version":"1.0","truncation":null,"padding":null,"added_tokens":[],"normalizer":null,
             "pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":true},
             "post_processor":null,"decoder":{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true,"use_regex":true},
             "model":{"type":"BPE","dropout":null,"unk_token":null,"continuing_subword_prefix":null,"end_of_word_suffix":null,"fuse_unk":false,
              "byte_fallback":false,"ignore_merges":false,"vocab":{ {{string.Join(',', vocabulary)}} },"merges":[]} }
            """;
    }
}
