using System.Text;
using BenchmarkDotNet.Attributes;
using Epp.Native.Tokens;

namespace Epp.Bench.Tokens;

/// <summary>A MiB that no cache helps with: one word each, with the tokenizer of <see cref="TokenizeBench"/>.</summary>
public class HostileTextBench
{
    private readonly TokenBuffer _ids = new(1 << 20);
    private readonly byte[] _letter = Encoding.UTF8.GetBytes(new string('a', 1 << 20));
    private readonly byte[] _spaces = Encoding.UTF8.GetBytes(new string(' ', 1 << 20));
    private readonly byte[] _letters = new byte[1 << 20];
    private TokenEncoder _encoder = null!;

    [GlobalSetup]
    public void Setup()
    {
        var random = new Random(1);
        for (var i = 0; i < _letters.Length; i++)
        {
            _letters[i] = (byte)random.Next('a', 'z' + 1);
        }

        _encoder = TokenizeBench.Load(TokenizeBench.TokenizerFile).CreateEncoder();
    }

    /// <summary>One letter.</summary>
    [Benchmark]
    public int Tokenize_1MiB_OneLetter() => Run(_letter);

    /// <summary>Random letters.</summary>
    [Benchmark]
    public int Tokenize_1MiB_RandomLetters() => Run(_letters);

    /// <summary>Spaces.</summary>
    [Benchmark]
    public int Tokenize_1MiB_Spaces() => Run(_spaces);

    private int Run(byte[] text)
    {
        _ids.Clear();
        _encoder.Encode(text, addSpecialTokens: true, _ids);
        return _ids.Count;
    }
}
