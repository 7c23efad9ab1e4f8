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
        var bytes = new AsciiWindow(window);
        var bounds = WindowBounds.Words(bytes, out var signs) | WindowBounds.Numbers(bytes.Digits, maxDigits) | WindowBounds.WhiteSpace(bytes);
        var contractions = bytes.Of((byte)'\'') & signs & AsciiWindow.Before(bytes.Letters);
        if (contractions != 0)
        {
            bounds = WindowBounds.Contractions(window, bounds, contractions, ignoreCase: true) & bytes.Known;
        }

        return WindowBounds.BeforeOpenIndent(bytes, bounds) & ~1ul;
    }
}
