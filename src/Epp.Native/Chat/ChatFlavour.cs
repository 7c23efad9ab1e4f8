namespace Epp.Native.Chat;

/// <summary>The component whose prompts are reproduced. One code shapes for all; what differs is a row of <see cref="FlavourRules"/>.</summary>
public enum ChatFlavour
{
    /// <summary>vLLM as of 0.33, the default.</summary>
    Vllm033 = 0,

    /// <summary>vLLM as of 0.11.</summary>
    Vllm011,

    /// <summary>Dynamo's frontend as of 1.2.</summary>
    Dynamo12,

    /// <summary>Dynamo's frontend as of 1.4.</summary>
    Dynamo14,

    /// <summary>Dynamo's frontend as of 1.6.</summary>
    Dynamo16,
}

/// <summary>Which API a body speaks.</summary>
public enum ChatEndpoint
{
    /// <summary><c>/v1/chat/completions</c>.</summary>
    Chat = 0,

    /// <summary><c>/v1/completions</c>.</summary>
    Completions,

    /// <summary><c>/v1/responses</c>.</summary>
    Responses,

    /// <summary><c>/v1/messages</c> (Anthropic).</summary>
    Messages,

    /// <summary><c>/v1/embeddings</c>.</summary>
    Embeddings,

    /// <summary><c>/tokenize</c> (vLLM).</summary>
    Tokenize,
}

/// <summary>How a template wants message contents: as strings, or as OpenAI's lists of parts.</summary>
public enum ContentFormat
{
    /// <summary>As the template's text says; only as an option.</summary>
    Auto = 0,

    /// <summary>Text parts joined to one string.</summary>
    Text,

    /// <summary>Lists of parts kept, strings made lists.</summary>
    OpenAi,
}

/// <summary>What differs between flavours. Immutable; one instance per flavour.</summary>
internal sealed record FlavourRules(
    bool IsDynamo,
    bool ParsesSpecialNumbers,

    // vLLM 0.33 against 0.11.
    bool FieldsBeatKwargs = false,
    bool DropsNullKwargs = false,
    bool EffortReachesTemplate = false,
    bool ConvertsDeveloper = false,
    bool ArgumentsAlwaysObject = false,
    bool DropsEmptyToolCalls = false,
    bool JoinsToolContent = false,
    bool KeepsPartFields = false,
    bool KeepsToolFields = false,
    bool StripsBillingHeader = false,
    bool RefusesEmptyTools = false,
    bool HonoursTruncationSide = false,
    bool ChecksRequiredToolParser = false,
    bool ResponsesAddSpecialTokens = false,
    bool ModernResponses = false,
    bool ModernMessages = false,

    // Dynamo.
    bool SortsKeys = false,
    bool FillsToolDescription = false,
    bool ChecksArguments = false,
    bool LinksThinking = false,
    bool SetsThinkingMode = false,
    bool HonoursGenerationPrompt = false,
    bool ChecksStrictTools = false,
    bool ChecksNvext = false,
    bool ChecksMaxTokens = false,
    bool ChecksVocabulary = false)
{
    private static readonly FlavourRules Vllm011 = new(false, true, KeepsToolFields: true);

    private static readonly FlavourRules Vllm033 = new(
        false,
        true,
        FieldsBeatKwargs: true,
        DropsNullKwargs: true,
        EffortReachesTemplate: true,
        ConvertsDeveloper: true,
        ArgumentsAlwaysObject: true,
        DropsEmptyToolCalls: true,
        JoinsToolContent: true,
        KeepsPartFields: true,
        StripsBillingHeader: true,
        RefusesEmptyTools: true,
        HonoursTruncationSide: true,
        ChecksRequiredToolParser: true,
        ResponsesAddSpecialTokens: true,
        ModernResponses: true,
        ModernMessages: true);

    private static readonly FlavourRules Dynamo12 = new(true, false, SortsKeys: true);

    private static readonly FlavourRules Dynamo14 = new(
        true, false, FillsToolDescription: true, ChecksArguments: true, LinksThinking: true, ChecksNvext: true, ChecksMaxTokens: true);

    private static readonly FlavourRules Dynamo16 = Dynamo14 with
    {
        SetsThinkingMode = true,
        HonoursGenerationPrompt = true,
        ChecksStrictTools = true,
        ChecksVocabulary = true,
        RefusesEmptyTools = true,
    };

    /// <summary>The row of a flavour.</summary>
    public static FlavourRules Of(ChatFlavour flavour) => flavour switch
    {
        ChatFlavour.Vllm011 => Vllm011,
        ChatFlavour.Dynamo12 => Dynamo12,
        ChatFlavour.Dynamo14 => Dynamo14,
        ChatFlavour.Dynamo16 => Dynamo16,
        _ => Vllm033,
    };
}
