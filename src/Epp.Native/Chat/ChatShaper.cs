using Epp.Native.Requests;

namespace Epp.Native.Chat;

/// <summary>
/// Turns a request body into what the engine's tokenizer or template would be given: the globals of the chat template, raw texts, or token
/// ids; or says why there is no exact prompt. Nothing a client sends makes it throw or allocate in steady state. An object is the scratch
/// of one call at a time: not thread-safe, reuse it.
/// </summary>
public sealed partial class ChatShaper
{
    private readonly JsonTree _body = new();
    private readonly JsonTree _chat = new();
    private readonly JsonTree _arguments = new();
    private readonly JsonOutput _out = new();
    private readonly JsonOutput _converted = new();
    private readonly JsonOutput _part = new();
    private readonly TemplateKwargs _kwargs = new();
    private readonly ShapedRequest _result = new();

    private ShapingProfile _profile = new();
    private FlavourRules _rules = FlavourRules.Of(ChatFlavour.Vllm033);
    private TemplateFacts _facts = new();
    private TemplateFacts? _requestTemplate;
    private ContentFormat _format;
    private ChatOrigin _origin;

    /// <summary>Which request a chat body came from; they differ in defaults and checks.</summary>
    private enum ChatOrigin : byte
    {
        Chat,
        Responses,
        Messages,
        Embeddings,
        Tokenize,
    }

    /// <summary>
    /// Shapes a body as the client sent it. <paramref name="requestTemplate"/> are the facts of the template in the request: shape once
    /// without, and where <see cref="ShapedRequest.TemplateOverride"/> names one, once more with its facts.
    /// </summary>
    public ShapedRequest Shape(ReadOnlySpan<byte> body, ChatEndpoint endpoint, ShapingProfile profile, TemplateFacts? requestTemplate = null)
    {
        _profile = profile;
        _rules = profile.Rules;
        _requestTemplate = requestTemplate;
        _result.Reset();
        _kwargs.Clear();
        _out.Reset();
        var isShaped = TryRead(_body, _body.Parse(body, _rules.ParsesSpecialNumbers)) && (_rules.IsDynamo ? ShapeDynamo(endpoint) : ShapeVllm(endpoint));
        if (isShaped && _result.Kind == ShapedKind.Refused)
        {
            _result.Refuse(ShapeRefusal.NotReproduced, "endpoint not reproduced for this flavour");
        }

        return _result;
    }

    private bool ShapeVllm(ChatEndpoint endpoint)
    {
        var hasMessages = _body.Find(0, "messages"u8) >= 0;
        switch (endpoint)
        {
            case ChatEndpoint.Chat:
                return ShapeChat(_body, ChatOrigin.Chat);
            case ChatEndpoint.Completions:
                return ShapeCompletions();
            case ChatEndpoint.Responses:
                return ConvertResponses() && TryReadConverted() && ShapeChat(_chat, ChatOrigin.Responses);
            case ChatEndpoint.Messages:
                return ConvertMessages() && TryReadConverted() && ShapeChat(_chat, ChatOrigin.Messages);
            case ChatEndpoint.Embeddings:
                return hasMessages ? ShapeChat(_body, ChatOrigin.Embeddings) : ShapeEmbeddings();
            case ChatEndpoint.Tokenize:
                return hasMessages ? ShapeChat(_body, ChatOrigin.Tokenize) : ShapeTokenize();
            default:
                return Refuse("unknown endpoint");
        }
    }

    /// <summary>Reads the chat request that a conversion wrote.</summary>
    private bool TryReadConverted() =>
        _converted.Overflowed
            ? _result.Refuse(ShapeRefusal.TooLarge, "request too large")
            : TryRead(_chat, _chat.Parse(_converted.Written, _rules.ParsesSpecialNumbers));

    private bool TryRead(JsonTree tree, JsonOutcome outcome) => outcome switch
    {
        JsonOutcome.Ok => tree.RootKind == JsonKind.Map || Refuse("body is no JSON object"),
        JsonOutcome.Invalid => _result.Refuse(ShapeRefusal.InvalidJson, "body is no valid JSON"),
        JsonOutcome.TooDeep => _result.Refuse(ShapeRefusal.TooLarge, "body nested too deep"),
        _ => _result.Refuse(ShapeRefusal.TooLarge, "body too large"),
    };

    private bool Refuse(string detail) => _result.Refuse(ShapeRefusal.InvalidRequest, detail);

    /// <summary>Ends a context: checks that it fits and holds only text a tokenizer takes.</summary>
    private bool FinishContext()
    {
        if (_out.Overflowed)
        {
            return _result.Refuse(ShapeRefusal.TooLarge, "template context too large");
        }

        if (_out.SawLoneSurrogate)
        {
            return _result.Refuse(ShapeRefusal.LoneSurrogate, "half a surrogate pair in the text");
        }

        _result.Kind = ShapedKind.Template;
        _result.ContextOutput = _out;
        return true;
    }

    /// <summary>A boolean as pydantic reads it: JSON's, 0 and 1, and its words; missing = <paramref name="value"/>.</summary>
    private bool TryFlag(JsonTree tree, int node, string detail, ref bool value)
    {
        if (node < 0)
        {
            return true;
        }

        var kind = tree.Kind(node);
        var raw = tree.Raw(node);
        if (kind == JsonKind.Bool)
        {
            value = raw.Length == 4;
            return true;
        }

        if (kind == JsonKind.Number && raw.Length == 1 && raw[0] is (byte)'0' or (byte)'1')
        {
            value = raw[0] == '1';
            return true;
        }

        return Refuse(detail);
    }

    /// <summary>An integer; missing or null = <paramref name="value"/>. A real without a fraction counts.</summary>
    private bool TryInteger(JsonTree tree, int node, string detail, ref long value)
    {
        if (tree.IsNothing(node))
        {
            return true;
        }

        if (tree.Kind(node) != JsonKind.Number || !TryInteger(tree.Raw(node), out value))
        {
            return Refuse(detail);
        }

        return true;
    }

    private static bool TryInteger(ReadOnlySpan<byte> number, out long value)
    {
        var point = number.IndexOf((byte)'.');
        if (point >= 0 && number[(point + 1)..].Trim((byte)'0').IsEmpty)
        {
            number = number[..point];
        }

        return System.Buffers.Text.Utf8Parser.TryParse(number, out value, out var used) && used == number.Length;
    }
}
