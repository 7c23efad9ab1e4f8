namespace Epp.Native.Chat;

/// <summary>What became of a body.</summary>
public enum ShapedKind
{
    /// <summary>No exact prompt; see the refusal.</summary>
    Refused = 0,

    /// <summary>A template is to be rendered with <see cref="ShapedRequest.Context"/>.</summary>
    Template,

    /// <summary>Raw texts, one per prompt.</summary>
    Texts,

    /// <summary>Token ids, one list per prompt.</summary>
    Tokens,
}

/// <summary>The outcome of <see cref="ChatShaper.Shape"/>, reused: it and its spans are valid until the next call of the same shaper.</summary>
public sealed class ShapedRequest
{
    /// <summary>No truncation asked for.</summary>
    public const int NoTruncation = -2;

    private byte[] _texts = new byte[1024];
    private int _textsLength;
    private uint[] _tokens = new uint[64];
    private int _tokensLength;
    private int[] _ends = new int[8];

    internal ShapedRequest()
    {
    }

    /// <summary>What the rest of this object holds.</summary>
    public ShapedKind Kind { get; internal set; }

    /// <summary>Why there is no prompt.</summary>
    public ShapeRefusal Refusal { get; private set; }

    /// <summary>The refusal in words, for a log or a metric: one of a fixed set of texts.</summary>
    public string RefusalDetail { get; private set; } = "";

    /// <summary>The template's globals: one JSON object in UTF-8, compact, no key twice. Numbers keep the client's text.</summary>
    public ReadOnlySpan<byte> Context => ContextOutput is null ? default : ContextOutput.Written;

    /// <summary>Use the template named <c>tool_use</c> where the model has one.</summary>
    public bool UsesToolTemplate { get; internal set; }

    /// <summary>A template in the request, honoured by this server: its text in UTF-8; empty = the model's own.</summary>
    public ReadOnlySpan<byte> TemplateOverride => Override.AsSpan(0, OverrideLength);

    /// <summary>The override came in kwargs, past the engine's detection: the model's own facts shaped the request.</summary>
    public bool KeepsModelFacts { get; internal set; }

    /// <summary>Encode with the tokenizer's special tokens around the text.</summary>
    public bool AddSpecialTokens { get; internal set; }

    /// <summary>Remove U+0000 from the text before encoding.</summary>
    public bool StripsNul { get; internal set; }

    /// <summary>Cut the rendered prompt behind the last message's text.</summary>
    public bool ContinueFinalMessage { get; internal set; }

    /// <summary>Where the last message's text lies in <see cref="Context"/>: the first byte behind its quote; −1 where it has none.</summary>
    public int FinalTextStart { get; internal set; }

    /// <summary>The byte behind the last message's text in <see cref="Context"/>.</summary>
    public int FinalTextEnd { get; internal set; }

    /// <summary>Tokens to keep; −1 = as many as the model takes; <see cref="NoTruncation"/> = all.</summary>
    public int TruncateTokens { get; internal set; }

    /// <summary>Keep the first tokens rather than the last ones.</summary>
    public bool TruncatesRight { get; internal set; }

    /// <summary>The client named the side: the ids are cut as they are, special tokens too. Else these are kept around the text.</summary>
    public bool CutsSpecialTokens { get; internal set; }

    /// <summary>Texts or token lists.</summary>
    public int PromptCount { get; private set; }

    /// <summary>The bytes of text <paramref name="prompt"/>.</summary>
    public ReadOnlySpan<byte> Text(int prompt)
    {
        var start = prompt == 0 ? 0 : _ends[prompt - 1];
        return _texts.AsSpan(start, _ends[prompt] - start);
    }

    /// <summary>The ids of list <paramref name="prompt"/>; vLLM 0.11 lets −1 through as 2^32 − 1.</summary>
    public ReadOnlySpan<uint> Tokens(int prompt)
    {
        var start = prompt == 0 ? 0 : _ends[prompt - 1];
        return _tokens.AsSpan(start, _ends[prompt] - start);
    }

    internal JsonOutput? ContextOutput { get; set; }

    internal byte[] Override { get; set; } = [];

    internal int OverrideLength { get; set; }

    internal void Reset()
    {
        Kind = ShapedKind.Refused;
        Refusal = ShapeRefusal.None;
        RefusalDetail = "";
        ContextOutput = null;
        UsesToolTemplate = false;
        OverrideLength = 0;
        KeepsModelFacts = false;
        AddSpecialTokens = false;
        StripsNul = false;
        ContinueFinalMessage = false;
        FinalTextStart = -1;
        FinalTextEnd = -1;
        TruncateTokens = NoTruncation;
        TruncatesRight = false;
        CutsSpecialTokens = false;
        PromptCount = 0;
        _textsLength = 0;
        _tokensLength = 0;
    }

    /// <summary>Notes the first reason; false, so that a check may return it.</summary>
    internal bool Refuse(ShapeRefusal refusal, string detail)
    {
        if (Refusal == ShapeRefusal.None)
        {
            Refusal = refusal;
            RefusalDetail = detail;
            Kind = ShapedKind.Refused;
            ContextOutput = null;
        }

        return false;
    }

    internal void AddText(JsonTree tree, int node)
    {
        var raw = tree.Raw(node);
        if (_texts.Length - _textsLength < raw.Length)
        {
            Array.Resize(ref _texts, Math.Max(_texts.Length * 2, _textsLength + raw.Length));
        }

        _textsLength += JsonText.Unescape(raw, _texts.AsSpan(_textsLength));
        AddEnd(_textsLength);
    }

    internal void AddToken(uint token)
    {
        if (_tokensLength == _tokens.Length)
        {
            Array.Resize(ref _tokens, _tokensLength * 2);
        }

        _tokens[_tokensLength++] = token;
    }

    internal void EndTokens() => AddEnd(_tokensLength);

    private void AddEnd(int end)
    {
        if (PromptCount == _ends.Length)
        {
            Array.Resize(ref _ends, PromptCount * 2);
        }

        _ends[PromptCount++] = end;
    }
}
