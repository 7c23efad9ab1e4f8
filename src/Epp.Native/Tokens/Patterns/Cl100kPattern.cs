using System.Numerics;
using Epp.Native.Tokens.Unicode;

namespace Epp.Native.Tokens.Patterns;

/// <summary>
/// <c>(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+</c>, with three
/// digits or one. Matches everywhere.
/// </summary>
internal sealed class Cl100kPattern(int maxDigits) : WordPattern
{
    public const string BeforeDigits = @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|";
    public const string AfterDigits = @"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    private const uint Rest = ~(Categories.WhiteSpace | Categories.Letter | Categories.Number);

    private readonly TextClasses _classes = TextClasses.Default;

    public override int End(ReadOnlySpan<byte> text, int at)
    {
        var first = text[at];
        if (first == '\'')
        {
            var contraction = TextClasses.Contraction(text, at, ignoreCase: true);
            if (contraction > at)
            {
                return contraction;
            }
        }

        var bit = 1u << _classes.Category(text, at, out var next);
        if ((bit & Categories.Letter) != 0)
        {
            return _classes.SkipLetters(text, next);
        }

        if ((bit & Categories.Number) != 0)
        {
            return _classes.Skip(text, next, Categories.Number, maxDigits - 1);
        }

        // Anything but a line break may lead a word.
        if (first is not ((byte)'\r' or (byte)'\n') && _classes.Is(text, next, Categories.Letter, out var second))
        {
            return _classes.SkipLetters(text, second);
        }

        if ((bit & Rest) != 0 || (first == ' ' && _classes.Is(text, next, Rest, out next)))
        {
            return TextClasses.SkipNewlines(text, _classes.Skip(text, next, Rest));
        }

        return _classes.WhiteSpaceTail(text, at, newlines: true);
    }

    protected override ulong Bounds(ReadOnlySpan<byte> window)
    {
        var bytes = AsciiWindow.Read(window);
        var (white, newlines, rest) = (bytes.WhiteSpace, bytes.NewLines, bytes.Rest);
        var blanks = white & ~newlines;

        // Punctuation starts a word unless the space before it does. One alone leads the letters behind it, as a blank does.
        var signs = AsciiWindow.First(rest) & ~AsciiWindow.Behind(bytes.Spaces);
        var leads = blanks | (signs & AsciiWindow.Before(bytes.Letters));
        var words = AsciiWindow.First(bytes.Letters) & ~AsciiWindow.Behind(leads);

        // Line breaks behind punctuation belong to it. The last white space starts a word if it is a blank, once it is known to be the last.
        var breaks = AsciiWindow.First(white) & ~(newlines & AsciiWindow.Behind(rest));
        var lastBlank = blanks & AsciiWindow.Before(bytes.Known & ~white);
        var indents = blanks & AsciiWindow.Behind(newlines);
        var bounds = signs | words | Numbers(bytes.Digits) | breaks | lastBlank | indents;
        var contractions = bytes.Apostrophes & signs & AsciiWindow.Before(bytes.Letters);
        if (contractions != 0)
        {
            bounds = TextClasses.WithContractions(window, bounds, contractions, ignoreCase: true) & bytes.Known;
        }

        // Blanks behind a line break do not start a word if another line break ends them, or may do so behind the window: adding their first
        // bits to all of them carries to where they end.
        var open = (blanks + indents) & ~blanks & (newlines | ~bytes.Known);
        if (open != 0)
        {
            var indent = indents & ((open & (0 - open)) - 1);
            bounds &= (1ul << BitOperations.Log2(indent)) - 1;
        }

        return bounds & ~1ul;
    }

    private ulong Numbers(ulong digits)
    {
        if (maxDigits == 1)
        {
            return digits;
        }

        var first = AsciiWindow.First(digits);
        if (maxDigits > 3)
        {
            return first;
        }

        // The next number of a run starts where as many digits stand before it and one more follows.
        var full = digits & (digits << 1) & (maxDigits == 3 ? digits << 2 : ulong.MaxValue);
        for (var next = (first << maxDigits) & full; next != 0; next = (next << maxDigits) & full)
        {
            first |= next;
        }

        return first;
    }
}
