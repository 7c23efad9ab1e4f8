using Epp.Native.Templates.Writing;

namespace Epp.Native.Templates.Parsing;

/// <summary>Inside <c>{{ }}</c> and <c>{% %}</c>.</summary>
internal sealed partial class TemplateLexer
{
    /// <summary>Deepest nesting of brackets in one tag.</summary>
    private const int MaxBrackets = 100;

    private readonly byte[] _brackets = new byte[MaxBrackets];
    private int _open;

    private void ReadTag(bool isVariable)
    {
        _open = 0;
        while (Error is null)
        {
            var rest = _source.AsSpan(_at);
            if (rest.IsEmpty)
            {
                Fail("a tag without end", _at);
                return;
            }

            if (_open == 0 && TryEnd(rest, isVariable))
            {
                return;
            }

            var blank = Utf8Text.SpaceLength(rest);
            if (blank > 0)
            {
                _at += blank;
            }
            else
            {
                ReadToken(rest);
            }
        }
    }

    private bool TryEnd(ReadOnlySpan<byte> rest, bool isVariable)
    {
        var end = isVariable ? "}}"u8 : "%}"u8;
        var sign = rest[0] == '-' || (rest[0] == '+' && !isVariable) ? rest[0] : (byte)0;
        if (!rest[(sign == 0 ? 0 : 1)..].StartsWith(end))
        {
            return false;
        }

        Add(isVariable ? TokenKind.VariableEnd : TokenKind.BlockEnd, _at, 2);
        EndTag(sign == 0 ? 2 : 3, sign, trimsNewline: !isVariable);
        return true;
    }

    private void ReadToken(ReadOnlySpan<byte> rest)
    {
        var c = rest[0];
        if (c is >= (byte)'0' and <= (byte)'9')
        {
            var length = NumberLength(rest, _at > 0 && _source[_at - 1] == '.', out var isFloat);
            Take(isFloat ? TokenKind.Float : TokenKind.Integer, length);
        }
        else if (NameLength(rest) is > 0 and var name)
        {
            Take(TokenKind.Name, name);
        }
        else if (c is (byte)'\'' or (byte)'"')
        {
            ReadText(rest);
        }
        else
        {
            ReadOperator(rest);
        }
    }

    private void ReadText(ReadOnlySpan<byte> rest)
    {
        for (var i = 1; i < rest.Length; i++)
        {
            if (rest[i] == '\\')
            {
                i++;
            }
            else if (rest[i] == rest[0])
            {
                Take(TokenKind.Text, i + 1);
                return;
            }
        }

        Fail("a string without end", _at);
    }

    private void ReadOperator(ReadOnlySpan<byte> rest)
    {
        var next = rest.Length > 1 ? rest[1] : (byte)0;
        var two = (rest[0], next) switch
        {
            ((byte)'/', (byte)'/') => TokenKind.FloorDivide,
            ((byte)'*', (byte)'*') => TokenKind.Power,
            ((byte)'=', (byte)'=') => TokenKind.Equal,
            ((byte)'!', (byte)'=') => TokenKind.NotEqual,
            ((byte)'>', (byte)'=') => TokenKind.GreaterOrEqual,
            ((byte)'<', (byte)'=') => TokenKind.LessOrEqual,
            _ => TokenKind.End,
        };
        if (two != TokenKind.End)
        {
            Take(two, 2);
            return;
        }

        var one = One(rest[0]);
        if (one == TokenKind.End)
        {
            Fail($"unexpected character '{(char)rest[0]}'", _at);
        }
        else if (Balance(rest[0]))
        {
            Take(one, 1);
        }
    }

    private static TokenKind One(byte c) => c switch
    {
        (byte)'+' => TokenKind.Add,
        (byte)'-' => TokenKind.Subtract,
        (byte)'/' => TokenKind.Divide,
        (byte)'*' => TokenKind.Multiply,
        (byte)'%' => TokenKind.Modulo,
        (byte)'~' => TokenKind.Tilde,
        (byte)'[' => TokenKind.LeftBracket,
        (byte)']' => TokenKind.RightBracket,
        (byte)'(' => TokenKind.LeftParen,
        (byte)')' => TokenKind.RightParen,
        (byte)'{' => TokenKind.LeftBrace,
        (byte)'}' => TokenKind.RightBrace,
        (byte)'>' => TokenKind.Greater,
        (byte)'<' => TokenKind.Less,
        (byte)'=' => TokenKind.Assign,
        (byte)'.' => TokenKind.Dot,
        (byte)':' => TokenKind.Colon,
        (byte)'|' => TokenKind.Pipe,
        (byte)',' => TokenKind.Comma,
        (byte)';' => TokenKind.Semicolon,
        _ => TokenKind.End,
    };

