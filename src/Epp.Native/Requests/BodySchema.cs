namespace Epp.Native.Requests;

/// <summary>
/// What each API's body looks like (contract §3.1, §3.3), as nodes for <see cref="JsonPushReader"/>: which keys lead where, and which
/// types a place accepts. Nodes below <see cref="FieldCount"/> are top-level fields whose byte range is kept.
/// </summary>
internal static class BodySchema
{
    public const byte Skip = JsonPushReader.Skip;

    // Fields.
    public const byte Model = 1;
    public const byte Stream = 2;
    public const byte CacheSalt = 3;
    public const byte Messages = 4;
    public const byte Prompt = 5;
    public const byte Input = 6;
    public const byte Instructions = 7;
    public const byte Tools = 8;
    public const byte Items = 9;
    public const byte System = 10;
    public const byte TokenIds = 11;
    public const byte MaxTokensFirst = 12;
    public const byte MaxTokens = 13;
    public const byte PromptText = 14;
    public const byte FieldCount = 15;

    // Places of one type.
    public const byte Text = 16;
    public const byte Flag = 17;
    public const byte Map = 18;
    public const byte List = 19;
    public const byte Whole = 20;
    public const byte StrictStream = 21;
    public const byte Features = 22;

    // Places with an inside.
    public const byte Message = 24;
    public const byte Content = 25;
    public const byte Block = 26;
    public const byte Link = 27;
    public const byte Audio = 28;
    public const byte UnionItem = 29;
    public const byte TokenId = 30;
    public const byte Item = 31;
    public const byte Sampling = 32;
    public const byte Turn = 33;
    public const byte TurnContent = 34;
    public const byte TurnBlock = 35;
    public const byte ImageSource = 36;
    public const byte InputIds = 37;
    public const byte InputId = 38;
    public const byte GaieMessage = 39;
    public const byte GaieContent = 40;
    public const byte GaieBlock = 41;

    /// <summary>Root of an API is this plus its number.</summary>
    private const byte Roots = 64;

    private const JsonKind Nothing = JsonKind.Null;
    private const JsonKind Anything = (JsonKind)63;

    public static byte Root(RequestApi api) => (byte)(Roots + (byte)api);

    /// <summary>Types the place accepts; others make the request invalid.</summary>
    public static JsonKind Allowed(byte node, RequestApi api) => node switch
    {
        Text or PromptText or CacheSalt => JsonKind.Text | Nothing,
        Flag or StrictStream => JsonKind.Bool | Nothing,
        Map or Features or Message or GaieMessage or Block or GaieBlock or Link or Audio or Item or Turn or TurnBlock or ImageSource => JsonKind.Map | Nothing,
        List or Messages or Items or TokenIds => JsonKind.List | Nothing,
        Tools => api == RequestApi.Responses ? Anything : JsonKind.List | Nothing,
        Whole => JsonKind.Number | Nothing,
        Content or GaieContent or TurnContent or System => JsonKind.Text | JsonKind.List | Nothing,
        Prompt => JsonKind.Text | JsonKind.List,
        Input => api == RequestApi.Embeddings ? JsonKind.Text | JsonKind.List : Anything,
        UnionItem => JsonKind.Text | JsonKind.Number,
        TokenId => JsonKind.Number,
        _ => Anything,
    };

    /// <summary>Place of a list's elements.</summary>
    public static byte Element(byte node, RequestApi api) => node switch
    {
        Messages => api switch { RequestApi.AnthropicMessages => Turn, RequestApi.GaieAny => GaieMessage, _ => Message },
        Content => Block,
        GaieContent => GaieBlock,
        TurnContent or System => TurnBlock,
        Prompt => UnionItem,
        Input => api == RequestApi.Embeddings ? UnionItem : Skip,
        TokenIds => TokenId,
        InputIds => InputId,
        Items => Item,
        _ => Skip,
    };

    /// <summary>Place of the value under a key.</summary>
    public static byte Child(byte node, ReadOnlySpan<byte> key, RequestApi api) => node switch
    {
        >= Roots => RootChild(key, api),
        Message => key.SequenceEqual("role"u8) ? Text : key.SequenceEqual("content"u8) ? Content : Skip,
        GaieMessage => key.SequenceEqual("role"u8) ? Text : key.SequenceEqual("content"u8) ? GaieContent : Skip,
        Turn => key.SequenceEqual("role"u8) ? Text : key.SequenceEqual("content"u8) ? TurnContent : Skip,
        Block or GaieBlock => BlockChild(key, node == Block),
        TurnBlock => TurnBlockChild(key),
        Link => key.SequenceEqual("url"u8) ? Text : Skip,
        Audio => key.SequenceEqual("data"u8) || key.SequenceEqual("format"u8) ? Text : Skip,
        ImageSource => IsImageSourceKey(key) ? Text : Skip,
        Item => key.SequenceEqual("type"u8) || key.SequenceEqual("role"u8) ? Text : Skip,
        Sampling => key.SequenceEqual(api == RequestApi.SglangGenerate ? "max_new_tokens"u8 : "max_tokens"u8) ? MaxTokens : Skip,
        _ => Skip,
    };

