using System.Globalization;

namespace Epp.Native.Requests;

/// <summary>
/// One JSON document of a response, read for its token counts: <c>usage</c>, <c>response.usage</c> (responses API), <c>message.usage</c>
/// (Anthropic) and <c>meta_info</c> (SGLang). Counts may be numbers or strings that hold a number. Not thread-safe; reused.
/// </summary>
internal sealed class UsageDocument : IJsonSink
{
    private const byte Root = 1;
    private const byte Type = 2;
    private const byte Response = 3;
    private const byte Message = 4;
    private const byte FinishReason = 5;
    private const byte Details = 6;

    // Usage blocks: node = Block + place.
    private const byte Block = 8;
    private const int TopPlace = 0;
    private const int ResponsePlace = 1;
    private const int MessagePlace = 2;
    private const int MetaPlace = 3;
    private const int Places = 4;

    // Counts: node = Count + column.
    private const byte Count = 16;
    private const int PromptColumn = 0;
    private const int InputColumn = 1;
    private const int CompletionColumn = 2;
    private const int OutputColumn = 3;
    private const int TotalColumn = 4;
    private const int CachedColumn = 5;
    private const int CacheReadColumn = 6;
    private const int Columns = 7;

    /// <summary>Longest string looked at: type names, and numbers written as strings.</summary>
    private const int MaxTextBytes = 64;

    /// <summary>Larger counts are no counts; also the range in which doubles are exact.</summary>
    private const double MaxCount = 1L << 53;

    private readonly JsonPushReader _json;
    private readonly long[] _counts = new long[Places * Columns];
    private readonly bool[] _present = new bool[Places];
    private EventType _type;
    private bool _isFinished;
    private int _place;

    public UsageDocument()
    {
        _json = new JsonPushReader(this, MaxTextBytes);
    }

    private enum EventType : byte
    {
        Other,
        ResponseCompleted,
        MessageStart,
        MessageDelta,
    }

    /// <summary>True when a usage block was no map or held something that is no count.</summary>
    public bool IsMalformed { get; private set; }

    /// <summary>Starts a document.</summary>
    public void Begin()
    {
        _json.Reset(Root);
        _counts.AsSpan().Fill(-1);
        Array.Clear(_present);
        _type = EventType.Other;
        _isFinished = false;
        IsMalformed = false;
    }

    /// <summary>Reads the next bytes of the document.</summary>
    public void Feed(ReadOnlySpan<byte> chunk) => _json.Feed(chunk);

    /// <summary>Ends the document; false where it holds no counts or is not JSON.</summary>
    public bool TryEnd(RequestApi api, bool isStream, out TokenUsage usage)
    {
        usage = TokenUsage.None;
        if (!_json.Complete())
        {
            return false;
        }

        usage = api switch
        {
            RequestApi.AnthropicMessages or RequestApi.AnthropicCountTokens => Anthropic(isStream),
            RequestApi.SglangGenerate => isStream && !_isFinished ? usage : At(MetaPlace),
            _ when _present[TopPlace] => At(TopPlace),
            _ when _type == EventType.ResponseCompleted => At(ResponsePlace),
            _ => usage,
        };
        return usage.IsPresent;
    }

    byte IJsonSink.Child(byte parent, ReadOnlySpan<byte> key) => parent switch
    {
        Root => RootChild(key),
        Response => key.SequenceEqual("usage"u8) ? (byte)(Block + ResponsePlace) : JsonPushReader.Skip,
        Message => key.SequenceEqual("usage"u8) ? (byte)(Block + MessagePlace) : JsonPushReader.Skip,
        Details => key.SequenceEqual("cached_tokens"u8) ? (byte)(Count + CachedColumn) : JsonPushReader.Skip,
        >= Block and < Block + Places => BlockChild(key, parent - Block),
        _ => JsonPushReader.Skip,
    };

    byte IJsonSink.Element(byte parent) => JsonPushReader.Skip;

