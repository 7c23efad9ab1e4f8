using Epp.Native.Tokens.Unicode;

namespace Epp.Native.Tokens.Models;

/// <summary>What a BPE model is made of, beside its vocabulary and merges.</summary>
internal sealed class BpeOptions
{
    public bool IgnoreMerges { get; init; }

    public bool ByteFallback { get; init; }

    public bool FuseUnknown { get; init; }

    /// <summary>Before every symbol but the first.</summary>
    public byte[] Prefix { get; init; } = [];

    /// <summary>Behind the last symbol.</summary>
    public byte[] Suffix { get; init; } = [];

    public byte[]? UnknownToken { get; init; }
}

/// <summary>
/// Byte-pair encoding. Reads bytes directly where the pre-tokenizer ends in ByteLevel and every byte has a token, which spares the detour
/// over characters that stand for bytes; otherwise reads characters, with byte fallback and unknown tokens.
/// </summary>
internal sealed class BpeModel : TokenModel
{
    private const int NoToken = -1;

    private readonly TokenTable _vocabulary;
    private readonly MergeTable _merges;
    private readonly BpeOptions _options;
    private readonly int[]? _byteIds;
    private readonly int[] _fallback;
    private readonly int _unknown = NoToken;
    private readonly byte[] _cutBefore;

    /// <summary>Reads characters.</summary>
    public BpeModel(TokenTable vocabulary, MergeTable merges, BpeOptions options)
    {
        (_vocabulary, _merges, _options) = (vocabulary, merges, options);
        _fallback = options.ByteFallback ? FallbackIds(vocabulary) : [];
        if (options.UnknownToken is { } unknown && vocabulary.TryGet(unknown, out var id))
        {
            _unknown = (int)id;
        }

        _cutBefore = CanCut() ? "\u2581"u8.ToArray() : [];
    }

    /// <summary>Reads bytes: the vocabulary's tokens are what their characters stand for.</summary>
    public BpeModel(TokenTable byteVocabulary, MergeTable merges, BpeOptions options, int[] byteIds)
    {
        (_vocabulary, _merges, _options, _byteIds, _fallback, _cutBefore) = (byteVocabulary, merges, options, byteIds, [], []);
    }

    public override ReadOnlySpan<byte> CutBefore => _cutBefore;

    public override TokenizeStatus Encode(ReadOnlySpan<byte> piece, ModelState state, TokenBuffer ids)
    {
        if (_options.IgnoreMerges && piece.Length <= _vocabulary.MaxBytes && _vocabulary.TryGet(piece, out var whole))
        {
            ids.Add(whole);
            return TokenizeStatus.Ok;
        }

        // A character with a suffix of its own can fall back to more symbols than it has bytes.
        state.ReserveSymbols(piece.Length + (_options.Suffix.Length + _options.Prefix.Length) * piece.Length);
        var count = 0;
        if (_byteIds is { } byteIds)
        {
            var symbols = state.Symbols;
            foreach (var b in piece)
            {
                symbols[count++] = byteIds[b];
            }
        }
        else if (!Characters(piece, state, out count))
        {
            return TokenizeStatus.NoUnknownToken;
        }

        if (count > 1)
        {
            state.ReserveMerges(count);
            count = WordMerger.Merge(state, count, _merges);
        }

        foreach (var symbol in state.Symbols.AsSpan(0, count))
        {
            ids.Add((uint)symbol);
        }

        return TokenizeStatus.Ok;
    }

    // One symbol per character; those without a token become bytes, or the unknown token, or nothing where there is none.
    private bool Characters(ReadOnlySpan<byte> piece, ModelState state, out int count)
    {
        var symbols = state.Symbols;
        var pendingUnknown = false;
        count = 0;
        for (var at = 0; at < piece.Length;)
        {
            var length = Utf8Text.LengthOf(piece[at]);
            var text = WithAffixes(piece.Slice(at, length), at == 0, at + length == piece.Length, state.Text);
            at += length;
            if (_vocabulary.TryGet(text, out var id))
            {
                Flush(symbols, ref count, ref pendingUnknown);
                symbols[count++] = (int)id;
            }
            else if (Fallback(text, symbols, ref count))
            {
                // An unknown token that waits stays behind the bytes, as in the library.
                continue;
            }
            else if (_options.UnknownToken is not null)
            {
                if (_unknown == NoToken)
                {
                    return false;
                }

                if (!_options.FuseUnknown)
                {
                    Flush(symbols, ref count, ref pendingUnknown);
                }

                pendingUnknown = true;
            }
        }

        Flush(symbols, ref count, ref pendingUnknown);
        return true;
    }

    private void Flush(int[] symbols, ref int count, ref bool pending)
    {
        if (pending)
        {
            symbols[count++] = _unknown;
            pending = false;
        }
    }

    private ReadOnlySpan<byte> WithAffixes(ReadOnlySpan<byte> character, bool isFirst, bool isLast, ByteBuffer buffer)
    {
        var (prefix, suffix) = (isFirst ? [] : _options.Prefix, isLast ? _options.Suffix : []);
        if (prefix.Length == 0 && suffix.Length == 0)
        {
            return character;
        }

        buffer.Clear();
        buffer.Append(prefix);
        buffer.Append(character);
        buffer.Append(suffix);
        return buffer.Span;
    }

    private bool Fallback(ReadOnlySpan<byte> text, int[] symbols, ref int count)
    {
        if (!_options.ByteFallback)
        {
            return false;
        }

        foreach (var b in text)
        {
            if (_fallback[b] == NoToken)
            {
                return false;
            }
        }

        foreach (var b in text)
        {
            symbols[count++] = _fallback[b];
        }

        return true;
    }

    /// <summary>Ids of <c>&lt;0x00&gt;</c> … <c>&lt;0xFF&gt;</c>; -1 for those the vocabulary lacks.</summary>
    public static int[] FallbackIds(TokenTable vocabulary)
    {
        var ids = new int[256];
        Span<byte> token = stackalloc byte[6];
        "<0x00>"u8.CopyTo(token);
        for (var b = 0; b < ids.Length; b++)
        {
            token[3] = "0123456789ABCDEF"u8[b >> 4];
            token[4] = "0123456789ABCDEF"u8[b & 15];
            ids[b] = vocabulary.TryGet(token, out var id) ? (int)id : NoToken;
        }

        return ids;
    }

    // A cut before a mark changes nothing if no token holds a mark behind something else: then no merge crosses the cut. The mark needs a
    // token of its own, so that no unknown token is fused across, the whole piece must not be looked up at once, and no character may
    // vanish: two marks around it would become neighbours.
    private bool CanCut()
    {
        var mark = "\u2581"u8;
        var canVanish = _options.UnknownToken is null && (_fallback.Length == 0 || Array.IndexOf(_fallback, NoToken) >= 0);
        if (canVanish || _options.IgnoreMerges || _options.Prefix.Length > 0 || _options.Suffix.Length > 0 || !_vocabulary.TryGet(mark, out _))
        {
            return false;
        }

        for (var i = 0; i < _vocabulary.Count; i++)
        {
            var token = _vocabulary.TokenAt(i);
            while (token.StartsWith(mark))
            {
                token = token[mark.Length..];
            }

            if (token.IndexOf(mark) >= 0)
            {
                return false;
            }
        }

        return true;
    }
}
