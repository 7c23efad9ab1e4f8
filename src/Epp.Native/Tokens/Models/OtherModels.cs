using Epp.Native.Tokens.Unicode;

namespace Epp.Native.Tokens.Models;

/// <summary>WordLevel: a piece is a token or unknown.</summary>
internal sealed class WordLevelModel(TokenTable vocabulary, byte[] unknownToken) : TokenModel
{
    private readonly bool _hasUnknown = vocabulary.TryGet(unknownToken, out _);

    public override TokenizeStatus Encode(ReadOnlySpan<byte> piece, ModelState state, TokenBuffer ids)
    {
        if (!vocabulary.TryGet(piece, out var id) && !_hasUnknown)
        {
            return TokenizeStatus.NoUnknownToken;
        }

        if (!vocabulary.TryGet(piece, out id))
        {
            vocabulary.TryGet(unknownToken, out id);
        }

        ids.Add(id);
        return TokenizeStatus.Ok;
    }
}

/// <summary>WordPiece: the longest token at the start, then the longest continuation, and so on; a word that does not come out is unknown.</summary>
internal sealed class WordPieceModel : TokenModel
{
    private readonly ByteTrie _starts;
    private readonly ByteTrie _continuations;
    private readonly uint _unknown;
    private readonly bool _hasUnknown;
    private readonly int _maxCharacters;

    public WordPieceModel(TokenTable vocabulary, byte[] prefix, byte[] unknownToken, int maxCharacters)
    {
        _starts = ByteTrie.Of(vocabulary);
        _maxCharacters = maxCharacters;
        _hasUnknown = vocabulary.TryGet(unknownToken, out _unknown);
        var continuations = new TokenTable();
        for (var i = 0; i < vocabulary.Count; i++)
        {
            if (vocabulary.TokenAt(i).StartsWith(prefix))
            {
                continuations.Set(vocabulary.TokenAt(i)[prefix.Length..], vocabulary.IdAt(i));
            }
        }

        _continuations = ByteTrie.Of(continuations);
    }

    public override TokenizeStatus Encode(ReadOnlySpan<byte> piece, ModelState state, TokenBuffer ids)
    {
        var before = ids.Count;
        if (!HasTooMany(piece) && Pieces(piece, ids))
        {
            return TokenizeStatus.Ok;
        }

        ids.Truncate(before);
        if (!_hasUnknown)
        {
            return TokenizeStatus.NoUnknownToken;
        }

        ids.Add(_unknown);
        return TokenizeStatus.Ok;
    }

    private bool Pieces(ReadOnlySpan<byte> piece, TokenBuffer ids)
    {
        for (var at = 0; at < piece.Length;)
        {
            var length = (at == 0 ? _starts : _continuations).Longest(piece[at..], out var id);
            if (length == 0)
            {
                return false;
            }

            ids.Add((uint)id);
            at += length;
        }

        return true;
    }

    private bool HasTooMany(ReadOnlySpan<byte> piece)
    {
        if (piece.Length <= _maxCharacters)
        {
            return false;
        }

        var characters = 0;
        for (var at = 0; at < piece.Length; at += Utf8Text.LengthOf(piece[at]))
        {
            characters++;
        }

        return characters > _maxCharacters;
    }
}
