using Epp.Native.Tokens.Patterns;
using Epp.Native.Tokens.Unicode;

namespace Epp.Native.Tokens.Normalizing;

/// <summary>Prepend: a prefix before any text that is not empty.</summary>
internal sealed class PrependNormalizer(byte[] prefix) : TextNormalizer
{
    public override TokenizeStatus Apply(ReadOnlySpan<byte> text, ByteBuffer output, NormalizerState state)
    {
        if (!text.IsEmpty)
        {
            output.Append(prefix);
            output.Append(text);
        }

        return TokenizeStatus.Ok;
    }
}

/// <summary>Replace: every match of a pattern by some text.</summary>
internal sealed class ReplaceNormalizer(TextPattern pattern, byte[] content) : TextNormalizer
{
    public override TokenizeStatus Apply(ReadOnlySpan<byte> text, ByteBuffer output, NormalizerState state)
    {
        var matches = new PatternMatches(pattern);
        var written = 0;
        while (matches.Next(text, state.Patterns))
        {
            // What replaces several characters stands for the last of them.
            state.StartsInput &= matches.Start > 0 || matches.End <= matches.Start || matches.End == Utf8Text.LengthOf(text[0]);
            output.Append(text[written..matches.Start]);
            output.Append(content);
            written = matches.End;
        }

        output.Append(text[written..]);
        return matches.Status;
    }
}

/// <summary>Strip: white space off one end or both.</summary>
internal sealed class StripNormalizer(bool left, bool right) : TextNormalizer
{
    public override TokenizeStatus Apply(ReadOnlySpan<byte> text, ByteBuffer output, NormalizerState state)
    {
        var (start, end) = (0, text.Length);
        var white = CodePointSets.WhiteSpace;
        while (left && start < end && white.Contains(Utf8Text.Read(text, start, out var next)))
        {
            start = next;
        }

        while (right && end > start && Utf8Text.Previous(text, end) is var previous && white.Contains(Utf8Text.Read(text, previous, out _)))
        {
            end = previous;
        }

        state.StartsInput &= start == 0;
        output.Append(text[start..end]);
        return TokenizeStatus.Ok;
    }
}

/// <summary>
/// Precompiled: SentencePiece's character map, a double-array trie of replacements. Grapheme clusters of less than six bytes are looked up
/// whole, everything else character by character; what counts is the shortest entry that begins the text looked up.
/// </summary>
internal sealed class PrecompiledNormalizer(uint[] trie, byte[] replacements) : TextNormalizer
{
    private const int ShortClusterBytes = 6;

    private readonly CodePointSet _joins = CodePointSets.GraphemeJoin;
    private readonly CodePointSet _prepends = CodePointSets.GraphemePrepend;

    public override TokenizeStatus Apply(ReadOnlySpan<byte> text, ByteBuffer output, NormalizerState state)
    {
        for (var at = 0; at < text.Length;)
        {
            var end = ClusterEnd(text, at);
            if (end - at >= ShortClusterBytes || !Replace(text[at..end], output))
            {
                for (var c = at; c < end;)
                {
                    var part = text.Slice(c, Utf8Text.LengthOf(text[c]));
                    if (!Replace(part, output))
                    {
                        output.Append(part);
                    }

                    c += part.Length;
                }
            }

            state.StartsInput &= at > 0 || output.Length > 0;
            at = end;
        }

        return TokenizeStatus.Ok;
    }

    // Clusters that matter here are a base with what it prepends and its marks, and CR LF: all others take six bytes or more.
    private int ClusterEnd(ReadOnlySpan<byte> text, int at)
    {
        var first = Utf8Text.Read(text, at, out var end);
        if (first == '\r' && end < text.Length && text[end] == '\n')
        {
            return end + 1;
        }

        while (_prepends.Contains(first) && end < text.Length && Utf8Text.Read(text, end, out var next) is var after && !Breaks(after))
        {
            (first, end) = (after, next);
        }

        while (!Breaks(first) && end < text.Length && _joins.Contains(Utf8Text.Read(text, end, out var joined)))
        {
            end = joined;
        }

        return end;
    }

    private bool Breaks(int codePoint)
    {
        const uint Controls = Categories.Control | Categories.Format | (1u << 24) | (1u << 25);
        return ((Controls >> Categories.Table[codePoint]) & 1) != 0 && !_joins.Contains(codePoint) && !_prepends.Contains(codePoint);
    }

    private bool Replace(ReadOnlySpan<byte> key, ByteBuffer output)
    {
        var value = Shortest(key);
        if (value < 0 || value > replacements.Length)
        {
            return false;
        }

        var rest = replacements.AsSpan(value);
        var end = rest.IndexOf((byte)0);
        output.Append(end < 0 ? rest : rest[..end]);
        return true;
    }

    private int Shortest(ReadOnlySpan<byte> key)
    {
        if (trie.Length == 0)
        {
            return -1;
        }

        var node = Offset(trie[0]);
        foreach (var b in key)
        {
            node ^= b;
            if (b == 0 || node >= (uint)trie.Length || (trie[node] & 0x800000FFu) != b)
            {
                return -1;
            }

            var unit = trie[node];
            node ^= Offset(unit);
            if ((unit & 0x100) != 0)
            {
                return node < (uint)trie.Length ? (int)(trie[node] & 0x7FFFFFFF) : -1;
            }
        }

        return -1;
    }

    private static uint Offset(uint unit) => (unit >> 10) << (int)((unit & 0x200) >> 6);
}
