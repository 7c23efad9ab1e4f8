namespace Epp.Native.Tokens;

/// <summary>What an engine makes of a <c>tokenizer.json</c> before it uses it.</summary>
public enum TokenizerShape
{
    /// <summary>The file as it is.</summary>
    AsWritten,

    /// <summary>Vocabulary and merges of the file, Metaspace before the first word, byte fallback, fused unknown tokens; no normalizer.</summary>
    Llama,

    /// <summary>Vocabulary and merges of the file, ByteLevel with its own pattern; no normalizer.</summary>
    Gpt2,

    /// <summary>Vocabulary and merges of the file, NFC, the pattern of Qwen2, ByteLevel.</summary>
    Qwen2,

    /// <summary>Vocabulary and merges of the file, spaces as marks, byte fallback, fused unknown tokens.</summary>
    Gemma,
}

/// <summary>
/// Which <see cref="TokenizerShape"/> an engine uses. Transformers 5 builds the tokenizers of some classes anew out of vocabulary and merges
/// and passes over the normalizer and pre-tokenizer of the file; for some types of model it does not. Observed on transformers 5.20.2 and
/// 4.57.3.
/// </summary>
/// <param name="Shape">The shape.</param>
/// <param name="ExtraTokens">Special tokens that the class adds where the file lacks them, in their order.</param>
/// <param name="Warning">What is not known or not reproduced, and what to do about it; null where ids are exact.</param>
public sealed record TokenizerForm(TokenizerShape Shape, IReadOnlyList<string> ExtraTokens, string? Warning)
{
    /// <summary>The file as it is.</summary>
    public static TokenizerForm AsWritten { get; } = new(TokenizerShape.AsWritten, [], null);

    /// <summary>The form for <c>tokenizer_class</c> of tokenizer_config.json and <c>model_type</c> of config.json, either of which may be absent.</summary>
    public static TokenizerForm Of(string? tokenizerClass, string? modelType, int transformersMajor)
    {
        var name = tokenizerClass is null ? "" : tokenizerClass.EndsWith("Fast", StringComparison.Ordinal) ? tokenizerClass[..^4] : tokenizerClass;
        return transformersMajor < 5 ? BeforeFive(name, tokenizerClass) : SinceFive(name, tokenizerClass, modelType);
    }

    private static TokenizerForm BeforeFive(string name, string? tokenizerClass) => name switch
    {
        // They take the file, but add special tokens that it lacks and put their own around a text.
        "" => new(
            TokenizerShape.AsWritten,
            [],
            "no tokenizer_class: transformers 4 takes that of the model type, for llama LlamaTokenizerFast, which adds special tokens to tokenizer.json; set tokenizer_class, or run the parity self-test against the engine"),
        "LlamaTokenizer" or "GemmaTokenizer" or "CodeLlamaTokenizer" => new(
            TokenizerShape.AsWritten,
            name == "GemmaTokenizer" ? ["<bos>", "<eos>", "<unk>", "<pad>"] : ["<s>", "</s>", "<unk>"],
            $"tokenizer_class '{tokenizerClass}' of transformers 4 puts special tokens of its own around completions; ids with special tokens may differ from tokenizer.json: run the parity self-test against the engine"),
        _ => AsWritten,
    };

    private static TokenizerForm SinceFive(string name, string? tokenizerClass, string? modelType)
    {
        switch (name)
        {
            case "" or "PreTrainedTokenizer" or "TokenizersBackend":
                return AsWritten;
            case "LlamaTokenizer" or "CodeLlamaTokenizer" when modelType is "phi3" or "mistral" or "mixtral" or "deepseek_v2" or "deepseek_v3":
                return AsWritten;
            case "LlamaTokenizer" when modelType is "qwen2" or "qwen3":
                return new(TokenizerShape.Qwen2, ["<|endoftext|>"], null);
            case "LlamaTokenizer" or "GPT2Tokenizer" or "GemmaTokenizer" or "Qwen2Tokenizer" when modelType is null:
                return new(TokenizerShape.AsWritten, [], $"tokenizer_class '{tokenizerClass}' without a model_type (config.json): transformers 5 builds it anew for most types of model; tokenizer.json is used as it is: put config.json beside it");
            case "LlamaTokenizer":
                return new(TokenizerShape.Llama, ["<s>", "</s>", "<unk>"], null);
            case "GPT2Tokenizer":
                return new(TokenizerShape.Gpt2, ["<|endoftext|>"], null);
            case "Qwen2Tokenizer":
                return new(TokenizerShape.Qwen2, ["<|endoftext|>"], null);
            case "GemmaTokenizer":
                return new(TokenizerShape.Gemma, ["<bos>", "<eos>", "<unk>", "<pad>", "<mask>"], null);
            default:
                return new(TokenizerShape.AsWritten, [], $"tokenizer_class '{tokenizerClass}': whether transformers 5 builds this class anew is not known; tokenizer.json is used as it is: run the parity self-test against the engine");
        }
    }
}
