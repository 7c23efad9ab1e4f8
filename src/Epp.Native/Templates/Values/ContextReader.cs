using System.Buffers;
using System.Text.Unicode;

namespace Epp.Native.Templates.Values;

/// <summary>
/// Reads the JSON of a context into values as Python's <c>json</c> does: key order kept, of equal keys the last value at the first
/// place, integers exact. Strings become ranges of one copy of the bytes, unescaped in place. Nothing is thrown: false with
/// <see cref="Error"/>.
/// </summary>
internal sealed partial class ContextReader(Arena arena)
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
}
