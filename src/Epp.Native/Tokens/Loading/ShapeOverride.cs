using System.Text.Json;

namespace Epp.Native.Tokens.Loading;

/// <summary>Replaces the sections of a file that an engine passes over by those it builds instead.</summary>
internal static class ShapeOverride
{
    private const string SpaceMark = """{"type":"Replace","pattern":{"String":" "},"content":"▁"}""";
    private const string ByteLevel = """{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":""";

    public static void Apply(TokenizerShape shape, ModelFields model, ref JsonElement normalizer, ref JsonElement preTokenizer)
    {
        if (shape == TokenizerShape.AsWritten)
        {
            return;
        }

        if (!model.HasMerges)
        {
            throw new TokenizerFormatException("model", "the engine rebuilds this tokenizer as BPE, but the file has no merges");
        }

        (normalizer, preTokenizer) = shape switch
        {
            TokenizerShape.Llama => (default, Parse("""{"type":"Metaspace","replacement":"▁","prepend_scheme":"first","split":false}""")),
            TokenizerShape.Gpt2 => (default, Parse(ByteLevel + "true}")),
            TokenizerShape.Gemma => (Parse(SpaceMark), Parse("""{"type":"Split","pattern":{"String":" "},"behavior":"MergedWithPrevious","invert":false}""")),
            _ => (Parse("""{"type":"NFC"}"""), Parse("""{"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":""" + Qwen2Pattern + """},"behavior":"Isolated","invert":false},""" + ByteLevel + "false}]}")),
        };
        if (shape is TokenizerShape.Llama or TokenizerShape.Gemma)
        {
            model.ReadAsSentencePiece();
        }
    }

    private const string Qwen2Pattern =
        """
        "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
        """;

    private static JsonElement Parse(string json)
    {
        using var document = JsonDocument.Parse(json);
        return document.RootElement.Clone();
    }
}
