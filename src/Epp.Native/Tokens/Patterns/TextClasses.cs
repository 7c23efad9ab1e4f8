using System.Runtime.CompilerServices;
using Epp.Native.Tokens.Unicode;

namespace Epp.Native.Tokens.Patterns;

/// <summary>Steps over UTF-8 by general category. A struct of references, so that hot loops keep them in registers.</summary>
internal readonly struct TextClasses
{
    private readonly byte[] _ascii;
    private readonly CodePointTable _table;

    private TextClasses(CodePointTable table)
    {
        _table = table;
        _ascii = new byte[256];
        for (var i = 0; i < 128; i++)
        {
            _ascii[i] = table[i];
        }
    }

    public static TextClasses Default { get; } = new(Categories.Table);

    /// <summary>Whether the code point at a position, which may be the end, is of the categories; where the next one starts.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Is(ReadOnlySpan<byte> text, int at, uint mask, out int next)
    {
        next = at;
        if ((uint)at >= (uint)text.Length)
        {
            return false;
        }

        return ((mask >> Category(text, at, out next)) & 1) != 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Category(ReadOnlySpan<byte> text, int at, out int next)
    {
        var b = text[at];
        if (b < 0x80)
        {
            next = at + 1;
            return _ascii[b];
        }

        return _table.At(text, at, out next);
    }

    /// <summary>The end of the run of the categories that starts at a position.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Skip(ReadOnlySpan<byte> text, int at, uint mask)
    {
        var ascii = _ascii;
        while ((uint)at < (uint)text.Length)
        {
            var b = text[at];
            if (b < 0x80)
            {
                if (((mask >> ascii[b]) & 1) == 0)
                {
                    return at;
                }

                at++;
                continue;
            }

            var known = _table.SkipRows(text, at, mask);
            if (known == at && ((mask >> _table.At(text, at, out known)) & 1) == 0)
            {
                return at;
            }

            at = known;
        }

        return at;
    }

    /// <summary>The end of the run of letters that starts at a position; ASCII without a table.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int SkipLetters(ReadOnlySpan<byte> text, int at)
    {
        while ((uint)at < (uint)text.Length && (uint)((text[at] | 0x20) - 'a') < 26)
        {
            at++;
        }

        return (uint)at < (uint)text.Length && text[at] >= 0x80 ? Skip(text, at, Categories.Letter) : at;
    }

    /// <summary>As <see cref="Skip(ReadOnlySpan{byte}, int, uint)"/>, at most so many code points.</summary>
    public int Skip(ReadOnlySpan<byte> text, int at, uint mask, int most)
    {
        while (most-- > 0 && Is(text, at, mask, out var next))
        {
            at = next;
        }

        return at;
    }

    /// <summary>
    /// The tail that the patterns share: <c>\s*[\r\n]+|\s+(?!\S)|\s+</c> where <paramref name="newlines"/>, else <c>\s+(?!\S)|\s+</c>.
    /// The code point at the position is white space.
    /// </summary>
    public int WhiteSpaceTail(ReadOnlySpan<byte> text, int at, bool newlines)
    {
        var (end, lastNewline) = (at, -1);
        while ((uint)end < (uint)text.Length)
        {
            var b = text[end];
            if (b is (byte)'\r' or (byte)'\n')
            {
                lastNewline = end++;
            }
            else if (b is (byte)' ' or (byte)'\t' || (b != 0 && Is(text, end, Categories.WhiteSpace, out _)))
            {
                end += Utf8Text.LengthOf(b);
            }
            else
            {
                break;
            }
        }

        if (newlines && lastNewline >= 0)
        {
            return lastNewline + 1;
        }

        if (end == text.Length)
        {
            return end;
        }

        // The last one is left to the word that follows, unless it is the only one.
        var previous = Utf8Text.Previous(text, end);
        return previous > at ? previous : end;
    }

    /// <summary>Skips <c>[\r\n]*</c>.</summary>
    public static int SkipNewlines(ReadOnlySpan<byte> text, int at)
    {
        while ((uint)at < (uint)text.Length && text[at] is (byte)'\r' or (byte)'\n')
        {
            at++;
        }

        return at;
    }

    /// <summary>The end of <c>'s|'t|'re|'ve|'m|'ll|'d</c> at an apostrophe; the position where there is none.</summary>
    public static int Contraction(ReadOnlySpan<byte> text, int at, bool ignoreCase)
    {
        if ((uint)(at + 1) >= (uint)text.Length || text[at] != '\'')
        {
            return at;
        }

        var first = Lower(text[at + 1], ignoreCase);
        if (first is (byte)'s' or (byte)'t' or (byte)'m' or (byte)'d')
        {
            return at + 2;
        }

        // The long s, U+017F, folds to s.
        var second = (uint)(at + 2) < (uint)text.Length ? text[at + 2] : (byte)0;
        if (ignoreCase && first == 0xC5 && second == 0xBF)
        {
            return at + 3;
        }

        second = Lower(second, ignoreCase);
        return (first, second) is ((byte)'r', (byte)'e') or ((byte)'v', (byte)'e') or ((byte)'l', (byte)'l') ? at + 3 : at;
    }

    private static byte Lower(byte b, bool ignoreCase) => ignoreCase && b is >= (byte)'A' and <= (byte)'Z' ? (byte)(b | 0x20) : b;
}
