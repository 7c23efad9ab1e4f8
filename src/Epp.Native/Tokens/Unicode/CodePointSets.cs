namespace Epp.Native.Tokens.Unicode;

/// <summary>The sets of <see cref="UnicodeData"/>, each expanded when first asked for.</summary>
internal static class CodePointSets
{
    private static CodePointSet? _word;
    private static CodePointSet? _alphabetic;
    private static CodePointSet? _rustWord;
    private static CodePointSet? _numeric;
    private static CodePointSet? _punctuation;
    private static CodePointSet? _bertRemoved;
    private static CodePointSet? _nonspacing;
    private static CodePointSet? _combiningMark;
    private static CodePointSet? _graphemeJoin;
    private static CodePointSet? _graphemePrepend;
    private static CodePointSet? _whiteSpace;

    /// <summary><c>\w</c> of patterns.</summary>
    public static CodePointSet Word => _word ??= CodePointSet.Unpack(UnicodeData.Word);

    /// <summary><c>\w</c> in brackets, where the superscripts and fractions of Latin-1 are no word characters.</summary>
    public static CodePointSet WordInBrackets =>
        CodePointRanges.Intersect(Word, CodePointRanges.Invert(new CodePointSet([0xB2, 0xB4, 0xB9, 0xBA, 0xBC, 0xBF])));

    public static CodePointSet Alphabetic => _alphabetic ??= CodePointSet.Unpack(UnicodeData.Alphabetic);

    /// <summary><c>\w</c> of the Whitespace pre-tokenizer and of <c>single_word</c>, which another engine decides.</summary>
    public static CodePointSet RustWord => _rustWord ??= CodePointSet.Unpack(UnicodeData.RustWord);

    public static CodePointSet Numeric => _numeric ??= CodePointSet.Unpack(UnicodeData.Numeric);

    public static CodePointSet Punctuation => _punctuation ??= CodePointSet.Unpack(UnicodeData.Punctuation);

    /// <summary>What BertNormalizer's <c>clean_text</c> drops.</summary>
    public static CodePointSet BertRemoved => _bertRemoved ??= CodePointSet.Unpack(UnicodeData.BertRemoved);

    /// <summary>What BertNormalizer's <c>strip_accents</c> drops.</summary>
    public static CodePointSet Nonspacing => _nonspacing ??= CodePointSet.Unpack(UnicodeData.Nonspacing);

    /// <summary>What StripAccents drops.</summary>
    public static CodePointSet CombiningMark => _combiningMark ??= CodePointSet.Unpack(UnicodeData.CombiningMark);

    /// <summary>What joins the character before it in a grapheme cluster.</summary>
    public static CodePointSet GraphemeJoin => _graphemeJoin ??= CodePointSet.Unpack(UnicodeData.GraphemeJoin);

    /// <summary>What the character after it joins in a grapheme cluster.</summary>
    public static CodePointSet GraphemePrepend => _graphemePrepend ??= CodePointSet.Unpack(UnicodeData.GraphemePrepend);

    public static CodePointSet WhiteSpace => _whiteSpace ??= CodePointRanges.Of(Categories.WhiteSpace);

    /// <summary>A property of <c>\p{…}</c> that is neither a category nor a script; null where unknown. Names are lower case without '_', '-' and ' '.</summary>
    public static CodePointSet? Property(string name) => name switch
    {
        "alphabetic" or "alpha" => Alphabetic,
        "uppercase" or "upper" => CodePointSet.Unpack(UnicodeData.Uppercase),
        "lowercase" or "lower" => CodePointSet.Unpack(UnicodeData.Lowercase),
        "punct" => CodePointSet.Unpack(UnicodeData.PunctuationClass),
        "emoji" => CodePointSet.Unpack(UnicodeData.Emoji),
        "extendedpictographic" => CodePointSet.Unpack(UnicodeData.ExtendedPictographic),
        "word" => Word,
        "space" or "whitespace" => WhiteSpace,
        "digit" => CodePointRanges.Of(Categories.DecimalDigit),
        "cntrl" => CodePointRanges.Of(Categories.Control),
        "any" => new CodePointSet([0, CodePointTable.CodePoints]),
        "ascii" => new CodePointSet([0, 128]),
        "blank" => Union(CodePointRanges.Of(1u << 23), CodePointRanges.Of('\t')),
        "alnum" => Union(Alphabetic, CodePointRanges.Of(Categories.DecimalDigit)),
        "xdigit" or "asciihexdigit" => new CodePointSet(['0', '9' + 1, 'A', 'F' + 1, 'a', 'f' + 1]),
        _ => null,
    };

    private static CodePointSet Union(CodePointSet a, CodePointSet b)
    {
        var ranges = new CodePointRanges();
        ranges.Add(a);
        ranges.Add(b);
        return ranges.ToSet();
    }
}