    private static byte BlockChild(ReadOnlySpan<byte> key, bool withMedia)
    {
        if (key.SequenceEqual("type"u8) || key.SequenceEqual("text"u8))
        {
            return Text;
        }

        if (key.SequenceEqual("image_url"u8) || (withMedia && key.SequenceEqual("video_url"u8)))
        {
            return Link;
        }

        return withMedia && key.SequenceEqual("input_audio"u8) ? Audio : Skip;
    }

    private static byte TurnBlockChild(ReadOnlySpan<byte> key)
    {
        if (key.SequenceEqual("type"u8) || key.SequenceEqual("text"u8) || key.SequenceEqual("thinking"u8)
            || key.SequenceEqual("id"u8) || key.SequenceEqual("name"u8))
        {
            return Text;
        }

        return key.SequenceEqual("source"u8) ? ImageSource : key.SequenceEqual("content"u8) ? TurnContent : Skip;
    }

    private static bool IsImageSourceKey(ReadOnlySpan<byte> key) =>
        key.SequenceEqual("type"u8) || key.SequenceEqual("media_type"u8) || key.SequenceEqual("data"u8) || key.SequenceEqual("url"u8);

    private static byte RootChild(ReadOnlySpan<byte> key, RequestApi api)
    {
        if (api == RequestApi.SglangGenerate)
        {
            return SglangChild(key);
        }

        if (key.SequenceEqual("model"u8))
        {
            return Model;
        }

        if (key.SequenceEqual("stream"u8))
        {
            return Stream;
        }

        if (key.SequenceEqual("cache_salt"u8) && api is not (RequestApi.AnthropicMessages or RequestApi.ImagesGenerations))
        {
            return CacheSalt;
        }

        return api switch
        {
            RequestApi.ChatCompletions => ChatChild(key),
            RequestApi.Completions => key.SequenceEqual("prompt"u8) ? Prompt : key.SequenceEqual("max_tokens"u8) ? MaxTokens : Skip,
            RequestApi.Embeddings => key.SequenceEqual("input"u8) ? Input : Skip,
            RequestApi.Responses => ResponsesChild(key),
            RequestApi.Conversations => key.SequenceEqual("items"u8) ? Items : key.SequenceEqual("metadata"u8) ? Map : Skip,
            RequestApi.ImagesGenerations => ImagesChild(key),
            RequestApi.AnthropicMessages => AnthropicChild(key),
            RequestApi.VllmGenerate => VllmChild(key),
            RequestApi.GaieAny => key.SequenceEqual("prompt"u8) ? PromptText : ChatChild(key),
            _ => Skip,
        };
    }

    private static byte ChatChild(ReadOnlySpan<byte> key)
    {
        if (key.SequenceEqual("messages"u8))
        {
            return Messages;
        }

        if (key.SequenceEqual("tools"u8))
        {
            return Tools;
        }

        if (key.SequenceEqual("max_tokens"u8))
        {
            return MaxTokens;
        }

        if (key.SequenceEqual("max_completion_tokens"u8))
        {
            return MaxTokensFirst;
        }

        if (key.SequenceEqual("documents"u8))
        {
            return List;
        }

        if (key.SequenceEqual("chat_template"u8))
        {
            return Text;
        }

        if (key.SequenceEqual("chat_template_kwargs"u8))
        {
            return Map;
        }

        return key.SequenceEqual("continue_final_message"u8) || key.SequenceEqual("add_generation_prompt"u8)
            || key.SequenceEqual("return_assistant_tokens_mask"u8) ? Flag : Skip;
    }

    private static byte ResponsesChild(ReadOnlySpan<byte> key)
    {
        if (key.SequenceEqual("input"u8))
        {
            return Input;
        }

        if (key.SequenceEqual("instructions"u8))
        {
            return Instructions;
        }

        return key.SequenceEqual("tools"u8) ? Tools : key.SequenceEqual("max_output_tokens"u8) ? MaxTokens : Skip;
    }

    private static byte ImagesChild(ReadOnlySpan<byte> key)
    {
        if (key.SequenceEqual("prompt"u8))
        {
            return PromptText;
        }

        return key.SequenceEqual("n"u8) || key.SequenceEqual("num_inference_steps"u8) ? Whole : key.SequenceEqual("size"u8) ? Text : Skip;
    }

    private static byte AnthropicChild(ReadOnlySpan<byte> key)
    {
        if (key.SequenceEqual("messages"u8))
        {
            return Messages;
        }

        if (key.SequenceEqual("system"u8))
        {
            return System;
        }

        return key.SequenceEqual("tools"u8) ? Tools : key.SequenceEqual("max_tokens"u8) ? MaxTokens : Skip;
    }

    private static byte VllmChild(ReadOnlySpan<byte> key)
    {
        if (key.SequenceEqual("token_ids"u8))
        {
            return TokenIds;
        }

        return key.SequenceEqual("sampling_params"u8) ? Sampling : key.SequenceEqual("features"u8) ? Features : Skip;
    }

    private static byte SglangChild(ReadOnlySpan<byte> key)
    {
        if (key.SequenceEqual("input_ids"u8))
        {
            return InputIds;
        }

        if (key.SequenceEqual("extra_key"u8))
        {
            return CacheSalt;
        }

        return key.SequenceEqual("sampling_params"u8) ? Sampling : key.SequenceEqual("stream"u8) ? StrictStream : Skip;
    }
}
