using Epp.Native.Tokens.Unicode;

namespace Epp.Native.Tokens.Patterns;

/// <summary>The matches of a pattern in a text from left to right. An empty match right behind a match does not count.</summary>
internal struct PatternMatches(TextPattern pattern)
{
    private int _from;
    private int _lastEnd = -1;

    public int Start { get; private set; }

    public int End { get; private set; }

    public TokenizeStatus Status { get; private set; }

    public bool Next(ReadOnlySpan<byte> text, PatternState state)
    {
        while (_from <= text.Length)
        {
            var start = pattern.Find(text, _from, state, out var end);
            if (start < 0)
            {
                Status = start == TextPattern.TooSlow ? TokenizeStatus.PatternTooSlow : TokenizeStatus.Ok;
                return false;
            }

            if (start == end && end == _lastEnd)
            {
                _from += _from < text.Length ? Utf8Text.LengthOf(text[_from]) : 1;
                continue;
            }

            (Start, End, _from, _lastEnd) = (start, end, end, end);
            return true;
        }

        return false;
    }
}
