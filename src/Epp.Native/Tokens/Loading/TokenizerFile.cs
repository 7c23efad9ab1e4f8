using System.Text.Json;
using Epp.Native.Tokens.Models;
using Epp.Native.Tokens.Normalizing;
using Epp.Native.Tokens.Splitting;

namespace Epp.Native.Tokens.Loading;

/// <summary>
/// Reads <c>tokenizer.json</c>. The model's tables are read as a stream, everything else, which is small, as a tree. Truncation and padding
/// are not read: engines tokenize prompts without either, and check the length themselves.
/// </summary>
internal static class TokenizerFile
{
    private const int MaxBytes = 512 << 20;

    /// <summary>Throws <see cref="TokenizerFormatException"/>.</summary>
    public static TokenizerParts Read(ReadOnlySpan<byte> json)
    {
        if (json.StartsWith("\uFEFF"u8))
        {
            json = json[3..];
        }

        if (json.Length > MaxBytes)
        {
            throw new TokenizerFormatException("$", $"longer than {MaxBytes >> 20} MiB");
        }

        try
        {
            return Members(json);
        }
        catch (JsonException e)
        {
            throw new TokenizerFormatException("$", $"no JSON: {e.Message}");
        }
        catch (InvalidOperationException)
        {
            throw new TokenizerFormatException("$", "a string holds half of a surrogate pair");
        }
    }

    private static TokenizerParts Members(ReadOnlySpan<byte> json)
    {
        var (version, normalizer, preTokenizer, postProcessor, added) =
            (default(JsonElement), default(JsonElement), default(JsonElement), default(JsonElement), default(JsonElement));
        ModelFields? model = null;
        var reader = new Utf8JsonReader(json);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
        {
            throw new TokenizerFormatException("$", "expected an object");
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            switch (reader.GetString())
            {
                case "version":
                    version = Tree(ref reader);
                    break;
                case "normalizer":
                    normalizer = Tree(ref reader);
                    break;
                case "pre_tokenizer":
                    preTokenizer = Tree(ref reader);
                    break;
                case "post_processor":
                    postProcessor = Tree(ref reader);
                    break;
                case "added_tokens":
                    added = Tree(ref reader);
                    break;
                case "model":
                    reader.Read();
                    model = ModelFields.Read(ref reader);
                    break;
                default:
                    reader.Read();
                    reader.Skip();
                    break;
            }
        }

        // The rest of the text must be JSON too.
        while (reader.Read())
        {
        }

        if (version.ValueKind != JsonValueKind.Undefined && new JsonPlace(version, "version").TextOr("") != "1.0")
        {
            throw new TokenizerFormatException("version", "only '1.0' is known");
        }

        return Assemble(
            model ?? throw new TokenizerFormatException("model", "missing"),
            new JsonPlace(added, "added_tokens"),
            NormalizerReader.Read(new JsonPlace(normalizer, "normalizer")),
            PreTokenizerReader.Read(new JsonPlace(preTokenizer, "pre_tokenizer")),
            FrameReader.Read(new JsonPlace(postProcessor, "post_processor")));
    }

    private static JsonElement Tree(ref Utf8JsonReader reader)
    {
        reader.Read();
        return JsonElement.ParseValue(ref reader);
    }

    private static TokenizerParts Assemble(
        ModelFields fields, JsonPlace addedTokens, TextNormalizer[] normalizers, List<PreTokenStage> stages, TokenFrame frame)
    {
        var endsInBytes = stages.Count > 0 && stages[^1] is ByteLevelStage;
        var model = ModelFactory.Create(fields, endsInBytes, out var readsBytes);
        if (readsBytes)
        {
            stages.RemoveAt(stages.Count - 1);
        }

        var added = AddedTokenReader.Read(addedTokens, fields.Vocabulary!);
        return new TokenizerParts(
            added,
            AddedTokenReader.Finder(added, normalized: false, normalizers),
            AddedTokenReader.Finder(added, normalized: true, normalizers),
            normalizers,
            [.. stages],
            model,
            fields.Vocabulary!,
            frame);
    }
}