    private bool Balance(byte c)
    {
        if (c is (byte)'(' or (byte)'[' or (byte)'{')
        {
            if (_open == MaxBrackets)
            {
                Fail("brackets nested too deep", _at);
                return false;
            }

            _brackets[_open++] = c switch { (byte)'(' => (byte)')', (byte)'[' => (byte)']', _ => (byte)'}' };
        }
        else if (c is (byte)')' or (byte)']' or (byte)'}' && (_open == 0 || _brackets[--_open] != c))
        {
            Fail($"unexpected '{(char)c}'", _at);
            return false;
        }

        return true;
    }

    private void Take(TokenKind kind, int length)
    {
        Add(kind, _at, length);
        _at += length;
    }

    /// <summary>Length of what Python takes for an identifier, which letters of every script make.</summary>
    private static int NameLength(ReadOnlySpan<byte> text)
    {
        var length = 0;
        while (length < text.Length && IsNamePart(text[length..], length > 0, out var step))
        {
            length += step;
        }

        return length;
    }

    private static bool IsNamePart(ReadOnlySpan<byte> text, bool mayContinue, out int length)
    {
        length = 1;
        if (text[0] < 0x80)
        {
            return text[0] is >= (byte)'a' and <= (byte)'z' or >= (byte)'A' and <= (byte)'Z' or (byte)'_'
                || (mayContinue && text[0] is >= (byte)'0' and <= (byte)'9');
        }

        return CaseMap.IsIdentifier(Utf8Text.First(text, out length).Value, isFirst: !mayContinue);
    }

    /// <summary>Length of a number: digits with single underscores, a fraction and an exponent unless it follows a dot.</summary>
    private static int NumberLength(ReadOnlySpan<byte> text, bool followsDot, out bool isFloat)
    {
        isFloat = false;
        if (text[0] == '0' && text.Length > 2 && PrefixedLength(text) is > 2 and var prefixed)
        {
            return prefixed;
        }

        var whole = DigitsLength(text);
        var length = whole;
        if (!followsDot)
        {
            if (length + 1 < text.Length && text[length] == '.' && DigitsLength(text[(length + 1)..]) is > 0 and var fraction)
            {
                length += 1 + fraction;
                isFloat = true;
            }

            if (length < text.Length && (text[length] | 0x20) == 'e')
            {
                var sign = length + 1 < text.Length && text[length + 1] is (byte)'+' or (byte)'-' ? 1 : 0;
                var exponent = DigitsLength(text[Math.Min(text.Length, length + 1 + sign)..]);
                isFloat |= exponent > 0;
                length += exponent > 0 ? 1 + sign + exponent : 0;
            }
        }

        return isFloat || text[0] != '0' ? length : ZerosLength(text[..whole]);
    }

    private static int ZerosLength(ReadOnlySpan<byte> digits)
    {
        var length = digits.IndexOfAnyExcept((byte)'0', (byte)'_');
        return length < 0 ? digits.Length : length;
    }

    private static int DigitsLength(ReadOnlySpan<byte> text)
    {
        var length = 0;
        while (length < text.Length && (char.IsAsciiDigit((char)text[length])
            || (text[length] == '_' && length > 0 && length + 1 < text.Length && char.IsAsciiDigit((char)text[length + 1]))))
        {
            length++;
        }

        return length;
    }

    private static int PrefixedLength(ReadOnlySpan<byte> text)
    {
        var radix = (text[1] | 0x20) switch { 'x' => 16, 'o' => 8, 'b' => 2, _ => 0 };
        var length = 2;
        while (radix > 0 && length < text.Length && (text[length] == '_' || Utf8Text.DigitValue(text[length]) < radix))
        {
            length++;
        }

        return radix == 0 ? 0 : length;
    }
}
