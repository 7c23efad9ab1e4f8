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

    public override WordPattern Words => new DeepSeekWords(this);

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

    /// <summary>The end of the match at a position, which itself is the end where there is none; the next code point.</summary>
    public int End(ReadOnlySpan<byte> text, int at, out int next)
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

/// <summary>The matches of <see cref="DeepSeekPattern"/> and what is between.</summary>
internal sealed class DeepSeekWords(DeepSeekPattern pattern) : WordPattern
{
    public override int End(ReadOnlySpan<byte> text, int at)
    {
        var end = pattern.End(text, at, out var next);
        while (end == at && next < text.Length && pattern.End(text, next, out var after) == next)
        {
            next = after;
        }

        return end > at ? end : next;
    }

    protected override ulong Bounds(ReadOnlySpan<byte> window)
    {
        var bytes = new AsciiWindow(window);
        var bounds = WindowBounds.BeforeOpenIndent(bytes, WindowBounds.Words(bytes, out _) | WindowBounds.WhiteSpace(bytes));

        // Digits and controls lead letters, or join what is between; the bounds behind the first are not known.
        var between = bytes.Digits | (bytes.Rest & bytes.Controls);
        var first = between & (0 - between);
        return (between == 0 ? bounds : (bounds & (first - 1)) | (bounds >= first ? first : 0)) & ~1ul;
    }
}
