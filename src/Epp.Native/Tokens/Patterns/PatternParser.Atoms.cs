using Epp.Native.Tokens.Unicode;

namespace Epp.Native.Tokens.Patterns;

internal sealed partial class PatternParser
{
    // Null where the text set options or was a comment.
    private PatternNode? Atom()
    {
        var c = _text[_at];
        switch (c)
        {
            case '(':
                return Group();
            case '[':
                _at++;
                return Single(Folded(Class()));
            case '.':
                _at++;
                return Single(_dotAll ? new CodePointSet([0, CodePointTable.CodePoints]) : CodePointRanges.Invert(CodePointRanges.Of('\n')));
            case '^':
                _at++;
                return Assert(AssertionKind.LineStart);
            case '$':
                _at++;
                return Assert(AssertionKind.LineEnd);
            case '\\':
                return Escape();
            case '?' or '*' or '+':
                throw Error("nothing to repeat");
            default:
                return Single(Folded(CodePointRanges.Of(Literal())));
        }
    }

    private static PatternNode Single(CodePointSet set) => new(PatternNodeKind.Set) { Set = set };

    private static PatternNode Assert(AssertionKind kind) => new(PatternNodeKind.Assertion) { Assertion = kind };

    // The code point at the position, which may be a pair of UTF-16 units.
    private int Literal()
    {
        if (char.IsHighSurrogate(_text[_at]) && _at + 1 < _text.Length && char.IsLowSurrogate(_text[_at + 1]))
        {
            _at += 2;
            return char.ConvertToUtf32(_text[_at - 2], _text[_at - 1]);
        }

        return _text[_at++];
    }

    private PatternNode? Group()
    {
        _at++;
        if (AtEnd || _text[_at] != '?')
        {
            return Inside(static n => n);
        }

        _at++;
        var rest = _text.AsSpan(_at);
        if (rest.StartsWith("#"))
        {
            var close = _text.IndexOf(')', _at);
            _at = close < 0 ? throw Error("unclosed comment") : close + 1;
            return null;
        }

        if (rest.StartsWith(":"))
        {
            _at++;
            return Inside(static n => n);
        }

        if (rest.StartsWith(">"))
        {
            _at++;
            return Inside(static n => new PatternNode(PatternNodeKind.Atomic) { Children = [n] });
        }

        var behind = rest.StartsWith("<=") || rest.StartsWith("<!");
        if (behind || rest.StartsWith("=") || rest.StartsWith("!"))
        {
            var negative = rest[behind ? 1 : 0] == '!';
            _at += behind ? 2 : 1;
            var inner = Inside(static n => n);
            return behind && inner.Kind != PatternNodeKind.Alternatives && inner.FixedLength() < 0
                ? throw Error("looking behind needs a fixed length")
                : new PatternNode(PatternNodeKind.Look) { Children = [inner], Negative = negative, Behind = behind };
        }

        return rest.StartsWith("<") || rest.StartsWith("'") ? Named() : Options();
    }

    private PatternNode Inside(Func<PatternNode, PatternNode> wrap)
    {
        var node = Alternatives();
        if (AtEnd || _text[_at] != ')')
        {
            throw Error("missing ')'");
        }

        _at++;
        return wrap(node);
    }

    private PatternNode Named()
    {
        var close = _text.IndexOf(_text[_at] == '<' ? '>' : '\'', _at + 1);
        _at = close < 0 ? throw Error("unclosed group name") : close + 1;
        return Inside(static n => n);
    }

    // (?i) holds to the end of the group around it, (?i:…) inside its own.
    private PatternNode? Options()
    {
        var (ignoreCase, extended, dotAll) = (_ignoreCase, _extended, _dotAll);
        for (var on = true; !AtEnd; _at++)
        {
            switch (_text[_at])
            {
                case '-':
                    on = false;
                    break;
                case 'i':
                    _ignoreCase = on;
                    break;
                case 'x':
                    _extended = on;
                    break;
                case 'm':
                    _dotAll = on;
                    break;
                case ':':
                    _at++;
                    var node = Inside(static n => n);
                    (_ignoreCase, _extended, _dotAll) = (ignoreCase, extended, dotAll);
                    return node;
                case ')':
                    // What follows in this group, alternatives included, is read with the options.
                    _at++;
                    return Alternatives();
                default:
                    throw Error($"group option '{_text[_at]}' is not supported");
            }
        }

        throw Error("unclosed group");
    }
}
