using System.Buffers;
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

    /// <summary>A pattern that matches what this one does and what is between, each as a match; null where there is no fast one.</summary>
    public virtual WordPattern? Words => null;
}

/// <summary>A pattern that matches at every position, so that the end of a match is all there is to find.</summary>
internal abstract class WordPattern : TextPattern
{
    /// <summary>The least room for <see cref="Ends"/>.</summary>
    public const int MinEnds = AsciiWindow.Bytes;

    private const int MinWindowBytes = 8;

    public sealed override WordPattern Words => this;

    /// <summary>The end of the match at a position inside the text.</summary>
    public abstract int End(ReadOnlySpan<byte> text, int at);

    /// <summary>The ends of the next words, as many as fit, for at least <see cref="MinEnds"/>, and the text has; returns how many.</summary>
    public int Ends(ReadOnlySpan<byte> text, int at, Span<int> ends)
    {
        var count = 0;
        while (count <= ends.Length - MinEnds && at < text.Length)
        {
            var bounds = Next(text[at..]);
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

    // A word that does not start with two ASCII bytes goes by itself, and so does what is too short for several.
    private ulong Next(ReadOnlySpan<byte> text)
    {
        if (text.Length < MinWindowBytes || (text[0] | text[1]) >= 0x80)
        {
            return 0;
        }

        return text.Length >= AsciiWindow.Bytes ? Bounds(text[..AsciiWindow.Bytes]) : Last(text);
    }

    private ulong Last(ReadOnlySpan<byte> text)
    {
        Span<byte> window = stackalloc byte[AsciiWindow.Bytes];
        window.Fill(0x80);
        text.CopyTo(window);
        return Bounds(window);
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
    private readonly SearchValues<byte> _firstBytes = FirstBytes(set);

    public override int Find(ReadOnlySpan<byte> text, int from, PatternState state, out int end)
    {
        for (var start = from; start < text.Length;)
        {
            var skipped = text[start..].IndexOfAny(_firstBytes);
            if (skipped < 0)
            {
                break;
            }

            start += skipped;
            if (text[start] >= 0x80 && !set.Contains(Utf8Text.Read(text, start, out var next)))
            {
                start = next;
                continue;
            }

            var count = 0;
            var at = start;
            while (at < text.Length && count < max)
            {
                var c = Utf8Text.Read(text, at, out next);
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

    // Of the members' UTF-8.
    private static SearchValues<byte> FirstBytes(CodePointSet set)
    {
        Span<byte> utf8 = stackalloc byte[4];
        var first = new List<byte>();
        for (var i = 0; i < set.Bounds.Length; i += 2)
        {
            Utf8Text.Write(set.Bounds[i + 1] - 1, utf8);
            var last = utf8[0];
            Utf8Text.Write(set.Bounds[i], utf8);
            for (int b = utf8[0]; b <= last; b++)
            {
                // From an ASCII byte to a longer one; what is between only continues others.
                if ((b & 0xC0) != 0x80)
                {
                    first.Add((byte)b);
                }
            }
        }

        return SearchValues.Create([.. first]);
    }
}
