using System.Text;
using System.Text.Json;
using Epp.Aot.Configuration;
using Epp.Native.Chat;
using Epp.Native.Tokens;

namespace Epp.Aot.Models;

/// <summary>
/// Reads what a model's directory says beside its tokenizer: the chat template (<c>chat_template.jinja</c>, <c>chat_template.json</c>,
/// <c>tokenizer_config.json</c>) and the limits in <c>config.json</c>; none of the files has to be there.
/// </summary>
internal static class ChatModelDirectory
{
    /// <summary>The model, or null and the error.</summary>
    public static ChatModel? Load(string directory, Tokenizer tokenizer, ChatFlavour flavour, EngineFlags flags, out string error)
    {
        try
        {
            var jinja = flags.ChatTemplate is { } given ? Template(given) : Bytes(directory, "chat_template.jinja");
            var options = Profile(flavour, flags, ModelLimits.Read(Path.Combine(directory, "config.json")), tokenizer);
            var source = ChatTemplateSource.Read(Bytes(directory, "tokenizer_config.json"), jinja, Bytes(directory, "chat_template.json"), out error);
            var model = source is null ? null : ChatModel.Create(tokenizer, source, options, out error);
            error = model is null ? $"{directory}: {error}" : "";
            return model;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            error = $"{directory}: {e.Message}";
            return null;
        }
    }

    private static ShapingProfile Profile(ChatFlavour flavour, EngineFlags flags, ModelLimits limits, Tokenizer tokenizer) => new()
    {
        Flavour = flavour,
        AutoToolChoice = flags.EnableAutoToolChoice,
        HasToolParser = flags.HasToolCallParser,
        TrustsRequestTemplate = flags.TrustRequestChatTemplate,
        ExcludesToolsOnChoiceNone = flags.ExcludeToolsWhenToolChoiceNone,
        ContentFormat = flags.ChatTemplateContentFormat,
        DefaultTemplateKwargs = Encoding.UTF8.GetBytes(flags.DefaultChatTemplateKwargs),
        MaxModelTokens = flags.MaxModelLen ?? limits.MaxModelTokens,

        // vLLM takes ids that either the tokenizer or the model knows.
        VocabularySize = limits.VocabularySize == 0 ? 0 : Math.Max(limits.VocabularySize, tokenizer.IdLimit),
    };

    /// <summary>As vLLM reads its flag: a file; where there is none, and only what looks like Jinja, the template itself.</summary>
    private static byte[] Template(string given) =>
        File.Exists(given) || given.AsSpan().IndexOfAny('{', '}', '\n') < 0 ? File.ReadAllBytes(given) : Encoding.UTF8.GetBytes(given);

    private static byte[] Bytes(string directory, string name)
    {
        var file = Path.Combine(directory, name);
        return File.Exists(file) ? File.ReadAllBytes(file) : [];
    }
}
