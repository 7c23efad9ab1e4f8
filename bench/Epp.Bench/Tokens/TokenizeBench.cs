using BenchmarkDotNet.Attributes;
using Epp.Native.Tokens;

namespace Epp.Bench.Tokens;

/// <summary>
/// 32 KiB prompts (row P11). The tokenizer is that of <c>EPP_TOKENIZER</c>, a tokenizer.json, else a small one of the repository: speed
/// depends on the vocabulary's size, so state which.
/// </summary>
public class TokenizeBench
{
    private readonly TokenBuffer _ids = new(1 << 16);
    private TokenEncoder _warm = null!;
    private TokenEncoder _uncached = null!;
    private byte[] _prompt = [];

    /// <summary>The kind of text.</summary>
    [Params(PromptKind.English, PromptKind.Code, PromptKind.Chinese)]
    public PromptKind Kind { get; set; }

    /// <summary>The tokenizer's file.</summary>
    public static string TokenizerFile =>
        Environment.GetEnvironmentVariable("EPP_TOKENIZER") ?? Path.Combine(Prompts.Root, "tests", "golden", "tokenizers", "shapes", "llama3.tokenizer.json");

    internal static Tokenizer Load(string file) => Tokenizer.Load(File.ReadAllBytes(file), out var error) ?? throw new InvalidOperationException($"{file}: {error}");

    [GlobalSetup]
    public void Setup()
    {
        var tokenizer = Load(TokenizerFile);
        (_warm, _uncached) = (tokenizer.CreateEncoder(), new TokenEncoder(tokenizer.Parts, cached: false));
        _prompt = Prompts.Make(Kind, 32 << 10);
    }

    /// <summary>A prompt whose words have been seen.</summary>
    [Benchmark]
    public int Tokenize_32KiB_WarmCache() => Run(_warm);

    /// <summary>Every word merged anew.</summary>
    [Benchmark]
    public int Tokenize_32KiB_NoCache() => Run(_uncached);

    private int Run(TokenEncoder encoder)
    {
        _ids.Clear();
        encoder.Encode(_prompt, addSpecialTokens: true, _ids);
        return _ids.Count;
    }
}
