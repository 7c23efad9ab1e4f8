using Epp.Native.Tokens.Unicode;

namespace Epp.Native.Tokens.Patterns;

/// <summary><c>'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+</c>. Matches everywhere.</summary>
internal sealed class Gpt2Pattern : WordPattern
{
    public const string Text = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

    private const uint Rest = ~(Categories.WhiteSpace | Categories.Letter | Categories.Number);

    private readonly TextClasses _classes = TextClasses.Default;

    public override int End(ReadOnlySpan<byte> text, int at)
    {
        var contraction = TextClasses.Contraction(text, at, ignoreCase: false);
        if (contraction > at)
        {
            return contraction;
        }

        var word = text[at] == ' ' ? at + 1 : at;
        if (word < text.Length)
        {
            var bit = 1u << _classes.Category(text, word, out var next);
            if ((bit & Categories.Letter) != 0)
            {
                return _classes.SkipLetters(text, next);
            }

            if ((bit & Categories.Number) != 0)
            {
                return _classes.Skip(text, next, Categories.Number);
            }

            if ((bit & Rest) != 0)
            {
                return _classes.Skip(text, next, Rest);
            }
        }

        return _classes.WhiteSpaceTail(text, at, newlines: false);
    }

    protected override ulong Bounds(ReadOnlySpan<byte> window)
    {
        var bytes = new AsciiWindow(window);
        var white = bytes.WhiteSpace;

        // A run starts at its first member or at the space before it. The last white space starts a word too, once it is known to be the last.
        var runs = AsciiWindow.First(bytes.Letters) | AsciiWindow.First(bytes.Digits) | AsciiWindow.First(bytes.Rest);
        var lastWhite = white & AsciiWindow.Before(bytes.Known & ~white);
        var bounds = (runs & ~AsciiWindow.Behind(bytes.Spaces)) | AsciiWindow.First(white) | lastWhite;
        var contractions = bytes.Of((byte)'\'') & bounds & AsciiWindow.Before(bytes.Letters);
        if (contractions != 0)
        {
            bounds = WindowBounds.Contractions(window, bounds, contractions, ignoreCase: false) & bytes.Known;
        }

        return bounds & ~1ul;
    }
}
