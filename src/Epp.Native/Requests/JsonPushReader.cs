using System.Buffers;
using System.Text;

namespace Epp.Native.Requests;

/// <summary>
/// Validates JSON that arrives in pieces split anywhere, and names its values to a sink. It accepts and refuses what Go's
/// <c>encoding/json</c> does, with the same texts, except that nesting is limited to <see cref="MaxDepth"/>; invalid UTF-8 in strings is
/// tolerated. No DOM; the only memory is the text of the string being read, when asked for. Not thread-safe; reused through
/// <see cref="Reset"/>.
/// </summary>
/// <param name="sink">Asks and listens.</param>
/// <param name="maxTextBytes">Longest string handed to the sink; longer ones come out empty.</param>
internal sealed partial class JsonPushReader(IJsonSink sink, int maxTextBytes = int.MaxValue - 1)
{
    /// <summary>Deepest nesting of maps and lists.</summary>
    public const int MaxDepth = 64;

    /// <summary>Bytes of a number handed to the sink; longer ones are cut.</summary>
    public const int MaxNumberBytes = 64;

    /// <summary>Node of values nobody asks about.</summary>
    public const byte Skip = 0;

    /// <summary>Longer keys match nothing.</summary>
    internal const int MaxKeyBytes = 40;

    private const int KeptTextBytes = 16384;

    private static readonly SearchValues<byte> StringStops = SearchValues.Create(
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, (byte)'"', (byte)'\\']);

    private readonly byte[] _nodes = new byte[MaxDepth + 1];
    private readonly byte[] _number = new byte[MaxNumberBytes];
    private byte[] _text = new byte[128];

    private State _state;
    private int _consumed;
    private int _depth;
    private ulong _maps;
    private byte _next;

    private bool _isKey;
    private bool _capture;
    private int _textLength;
    private int _textLimit;
    private int _hexDigits;
    private int _hex;
    private int _highSurrogate;

    private int _numberLength;
    private int _integerDigits;
    private bool _numberIsReal;

    private int _word;
    private int _wordAt;

    private enum State : byte
    {
        Value,
        ValueOrEnd,
        Key,
        KeyOrEnd,
        Colon,
        AfterValue,
        Top,
        Text,
        Escape,
        Hex,
        Minus,
        Zero,
        Integer,
        Point,
        Fraction,
        Exponent,
        ExponentSign,
        ExponentDigits,
        Word,
        Failed,
    }

    /// <summary>Bytes fed since <see cref="Reset"/>.</summary>
    public int Consumed => _consumed;

    /// <summary>True once the bytes cannot become JSON any more.</summary>
    public bool Failed => _state == State.Failed;

    /// <summary>The syntax error, in Go's words; null = none so far.</summary>
    public string? SyntaxError { get; private set; }

    /// <summary>The first number beyond the range of a double, in Go's words; null = none.</summary>
    public string? NumberError { get; private set; }

    /// <summary>In <see cref="IJsonSink.End"/> of a string: whether it had no escapes.</summary>
    public bool LastTextIsPlain { get; private set; }

    /// <summary>In <see cref="IJsonSink.End"/> of a map: whether it had members.</summary>
    public bool LastMapHadMembers { get; private set; }

    /// <summary>Type of the whole document; <see cref="JsonKind.None"/> before its first byte.</summary>
    public JsonKind TopKind { get; private set; }

    /// <summary>Forgets the document; the next byte begins a value at <paramref name="root"/>.</summary>
    public void Reset(byte root)
    {
        _state = State.Value;
        _consumed = 0;
        _depth = 0;
        _maps = 0;
        _next = root;
        _highSurrogate = 0;
        SyntaxError = null;
        NumberError = null;
        TopKind = JsonKind.None;
        if (_text.Length > KeptTextBytes)
        {
            _text = new byte[128];
        }
    }

    /// <summary>Reads the next bytes.</summary>
    public void Feed(ReadOnlySpan<byte> chunk)
    {
        Advance(chunk);
        _consumed += chunk.Length;
    }

    /// <summary>Ends the document; false where it is not JSON.</summary>
    public bool Complete()
    {
        // Go ends a document by reading one blank: numbers end, half words and escapes fail with that blank as the culprit.
        Advance(" "u8);
        if (_state is State.Top or State.Failed)
        {
            return _state == State.Top;
        }

        Fail(GoJson.EndOfInput);
        return false;
    }

    private void Advance(ReadOnlySpan<byte> chunk)
    {
        var i = 0;
        while (i < chunk.Length)
        {
            switch (_state)
            {
                case State.Text:
                    i = ReadText(chunk, i);
                    break;
                case State.Escape:
                    ReadEscape(chunk[i++]);
                    break;
                case State.Hex:
                    ReadHex(chunk[i++]);
                    break;
                case State.Word:
                    ReadWord(chunk[i++], _consumed + i);
                    break;
                case >= State.Minus and <= State.ExponentDigits:
                    i = ReadNumber(chunk, i);
                    break;
                case State.Failed:
                    return;
                default:
                    i = ReadStructure(chunk, i);
                    break;
            }
        }
    }

    private int ReadStructure(ReadOnlySpan<byte> chunk, int i)
    {
        var c = chunk[i];
        if (c is (byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t')
        {
            return i + 1;
        }

        switch (_state)
        {
            case State.ValueOrEnd when c == ']':
                EndContainer(JsonKind.List, _consumed + i + 1);
                break;
            case State.Value or State.ValueOrEnd:
                BeginValue(c, _consumed + i);
                break;
            case State.KeyOrEnd when c == '}':
                EndContainer(JsonKind.Map, _consumed + i + 1);
                break;
            case State.Key or State.KeyOrEnd:
                BeginKey(c);
                break;
            case State.Colon when c == ':':
                _state = State.Value;
                break;
            case State.Colon:
                Fail(c, "after object key");
                break;
            case State.AfterValue:
                AfterValue(c, _consumed + i + 1);
                break;
            default:
                Fail(c, "after top-level value");
                break;
        }

        return i + 1;
    }

    private void ReadWord(byte c, int end)
    {
        var word = _word switch { 't' => "true"u8, 'f' => "false"u8, _ => "null"u8 };
        if (c != word[_wordAt])
        {
            var expected = (char)word[_wordAt];
            Fail(c, $"in literal {Encoding.ASCII.GetString(word)} (expecting '{expected}')");
        }
        else if (++_wordAt == word.Length)
        {
            EndValue(_next, _word == 'n' ? JsonKind.Null : JsonKind.Bool, end, word);
        }
    }

    private void Fail(byte c, string context) => Fail(GoJson.InvalidCharacter(c, context));

    private void Fail(string error)
    {
        SyntaxError = error;
        _state = State.Failed;
    }
}
