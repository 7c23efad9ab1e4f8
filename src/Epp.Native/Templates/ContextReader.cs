using System.Buffers;
using System.Globalization;
using System.Numerics;
using System.Text;
using System.Text.Unicode;

namespace Epp.Native.Templates;

/// <summary>
/// Reads the JSON of a context into values as Python's <c>json</c> does: key order kept, of equal keys the last value at the first
/// place, integers exact. Strings become ranges of one copy of the bytes, unescaped in place. Nothing is thrown: false with
/// <see cref="Error"/>.
/// </summary>
internal sealed class ContextReader(Arena arena)
{
    /// <summary>Deepest nesting of maps and lists.</summary>
    private const int MaxDepth = 64;

    /// <summary>Python refuses integers beyond.</summary>
    private const int MaxIntegerDigits = 4300;

    private static readonly SearchValues<byte> Stops = SearchValues.Create(
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, (byte)'"', (byte)'\\']);

    private readonly Arena _arena = arena;
    private readonly DictBuilder _dicts = new(arena);
    private byte[] _json = [];
    private int _at;
    private int _end;
    private Value[] _stack = new Value[256];
    private int _count;
    private int _depth;

    /// <summary>What is wrong; null = nothing.</summary>
    public string? Error { get; private set; }

    /// <summary>Reads one object.</summary>
    public bool TryRead(ReadOnlySpan<byte> json, bool sortsKeys, out Value context)
    {
        context = default;
        Error = null;
        _count = 0;
        _depth = 0;
        _dicts.Sorts = sortsKeys;
        if (!Utf8.IsValid(json))
        {
            return Fail("the context is not valid UTF-8");
        }

        // One blank behind the end ends a number without a check.
        var block = _arena.TakeBytes(json.Length + 1, out _at);
        if (block is null)
        {
            return Fail("the context is larger than the limit");
        }

        _json = block;
        json.CopyTo(_json.AsSpan(_at));
        _end = _at + json.Length;
        _json[_end] = (byte)' ';
        SkipBlanks();
        if (_at >= _end || _json[_at] != '{')
        {
            return Fail("the context is not a JSON object");
        }

        if (!TryValue(out context))
        {
            return false;
        }

        SkipBlanks();
        return _at >= _end || Fail("the context goes on behind its end");
    }

    private bool Fail(string error)
    {
        Error ??= error;
        return false;
    }

    private void SkipBlanks()
    {
        while (_at < _end && _json[_at] is (byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t')
        {
            _at++;
        }
    }

    private bool TryValue(out Value value)
    {
        value = default;
        switch (_json[_at])
        {
            case (byte)'"':
                return TryText(out value);
            case (byte)'{':
                return TryMap(out value);
            case (byte)'[':
                return TryList(out value);
            case (byte)'t':
                value = Value.True;
                return TryWord("true"u8);
            case (byte)'f':
                value = Value.False;
                return TryWord("false"u8);
            case (byte)'n':
                value = Value.None;
                return TryWord("null"u8);
            case (byte)'N':
                value = Value.Float(double.NaN);
                return TryWord("NaN"u8);
            case (byte)'I':
                value = Value.Float(double.PositiveInfinity);
                return TryWord("Infinity"u8);
            default:
                return TryNumber(out value);
        }
    }

    private bool TryWord(ReadOnlySpan<byte> word)
    {
        var found = _json.AsSpan(_at, _end - _at).StartsWith(word);
        _at += word.Length;
        return found || Fail("the context holds a word that is no JSON");
    }

    private bool Push(Value value)
    {
        if (_count == _stack.Length)
        {
            Array.Resize(ref _stack, _count * 2);
        }

        _stack[_count++] = value;
        return true;
    }

    private bool TryMap(out Value value)
    {
        value = default;
        var from = _count;
        if (++_depth > MaxDepth)
        {
            return Fail("the context is nested too deep");
        }

        _at++;
        SkipBlanks();
        while (_json[_at] != '}' || _at >= _end)
        {
            if (_count > from && !TryPunctuation((byte)','))
            {
                return false;
            }

            if (_at >= _end || _json[_at] != '"')
            {
                return Fail("the context lacks a key");
            }

            if (!TryText(out var key) || !Push(key) || !TryPunctuation((byte)':') || !TryValue(out var member))
            {
                return false;
            }

            Push(member);
            SkipBlanks();
        }

        _at++;
        _depth--;
        value = _dicts.Build(_stack.AsSpan(from, _count - from));
        _count = from;
        return !_arena.IsExhausted || Fail("the context is larger than the limit");
    }

    private bool TryPunctuation(byte c)
    {
        SkipBlanks();
        if (_at >= _end || _json[_at] != c)
        {
            return Fail($"the context lacks a '{(char)c}'");
        }

        _at++;
        SkipBlanks();
        return true;
    }

    private bool TryList(out Value value)
    {
        value = default;
        var from = _count;
        if (++_depth > MaxDepth)
        {
            return Fail("the context is nested too deep");
        }

        _at++;
        SkipBlanks();
        while (_json[_at] != ']' || _at >= _end)
        {
            if ((_count > from && !TryPunctuation((byte)',')) || !TryValue(out var element))
            {
                return false;
            }

            Push(element);
            SkipBlanks();
        }

        _at++;
        _depth--;
        value = _arena.List(ValueKind.List, _stack.AsSpan(from, _count - from));
        _count = from;
        return !_arena.IsExhausted || Fail("the context is larger than the limit");
    }

    private bool TryText(out Value value)
    {
        var start = ++_at;
        var rest = _json.AsSpan(_at, _end - _at);
        var stop = rest.IndexOfAny(Stops);
        value = Value.Range(ValueKind.Text, _json, start, Math.Max(0, stop));
        if (stop < 0)
        {
            return Fail("the context holds a string without end");
        }

        _at += stop;
        if (rest[stop] != '\\')
        {
            return rest[stop] == '"' ? _at++ >= 0 : Fail("the context holds a control character in a string");
        }

        // Escapes take at least as many bytes as what they stand for, so the text moves to the left.
        var to = _at;
        while (_at < _end && _json[_at] != '"')
        {
            if (_json[_at] == '\\')
            {
                if (!TryEscape(ref to))
                {
                    return false;
                }

                continue;
            }

            rest = _json.AsSpan(_at, _end - _at);
            var run = rest.IndexOfAny(Stops);
            run = run < 0 ? rest.Length : run;
            if (run == 0)
            {
                return Fail("the context holds a control character in a string");
            }

            rest[..run].CopyTo(_json.AsSpan(to));
            to += run;
            _at += run;
        }

        value = Value.Range(ValueKind.Text, _json, start, to - start);
        return _at++ < _end || Fail("the context holds a string without end");
    }

    private bool TryEscape(ref int to)
    {
        var c = _json[_at + 1];
        _at += 2;
        if (c == 'u')
        {
            return TryUnicode(ref to);
        }

        var value = c switch
        {
            (byte)'n' => '\n',
            (byte)'t' => '\t',
            (byte)'r' => '\r',
            (byte)'b' => '\b',
            (byte)'f' => '\f',
            (byte)'"' or (byte)'\\' or (byte)'/' => (char)c,
            _ => '\0',
        };
        if (value == '\0' || _at > _end)
        {
            return Fail("the context holds a bad escape");
        }

        _json[to++] = (byte)value;
        return true;
    }

    private bool TryUnicode(ref int to)
    {
        var value = Hex();
        if (value is >= 0xD800 and < 0xDC00 && _end - _at >= 6 && _json[_at] == '\\' && _json[_at + 1] == 'u')
        {
            _at += 2;
            var low = Hex();
            value = low is >= 0xDC00 and < 0xE000 ? 0x10000 + ((value - 0xD800) << 10) + (low - 0xDC00) : -1;
        }

        if (!Rune.TryCreate(value, out var rune))
        {
            return Fail("the context holds half of a surrogate pair or a bad escape");
        }

        to += rune.EncodeToUtf8(_json.AsSpan(to));
        return true;
    }

    private int Hex()
    {
        var value = 0;
        for (var i = 0; i < 4; i++, _at++)
        {
            var digit = _at < _end ? Utf8Text.DigitValue(_json[_at]) : 99;
            if (digit > 15)
            {
                return -1;
            }

            value = value * 16 + digit;
        }

        return value;
    }

    private bool TryNumber(out Value value)
    {
        value = default;
        var rest = _json.AsSpan(_at, _end - _at);
        var length = rest.IndexOfAnyExcept("+-.0123456789eE"u8);
        var text = length < 0 ? rest : rest[..length];
        if (text.SequenceEqual("-"u8) && rest.StartsWith("-Infinity"u8))
        {
            _at += 9;
            value = Value.Float(double.NegativeInfinity);
            return true;
        }

        if (!IsNumber(text, out var isInteger))
        {
            return Fail("the context holds something that is no JSON");
        }

        _at += text.Length;
        if (!isInteger)
        {
            value = Value.Float(double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture));
            return true;
        }

        if (text.Length < 19)
        {
            value = Value.Int(long.Parse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture));
            return true;
        }

        value = text.Length <= MaxIntegerDigits ? Value.Big(BigNumber.Parse(text)) : default;
        return text.Length <= MaxIntegerDigits || Fail("the context holds an integer with too many digits");
    }

    private static bool IsNumber(ReadOnlySpan<byte> text, out bool isInteger)
    {
        var i = text.StartsWith("-"u8) ? 1 : 0;
        var whole = Digits(text, i);
        isInteger = i + whole == text.Length;
        if (whole == 0 || (whole > 1 && text[i] == '0'))
        {
            return false;
        }

        i += whole;
        if (i < text.Length && text[i] == '.')
        {
            var fraction = Digits(text, i + 1);
            i += fraction == 0 ? 0 : 1 + fraction;
        }

        if (i < text.Length && (text[i] | 0x20) == 'e')
        {
            var sign = i + 1 < text.Length && text[i + 1] is (byte)'+' or (byte)'-' ? 1 : 0;
            var exponent = Digits(text, i + 1 + sign);
            i += exponent == 0 ? 0 : 1 + sign + exponent;
        }

        return i == text.Length;
    }

    private static int Digits(ReadOnlySpan<byte> text, int from)
    {
        var length = from <= text.Length ? text[from..].IndexOfAnyExceptInRange((byte)'0', (byte)'9') : 0;
        return length < 0 ? text.Length - from : length;
    }
}
