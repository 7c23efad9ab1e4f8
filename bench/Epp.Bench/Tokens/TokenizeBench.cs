using System.Text;
using BenchmarkDotNet.Attributes;
using Epp.Native.Tokens;

namespace Epp.Bench.Tokens;

/// <summary>
/// 32 KiB prompts and adversarial texts (row P11). The tokenizer is that of <c>EPP_TOKENIZER</c>, a tokenizer.json, else a small one of the
/// repository: speed depends on the vocabulary's size, so state which.
/// </summary>
public class TokenizeBench
{
    private readonly TokenBuffer _ids = new(1 << 20);
    private TokenEncoder _warm = null!;
    private TokenEncoder _uncached = null!;
    private byte[] _prompt = [];
    private byte[] _letters = [];
    private byte[] _randomLetters = [];

    /// <summary>The kind of text.</summary>
    [Params(PromptKind.English, PromptKind.Code, PromptKind.Chinese)]
    public PromptKind Kind { get; set; }

    /// <summary>The tokenizer's file.</summary>
    public static string TokenizerFile =>
        Environment.GetEnvironmentVariable("EPP_TOKENIZER") ?? Path.Combine(Prompts.Root, "tests", "golden", "tokenizers", "shapes", "llama3.tokenizer.json");

    [GlobalSetup]
    public void Setup()
    {
        var tokenizer = Tokenizer.Load(File.ReadAllBytes(TokenizerFile), out var error) ?? throw new InvalidOperationException(error);
        (_warm, _uncached) = (tokenizer.CreateEncoder(), new TokenEncoder(tokenizer.Parts, cached: false));
        _prompt = Prompts.Make(Kind, 32 << 10);
        _letters = Encoding.UTF8.GetBytes(new string('a', 1 << 20));
        var random = new Random(1);
        _randomLetters = [.. Enumerable.Range(0, 1 << 20).Select(_ => (byte)random.Next('a', 'z' + 1))];
    }

    /// <summary>A prompt whose words have been seen.</summary>
    [Benchmark]
    public int Tokenize_32KiB_WarmCache() => Run(_warm, _prompt);

    /// <summary>Every word merged anew.</summary>
    [Benchmark]
    public int Tokenize_32KiB_NoCache() => Run(_uncached, _prompt);

    /// <summary>One letter a million times: one word.</summary>
    [Benchmark]
    public int Tokenize_1MiB_OneLetter() => Run(_warm, _letters);

    /// <summary>A million random letters: one word.</summary>
    [Benchmark]
    public int Tokenize_1MiB_RandomLetters() => Run(_warm, _randomLetters);

    private int Run(TokenEncoder encoder, byte[] text)
    {
        _ids.Clear();
        encoder.Encode(text, addSpecialTokens: true, _ids);
        return _ids.Count;
    }
}
