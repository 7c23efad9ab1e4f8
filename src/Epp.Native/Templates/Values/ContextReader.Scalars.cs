using System.Globalization;
using System.Text;
using Epp.Native.Templates.Writing;

namespace Epp.Native.Templates.Values;

/// <summary>Strings and numbers.</summary>
internal sealed partial class ContextReader
{
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

        var start = _at;
        _at += text.Length;
        if (!isInteger)
        {
            value = Value.Float(double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture));
            return true;
        }

        if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var small))
        {
            value = Value.Int(small);
            return true;
        }

        // Most are only printed: the digits stay where they stand until somebody calculates.
        value = text.Length <= MaxIntegerDigits ? Value.Range(ValueKind.Big, _json, start, text.Length) : default;
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
