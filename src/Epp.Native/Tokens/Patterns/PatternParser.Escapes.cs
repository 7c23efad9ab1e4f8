using System.Globalization;
using Epp.Native.Tokens.Unicode;

namespace Epp.Native.Tokens.Patterns;

internal sealed partial class PatternParser
{
    private PatternNode Escape()
    {
        if (_at + 1 >= _text.Length)
        {
            throw Error("the pattern ends in a backslash");
        }

        switch (_text[_at + 1])
        {
            case 'A':
                _at += 2;
                return Assert(AssertionKind.TextStart);
            case 'z':
                _at += 2;
                return Assert(AssertionKind.TextEnd);
            case 'Z':
                _at += 2;
                return Assert(AssertionKind.TextEndOrLastNewline);
            case 'b':
                _at += 2;
                return Assert(AssertionKind.WordBoundary);
            case 'B':
                _at += 2;
                return Assert(AssertionKind.NoWordBoundary);
            case 'R':
                _at += 2;
                return LineBreak();
            case 'N':
                _at += 2;
                return Single(CodePointRanges.Invert(CodePointRanges.Of('\n')));
            case 'O':
                _at += 2;
                return Single(new CodePointSet([0, CodePointTable.CodePoints]));
        }

        // A class by its name is not folded; one in brackets is.
        var set = EscapedSet(out var isClass, inBrackets: false);
        return Single(isClass ? set : Folded(set));
    }

    // \R is (?>\r\n|[\n-\r\x85\u2028\u2029]).
    private static PatternNode LineBreak() => new(PatternNodeKind.Atomic)
    {
        Children =
        [
            new PatternNode(PatternNodeKind.Alternatives)
            {
                Children =
                [
                    new PatternNode(PatternNodeKind.Sequence) { Children = [Single(CodePointRanges.Of('\r')), Single(CodePointRanges.Of('\n'))] },
                    Single(new CodePointSet(['\n', '\r' + 1, 0x85, 0x86, 0x2028, 0x202A])),
                ],
            },
        ],
    };

    // An escape that stands for one code point or a class of them; the position is at the backslash.
    private CodePointSet EscapedSet(out bool isClass, bool inBrackets)
    {
        var c = _text[_at + 1];
        isClass = true;
        var (set, negative) = c switch
        {
            's' or 'S' => (CodePointSets.WhiteSpace, c == 'S'),
            'd' or 'D' => (CodePointRanges.Of(Categories.DecimalDigit), c == 'D'),
            'w' or 'W' => (inBrackets ? CodePointSets.WordInBrackets : CodePointSets.Word, c == 'W'),
            'h' or 'H' => (CodePointSets.Property("xdigit")!, c == 'H'),
            _ => (null, false),
        };
        if (set is not null)
        {
            _at += 2;
            return negative ? CodePointRanges.Invert(set) : set;
        }

        if (c is 'p' or 'P')
        {
            return Property(c == 'P');
        }

        isClass = false;
        return CodePointRanges.Of(EscapedCodePoint());
    }

    private int EscapedCodePoint()
    {
        var c = _text[_at + 1];
        _at += 2;
        switch (c)
        {
            case 'n':
                return '\n';
            case 'r':
                return '\r';
            case 't':
                return '\t';
            case 'f':
                return '\f';
            case 'v':
                return '\v';
            case 'a':
                return '\a';
            case 'e':
                return 0x1B;
            case 'u':
                return Hex(_at, 4);
            case 'x':
                return HexEscape();
            case '0':
                return Octal();
        }

        if (char.IsAsciiLetterOrDigit(c))
        {
            throw Error($"escape '\\{c}' is not supported");
        }

        _at--;
        return Literal();
    }

    private int HexEscape()
    {
        if (!AtEnd && _text[_at] == '{')
        {
            var close = _text.IndexOf('}', _at);
            if (close < 0)
            {
                throw Error("unclosed \\x{");
            }

            var start = _at + 1;
            var value = Hex(start, close - start);
            _at = close + 1;
            return value;
        }

        // Two digits name a byte, not a code point; they agree for ASCII only.
        var code = Hex(_at, 2);
        return code < 0x80 ? code : throw Error("\\xHH beyond ASCII is a byte; write \\x{H…}");
    }

    private int Octal()
    {
        var value = 0;
        for (var n = 0; n < 2 && !AtEnd && _text[_at] is >= '0' and <= '7'; n++)
        {
            value = (value * 8) + (_text[_at++] - '0');
        }

        return value;
    }

    private int Hex(int start, int digits)
    {
        if (digits is 0 or > 8 || start + digits > _text.Length
            || !int.TryParse(_text.AsSpan(start, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value)
            || value is < 0 or >= CodePointTable.CodePoints)
        {
            throw Error("malformed code point");
        }

        _at = start + digits;
        return value;
    }

    private CodePointSet Property(bool negative)
    {
        var start = _at;
        _at += 2;
        string name;
        if (!AtEnd && _text[_at] == '{')
        {
            var close = _text.IndexOf('}', _at);
            name = close < 0 ? throw Error("unclosed \\p{") : _text[(_at + 1)..close];
            _at = close + 1;
        }
        else
        {
            throw Error("a property needs braces: \\p{…}");
        }

        if (name.StartsWith('^'))
        {
            (name, negative) = (name[1..], !negative);
        }

        var set = NamedSet(name) ?? throw new PatternSyntaxException($"at character {start}: property '{name}' is not supported");
        return negative ? CodePointRanges.Invert(set) : set;
    }

    // Names ignore case, spaces, '-' and '_'.
    private static CodePointSet? NamedSet(string name)
    {
        var plain = Plain(name);
        var mask = Categories.Named(plain);
        if (mask != 0 || LongName(plain) is var other && (mask = other) != 0)
        {
            return CodePointRanges.Of(mask);
        }

        if (CodePointSets.Property(plain) is { } property)
        {
            return property;
        }

        var scripts = UnicodeData.ScriptNames.Split(' ');
        var script = Array.FindIndex(scripts, s => Plain(s) == plain);
        if (script < 0)
        {
            return null;
        }

        var ranges = new CodePointRanges();
        ranges.AddScript(script + 1);
        return ranges.ToSet();
    }

    private static uint LongName(string plain) => plain switch
    {
        "letter" => Categories.Letter,
        "mark" => Categories.Mark,
        "number" => Categories.Number,
        "punctuation" or "punct" => Categories.Punctuation,
        "symbol" => Categories.Symbol,
        "separator" => Categories.Separator,
        "other" => Categories.Other,
        "uppercaseletter" => Categories.UppercaseLetter,
        "lowercaseletter" => Categories.LowercaseLetter,
        "titlecaseletter" => Categories.TitlecaseLetter,
        "modifierletter" => Categories.ModifierLetter,
        "otherletter" => Categories.OtherLetter,
        "decimalnumber" => Categories.DecimalDigit,
        "control" => Categories.Control,
        "format" => Categories.Format,
        _ => 0,
    };

    private static string Plain(string name) =>
        name.Replace("_", "", StringComparison.Ordinal).Replace("-", "", StringComparison.Ordinal).Replace(" ", "", StringComparison.Ordinal).ToLowerInvariant();
}
