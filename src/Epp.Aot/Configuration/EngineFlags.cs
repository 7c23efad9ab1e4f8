using Epp.Native.Chat;

namespace Epp.Aot.Configuration;

/// <summary>
/// Flags of an engine's server that decide which prompt a body becomes, under vLLM's names (tokenization §5b). The defaults take what some
/// server would take: a request that the engine refuses needs no exact ids, one that it takes does.
/// </summary>
/// <param name="EnableAutoToolChoice"><c>--enable-auto-tool-choice</c>.</param>
/// <param name="HasToolCallParser">A <c>--tool-call-parser</c> is set.</param>
/// <param name="TrustRequestChatTemplate"><c>--trust-request-chat-template</c>.</param>
/// <param name="ExcludeToolsWhenToolChoiceNone"><c>--exclude-tools-when-tool-choice-none</c>.</param>
/// <param name="ChatTemplateContentFormat"><c>--chat-template-content-format</c>.</param>
/// <param name="DefaultChatTemplateKwargs"><c>--default-chat-template-kwargs</c>, a JSON object.</param>
/// <param name="MaxModelLen"><c>--max-model-len</c> in tokens; 0 = without end, null = as <c>config.json</c> says.</param>
/// <param name="ChatTemplate"><c>--chat-template</c>: a file, or the template itself; null = the directory's.</param>
public sealed record EngineFlags(
    bool EnableAutoToolChoice = true,
    bool HasToolCallParser = true,
    bool TrustRequestChatTemplate = false,
    bool ExcludeToolsWhenToolChoiceNone = false,
    ContentFormat ChatTemplateContentFormat = ContentFormat.Auto,
    string DefaultChatTemplateKwargs = "{}",
    int? MaxModelLen = null,
    string? ChatTemplate = null)
{
    /// <summary>No flag is known.</summary>
    public static EngineFlags Unknown { get; } = new();

    /// <summary>A content format by the name that the engine's flag takes.</summary>
    public static ContentFormat? FormatOf(string name) => name switch
    {
        "auto" => ContentFormat.Auto,
        "string" => ContentFormat.Text,
        "openai" => ContentFormat.OpenAi,
        _ => null,
    };

    /// <summary>Dynamo's frontend has its own ways and none of vLLM's flags but a length and a template.</summary>
    public static bool AreKnownTo(ChatFlavour flavour) => flavour is ChatFlavour.Vllm011 or ChatFlavour.Vllm033;
}
