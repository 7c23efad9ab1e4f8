using System.Globalization;
using Epp.Native.Tokens.Unicode;

namespace Epp.Native.Tokens.Patterns;

/// <summary>
/// Reads the pattern language of Oniguruma as tokenizers use it. Groups do not capture, because nothing asks for captures;
/// back references, subroutine calls and conditionals are refused.
/// </summary>
internal sealed partial class PatternParser
{
    private const int MaxDepth = 64;
    private const int MaxPatternLength = 16_384;
    private const int MaxRepeat = 1000;

    private readonly string _text;
    private int _at;
    private int _depth;
    private bool _ignoreCase;
    private bool _extended;
    private bool _dotAll;

    private PatternParser(string text)
    {
        _text = text;
    }

    private bool AtEnd => _at >= _text.Length;

    public static PatternNode Parse(string text)
    {
        if (text.Length > MaxPatternLength)
        {
            throw new PatternSyntaxException($"longer than {MaxPatternLength} characters");
        }

        var parser = new PatternParser(text);
        var node = parser.Alternatives();
        return parser.AtEnd ? node : throw parser.Error("unmatched ')'");
    }

    private PatternNode Alternatives()
    {
        if (++_depth > MaxDepth)
        {
            throw Error($"nested deeper than {MaxDepth}");
        }

        // Options set inside a group end with it.
        var (ignoreCase, extended, dotAll) = (_ignoreCase, _extended, _dotAll);
        var branches = new List<PatternNode> { Sequence() };
        while (!AtEnd && _text[_at] == '|')
        {
            _at++;
            branches.Add(Sequence());
        }

        (_ignoreCase, _extended, _dotAll) = (ignoreCase, extended, dotAll);
        _depth--;
        return branches.Count == 1 ? branches[0] : new PatternNode(PatternNodeKind.Alternatives) { Children = [.. branches] };
    }

    private PatternNode Sequence()
    {
        var items = new List<PatternNode>();
        var folded = new FoldGuard();
        while (!AtEnd && _text[_at] is not ('|' or ')'))
        {
            if (_extended && SkipComment())
            {
                continue;
            }

            var start = _at;
            var atom = Atom();
            if (atom is null)
            {
                continue;
            }

            if (_ignoreCase && !folded.Add(_text, start, _at))
            {
                throw Error("case-insensitive text that folds to more than one character is not supported");
            }

            items.Add(Repeats(atom));
        }

        return items.Count == 1 ? items[0] : new PatternNode(items.Count == 0 ? PatternNodeKind.Empty : PatternNodeKind.Sequence) { Children = [.. items] };
    }

    private bool SkipComment()
    {
        if (_text[_at] == '#')
        {
            var newline = _text.IndexOf('\n', _at);
            _at = newline < 0 ? _text.Length : newline + 1;
            return true;
        }

        if (!char.IsWhiteSpace(_text[_at]))
        {
            return false;
        }

        _at++;
        return true;
    }

    private PatternNode Repeats(PatternNode atom)
    {
        while (!AtEnd && Quantifier(out var min, out var max, out var isInterval, out var isFixed))
        {
            if (atom.Kind is PatternNodeKind.Look or PatternNodeKind.Assertion or PatternNodeKind.Empty || (max > 1 && atom.MinLength() == 0))
            {
                throw Error("a repeat of what can match nothing is not supported");
            }

            var kind = RepeatKind.Greedy;
            if (!AtEnd && _text[_at] == '?' && !isFixed)
            {
                // {n}? is no lazy repeat but an optional one.
                kind = RepeatKind.Lazy;
                _at++;
            }
            else if (!AtEnd && _text[_at] == '+' && !isInterval)
            {
                // {m,n}+ is no possessive repeat here but a repeat of a repeat.
                kind = RepeatKind.Possessive;
                _at++;
            }

            atom = new PatternNode(PatternNodeKind.Repeat) { Children = [atom], Min = min, Max = max, Repeat = kind };
        }

        return atom;
    }

    private bool Quantifier(out int min, out int max, out bool isInterval, out bool isFixed)
    {
        isInterval = isFixed = false;
        (min, max) = _text[_at] switch
        {
            '?' => (0, 1),
            '*' => (0, PatternNode.Unlimited),
            '+' => (1, PatternNode.Unlimited),
            _ => (-1, -1),
        };
        if (min >= 0)
        {
            _at++;
            return true;
        }

        isInterval = true;
        return _text[_at] == '{' && Interval(out min, out max, out isFixed);
    }

    // {n}, {n,}, {,m}, {n,m}; anything else in braces is text.
    private bool Interval(out int min, out int max, out bool isFixed)
    {
        (min, max) = (0, PatternNode.Unlimited);
        var close = _text.IndexOf('}', _at);
        var body = close < 0 ? default : _text.AsSpan(_at + 1, close - _at - 1);
        var comma = body.IndexOf(',');
        isFixed = comma < 0;
        var low = comma < 0 ? body : body[..comma];
        var high = comma < 0 ? body : body[(comma + 1)..];
        if (body.IsEmpty || (low.IsEmpty && high.IsEmpty) || !Number(low, 0, out min) || !Number(high, PatternNode.Unlimited, out max))
        {
            return false;
        }

        if (min > MaxRepeat || (max > MaxRepeat && max != PatternNode.Unlimited) || min > max)
        {
            throw Error($"a repeat out of order or beyond {MaxRepeat}");
        }

        _at = close + 1;
        return true;
    }

    private static bool Number(ReadOnlySpan<char> text, int whenEmpty, out int value)
    {
        value = whenEmpty;
        return text.IsEmpty || int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value);
    }

    private PatternSyntaxException Error(string what) => new($"at character {_at}: {what}");

    private CodePointSet Folded(CodePointSet set) => _ignoreCase ? CodePointRanges.FoldCase(set) : set;
}
