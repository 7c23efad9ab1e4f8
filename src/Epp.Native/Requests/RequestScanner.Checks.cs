using System.Globalization;
using System.Text;

namespace Epp.Native.Requests;

/// <summary>What makes a body invalid, and the references' texts for it (contract §2.6, §3.3).</summary>
public sealed partial class RequestScanner
{
    /// <summary>First value of a type its place does not accept, in Go's words.</summary>
    private string? _mismatch;

    /// <summary>GAIE: a <c>prompt</c> that is not a string only rules out completions.</summary>
    private bool _promptMismatch;

    private bool CheckJson()
    {
        var error = !_json.Complete() ? _json.SyntaxError
            : _json.TopKind is not (JsonKind.Map or JsonKind.Null) ? GoJson.CannotUnmarshal(GoJson.KindName(_json.TopKind), TopType)
            : Api == RequestApi.SglangGenerate ? null
            : _json.NumberError;
        if (error is null)
        {
            return true;
        }

        Error = RequestError.InvalidJson;
        ErrorMessage = Api switch
        {
            RequestApi.GaieAny => "Error unmarshaling request body",
            RequestApi.AnthropicMessages => "error unmarshaling request body: " + error,
            RequestApi.VllmGenerate => error,
            RequestApi.SglangGenerate => "invalid generate request: " + error,
            _ => "error unmarshaling request bodyMap: " + error,
        };
        return false;
    }

    private string TopType => Api == RequestApi.SglangGenerate ? "sglanghttp.sgLangGenerateWire" : "map[string]interface {}";

    private bool CheckApi()
    {
        var prompt = Prompt;
        return Api switch
        {
            RequestApi.ChatCompletions =>
                Require(_mismatch is null && _elements > 0, "invalid chat completions request: must have valid messages field"),
            RequestApi.Completions =>
                Require(_mismatch is null && IsUnionPresent(prompt), "invalid completions request: must have prompt field"),
            RequestApi.Embeddings =>
                Require(_mismatch is null && IsUnionPresent(Input), "invalid embeddings request: must have input field"),
            RequestApi.Responses =>
                Require(_mismatch is null && Input.Kind is not (JsonKind.None or JsonKind.Null), "invalid responses request: must have input field"),
            RequestApi.Conversations =>
                Require(_mismatch is null && _elements > 0, "invalid conversations request: must have items field"),
            RequestApi.ImagesGenerations =>
                Require(_mismatch is null && IsText(prompt), "invalid images generations request: must have prompt field"),
            RequestApi.AnthropicMessages =>
                RequireTypes("error parsing messages request: ")
                && Require(_elements > 0, "invalid messages request: must have at least one message"),
            RequestApi.VllmGenerate =>
                RequireTypes("invalid generate request: ")
                && Require(HasPromptTokenIds = _elements > 0, "invalid generate request: must have non-empty token_ids field"),
            _ => CheckSglang(),
        };
    }

    private bool CheckSglang()
    {
        var ids = TokenIds;
        var salt = _fields[BodySchema.CacheSalt].Kind;
        return RequireTypes("invalid generate request: ")
            && Require(ids.Kind is not (JsonKind.None or JsonKind.Null), "invalid generate request: input_ids must be provided")
            && Require(salt is JsonKind.None or JsonKind.Null or JsonKind.Text, "unsupported generate request: extra_key must be a string")
            && Require(ids.Kind == JsonKind.List && !_promptMismatch, "invalid generate request: input_ids must be an array of uint32 integers")
            && Require(HasPromptTokenIds = _elements > 0, "invalid generate request: input_ids cannot be empty");
    }

    private bool CheckGaie()
    {
        if (_fields[BodySchema.Model].Kind != JsonKind.Text)
        {
            Error = RequestError.ModelNotFound;
            ErrorMessage = "model not found in request body";
            return false;
        }

        if (!_promptMismatch && _fields[BodySchema.CacheSalt].Kind is JsonKind.None or JsonKind.Null or JsonKind.Text && IsText(Prompt))
        {
            EffectiveApi = RequestApi.Completions;
            return true;
        }

        EffectiveApi = RequestApi.ChatCompletions;
        const string Outer = "failed to extract request data: inference gateway: BadRequest - ";
        return Require(_mismatch is null, Outer + "invalid request format")
            && Require(
                _elements > 0,
                Outer + "invalid chat-completions request: inference gateway: BadRequest - chat-completions request must have at least one message");
    }

