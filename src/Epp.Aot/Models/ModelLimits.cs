using System.Text.Json;

namespace Epp.Aot.Models;

/// <summary>
/// What an engine reads from a model's <c>config.json</c> and checks requests against: the context length as vLLM derives it without
/// <c>--max-model-len</c>, and the size of the vocabulary. 0 where the file does not say.
/// </summary>
internal readonly record struct ModelLimits(int MaxModelTokens, int VocabularySize)
{
    // vllm/config: the smallest of those that are there.
    private static readonly string[] Lengths =
    [
        "max_position_embeddings", "n_positions", "max_seq_len", "seq_length", "model_max_length", "max_target_positions", "max_sequence_length",
        "max_seq_length", "seq_len",
    ];

    /// <summary>Reads a file; all is 0 where it is not there.</summary>
    /// <exception cref="JsonException">The file is no JSON.</exception>
    public static ModelLimits Read(string file)
    {
        if (!File.Exists(file))
        {
            return default;
        }

        using var document = JsonDocument.Parse(File.ReadAllBytes(file));
        var root = document.RootElement;
        if (root.ValueKind != JsonValueKind.Object)
        {
            return default;
        }

        // Of a model that sees, its language part counts.
        var text = root.TryGetProperty("text_config", out var part) && part.ValueKind == JsonValueKind.Object ? part : root;
        var length = double.PositiveInfinity;
        foreach (var name in Lengths)
        {
            length = Math.Min(length, Number(text, name) ?? double.PositiveInfinity);
        }

        length = double.IsInfinity(length) ? 0 : Scaled(text, length);
        return new ModelLimits((int)Math.Min(length, int.MaxValue), (int)Math.Min(Number(text, "vocab_size") ?? 0, int.MaxValue));
    }

    /// <summary>Positions stretched by RoPE scaling; for some kinds, and for Gemma 3, the length in the file is the stretched one already.</summary>
    private static double Scaled(JsonElement text, double length)
    {
        if ((!text.TryGetProperty("rope_scaling", out var rope) || rope.ValueKind != JsonValueKind.Object)
            && (!text.TryGetProperty("rope_parameters", out rope) || rope.ValueKind != JsonValueKind.Object))
        {
            return length;
        }

        var kind = Text(rope, "rope_type") ?? Text(rope, "type") ?? "default";
        if (kind is "su" or "longrope" or "llama3" or "mrope" || Text(text, "model_type")?.Contains("gemma3", StringComparison.Ordinal) == true)
        {
            return length;
        }

        return (kind == "yarn" ? Number(rope, "original_max_position_embeddings") ?? length : length) * (Number(rope, "factor") ?? 1);
    }

    private static double? Number(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && number > 0 ? number : null;

    private static string? Text(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
