using Epp.Native.Tokens.Unicode;

namespace Epp.Native.Tokens.Patterns;

/// <summary>
/// The third split of DeepSeek-V3: words led by ASCII punctuation, words, punctuation and white space. Digits and control characters
/// match only as the lead of a word.
/// </summary>
internal sealed class DeepSeekPattern : TextPattern
{
    public const string Text =
        @"[!""#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^" + "\r\n" + @"\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[" + "\r\n" + @"]*|\s*[" + "\r\n" + @"]+|\s+(?!\S)|\s+";

    /// <summary>The same with the line breaks written as escapes.</summary>
    public const string EscapedText =
        @"[!""#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    private const uint Word = Categories.Letter | Categories.Mark;
    private const uint Signs = Categories.Punctuation | Categories.Symbol;
    private const uint NoLead = Categories.Letter | Signs;

    private readonly TextClasses _classes = TextClasses.Default;

    public override int Find(ReadOnlySpan<byte> text, int from, PatternState state, out int end)
    {
        for (var at = from; at < text.Length;)
        {
            end = End(text, at, out var next);
            if (end > at)
            {
                return at;
            }

            at = next;
        }

        end = from;
        return None;
    }

    private int End(ReadOnlySpan<byte> text, int at, out int next)
    {
        var first = text[at];
        var bit = 1u << _classes.Category(text, at, out next);
        if (first < 0x80 && (bit & Signs) != 0)
        {
            var letters = next;
            while ((uint)letters < (uint)text.Length && char.IsAsciiLetter((char)text[letters]))
            {
                letters++;
            }

            if (letters > next)
            {
                return letters;
            }
        }

        if ((bit & NoLead) == 0 && first is not ((byte)'\r' or (byte)'\n') && _classes.Is(text, next, Word, out var second))
        {
            return _classes.Skip(text, second, Word);
        }

        if ((bit & Word) != 0)
        {
            return _classes.Skip(text, next, Word);
        }

        if ((bit & Signs) != 0)
        {
            return TextClasses.SkipNewlines(text, _classes.Skip(text, next, Signs));
        }

        if (first == ' ' && _classes.Is(text, next, Signs, out var sign))
        {
            return TextClasses.SkipNewlines(text, _classes.Skip(text, sign, Signs));
        }

        return (bit & Categories.WhiteSpace) != 0 ? _classes.WhiteSpaceTail(text, at, newlines: true) : at;
    }
}
