using System.Text;

namespace Epp.Native.Requests;

/// <summary>Strings: keys and values.</summary>
internal sealed partial class JsonPushReader
{
    private void BeginKey(byte c)
    {
        if (c != '"')
        {
            Fail(c, "looking for beginning of object key string");
            return;
        }

        _isKey = true;
        _capture = _nodes[_depth] != Skip;
        _textLimit = MaxKeyBytes;
        _textLength = 0;
        _state = State.Text;
    }

    private void BeginText(int start)
    {
        _isKey = false;
        _capture = Announce(JsonKind.Text, start);
        _textLimit = maxTextBytes;
        LastTextIsPlain = true;
        _textLength = 0;
        _state = State.Text;
    }

    private int ReadText(ReadOnlySpan<byte> chunk, int i)
    {
        var rest = chunk[i..];
        var n = rest.IndexOfAny(StringStops);
        if (_capture && n != 0)
        {
            Append(n < 0 ? rest : rest[..n]);
        }

        if (n < 0)
        {
            return chunk.Length;
        }

        var c = rest[n];
        i += n + 1;
        if (c == '"')
        {
            EndText(_consumed + i);
        }
        else if (c == '\\')
        {
            _state = State.Escape;
            LastTextIsPlain &= _isKey;
        }
        else
        {
            Fail(c, "in string literal");
        }

        return i;
    }

    private void EndText(int end)
    {
        FlushSurrogate();
        var text = _text.AsSpan(0, _capture && _textLength <= _textLimit ? _textLength : 0);
        if (!_isKey)
        {
            EndValue(_next, JsonKind.Text, end, text);
            return;
        }

        _state = State.Colon;
        _next = !_capture || _textLength > _textLimit ? Skip : sink.Child(_nodes[_depth], text);
    }

    private void ReadEscape(byte c)
    {
        var plain = Unescape(c);
        if (plain != 0)
        {
            _state = State.Text;
            if (_capture)
            {
                Append([plain]);
            }
        }
        else if (c == 'u')
        {
            _state = State.Hex;
            _hexDigits = 0;
            _hex = 0;
        }
        else
        {
            Fail(c, "in string escape code");
        }
    }

    /// <summary>The byte that <c>\c</c> stands for; 0 where it is no one-letter escape.</summary>
    internal static byte Unescape(byte c) => c switch
    {
        (byte)'"' or (byte)'\\' or (byte)'/' => c,
        (byte)'n' => (byte)'\n',
        (byte)'t' => (byte)'\t',
        (byte)'r' => (byte)'\r',
        (byte)'b' => (byte)'\b',
        (byte)'f' => (byte)'\f',
        _ => 0,
    };

    private void ReadHex(byte c)
    {
        var digit = HexValue(c);
        if (digit < 0)
        {
            Fail(c, @"in \u hexadecimal character escape");
            return;
        }

        _hex = (_hex << 4) | digit;
        if (++_hexDigits < 4)
        {
            return;
        }

        _state = State.Text;
        if (_capture)
        {
            AppendUnit(_hex);
        }
    }

    /// <summary>Value of a hexadecimal digit; −1 where it is none.</summary>
    internal static int HexValue(byte c) => c switch
    {
        >= (byte)'0' and <= (byte)'9' => c - '0',
        >= (byte)'a' and <= (byte)'f' => c - 'a' + 10,
        >= (byte)'A' and <= (byte)'F' => c - 'A' + 10,
        _ => -1,
    };

    /// <summary>Adds a UTF-16 unit; halves that do not pair become U+FFFD, as in Go.</summary>
    private void AppendUnit(int unit)
    {
        if (_highSurrogate != 0 && char.IsLowSurrogate((char)unit))
        {
            var rune = new Rune((char)_highSurrogate, (char)unit);
            _highSurrogate = 0;
            AppendRune(rune);
        }
        else if (char.IsHighSurrogate((char)unit))
        {
            FlushSurrogate();
            _highSurrogate = unit;
        }
        else
        {
            AppendRune(Rune.TryCreate((char)unit, out var rune) ? rune : Rune.ReplacementChar);
        }
    }

    private void AppendRune(Rune rune)
    {
        Span<byte> utf8 = stackalloc byte[4];
        Append(utf8[..rune.EncodeToUtf8(utf8)]);
    }

    private void FlushSurrogate()
    {
        if (_highSurrogate != 0)
        {
            _highSurrogate = 0;
            AppendRune(Rune.ReplacementChar);
        }
    }

    private void Append(ReadOnlySpan<byte> bytes)
    {
        FlushSurrogate();
        if ((long)_textLength + bytes.Length > _textLimit)
        {
            // Too long to be wanted: its length is all that counts.
            _textLength = _textLimit + 1;
            return;
        }

        if (_textLength + bytes.Length > _text.Length)
        {
            Array.Resize(ref _text, Math.Max(_text.Length * 2, _textLength + bytes.Length));
        }

        bytes.CopyTo(_text.AsSpan(_textLength));
        _textLength += bytes.Length;
    }
}
