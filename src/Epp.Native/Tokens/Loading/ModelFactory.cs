using System.Text.Json;
using Epp.Native.Tokens.Models;

namespace Epp.Native.Tokens.Loading;

/// <summary>Builds the model.</summary>
internal static class ModelFactory
{
    /// <param name="fields">What the file says.</param>
    /// <param name="endsInBytes">Whether the last stage before the model turns bytes into characters.</param>
    /// <param name="readsBytes">Whether the model reads bytes itself, so that this stage is left out.</param>
    public static TokenModel Create(ModelFields fields, bool endsInBytes, out bool readsBytes)
    {
        readsBytes = false;
        var vocabulary = fields.Vocabulary ?? throw new TokenizerFormatException("model.vocab", "missing");
        var type = fields["type"] is { IsNull: false } given ? given.Text() : Guess(fields);
        switch (type)
        {
            case "BPE":
                return Bpe(fields, vocabulary, endsInBytes, out readsBytes);
            case "Unigram" when fields.Scores is not null:
                return Unigram(fields, vocabulary);
            case "WordPiece" when fields.Scores is null:
                return new WordPieceModel(
                    vocabulary,
                    Required(fields["continuing_subword_prefix"]).Bytes(),
                    Required(fields["unk_token"]).Bytes(),
                    Required(fields["max_input_chars_per_word"]).Int());
            case "WordLevel" when fields.Scores is null:
                return new WordLevelModel(vocabulary, Required(fields["unk_token"]).Bytes());
            case "Unigram" or "WordPiece" or "WordLevel":
                throw new TokenizerFormatException("model.vocab", $"not of the shape that {type} has");
            default:
                throw new TokenizerFormatException("model.type", $"model '{type}' is not supported");
        }
    }

    // Old files leave the type out.
    private static string Guess(ModelFields fields) =>
        fields.HasMerges ? "BPE" : fields.Scores is not null ? "Unigram" : fields["continuing_subword_prefix"].IsNull ? "WordLevel" : "WordPiece";

    private static JsonPlace Required(JsonPlace place) => place.IsNull ? throw place.Error("missing") : place;

    private static UnigramModel Unigram(ModelFields fields, TokenTable vocabulary)
    {
        var unknown = fields["unk_id"].IsNull ? -1 : fields["unk_id"].Int();
        return unknown < fields.Scores!.Length
            ? new UnigramModel(vocabulary, fields.Scores, unknown, fields["byte_fallback"].BoolOr(false))
            : throw fields["unk_id"].Error("beyond the vocabulary");
    }

    private static BpeModel Bpe(ModelFields fields, TokenTable vocabulary, bool endsInBytes, out bool readsBytes)
    {
        var dropout = fields["dropout"];
        if (!dropout.IsNull && !(dropout.Element.ValueKind == JsonValueKind.Number && dropout.Element.TryGetDouble(out var share) && share == 0))
        {
            throw dropout.Error("a tokenizer that drops merges at random has no exact ids");
        }

        if (fields.Scores is not null || !fields.HasMerges)
        {
            throw new TokenizerFormatException(fields.HasMerges ? "model.vocab" : "model.merges", "not of the shape that BPE has");
        }

        var options = new BpeOptions
        {
            IgnoreMerges = fields["ignore_merges"].BoolOr(false),
            ByteFallback = fields["byte_fallback"].BoolOr(false),
            FuseUnknown = fields["fuse_unk"].BoolOr(false),
            Prefix = System.Text.Encoding.UTF8.GetBytes(fields["continuing_subword_prefix"].TextOr("")),
            Suffix = System.Text.Encoding.UTF8.GetBytes(fields["end_of_word_suffix"].TextOr("")),
            UnknownToken = fields["unk_token"].IsNull ? null : fields["unk_token"].Bytes(),
        };
        var merges = Merges(fields, vocabulary, options.Prefix.Length);
        readsBytes = endsInBytes && options.Prefix.Length == 0 && options.Suffix.Length == 0;
        if (readsBytes && ByteIds(vocabulary) is { } byteIds)
        {
            return new BpeModel(options.IgnoreMerges ? InBytes(vocabulary) : new TokenTable(), merges, options, byteIds);
        }

        readsBytes = false;
        return new BpeModel(vocabulary, merges, options);
    }

    private static MergeTable Merges(ModelFields fields, TokenTable vocabulary, int prefixBytes)
    {
        var ends = fields.MergeEnds;
        var bytes = fields.MergeBytes.Span;
        var merges = new MergeTable(ends.Count / 2);
        var made = new byte[vocabulary.MaxBytes];
        for (int i = 0, start = 0; i < ends.Count; i += 2)
        {
            var left = bytes[start..ends[i]];
            var right = bytes[ends[i]..ends[i + 1]];
            start = ends[i + 1];
            if (!vocabulary.TryGet(left, out var leftId) || !vocabulary.TryGet(right, out var rightId) || right.Length < prefixBytes)
            {
                throw MergeError(i, "merges what is not in the vocabulary");
            }

            right = right[prefixBytes..];
            var length = left.Length + right.Length;
            if (length > made.Length)
            {
                throw MergeError(i, "makes what is not in the vocabulary");
            }

            left.CopyTo(made);
            right.CopyTo(made.AsSpan(left.Length));
            if (!vocabulary.TryGet(made.AsSpan(0, length), out var madeId))
            {
                throw MergeError(i, "makes what is not in the vocabulary");
            }

            merges.Set((int)leftId, (int)rightId, i / 2, (int)madeId);
        }

        return merges;
    }

    private static TokenizerFormatException MergeError(int half, string problem) => new($"model.merges[{half / 2}]", problem);

    // The token of each byte; null where one is missing.
    private static int[]? ByteIds(TokenTable vocabulary)
    {
        var ids = new int[256];
        Span<byte> character = stackalloc byte[4];
        for (var b = 0; b < ids.Length; b++)
        {
            var length = Unicode.Utf8Text.Write(ByteAlphabet.CharacterOf((byte)b), character);
            if (!vocabulary.TryGet(character[..length], out var id))
            {
                return null;
            }

            ids[b] = (int)id;
        }

        return ids;
    }

    // The same tokens by the bytes that their characters stand for; tokens of other characters can never be read.
    private static TokenTable InBytes(TokenTable vocabulary)
    {
        var table = new TokenTable(Math.Max(16, vocabulary.Count), 1 << 16);
        var bytes = new byte[vocabulary.MaxBytes];
        for (var i = 0; i < vocabulary.Count; i++)
        {
            var length = ByteAlphabet.Decode(vocabulary.TokenAt(i), bytes);
            if (length >= 0)
            {
                table.Set(bytes.AsSpan(0, length), vocabulary.IdAt(i));
            }
        }

        return table;
    }
}
