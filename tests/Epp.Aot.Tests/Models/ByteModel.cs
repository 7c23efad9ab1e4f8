using System.Text;
using Epp.Aot.Configuration;
using Epp.Aot.Models;
using Epp.Native;
using Epp.Native.Memory;
using Epp.Native.Requests;
using Epp.Testing;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Epp.Aot.Tests.Models;

/// <summary>A directory with a model whose tokens are the bytes of a text: what was rendered can be read from the ids.</summary>
internal sealed class ByteModel : IDisposable
{
    public ByteModel(string template) => ByteTokenizer.Write(Folder, template);

    public string Folder { get; } = Directory.CreateTempSubdirectory("epp-model-").FullName;

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    public void Write(string name, string text) => File.WriteAllText(Path.Combine(Folder, name), text);

    /// <summary>The model alone, by the name m.</summary>
    public LocalModels Load(EngineFlags? flags = null, ILogger? logger = null) =>
        new([new LocalModelConfig("m", Folder, Flags: flags)], logger ?? NullLogger.Instance, TimeProvider.System, TimeSpan.FromMilliseconds(20));

    /// <summary>The text behind the ids of a request; null where there are none.</summary>
    public static string? Text(LocalModels models, RequestApi api, string json) => Text(models, api, Encoding.UTF8.GetBytes(json));

    /// <summary>The same of a body's bytes.</summary>
    public static string? Text(LocalModels models, RequestApi api, byte[] bytes)
    {
        var tokens = Tokens(models, api, bytes);
        return tokens is null ? null : Encoding.UTF8.GetString([.. tokens.Prompt(0).ToArray().Select(static t => (byte)t)]);
    }

    /// <summary>The ids of a request; null where there are none.</summary>
    public static PromptTokens? Tokens(LocalModels models, RequestApi api, string json) => Tokens(models, api, Encoding.UTF8.GetBytes(json));

    private static PromptTokens? Tokens(LocalModels models, RequestApi api, byte[] bytes)
    {
        using var body = new BodyBuffer();
        body.Append(bytes);
        var scan = new RequestScanner();
        scan.Reset(api, Dialect.LlmD);
        scan.Feed(bytes);
        Assert.True(scan.Complete(body), scan.ErrorMessage);
        var tokens = new PromptTokens();
        return models.TryTokenize(scan, body, scan.Model, tokens) ? tokens : null;
    }
}
