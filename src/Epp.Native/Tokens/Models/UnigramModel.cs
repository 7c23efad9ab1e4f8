using Epp.Native.Tokens.Unicode;

namespace Epp.Native.Tokens.Models;

/// <summary>
/// Unigram: the segmentation of the greatest sum of scores, the earlier found winning ties; runs of unknown characters are one token, or
/// their bytes where those have tokens.
/// </summary>
internal sealed class UnigramModel : TokenModel
{
    // SentencePiece's distance of an unknown character below the worst token.
    private const double UnknownPenalty = 10.0;
    private const int Unreached = -1;

    private readonly TokenTable _vocabulary;
    private readonly ByteTrie _trie;
    private readonly double[] _scores;
    private readonly double _unknownScore;
    private readonly int _unknown;
    private readonly int[] _fallback;

    /// <summary>The scores are by id; an unknown token of -1 is none.</summary>
    public UnigramModel(TokenTable vocabulary, double[] scores, int unknown, bool byteFallback)
    {
        (_vocabulary, _scores, _unknown) = (vocabulary, scores, unknown);
        _trie = ByteTrie.Of(vocabulary);
        var least = double.PositiveInfinity;
        foreach (var score in scores)
        {
            least = Math.Min(least, score);
        }

        _unknownScore = least - UnknownPenalty;
        _fallback = byteFallback ? BpeModel.FallbackIds(vocabulary) : [];
    }

    public override TokenizeStatus Encode(ReadOnlySpan<byte> piece, ModelState state, TokenBuffer ids)
    {
        state.ReservePath(piece.Length + 1);
        state.ReserveSymbols(piece.Length + 1);
        var (starts, tokens) = (state.Before, state.Symbols);
        if (!Search(piece, state.Scores, starts, tokens))
        {
            return TokenizeStatus.NoUnknownToken;
        }

        // The path stands backwards; turn it around into the other array: where each token ends.
        var ends = state.After;
        var count = 0;
        for (var end = piece.Length; end > 0; end = starts[end])
        {
            ends[count++] = end;
        }

        while (count > 0)
        {
            var end = ends[--count];
            var start = starts[end];
            if (tokens[end] != _unknown)
            {
                ids.Add((uint)tokens[end]);
                continue;
            }

            while (count > 0 && tokens[ends[count - 1]] == _unknown)
            {
                end = ends[--count];
            }

            if (!Unknown(piece[start..end], ids))
            {
                return TokenizeStatus.NoUnknownToken;
            }
        }

        return TokenizeStatus.Ok;
    }

    private bool Search(ReadOnlySpan<byte> piece, double[] best, int[] starts, int[] tokens)
    {
        best[0] = 0;
        starts.AsSpan(0, piece.Length + 1).Fill(Unreached);
        for (var at = 0; at < piece.Length;)
        {
            var single = Utf8Text.LengthOf(piece[at]);
            var hasSingle = false;
            var node = _trie.First(piece[at]);
            for (var end = at + 1; node != 0; end++)
            {
                if (_trie.Value(node) is >= 0 and var token)
                {
                    Reach(at, end, _scores[token] + best[at], token, best, starts, tokens);
                    hasSingle |= end - at == single;
                }

                if (end == piece.Length)
                {
                    break;
                }

                node = _trie.Next(node, piece[end]);
            }

            // Nothing is amiss where a longer token already spans a character without one.
            if (!hasSingle && Reach(at, at + single, _unknownScore + best[at], _unknown, best, starts, tokens) && _unknown < 0)
            {
                return false;
            }

            at += single;
        }

        return true;
    }

    private static bool Reach(int start, int end, double score, int token, double[] best, int[] starts, int[] tokens)
    {
        if (starts[end] != Unreached && !(score > best[end]))
        {
            return false;
        }

        (best[end], starts[end], tokens[end]) = (score, start, token);
        return true;
    }

    // A fused run is looked up once more, then spelt in bytes, then given up.
    private bool Unknown(ReadOnlySpan<byte> run, TokenBuffer ids)
    {
        if (_vocabulary.TryGet(run, out var id))
        {
            ids.Add(id);
            return true;
        }

        var spelt = _fallback.Length > 0;
        foreach (var b in run)
        {
            spelt = spelt && _fallback[b] >= 0;
        }

        if (!spelt)
        {
            ids.Add((uint)_unknown);
            return _unknown >= 0;
        }

        foreach (var b in run)
        {
            ids.Add((uint)_fallback[b]);
        }

        return true;
    }
}
