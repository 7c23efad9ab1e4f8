using System.Text.Json;
using Epp.Native.Tokens.Models;
using Epp.Native.Tokens.Normalizing;
using Epp.Native.Tokens.Splitting;

namespace Epp.Native.Tokens.Loading;

/// <summary>
/// Reads <c>tokenizer.json</c>. The model's tables are read as a stream, everything else, which is small, as a tree. Truncation and padding
/// are not read: engines tokenize prompts without either, and check the length themselves.
/// </summary>
internal static class TokenizerJson
{
    private const int MaxBytes = 512 << 20;

    private static readonly string[] Sections = ["version", "normalizer", "pre_tokenizer", "post_processor", "added_tokens"];

    /// <summary>Throws <see cref="TokenizerFormatException"/>.</summary>
    public static TokenizerParts Read(ReadOnlySpan<byte> json, TokenizerForm form)
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
            return Members(json, form);
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

    private static TokenizerParts Members(ReadOnlySpan<byte> json, TokenizerForm form)
    {
        var sections = new JsonElement[Sections.Length];
        ModelFields? model = null;
        var reader = new Utf8JsonReader(json);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
        {
            throw new TokenizerFormatException("$", "expected an object");
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.GetString();
            reader.Read();
            if (name == "model")
            {
                model = ModelFields.Read(ref reader);
            }
            else if (Array.IndexOf(Sections, name) is >= 0 and var index)
            {
                sections[index] = JsonElement.ParseValue(ref reader);
            }
            else
            {
                reader.Skip();
            }
        }

        // The rest of the text must be JSON too.
        while (reader.Read())
        {
        }

        return Build(sections, model ?? new ModelFields(), form);
    }

    private static TokenizerParts Build(JsonElement[] sections, ModelFields model, TokenizerForm form)
    {
        JsonPlace Section(int index) => new(sections[index], Sections[index]);
        if (Section(0).TextOr("1.0") != "1.0")
        {
            throw new TokenizerFormatException(Sections[0], "only '1.0' is known");
        }

        ShapeOverride.Apply(form.Shape, model, ref sections[1], ref sections[2]);
        return Assemble(
            model,
            AddedTokenReader.Read(Section(4), form.ExtraTokens, model),
            NormalizerReader.Read(Section(1)),
            PreTokenizerReader.Read(Section(2)),
            FrameReader.Read(Section(3)));
    }

    private static TokenizerParts Assemble(
        ModelFields fields, AddedToken[] added, TextNormalizer[] normalizers, List<PreTokenStage> stages, TokenFrame frame)
    {
        var endsInBytes = stages.Count > 0 && stages[^1] is ByteLevelStage;
        var model = ModelFactory.Create(fields, endsInBytes, out var readsBytes);
        if (readsBytes)
        {
            stages.RemoveAt(stages.Count - 1);
        }

        return new TokenizerParts
        {
            Added = added,
            Raw = AddedTokenReader.Finder(added, normalized: false, normalizers),
            Normalized = AddedTokenReader.Finder(added, normalized: true, normalizers),
            Normalizers = normalizers,
            Stages = [.. stages],
            Model = model,
            Vocabulary = fields.Vocabulary!,
            Frame = frame,
        };
    }
}
