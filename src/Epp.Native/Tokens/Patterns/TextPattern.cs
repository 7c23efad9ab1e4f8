using System.Numerics;
using Epp.Native.Tokens.Unicode;

namespace Epp.Native.Tokens.Patterns;

/// <summary>Finds stretches of a text, as the pattern of a tokenizer would. Immutable; safe to share.</summary>
internal abstract class TextPattern
{
    /// <summary>No further match.</summary>
    public const int None = -1;

    /// <summary>The budget of <see cref="PatternState"/> is used up.</summary>
    public const int TooSlow = -2;

    /// <summary>The start of the first match at or after a position, or <see cref="None"/> or <see cref="TooSlow"/>.</summary>
    public abstract int Find(ReadOnlySpan<byte> text, int from, PatternState state, out int end);
}

/// <summary>A pattern that matches at every position, so that the end of a match is all there is to find.</summary>
internal abstract class WordPattern : TextPattern
{
    /// <summary>The end of the match at a position inside the text.</summary>
    public abstract int End(ReadOnlySpan<byte> text, int at);

    /// <summary>The ends of the next words, as many as fit and the text has, of which there must be at least 64; returns how many.</summary>
    public int Ends(ReadOnlySpan<byte> text, int at, Span<int> ends)
    {
        var count = 0;
        while (count <= ends.Length - AsciiWindow.Bytes && at < text.Length)
        {
            // A word of one byte and one that starts with two ASCII bytes may be followed by others; what else there is goes by itself.
            var bounds = text.Length - at >= AsciiWindow.Bytes && (text[at] | text[at + 1]) < 0x80 ? Bounds(text.Slice(at, AsciiWindow.Bytes)) : 0;
            if (bounds == 0)
            {
                ends[count++] = at = End(text, at);
                continue;
            }

            var start = at;
            for (; bounds != 0; bounds &= bounds - 1)
            {
                ends[count++] = at = start + BitOperations.TrailingZeroCount(bounds);
            }
        }

        return count;
    }

    /// <summary>
    /// The bounds between words in a window that starts with a word, one bit per byte: those that hold whatever follows the window. 0 where
    /// the first word does not end in it.
    /// </summary>
    protected virtual ulong Bounds(ReadOnlySpan<byte> window) => 0;

    public sealed override int Find(ReadOnlySpan<byte> text, int from, PatternState state, out int end)
    {
        end = from < text.Length ? End(text, from) : from;
        return from < text.Length ? from : None;
    }
}

/// <summary>Every occurrence of some bytes.</summary>
internal sealed class LiteralPattern(byte[] literal) : TextPattern
{
    public override int Find(ReadOnlySpan<byte> text, int from, PatternState state, out int end)
    {
        var at = text[from..].IndexOf(literal);
        end = from + at + literal.Length;
        return at < 0 ? None : from + at;
    }
}

/// <summary>Runs of the members of a set, at least and at most so many long: <c>\p{N}{1,3}</c>, <c>[0-9]</c>, <c>\s+</c>.</summary>
internal sealed class RunPattern(CodePointSet set, int min, int max) : TextPattern
{
    private readonly bool[] _ascii = Ascii(set);

    public override int Find(ReadOnlySpan<byte> text, int from, PatternState state, out int end)
    {
        for (var start = from; start < text.Length;)
        {
            var b = text[start];
            if (b < 0x80 ? !_ascii[b] : !set.Contains(Utf8Text.Read(text, start, out _)))
            {
                start += Utf8Text.LengthOf(b);
                continue;
            }

            var count = 0;
            var at = start;
            while (at < text.Length && count < max)
            {
                var c = Utf8Text.Read(text, at, out var next);
                if (!set.Contains(c))
                {
                    break;
                }

                count++;
                at = next;
            }

            if (count >= min)
            {
                end = at;
                return start;
            }

            // A run that is too short holds no longer one.
            start = at;
        }

        end = from;
        return None;
    }

    private static bool[] Ascii(CodePointSet set)
    {
        var members = new bool[128];
        for (var i = 0; i < members.Length; i++)
        {
            members[i] = set.Contains(i);
        }

        return members;
    }
}