    bool IJsonSink.Begin(byte node, JsonKind kind, int start)
    {
        if (node is >= Block and < Block + Places)
        {
            _place = node - Block;
            _present[_place] = kind == JsonKind.Map;
            _counts.AsSpan(_place * Columns, Columns).Fill(-1);
            IsMalformed |= kind is not (JsonKind.Map or JsonKind.Null);
        }
        else if (node >= Count)
        {
            _counts[(_place * Columns) + node - Count] = -1;
            IsMalformed |= kind is not (JsonKind.Number or JsonKind.Text or JsonKind.Null);
        }
        else if (node == FinishReason)
        {
            _isFinished = kind != JsonKind.Null;
        }

        return kind == JsonKind.Text && (node == Type || node >= Count);
    }

    void IJsonSink.End(byte node, JsonKind kind, int end, ReadOnlySpan<byte> text)
    {
        if (node == Type)
        {
            _type = text.SequenceEqual("response.completed"u8) ? EventType.ResponseCompleted
                : text.SequenceEqual("message_start"u8) ? EventType.MessageStart
                : text.SequenceEqual("message_delta"u8) ? EventType.MessageDelta
                : EventType.Other;
        }
        else if (node >= Count && kind is JsonKind.Number or JsonKind.Text)
        {
            if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && value is >= 0 and <= MaxCount)
            {
                _counts[(_place * Columns) + node - Count] = (long)value;
            }
            else
            {
                IsMalformed = true;
            }
        }
    }

    private static byte RootChild(ReadOnlySpan<byte> key)
    {
        if (key.SequenceEqual("usage"u8))
        {
            return Block + TopPlace;
        }

        if (key.SequenceEqual("meta_info"u8))
        {
            return Block + MetaPlace;
        }

        return key.SequenceEqual("type"u8) ? Type
            : key.SequenceEqual("response"u8) ? Response
            : key.SequenceEqual("message"u8) ? Message
            : JsonPushReader.Skip;
    }

    private static byte BlockChild(ReadOnlySpan<byte> key, int place)
    {
        if (place == MetaPlace && key.SequenceEqual("finish_reason"u8))
        {
            return FinishReason;
        }

        if (key.SequenceEqual("prompt_tokens_details"u8) || key.SequenceEqual("input_tokens_details"u8) || key.SequenceEqual("prompt_token_details"u8))
        {
            return Details;
        }

        var column = key.SequenceEqual("prompt_tokens"u8) ? PromptColumn
            : key.SequenceEqual("input_tokens"u8) ? InputColumn
            : key.SequenceEqual("completion_tokens"u8) ? CompletionColumn
            : key.SequenceEqual("output_tokens"u8) ? OutputColumn
            : key.SequenceEqual("total_tokens"u8) ? TotalColumn
            : key.SequenceEqual("cached_tokens"u8) && place == MetaPlace ? CachedColumn
            : key.SequenceEqual("cache_read_input_tokens"u8) ? CacheReadColumn
            : -1;
        return column < 0 ? JsonPushReader.Skip : (byte)(Count + column);
    }

    /// <summary>Streams tell prompt and cache in their first event and the answer in a later one.</summary>
    private TokenUsage Anthropic(bool isStream)
    {
        if (!isStream)
        {
            return new TokenUsage(Get(TopPlace, InputColumn), Get(TopPlace, OutputColumn), -1, Get(TopPlace, CacheReadColumn));
        }

        return _type switch
        {
            EventType.MessageStart => new TokenUsage(Get(MessagePlace, InputColumn), -1, -1, Get(MessagePlace, CacheReadColumn)),
            EventType.MessageDelta => new TokenUsage(-1, Get(TopPlace, OutputColumn), -1, -1),
            _ => TokenUsage.None,
        };
    }

    private TokenUsage At(int place) => new(
        Either(Get(place, PromptColumn), Get(place, InputColumn)),
        Either(Get(place, CompletionColumn), Get(place, OutputColumn)),
        Get(place, TotalColumn),
        Get(place, CachedColumn));

    private long Get(int place, int column) => _counts[(place * Columns) + column];

    private static long Either(long first, long second) => first >= 0 ? first : second;
}
