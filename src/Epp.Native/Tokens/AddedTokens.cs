using System.Buffers;
using Epp.Native.Tokens.Models;
using Epp.Native.Tokens.Unicode;

namespace Epp.Native.Tokens;

/// <summary>One token that is found in the text before anything else happens to it.</summary>
public sealed record AddedToken(string Content, uint Id, bool IsSpecial, bool IsSingleWord, bool StripsLeft, bool StripsRight, bool IsNormalized);

/// <summary>Finds added tokens: leftmost, then longest. Immutable; safe to share.</summary>
internal sealed class AddedTokens
{
    private readonly AddedToken[] _tokens;
    private readonly ByteTrie _trie;
    private readonly SearchValues<byte> _firstBytes;
    private readonly CodePointSet _word = CodePointSets.RustWord;
    private readonly CodePointSet _space = CodePointSets.WhiteSpace;

    /// <summary>The table's values are indices of the tokens.</summary>
    public AddedTokens(AddedToken[] tokens, TokenTable contents)
    {
        _tokens = tokens;
        _trie = ByteTrie.Of(contents);
        var first = new List<byte>();
        for (var i = 0; i < contents.Count; i++)
        {
            if (!contents.TokenAt(i).IsEmpty)
            {
                first.Add(contents.TokenAt(i)[0]);
            }
        }

        _firstBytes = SearchValues.Create([.. first]);
    }

    /// <summary>
    /// Steps to the next token. <paramref name="searched"/> is where the search goes on, <paramref name="used"/> where the text not yet used starts;
    /// the stretch before the token ends at <paramref name="start"/>.
    /// </summary>
    public bool Next(ReadOnlySpan<byte> text, ref int searched, int used, out int start, out int stop, out uint id)
    {
        while (searched < text.Length)
        {
            var offset = text[searched..].IndexOfAny(_firstBytes);
            if (offset < 0)
            {
                break;
            }

            start = searched + offset;
            var length = _trie.Longest(text[start..], out var index);
            if (length == 0)
            {
                searched = start + 1;
                continue;
            }

            stop = searched = start + length;
            var token = _tokens[index];
            if (token.IsSingleWord && ((start > 0 && _word.Contains(Utf8Text.Read(text, Utf8Text.Previous(text, start), out _)))
                || (stop < text.Length && _word.Contains(Utf8Text.Read(text, stop, out _)))))
            {
                continue;
            }

            Strip(text, token, used, ref start, ref stop);
            if (start >= stop)
            {
                // White space that the token before took already.
                continue;
            }

            id = token.Id;
            return true;
        }

        (start, stop, id) = (text.Length, text.Length, 0);
        return false;
    }

    private void Strip(ReadOnlySpan<byte> text, AddedToken token, int used, ref int start, ref int stop)
    {
        if (token.StripsLeft && start < used)
        {
            start = used;
        }

        while (token.StripsLeft && start > used && Utf8Text.Previous(text, start) is var previous && _space.Contains(Utf8Text.Read(text, previous, out _)))
        {
            start = previous;
        }

        while (token.StripsRight && stop < text.Length && _space.Contains(Utf8Text.Read(text, stop, out var next)))
        {
            stop = next;
        }
    }
}
