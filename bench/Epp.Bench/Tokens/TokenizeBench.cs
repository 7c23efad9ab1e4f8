using BenchmarkDotNet.Attributes;
using Epp.Hashing;
using Epp.Native.Prefix;
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

/// <summary>The next turn of a long conversation, its beginning kept or not; tokenizer and texts are those of <see cref="TokenizeBench"/>.</summary>
public class TokenizePrefixBench
{
    private readonly TokenBuffer _ids = new(1 << 18);
    private readonly PromptBlocks _blocks = new();
    private TokenEncoder _plain = null!;
    private TokenEncoder _kept = null!;
    private byte[] _conversation = [];

    /// <summary>KiB of the turns before.</summary>
    [Params(8, 32, 128)]
    public int KiB { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        var tokenizer = TokenizeBench.Load(TokenizeBench.TokenizerFile);
        var mark = "";
        foreach (var token in tokenizer.AddedTokens)
        {
            mark = token is { IsSpecial: true, StripsRight: false } ? token.Content : mark;
        }

        var before = System.Text.Encoding.UTF8.GetString(Prompts.Make(PromptKind.English, KiB << 10));
        _conversation = System.Text.Encoding.UTF8.GetBytes($"{mark}{before}{mark}and what about the next question?{mark}");
        (_plain, _kept) = (tokenizer.CreateEncoder(), tokenizer.CreateEncoder(new TokenPrefixCache(16 << 20)));
        for (var i = 0; i < 3; i++)
        {
            TokenizeAndHash_NextTurn_Kept();
        }
    }

    /// <summary>Every word looked up.</summary>
    [Benchmark(Baseline = true)]
    public int Tokenize_NextTurn_WarmWords() => Run(_plain);

    /// <summary>The turns before are copied.</summary>
    [Benchmark]
    public int Tokenize_NextTurn_Kept() => Run(_kept);

    /// <summary>Every word looked up, every block hashed.</summary>
    [Benchmark]
    public int TokenizeAndHash_NextTurn_WarmWords() => Hash(_plain);

    /// <summary>Ids and hashes of the turns before are copied.</summary>
    [Benchmark]
    public int TokenizeAndHash_NextTurn_Kept() => Hash(_kept);

    /// <summary>Ids of the turns before are copied, every block is hashed: what hashes kept with ids save.</summary>
    [Benchmark]
    public int TokenizeAndHash_NextTurn_KeptIds()
    {
        Run(_kept);
        _blocks.Hash(_ids.Ids, new PromptShape(16), DynamoBlockHasher.BaseSeed, DynamoBlockHasher.BaseSeed);
        return _blocks.Count;
    }

    private int Hash(TokenEncoder encoder)
    {
        Run(encoder);
        _blocks.Hash(_ids.Ids, new PromptShape(16), DynamoBlockHasher.BaseSeed, DynamoBlockHasher.BaseSeed, encoder.Beginning);
        return _blocks.Count;
    }

    private int Run(TokenEncoder encoder)
    {
        _ids.Clear();
        encoder.Encode(_conversation, addSpecialTokens: false, _ids);
        return _ids.Count;
    }
}
