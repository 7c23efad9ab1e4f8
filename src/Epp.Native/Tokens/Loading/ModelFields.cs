using System.Text.Json;
using Epp.Native.Tokens.Models;

namespace Epp.Native.Tokens.Loading;

/// <summary>The members of <c>model</c> as the file has them.</summary>
internal sealed class ModelFields
{
    private readonly JsonElement[] _values = new JsonElement[Names.Length];

    private static readonly string[] Names =
    [
        "type", "dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix", "fuse_unk", "byte_fallback", "ignore_merges",
        "max_input_chars_per_word", "unk_id",
    ];

    public TokenTable? Vocabulary { get; private set; }

    /// <summary>Scores by id, where the vocabulary is a list of pairs.</summary>
    public double[]? Scores { get; private set; }

    /// <summary>Both halves of each merge, one after the other.</summary>
    public ByteBuffer MergeBytes { get; } = new(1 << 16);

    /// <summary>Where each half ends.</summary>
    public List<int> MergeEnds { get; } = [];

    public bool HasMerges { get; private set; }

    public JsonPlace this[string name] => new(_values[Array.IndexOf(Names, name)], $"model.{name}");

    /// <summary>The reader stands on the value of <c>model</c>.</summary>
    public static ModelFields Read(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            throw new TokenizerFormatException("model", "expected an object");
        }

        var fields = new ModelFields();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.GetString()!;
            reader.Read();
            switch (name)
            {
                case "vocab" when reader.TokenType == JsonTokenType.StartArray:
                    fields.ReadScoredVocabulary(ref reader);
                    break;
                case "vocab":
                    fields.ReadVocabulary(ref reader);
                    break;
                case "merges":
                    fields.ReadMerges(ref reader);
                    break;
                default:
                    if (Array.IndexOf(Names, name) is >= 0 and var index)
                    {
                        fields._values[index] = JsonElement.ParseValue(ref reader);
                    }
                    else
                    {
                        reader.Skip();
                    }

                    break;
            }
        }

        return fields;
    }

    /// <summary>Byte fallback and fused unknown tokens, whatever the file says.</summary>
    public void ReadAsSentencePiece()
    {
        using var yes = JsonDocument.Parse("true");
        _values[Array.IndexOf(Names, "byte_fallback")] = _values[Array.IndexOf(Names, "fuse_unk")] = yes.RootElement.Clone();
        _values[Array.IndexOf(Names, "ignore_merges")] = default;
    }

    private static int Bytes(ref Utf8JsonReader reader) => reader.HasValueSequence ? (int)reader.ValueSequence.Length : reader.ValueSpan.Length;

    private void ReadVocabulary(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            throw new TokenizerFormatException("model.vocab", "expected an object or a list");
        }

        var table = new TokenTable(1 << 15, 1 << 18);
        var token = new byte[256];
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (token.Length < Bytes(ref reader))
            {
                token = new byte[Bytes(ref reader)];
            }

            var length = reader.CopyString(token);
            reader.Read();
            if (reader.TokenType != JsonTokenType.Number || !reader.TryGetUInt32(out var id) || id > int.MaxValue)
            {
                throw new TokenizerFormatException($"model.vocab['{System.Text.Encoding.UTF8.GetString(token.AsSpan(0, length))}']", "expected an id");
            }

            table.Set(token.AsSpan(0, length), id);
        }

        Vocabulary = table;
    }

    // [["token", -1.5], …]: the id is the place in the list; of a token that comes twice, the last.
    private void ReadScoredVocabulary(ref Utf8JsonReader reader)
    {
        var table = new TokenTable(1 << 15, 1 << 18);
        var scores = new List<double>();
        var token = new byte[256];
        while (reader.Read() && reader.TokenType == JsonTokenType.StartArray)
        {
            reader.Read();
            if (reader.TokenType == JsonTokenType.String && token.Length < Bytes(ref reader))
            {
                token = new byte[Bytes(ref reader)];
            }

            var length = reader.TokenType == JsonTokenType.String ? reader.CopyString(token) : -1;
            reader.Read();
            if (length < 0 || reader.TokenType != JsonTokenType.Number)
            {
                throw new TokenizerFormatException($"model.vocab[{scores.Count}]", "expected a token and its score");
            }

            table.Set(token.AsSpan(0, length), (uint)scores.Count);
            scores.Add(ScoreNumber.Read(reader.ValueSpan));
            reader.Read();
            if (reader.TokenType != JsonTokenType.EndArray)
            {
                throw new TokenizerFormatException($"model.vocab[{scores.Count - 1}]", "expected a pair");
            }
        }

        (Vocabulary, Scores) = (table, [.. scores]);
    }

    // ["a b", …] or [["a", "b"], …]
    private void ReadMerges(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            throw new TokenizerFormatException("model.merges", "expected a list");
        }

        HasMerges = true;
        var text = new byte[512];
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType == JsonTokenType.StartArray)
            {
                reader.Read();
                AddHalf(ref reader, ref text);
                reader.Read();
                AddHalf(ref reader, ref text);
                reader.Read();
                if (reader.TokenType != JsonTokenType.EndArray)
                {
                    throw MergeError("expected a pair");
                }

                continue;
            }

            var merge = Copy(ref reader, ref text);
            if (merge.StartsWith("#version"u8))
            {
                // The head of a merges.txt that was taken over as it is.
                continue;
            }

            var space = merge.IndexOf((byte)' ');
            if (space < 0 || merge[(space + 1)..].IndexOf((byte)' ') >= 0)
            {
                throw MergeError("expected two tokens with a space between them");
            }

            Add(merge[..space]);
            Add(merge[(space + 1)..]);
        }
    }

    private void AddHalf(ref Utf8JsonReader reader, ref byte[] text) => Add(Copy(ref reader, ref text));

    private void Add(ReadOnlySpan<byte> half)
    {
        MergeBytes.Append(half);
        MergeEnds.Add(MergeBytes.Length);
    }

    private ReadOnlySpan<byte> Copy(ref Utf8JsonReader reader, ref byte[] text)
    {
        if (reader.TokenType != JsonTokenType.String)
        {
            throw MergeError("expected a string");
        }

        if (text.Length < Bytes(ref reader))
        {
            text = new byte[Bytes(ref reader)];
        }

        return text.AsSpan(0, reader.CopyString(text));
    }

    private TokenizerFormatException MergeError(string problem) => new($"model.merges[{MergeEnds.Count / 2}]", problem);
}
