using System.Text.Json;
using Epp.Native.Tokens;

namespace Epp.Aot.Models;

/// <summary>
/// Reads the tokenizer of a model's directory: <c>tokenizer.json</c> in the form that the engine uses (<c>tokenizer_config.json</c> and
/// <c>config.json</c> say which), else a single <c>*.tiktoken</c> rank file.
/// </summary>
internal static class TokenizerDirectory
{
    /// <summary>The tokenizer and what is uncertain about it, or null and the error.</summary>
    public static Tokenizer? Load(string directory, int transformersMajor, string rankPattern, out string? warning, out string error)
    {
        (warning, error) = (null, "");
        try
        {
            var file = Path.Combine(directory, "tokenizer.json");
            if (!File.Exists(file))
            {
                return LoadRanks(directory, rankPattern, out error);
            }

            var form = TokenizerForm.Of(
                Member(Path.Combine(directory, "tokenizer_config.json"), "tokenizer_class"),
                Member(Path.Combine(directory, "config.json"), "model_type"),
                transformersMajor);
            warning = form.Warning;
            var tokenizer = Tokenizer.Load(File.ReadAllBytes(file), form, out error);
            error = tokenizer is null ? $"{file}: {error}" : "";
            return tokenizer;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            error = $"{directory}: {e.Message}";
            return null;
        }
    }

    private static Tokenizer? LoadRanks(string directory, string pattern, out string error)
    {
        var files = Directory.GetFiles(directory, "*.tiktoken");
        if (files.Length != 1)
        {
            error = $"{directory}: no tokenizer.json, and {files.Length} *.tiktoken files instead of one";
            return null;
        }

        if (pattern.Length == 0)
        {
            error = $"{files[0]}: a rank file does not say how text is split; give --pattern";
            return null;
        }

        var tokenizer = Tokenizer.LoadRanks(File.ReadAllBytes(files[0]), pattern, SpecialTokens(Path.Combine(directory, "tokenizer_config.json")), out error);
        error = tokenizer is null ? $"{files[0]}: {error}" : "";
        return tokenizer;
    }

    // "added_tokens_decoder": {"163584": {"content": "[BOS]", "special": true, …}, …}
    private static List<AddedToken> SpecialTokens(string file)
    {
        var tokens = new List<AddedToken>();
        if (!File.Exists(file))
        {
            return tokens;
        }

        using var document = JsonDocument.Parse(File.ReadAllBytes(file));
        if (document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty("added_tokens_decoder", out var entries)
            && entries.ValueKind == JsonValueKind.Object)
        {
            foreach (var entry in entries.EnumerateObject())
            {
                if (uint.TryParse(entry.Name, out var id) && entry.Value.ValueKind == JsonValueKind.Object
                    && entry.Value.TryGetProperty("content", out var content) && content.ValueKind == JsonValueKind.String)
                {
                    tokens.Add(new AddedToken(
                        content.GetString()!, id, Flag(entry.Value, "special"), Flag(entry.Value, "single_word"), Flag(entry.Value, "lstrip"), Flag(entry.Value, "rstrip"), false));
                }
            }
        }

        return tokens;
    }

    private static bool Flag(JsonElement element, string name) => element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.True;

    // A member that is a string; null where file or member is absent.
    private static string? Member(string file, string name)
    {
        if (!File.Exists(file))
        {
            return null;
        }

        using var document = JsonDocument.Parse(File.ReadAllBytes(file));
        return document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : null;
    }
}
