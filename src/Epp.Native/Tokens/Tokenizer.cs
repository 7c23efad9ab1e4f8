using Epp.Native.Tokens.Loading;
using Epp.Native.Tokens.Models;
using Epp.Native.Tokens.Normalizing;
using Epp.Native.Tokens.Splitting;

namespace Epp.Native.Tokens;

/// <summary>
/// Turns text into the ids that an engine with the same tokenizer file computes. Immutable; safe to share. The work is done by
/// <see cref="TokenEncoder"/>, one per thread.
/// </summary>
public sealed class Tokenizer
{
    private readonly int[] _indexById;
    private readonly AddedToken[] _added;

    internal Tokenizer(TokenizerParts parts)
    {
        Parts = parts;
        _indexById = parts.Vocabulary.IndexById();
        _added = parts.Added;
    }

    /// <summary>Tokens of the model, added tokens not counted.</summary>
    public int VocabularySize => Parts.Vocabulary.Count;

    /// <summary>First id above those of all tokens, added ones included.</summary>
    public int IdLimit
    {
        get
        {
            var limit = _indexById.Length;
            foreach (var token in _added)
            {
                limit = Math.Max(limit, (int)Math.Min(token.Id + 1L, int.MaxValue));
            }

            return limit;
        }
    }

    /// <summary>The added tokens, in the order of the file.</summary>
    public IReadOnlyList<AddedToken> AddedTokens => _added;

    /// <summary>Ids that stand before and after a text when special tokens are asked for.</summary>
    public ReadOnlySpan<uint> Prefix => Parts.Frame.Prefix;

    /// <inheritdoc cref="Prefix"/>
    public ReadOnlySpan<uint> Suffix => Parts.Frame.Suffix;

    internal TokenizerParts Parts { get; }

    /// <summary>Reads a <c>tokenizer.json</c>. Null where it is malformed or asks for something that is not supported; the error names the place.</summary>
    public static Tokenizer? Load(ReadOnlySpan<byte> json, out string error) => Load(json, TokenizerForm.AsWritten, out error);

    /// <summary>Reads a <c>tokenizer.json</c> as an engine does that makes another form of it.</summary>
    public static Tokenizer? Load(ReadOnlySpan<byte> json, TokenizerForm form, out string error)
    {
        try
        {
            error = "";
            return new Tokenizer(TokenizerJson.Read(json, form));
        }
        catch (TokenizerFormatException e)
        {
            error = e.Message;
            return null;
        }
    }

    /// <summary>Reads a rank file of tiktoken: a line per token, its bytes in base64 and its rank, which is its id.</summary>
    public static Tokenizer? LoadRanks(ReadOnlySpan<byte> ranks, string pattern, IReadOnlyList<AddedToken> special, out string error)
    {
        try
        {
            error = "";
            return new Tokenizer(TiktokenRanks.Read(ranks, pattern, special));
        }
        catch (TokenizerFormatException e)
        {
            error = e.Message;
            return null;
        }
    }

    /// <summary>A worker of its own: buffers and a cache of about 3 MB that it keeps.</summary>
    public TokenEncoder CreateEncoder() => new(Parts);

    /// <summary>The same, with beginnings of texts that many encoders of this tokenizer share.</summary>
    public TokenEncoder CreateEncoder(TokenPrefixCache? prefixes) => new(Parts, prefixes: prefixes);

    /// <summary>The text of a token as the vocabulary spells it; empty for ids that name none.</summary>
    public ReadOnlySpan<byte> TextOf(uint id)
    {
        foreach (var token in _added)
        {
            if (token.Id == id)
            {
                return System.Text.Encoding.UTF8.GetBytes(token.Content);
            }
        }

        return id < (uint)_indexById.Length && _indexById[id] > 0 ? Parts.Vocabulary.TokenAt(_indexById[id] - 1) : default;
    }
}

/// <summary>What a file says, ready to run.</summary>
internal sealed class TokenizerParts
{
    public required AddedToken[] Added { get; init; }

    /// <summary>Finds the added tokens that are matched before normalization; null where there are none.</summary>
    public required AddedTokens? Raw { get; init; }

    /// <summary>Finds those that are matched after it.</summary>
    public required AddedTokens? Normalized { get; init; }

    public required TextNormalizer[] Normalizers { get; init; }

    public required PreTokenStage[] Stages { get; init; }

    public required TokenModel Model { get; init; }

    public required TokenTable Vocabulary { get; init; }

    public required TokenFrame Frame { get; init; }
}

/// <summary>What a post-processor puts around the ids of a text.</summary>
internal sealed class TokenFrame(uint[] prefix, uint[] suffix)
{
    public uint[] Prefix { get; } = prefix;

    public uint[] Suffix { get; } = suffix;

    public static TokenFrame Empty { get; } = new([], []);
}
