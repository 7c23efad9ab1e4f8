namespace Epp.Native.Requests;

/// <summary>
/// Reads one request body as it arrives: validates the JSON, checks what the API requires, and finds the model, the flags and the
/// places of the prompt. Prompts stay in the body; only the model, the cache salt and byte ranges are kept, so a request allocates
/// nothing once the scanner is warm (errors allocate their text). Not thread-safe; reused through <see cref="Reset"/>.
/// </summary>
/// <remarks>
/// Keys match exactly; the last of equal keys wins, but a wrong type under any of them is an error, as in Go. Spans are valid until
/// the next <see cref="Reset"/>.
/// </remarks>
public sealed partial class RequestScanner : IJsonSink
{
    /// <summary>Deepest nesting of maps and lists; deeper bodies are refused.</summary>
    public const int MaxDepth = JsonPushReader.MaxDepth;

    private const int KeptNameBytes = 4096;

    private readonly JsonPushReader _json;
    private readonly JsonField[] _fields = new JsonField[BodySchema.FieldCount];

    private bool _reads;
    private int _rootStart;
    private bool _rootHasMembers;
    private byte[] _model = new byte[128];
    private int _modelLength;
    private byte[] _salt = new byte[64];
    private int _saltLength;
    private long _maxTokens;
    private long _maxTokensFirst;
    private int _elements;
    private JsonKind _elementKind;

    /// <summary>A scanner for any API; call <see cref="Reset"/> first.</summary>
    public RequestScanner()
    {
        _json = new JsonPushReader(this);
    }

    /// <summary>The API of the request.</summary>
    public RequestApi Api { get; private set; }

    /// <summary><see cref="Api"/>, or for <see cref="RequestApi.GaieAny"/> what the body turned out to be: completions or chat.</summary>
    public RequestApi EffectiveApi { get; private set; }

    /// <summary>Whose rules apply.</summary>
    public Dialect Dialect { get; private set; }

    /// <summary>Bytes fed.</summary>
    public int Length { get; private set; }

    /// <summary>Why <see cref="Complete(Memory.BodyBuffer)"/> returned false.</summary>
    public RequestError Error { get; private set; }

    /// <summary>The text after <c>BadRequest - </c>, letter by letter that of the references; null without an error.</summary>
    public string? ErrorMessage { get; private set; }

    /// <summary>True where the API has a model to look at and to rewrite: not for bodies that are passed through, nor for SGLang and gRPC.</summary>
    public bool CanRewriteModel => Api is not (RequestApi.Passthrough or RequestApi.AnthropicCountTokens or RequestApi.SglangGenerate) && !IsVllmGrpc;

    /// <summary>True when the body's <c>model</c> is a string that is not empty.</summary>
    public bool HasModel => _modelLength > 0;

    /// <summary>The body's <c>model</c>, UTF-8, unescaped; empty where <see cref="HasModel"/> is false.</summary>
    public ReadOnlySpan<byte> Model => _model.AsSpan(0, _modelLength);

    /// <summary>First byte of the value of the effective <c>model</c>, quote included, of whatever type; −1 where the key is missing.</summary>
    public int ModelValueStart => _fields[BodySchema.Model].Kind == JsonKind.None ? -1 : _fields[BodySchema.Model].Start;

    /// <summary>Bytes of that value, quotes included; 0 where the key is missing.</summary>
    public int ModelValueLength => _fields[BodySchema.Model].Length;

    /// <summary>The byte after the body's first <c>{</c>, where a missing model is inserted; −1 where the body is not a map.</summary>
    public int InsertModelAt => _rootStart < 0 ? -1 : _rootStart + 1;

    /// <summary>True when the body is <c>{}</c>: an inserted member needs no comma behind it.</summary>
    public bool IsEmptyMap => _rootStart >= 0 && !_rootHasMembers;

    /// <summary>True when <c>stream</c> is <c>true</c>.</summary>
    public bool Stream { get; private set; }

    /// <summary>Most tokens the client wants, from the API's own field, ≥ 0; −1 where it does not say.</summary>
    public long MaxOutputTokens => _maxTokensFirst >= 0 ? _maxTokensFirst : _maxTokens;

    /// <summary><c>cache_salt</c> (SGLang: <c>extra_key</c>), UTF-8, unescaped; may be empty.</summary>
    public ReadOnlySpan<byte> CacheSalt => _salt.AsSpan(0, _saltLength);

    /// <summary>True when the prompt is a list of token ids.</summary>
    public bool HasPromptTokenIds { get; private set; }

    /// <summary>Chat: <c>messages</c>.</summary>
    public JsonField Messages => _fields[BodySchema.Messages];

    /// <summary>Completions and images: <c>prompt</c>.</summary>
    public JsonField Prompt => _fields[BodySchema.Prompt].Kind != JsonKind.None ? _fields[BodySchema.Prompt] : _fields[BodySchema.PromptText];

    /// <summary>Embeddings and responses: <c>input</c>.</summary>
    public JsonField Input => _fields[BodySchema.Input];

    /// <summary>Responses: <c>instructions</c>.</summary>
    public JsonField Instructions => _fields[BodySchema.Instructions];

    /// <summary>Chat, responses, Anthropic: <c>tools</c>.</summary>
    public JsonField Tools => _fields[BodySchema.Tools];

    /// <summary>Conversations: <c>items</c>.</summary>
    public JsonField Items => _fields[BodySchema.Items];

    /// <summary>Anthropic: <c>system</c>.</summary>
    public JsonField System => _fields[BodySchema.System];

    /// <summary>vLLM generate: <c>token_ids</c>; SGLang generate: <c>input_ids</c>.</summary>
    public JsonField TokenIds => _fields[BodySchema.TokenIds];

