namespace Epp.Native.Tokens.Patterns;

/// <summary>
/// Notices case-insensitive literals whose folding is longer or shorter than they are (ss and ß, fi and its ligature), which a matcher
/// of one code point at a time cannot do.
/// </summary>
internal struct FoldGuard
{
    // The foldings that begin or end with ASCII, and the code points whose folding has several.
    private const string Pairs = " ss ff fi fl st ";
    private const string Several = "ßŉǰΐΰևẖẗẘẙẚẞὐὒὔὖﬀﬁﬂﬃﬄﬅﬆﬓﬔﬕﬖﬗİ";

    private char _last;

    /// <summary>False where the atom, which stands at these positions of the pattern, completes such a literal.</summary>
    public bool Add(string pattern, int start, int end)
    {
        var letter = end == start + 1 ? char.ToLowerInvariant(pattern[start]) : '\0';
        var known = (_last != 0 && letter != 0 && Pairs.Contains($" {_last}{letter} ", StringComparison.Ordinal)) || Several.Contains(pattern[start]);
        _last = letter;
        return !known;
    }
}
