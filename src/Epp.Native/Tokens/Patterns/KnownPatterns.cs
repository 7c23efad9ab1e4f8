namespace Epp.Native.Tokens.Patterns;

/// <summary>Patterns that have a scanner written by hand, recognised by their text. Everything else is compiled.</summary>
internal static class KnownPatterns
{
    /// <summary>The scanner, or the compiled pattern; throws <see cref="PatternSyntaxException"/> where neither is possible.</summary>
    public static TextPattern Create(string pattern)
    {
        switch (pattern)
        {
            case Gpt2Pattern.Text:
                return new Gpt2Pattern();
            case DeepSeekPattern.Text or DeepSeekPattern.EscapedText:
                return new DeepSeekPattern();
        }

        foreach (var most in (ReadOnlySpan<int>)[3, 2, 1, int.MaxValue])
        {
            var digits = most switch { 1 => @"\p{N}", int.MaxValue => @"\p{N}+", _ => $@"\p{{N}}{{1,{most}}}" };
            if (pattern == Cl100kPattern.BeforeDigits + digits + Cl100kPattern.AfterDigits)
            {
                return new Cl100kPattern(most);
            }

            if (pattern == CaseSplit(digits, O200kPattern.Contractions) || pattern == CaseSplit(digits, ""))
            {
                return new O200kPattern(most, pattern.Contains(O200kPattern.Contractions, StringComparison.Ordinal));
            }
        }

        return PatternCompiler.Compile(pattern);
    }

    private static string CaseSplit(string digits, string contractions) =>
        O200kPattern.Lead + O200kPattern.Upper + "*" + O200kPattern.Lower + "+" + contractions + "|"
        + O200kPattern.Lead + O200kPattern.Upper + "+" + O200kPattern.Lower + "*" + contractions + "|" + digits + O200kPattern.AfterDigits;
}
