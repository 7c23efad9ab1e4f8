using System.Buffers;
using Epp.Native.Requests;

namespace Epp.Native.Chat;

/// <content>The reader: iterative, so that nesting costs no stack.</content>
internal sealed partial class JsonTree
{
    private static readonly SearchValues<byte> StringStops = SearchValues.Create(
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, (byte)'"', (byte)'\\']);

    private readonly int[] _open = new int[MaxDepth];
    private int _depth;
    private int _at;
    private bool _allowSpecial;
    private JsonOutcome _failure;

    private JsonOutcome Run(bool allowSpecialNumbers)
    {
        _allowSpecial = allowSpecialNumbers;
        _depth = 0;
        _at = 0;
        _failure = JsonOutcome.Invalid;
        if (!StartValue(Blank()))
        {
            return _failure;
        }

        while (_depth > 0)
        {
            if (!Step())
            {
                return _failure;
            }
        }

        return Blank() < 0 ? JsonOutcome.Ok : JsonOutcome.Invalid;
    }

    /// <summary>One element or member, or the end, of the innermost open container.</summary>
    private bool Step()
    {
        var container = _open[_depth - 1];
        var isMap = _nodes[container].Kind == JsonKind.Map;
        var close = isMap ? '}' : ']';
        var c = Blank();
        if (c == close)
        {
            Close(container, isMap);
            return true;
        }

        if (_nodes[container].Value > 0)
        {
            if (c != ',')
            {
                return false;
            }

            _at++;
            c = Blank();
        }

        _nodes[container].Value++;
        return isMap ? Member(c) : StartValue(c);
    }

    private bool Member(int c)
    {
        var key = _count;
        if (c != '"' || !TryText() || Blank() != ':')
        {
            return false;
        }

        _at++;
        _nodes[key].Value = key + 1;
        return StartValue(Blank());
    }

    private void Close(int container, bool isMap)
    {
        _at++;
        _depth--;
        ref var node = ref _nodes[container];
        node.Length = _at - node.Start;
        node.Next = _count;
        if (isMap && node.Value > 1)
        {
            DropDuplicates(container);
        }
    }

    private bool StartValue(int c)
    {
        switch (c)
        {
            case '"':
                return TryText();
            case '{':
                return TryOpen(JsonKind.Map);
            case '[':
                return TryOpen(JsonKind.List);
            case 't':
                return TryWord("true"u8, JsonKind.Bool, 0);
            case 'f':
                return TryWord("false"u8, JsonKind.Bool, 0);
            case 'n':
                return TryWord("null"u8, JsonKind.Null, 0);
            case 'N':
                return _allowSpecial && TryWord("NaN"u8, JsonKind.Number, SpecialFlag);
            case 'I':
                return _allowSpecial && TryWord("Infinity"u8, JsonKind.Number, SpecialFlag);
            default:
                return c is '-' or (>= '0' and <= '9') && TryNumber();
        }
    }

    private bool TryOpen(JsonKind kind)
    {
        if (_depth == MaxDepth)
        {
            _failure = JsonOutcome.TooDeep;
            return false;
        }

        _open[_depth++] = _count;
        return TryAdd(kind, _at, ++_at - 1, 0);
    }

    private bool TryWord(ReadOnlySpan<byte> word, JsonKind kind, byte flags)
    {
        if (!_source.AsSpan(_at, _length - _at).StartsWith(word))
        {
            return false;
        }

        var start = _at;
        _at += word.Length;
        HasSpecialNumbers |= flags != 0;
        return TryAdd(kind, start, _at, flags);
    }

    private bool TryNumber()
    {
        var start = _at;
        if (_source[_at] == '-')
        {
            _at++;
            if (_allowSpecial && _at < _length && _source[_at] == 'I')
            {
                _at--;
                return TryWord("-Infinity"u8, JsonKind.Number, SpecialFlag);
            }
        }

        var first = _at;
        if (Digits() == 0 || (_source[first] == '0' && _at > first + 1))
        {
            return false;
        }

        if (_at < _length && _source[_at] == '.')
        {
            _at++;
            if (Digits() == 0)
            {
                return false;
            }
        }

        if (_at < _length && _source[_at] is (byte)'e' or (byte)'E')
        {
            _at++;
            _at += _at < _length && _source[_at] is (byte)'+' or (byte)'-' ? 1 : 0;
            if (Digits() == 0)
            {
                return false;
            }
        }

        return TryAdd(JsonKind.Number, start, _at, 0);
    }

    private int Digits()
    {
        var start = _at;
        while (_at < _length && _source[_at] is >= (byte)'0' and <= (byte)'9')
        {
            _at++;
        }

        return _at - start;
    }

    private bool TryText()
    {
        var start = ++_at;
        byte flags = 0;
        while (true)
        {
            var stop = _source.AsSpan(_at, _length - _at).IndexOfAny(StringStops);
            if (stop < 0)
            {
                return false;
            }

            _at += stop;
            var c = _source[_at];
            if (c == '"')
            {
                _at++;
                HasLoneSurrogates |= (flags & LoneSurrogateFlag) != 0;
                return TryAdd(JsonKind.Text, start, _at - 1, flags);
            }

            flags |= EscapedFlag;
            if (c != '\\' || !TryEscape(ref flags))
            {
                return false;
            }
        }
    }

    private bool TryEscape(ref byte flags)
    {
        if (_at + 1 >= _length)
        {
            return false;
        }

        var c = _source[_at + 1];
        if (c is (byte)'"' or (byte)'\\' or (byte)'/' or (byte)'b' or (byte)'f' or (byte)'n' or (byte)'r' or (byte)'t')
        {
            _at += 2;
            return true;
        }

        if (c != 'u' || !JsonText.TryHex(_source.AsSpan(_at, _length - _at), out var unit))
        {
            return false;
        }

        _at += 6;
        if (unit is >= 0xD800 and < 0xDC00 && JsonText.TryHex(_source.AsSpan(_at, _length - _at), out var low) && low is >= 0xDC00 and < 0xE000)
        {
            _at += 6;
        }
        else if (unit is >= 0xD800 and < 0xE000)
        {
            flags |= LoneSurrogateFlag;
        }

        return true;
    }

    private bool TryAdd(JsonKind kind, int start, int end, byte flags)
    {
        if (_count == _nodes.Length)
        {
            if (_count >= MaxNodes)
            {
                _failure = JsonOutcome.TooLarge;
                return false;
            }

            Array.Resize(ref _nodes, Math.Min(_count * 2, MaxNodes));
        }

        _nodes[_count] = new Node { Start = start, Length = end - start, Next = _count + 1, Kind = kind, Flags = flags };
        _count++;
        return true;
    }

    /// <summary>The next byte that is no blank, not taken; −1 at the end.</summary>
    private int Blank()
    {
        while (_at < _length)
        {
            var c = _source[_at];
            if (c is not ((byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t'))
            {
                return c;
            }

            _at++;
        }

        return -1;
    }
}
