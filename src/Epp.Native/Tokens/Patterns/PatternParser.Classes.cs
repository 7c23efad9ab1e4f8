using Epp.Native.Tokens.Unicode;

namespace Epp.Native.Tokens.Patterns;

internal sealed partial class PatternParser
{
    // Reads a class; the position is behind its '['.
    private CodePointSet Class()
    {
        if (++_depth > MaxDepth)
        {
            throw Error($"nested deeper than {MaxDepth}");
        }

        var negative = !AtEnd && _text[_at] == '^';
        if (negative)
        {
            _at++;
        }

        CodePointSet? intersection = null;
        var union = new CodePointRanges();
        var first = true;
        while (true)
        {
            if (AtEnd)
            {
                throw Error("missing ']'");
            }

            if (_text[_at] == ']' && !first)
            {
                _at++;
                break;
            }

            first = false;
            if (_text.AsSpan(_at).StartsWith("&&"))
            {
                _at += 2;
                intersection = Narrow(intersection, union);
                union = new CodePointRanges();
                continue;
            }

            Member(union);
        }

        _depth--;
        var set = Narrow(intersection, union);

        // Case is folded before the class is turned around: (?i)[^a] leaves out A too.
        return negative ? CodePointRanges.Invert(Folded(set)) : set;
    }

    private static CodePointSet Narrow(CodePointSet? so, CodePointRanges more) =>
        so is null ? more.ToSet() : CodePointRanges.Intersect(so, more.ToSet());

    private void Member(CodePointRanges into)
    {
        if (_text[_at] == '[')
        {
            into.Add(_text.AsSpan(_at).StartsWith("[:") && Posix() is { } posix ? posix : Nested());
            return;
        }

        var start = ClassCodePoint(out var set);
        if (_at + 1 >= _text.Length || _text[_at] != '-' || _text[_at + 1] == ']')
        {
            into.Add(set);
            return;
        }

        if (start < 0)
        {
            throw Error("a range that starts with a class");
        }

        _at++;
        var end = ClassCodePoint(out _);
        if (end < start)
        {
            throw Error("a range out of order");
        }

        into.Add(start, end + 1);
    }

    private CodePointSet Nested()
    {
        _at++;
        return Class();
    }

    // The code point, or -1 where the escape is a class.
    private int ClassCodePoint(out CodePointSet set)
    {
        if (_text[_at] != '\\')
        {
            var c = Literal();
            set = CodePointRanges.Of(c);
            return c;
        }

        if (_at + 1 >= _text.Length)
        {
            throw Error("the pattern ends in a backslash");
        }

        if (_text[_at + 1] == 'b')
        {
            _at += 2;
            set = CodePointRanges.Of('\b');
            return '\b';
        }

        set = EscapedSet(out var isClass, inBrackets: true);
        return isClass ? -1 : set.Bounds[0];
    }

    // [:name:] or [:^name:]; null where the bracket is something else.
    private CodePointSet? Posix()
    {
        var close = _text.IndexOf(":]", _at + 2, StringComparison.Ordinal);
        if (close < 0)
        {
            return null;
        }

        var name = _text[(_at + 2)..close];
        var negative = name.StartsWith('^');
        var set = (negative ? name[1..] : name) == "word" ? CodePointSets.WordInBrackets : CodePointSets.Property(negative ? name[1..] : name);
        if (set is null)
        {
            throw Error($"class '[:{name}:]' is not supported");
        }

        _at = close + 2;
        return negative ? CodePointRanges.Invert(set) : set;
    }
}
