using Epp.Native.Tokens.Unicode;

namespace Epp.Native.Tokens.Patterns;

/// <summary>
/// Words split by case: <c>[^\r\n\p{L}\p{N}]?U*l+C?|[^\r\n\p{L}\p{N}]?U+l*C?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+</c>
/// with U = <c>[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]</c>, l = <c>[\p{Ll}\p{Lm}\p{Lo}\p{M}]</c> and C the contractions, which some leave out.
/// Matches everywhere.
/// </summary>
internal sealed class O200kPattern(int maxDigits, bool contractions) : WordPattern
{
    public const string Upper = @"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]";
    public const string Lower = @"[\p{Ll}\p{Lm}\p{Lo}\p{M}]";
    public const string Lead = @"[^\r\n\p{L}\p{N}]?";
    public const string Contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)?";
    public const string AfterDigits = @"| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    private const uint Both = Categories.ModifierLetter | Categories.OtherLetter | Categories.Mark;
    private const uint UpperMask = Categories.UppercaseLetter | Categories.TitlecaseLetter | Both;
    private const uint LowerMask = Categories.LowercaseLetter | Both;
    private const uint Rest = ~(Categories.WhiteSpace | Categories.Letter | Categories.Number);

    private readonly TextClasses _classes = TextClasses.Default;

    public override int End(ReadOnlySpan<byte> text, int at)
    {
        var first = text[at];
        var bit = 1u << _classes.Category(text, at, out var next);
        var word = Word(text, at, next, bit, first);
        if (word > at)
        {
            return contractions ? TextClasses.Contraction(text, word, ignoreCase: true) : word;
        }

        if ((bit & Categories.Number) != 0)
        {
            return _classes.Skip(text, next, Categories.Number, maxDigits - 1);
        }

        if ((bit & Rest) != 0 || (first == ' ' && _classes.Is(text, next, Rest, out next)))
        {
            var end = _classes.Skip(text, next, Rest);
            while ((uint)end < (uint)text.Length && text[end] is (byte)'\r' or (byte)'\n' or (byte)'/')
            {
                end++;
            }

            return end;
        }

        return _classes.WhiteSpaceTail(text, at, newlines: true);
    }

    // The four ways of the first two alternatives, in the order in which they are tried.
    private int Word(ReadOnlySpan<byte> text, int at, int next, uint bit, byte first)
    {
        var leads = (bit & (Categories.Letter | Categories.Number)) == 0 && first is not ((byte)'\r' or (byte)'\n');
        var starts = (bit & (UpperMask | LowerMask)) != 0;
        if (leads && WithLower(text, next) is var a && a > next)
        {
            return a;
        }

        if (starts && WithLower(text, at) is var b && b > at)
        {
            return b;
        }

        if (leads && WithUpper(text, next) is var c && c > next)
        {
            return c;
        }

        return starts ? WithUpper(text, at) : at;
    }

    // U*l+ : where nothing lower follows the run, the run gives back up to its last member that is both.
    private int WithLower(ReadOnlySpan<byte> text, int at)
    {
        var upper = _classes.Skip(text, at, UpperMask);
        var end = _classes.Skip(text, upper, LowerMask);
        if (end > upper)
        {
            return end;
        }

        for (var give = upper; give > at;)
        {
            var next = give;
            give = Utf8Text.Previous(text, give);
            if (_classes.Is(text, give, Both, out _))
            {
                return next;
            }
        }

        return at;
    }

    // U+l* : reached where U*l+ failed, so nothing lower follows.
    private int WithUpper(ReadOnlySpan<byte> text, int at) => _classes.Skip(text, at, UpperMask);

    protected override ulong Bounds(ReadOnlySpan<byte> window)
    {
        var bytes = new AsciiWindow(window);
        var capitals = bytes.Capitals;
        var bounds = WindowBounds.Words(bytes, out _) | (capitals & AsciiWindow.Behind(bytes.Letters & ~capitals))
            | WindowBounds.Numbers(bytes.Digits, maxDigits) | WindowBounds.WhiteSpace(bytes);
        var suffixes = contractions ? bytes.Of((byte)'\'') & AsciiWindow.Behind(bytes.Letters) : 0;
        if (suffixes != 0)
        {
            // Whether the last known byte starts a suffix is not known.
            bounds = WindowBounds.Suffixes(window, bounds, suffixes & AsciiWindow.Before(bytes.Letters)) & bytes.Known & ~(suffixes & ~AsciiWindow.Before(bytes.Known));
        }

        // Slashes and line breaks behind punctuation belong to it in any order, which the bounds do not know.
        var slashes = bytes.Of((byte)'/') & AsciiWindow.Behind(bytes.NewLines);
        bounds = slashes == 0 ? bounds : bounds & ((slashes & (0 - slashes)) - 1);
        return WindowBounds.BeforeOpenIndent(bytes, bounds) & ~1ul;
    }
}