    private bool Require(bool condition, string message)
    {
        if (!condition)
        {
            Error = RequestError.InvalidRequest;
            ErrorMessage = message;
        }

        return condition;
    }

    private bool RequireTypes(string prefix) => _mismatch is null || Require(false, prefix + _mismatch);

    private static bool IsText(JsonField field) => field.Kind == JsonKind.Text && field.Length > 2;

    private bool IsUnionPresent(JsonField field) => IsText(field) || (field.Kind == JsonKind.List && _elements > 0);

    private void Mismatch(byte node, JsonKind kind)
    {
        if (node == BodySchema.PromptText && Api == RequestApi.GaieAny)
        {
            _promptMismatch = true;
        }
        else if (node != BodySchema.CacheSalt || Api != RequestApi.SglangGenerate)
        {
            _mismatch ??= Api switch
            {
                RequestApi.AnthropicMessages => GoJson.CannotUnmarshalField(kind, "MessagesRequest." + FieldName(node), FieldType(node)),
                RequestApi.SglangGenerate => GoJson.CannotUnmarshalField(kind, "sgLangGenerateWire.stream", "bool"),
                RequestApi.VllmGenerate => GoJson.CannotUnmarshalField(kind, "." + FieldName(node), FieldType(node)),
                _ => "type",
            };
        }
    }

    private static string FieldName(byte node) => node switch
    {
        BodySchema.TokenIds or BodySchema.TokenId => "token_ids",
        BodySchema.CacheSalt => "cache_salt",
        BodySchema.Features => "features",
        BodySchema.Tools => "tools",
        BodySchema.System => "system",
        BodySchema.TurnContent => "messages.content",
        BodySchema.Text => "messages.role",
        _ => "messages",
    };

    private static string FieldType(byte node) => node switch
    {
        BodySchema.TokenIds => "[]float64",
        BodySchema.TokenId => "float64",
        BodySchema.Text or BodySchema.CacheSalt => "string",
        BodySchema.Features => "struct",
        BodySchema.Tools => "[]interface {}",
        BodySchema.System or BodySchema.TurnContent => "requesthandling.AnthropicContent",
        BodySchema.Messages => "[]requesthandling.AnthropicMessage",
        _ => "requesthandling.AnthropicMessage",
    };

    private void BeginElement(byte node, JsonKind kind)
    {
        _elements++;
        if (node == BodySchema.InputId)
        {
            _promptMismatch |= kind != JsonKind.Number;
            return;
        }

        if (_elementKind == JsonKind.None)
        {
            _elementKind = kind;
            HasPromptTokenIds = kind == JsonKind.Number;
        }
        else if (_elementKind != kind)
        {
            _mismatch ??= "mixed types in array";
        }
    }

    private void EndNumber(byte node, ReadOnlySpan<byte> text)
    {
        switch (node)
        {
            case BodySchema.MaxTokens:
                _maxTokens = TokenCount(text);
                break;
            case BodySchema.MaxTokensFirst:
                _maxTokensFirst = TokenCount(text);
                break;
            case BodySchema.InputId:
                _promptMismatch |= !JsonNumber.TryUInt32(text, allowReal: false, out _);
                break;
            case BodySchema.UnionItem or BodySchema.TokenId when !JsonNumber.TryUInt32(text, allowReal: true, out _):
                _mismatch ??= string.Create(
                    CultureInfo.InvariantCulture, $"token_ids[{_elements - 1}]: invalid value {Encoding.ASCII.GetString(text)}");
                break;
            case BodySchema.Whole when text.IndexOfAny(".eE"u8) >= 0:
                _mismatch ??= "type";
                break;
        }
    }

    private static long TokenCount(ReadOnlySpan<byte> text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && value >= 0
            ? (long)Math.Min(value, long.MaxValue / 2)
            : -1;
}
