using System.Numerics;
using System.Runtime.CompilerServices;

namespace Epp.Native.Tokens.Patterns;

/// <summary>
/// Bounds between words in an <see cref="AsciiWindow"/>, by the parts that patterns have in common: a bit where a word starts. The window starts
/// with a word, so nothing before it matters.
/// </summary>
internal static class WindowBounds
{
    /// <summary>
    /// <c>[^\r\n\p{L}\p{N}]?\p{L}+| ?[^\s\p{L}\p{N}]+</c>: punctuation starts a word unless the space before it does; one alone leads the letters
    /// behind it, as a blank does.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Words(in AsciiWindow bytes, out ulong signs)
    {
        signs = AsciiWindow.First(bytes.Rest) & ~AsciiWindow.Behind(bytes.Spaces);
        var leads = (bytes.WhiteSpace & ~bytes.NewLines) | (signs & AsciiWindow.Before(bytes.Letters));
        return signs | (AsciiWindow.First(bytes.Letters) & ~AsciiWindow.Behind(leads));
    }

    /// <summary><c>\p{N}{1,n}</c>, n = 1 to 3 or more than there may be.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Numbers(ulong digits, int most)
    {
        if (most == 1)
        {
            return digits;
        }

        var first = AsciiWindow.First(digits);
        if (most > 3)
        {
            return first;
        }

        // The next number of a run starts where as many digits stand before it and one more follows.
        var full = digits & (digits << 1) & (most == 3 ? digits << 2 : ulong.MaxValue);
        for (var next = (first << most) & full; next != 0; next = (next << most) & full)
        {
            first |= next;
        }

        return first;
    }

    /// <summary>
    /// <c>\s*[\r\n]+|\s+(?!\S)|\s+</c> where line breaks behind punctuation belong to it: the last white space starts a word if it is a blank, once it
    /// is known to be the last, and so do blanks behind a line break (<see cref="BeforeOpenIndent"/>).
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong WhiteSpace(in AsciiWindow bytes)
    {
        var blanks = bytes.WhiteSpace & ~bytes.NewLines;
        return (AsciiWindow.First(bytes.WhiteSpace) & ~(bytes.NewLines & AsciiWindow.Behind(bytes.Rest)))
            | (blanks & AsciiWindow.Before(bytes.Known & ~bytes.WhiteSpace))
            | (blanks & AsciiWindow.Behind(bytes.NewLines));
    }

    /// <summary>The bounds before blanks that follow a line break and end, or may end behind the window, with another: those start no word.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong BeforeOpenIndent(in AsciiWindow bytes, ulong bounds)
    {
        // Adding the first bits of runs to all their bits carries to where the runs end.
        var blanks = bytes.WhiteSpace & ~bytes.NewLines;
        var indents = blanks & AsciiWindow.Behind(bytes.NewLines);
        var open = (blanks + indents) & ~blanks & (bytes.NewLines | ~bytes.Known);
        if (open == 0)
        {
            return bounds;
        }

        var indent = indents & ((open & (0 - open)) - 1);
        return bounds & ((1ul << BitOperations.Log2(indent)) - 1);
    }

    /// <summary>Where contractions that start a word end, and no bound inside of them.</summary>
    public static ulong Contractions(ReadOnlySpan<byte> window, ulong bounds, ulong apostrophes, bool ignoreCase)
    {
        for (; apostrophes != 0; apostrophes &= apostrophes - 1)
        {
            var at = BitOperations.TrailingZeroCount(apostrophes);
            var end = TextClasses.Contraction(window, at, ignoreCase);
            if (end > at)
            {
                bounds = (bounds & ~(2ul << at)) | (1ul << end);
            }
        }

        return bounds;
    }

    /// <summary>The same with contractions that belong to the word before them, which is none where a contraction ends.</summary>
    public static ulong Suffixes(ReadOnlySpan<byte> window, ulong bounds, ulong apostrophes)
    {
        for (var last = 0; apostrophes != 0; apostrophes &= apostrophes - 1)
        {
            var at = BitOperations.TrailingZeroCount(apostrophes);
            var end = at == last ? at : TextClasses.Contraction(window, at, ignoreCase: true);
            if (end > at)
            {
                bounds = (bounds & ~((1ul << end) - (1ul << at))) | (1ul << end);
                last = end;
            }
        }

        return bounds;
    }
}