    /// <summary>Elements of the effective <c>messages</c>, <c>items</c>, <c>prompt</c>, <c>input</c> or token list.</summary>
    public int ElementCount => _elements;

    /// <summary>Forgets the last request and waits for a body of <paramref name="api"/>.</summary>
    public void Reset(RequestApi api, Dialect dialect)
    {
        Api = api;
        EffectiveApi = api;
        Dialect = dialect;
        Length = 0;
        Error = RequestError.None;
        ErrorMessage = null;
        Stream = false;
        HasPromptTokenIds = false;
        GrpcPrompt = default;
        _reads = api is not (RequestApi.Passthrough or RequestApi.AnthropicCountTokens or RequestApi.VllmGrpcGenerate or RequestApi.VllmGrpcEmbed);
        _rootStart = -1;
        _rootHasMembers = false;
        _modelLength = 0;
        _saltLength = 0;
        _maxTokens = -1;
        _maxTokensFirst = -1;
        _elements = 0;
        _elementKind = JsonKind.None;
        _mismatch = null;
        _promptMismatch = false;
        Array.Clear(_fields);
        _json.Reset(BodySchema.Root(api));
        if (_model.Length > KeptNameBytes)
        {
            _model = new byte[128];
        }
    }

    /// <summary>Reads the next bytes of the body, split anywhere.</summary>
    public void Feed(ReadOnlySpan<byte> chunk)
    {
        Length += chunk.Length;
        if (_reads)
        {
            _json.Feed(chunk);
        }
    }

    /// <summary>Ends a JSON body; false where the request is to be refused with 400, see <see cref="ErrorMessage"/>.</summary>
    public bool Complete()
    {
        if (!_reads)
        {
            return true;
        }

        return CheckJson() && (Api == RequestApi.GaieAny ? CheckGaie() : CheckApi());
    }

    byte IJsonSink.Child(byte parent, ReadOnlySpan<byte> key) => BodySchema.Child(parent, key, Api);

    byte IJsonSink.Element(byte parent) => BodySchema.Element(parent, Api);

    bool IJsonSink.Begin(byte node, JsonKind kind, int start)
    {
        if ((BodySchema.Allowed(node, Api) & kind) == 0)
        {
            Mismatch(node, kind);
        }

        if (node < BodySchema.FieldCount || node == BodySchema.InputIds)
        {
            BeginField(node, kind, start);
        }
        else if (node >= BodySchema.Root(RequestApi.Passthrough))
        {
            _rootStart = kind == JsonKind.Map ? start : -1;
        }
        else if (node is BodySchema.Message or BodySchema.GaieMessage or BodySchema.Turn or BodySchema.Item)
        {
            _elements++;
        }
        else if (node is BodySchema.UnionItem or BodySchema.TokenId or BodySchema.InputId)
        {
            BeginElement(node, kind);
        }

        return kind == JsonKind.Text && node is BodySchema.Model or BodySchema.CacheSalt;
    }

    void IJsonSink.End(byte node, JsonKind kind, int end, ReadOnlySpan<byte> text)
    {
        if (node < BodySchema.FieldCount || node == BodySchema.InputIds)
        {
            EndField(node, kind, end, text);
        }
        else if (node >= BodySchema.Root(RequestApi.Passthrough))
        {
            _rootHasMembers = kind == JsonKind.Map && _json.LastMapHadMembers;
        }
        else if (node == BodySchema.StrictStream)
        {
            Stream = text.SequenceEqual("true"u8);
        }
        else if (kind == JsonKind.Number)
        {
            EndNumber(node, text);
        }
    }

    private static byte Slot(byte node) => node == BodySchema.InputIds ? BodySchema.TokenIds : node;

    private void BeginField(byte node, JsonKind kind, int start)
    {
        _fields[Slot(node)] = new JsonField(kind, start, 0);
        switch (node)
        {
            case BodySchema.Model:
                _modelLength = 0;
                break;
            case BodySchema.CacheSalt when kind == JsonKind.Text:
                _saltLength = 0;
                break;
            case BodySchema.MaxTokens:
                _maxTokens = -1;
                break;
            case BodySchema.MaxTokensFirst:
                _maxTokensFirst = -1;
                break;
            case BodySchema.Messages or BodySchema.Items or BodySchema.Prompt or BodySchema.Input or BodySchema.TokenIds or BodySchema.InputIds:
                _elements = 0;
                _elementKind = JsonKind.None;
                HasPromptTokenIds = false;
                break;
        }
    }

    private void EndField(byte node, JsonKind kind, int end, ReadOnlySpan<byte> text)
    {
        ref var field = ref _fields[Slot(node)];
        field = field with { Length = end - field.Start, IsPlain = kind == JsonKind.Text && _json.LastTextIsPlain };
        switch (node)
        {
            case BodySchema.Model when kind == JsonKind.Text:
                Keep(text, ref _model, ref _modelLength);
                break;
            case BodySchema.CacheSalt when kind == JsonKind.Text:
                Keep(text, ref _salt, ref _saltLength);
                break;
            case BodySchema.Stream:
                Stream = kind == JsonKind.Bool && text[0] == 't';
                break;
            case BodySchema.MaxTokens or BodySchema.MaxTokensFirst when kind == JsonKind.Number:
                EndNumber(node, text);
                break;
        }
    }

    private static void Keep(ReadOnlySpan<byte> text, ref byte[] buffer, ref int length)
    {
        if (buffer.Length < text.Length)
        {
            buffer = new byte[text.Length];
        }

        text.CopyTo(buffer);
        length = text.Length;
    }
}
