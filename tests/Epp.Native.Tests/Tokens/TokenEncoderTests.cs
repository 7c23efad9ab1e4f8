using System.Diagnostics;
using System.Text;
using Epp.Native.Tokens;
using Epp.Testing;

namespace Epp.Native.Tests.Tokens;

/// <summary>What holds for every tokenizer: no allocation, bounded time, errors as values.</summary>
[Trait("Category", "Unit")]
public sealed class TokenEncoderTests
{
    internal static byte[] Shape(string name) => File.ReadAllBytes(Path.Combine(Repository.Tokenizers, "shapes", name + ".tokenizer.json"));

    internal static TokenEncoder Encoder(string shape) => Tokenizer.Load(Shape(shape), out var error)?.CreateEncoder() ?? throw new InvalidOperationException(error);

    [Theory]
    [MemberData(nameof(ShapeGoldenTests.Shapes), MemberType = typeof(ShapeGoldenTests))]
    public void Encode_SecondTime_AllocatesNothing(string shape)
    {
        var encoder = Encoder(shape);
        var text = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("The endpoint picker; cafe\u0301 \u4f60\u597d it's 1234 <s> \n\n  x word ", 40)));
        var ids = new TokenBuffer();
        for (var i = 0; i < 3; i++)
        {
            ids.Clear();
            encoder.Encode(text, true, ids);
        }

        Assert.Equal(0, Allocated.Least(() =>
        {
            ids.Clear();
            encoder.Encode(text, true, ids);
        }));
        Assert.True(ids.Count > 0);
    }

    [Theory]
    [MemberData(nameof(ShapeGoldenTests.Shapes), MemberType = typeof(ShapeGoldenTests))]
    public void Encode_HostileText_TakesBoundedTime(string shape)
    {
        var encoder = Encoder(shape);
        var ids = new TokenBuffer();
        var watch = Stopwatch.StartNew();
        foreach (var atom in (string[])["a", " ", "\u0301", "A", "\n", "1", "ab ", "'", "<", "\u4e2d", "\u2581", "a\u0301", "<s>", "\ud83d\ude00"])
        {
            ids.Clear();
            var status = encoder.Encode(Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat(atom, 50_000 / atom.Length))), false, ids);
            Assert.True(status is TokenizeStatus.Ok or TokenizeStatus.PatternTooSlow, $"{atom}: {status}");
        }

        // Fourteen texts of 50 KB and more; what is quadratic takes minutes.
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(60), $"{watch.Elapsed}");
    }

    [Fact]
    public void Encode_InvalidUtf8_IsAnErrorAndLeavesIds()
    {
        var ids = new TokenBuffer();
        ids.Add(7);
        Assert.Equal(TokenizeStatus.InvalidUtf8, Encoder("gpt2").Encode([0x61, 0xC3], true, ids));
        Assert.Equal([7u], ids.Ids.ToArray());
    }

    [Fact]
    public void Encode_UnknownCharacterWithoutUnknownToken_IsAnError()
    {
        const string Json = """{"model":{"type":"WordLevel","vocab":{"a":0},"unk_token":"?"}}""";
        var encoder = Tokenizer.Load(Encoding.UTF8.GetBytes(Json), out _)!.CreateEncoder();
        var ids = new TokenBuffer();
        Assert.Equal(TokenizeStatus.Ok, encoder.Encode("a"u8, false, ids));
        Assert.Equal(TokenizeStatus.NoUnknownToken, encoder.Encode("b"u8, false, ids));
        Assert.Equal([0u], ids.Ids.ToArray());
    }

    [Fact]
    public void Encode_PatternThatBacktracksWithoutEnd_IsAnError()
    {
        var json = Encoding.UTF8.GetString(Shape("gpt2")).Replace("""{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":true}""", """{"type":"Split","pattern":{"Regex":"(?:a|a)*b"},"behavior":"Isolated","invert":false}""", StringComparison.Ordinal);
        var encoder = Tokenizer.Load(Encoding.UTF8.GetBytes(json), out var error)?.CreateEncoder();
        Assert.True(encoder is not null, error);
        Assert.Equal(TokenizeStatus.PatternTooSlow, encoder.Encode(Encoding.UTF8.GetBytes(new string('a', 5000)), false, new TokenBuffer()));
    }

    [Fact]
    public void LoadRanks_OfByteVocabulary_MergesByRank()
    {
        var lines = new StringBuilder();
        for (var b = 0; b < 256; b++)
        {
            lines.Append(Convert.ToBase64String([(byte)b])).Append(' ').Append(b).Append('\n');
        }

        lines.Append(Convert.ToBase64String("bc"u8)).Append(" 256\n").Append(Convert.ToBase64String("ab"u8)).Append(" 257\n").Append(Convert.ToBase64String("abc"u8)).Append(" 258\n");
        var tokenizer = Tokenizer.LoadRanks(
            Encoding.UTF8.GetBytes(lines.ToString()), @"\w+|\s", [new AddedToken("<|x|>", 300, true, false, false, false, false)], out var error);
        Assert.True(tokenizer is not null, error);
        var ids = new TokenBuffer();
        Assert.Equal(TokenizeStatus.Ok, tokenizer.CreateEncoder().Encode("abc abcb<|x|>!a"u8, false, ids));

        // abc is a token; in abcb, bc merges first and a stays; ! is not matched by the pattern and is dropped.
        Assert.Equal([258u, ' ', 258u, 'b', 300u, 'a'], ids.Ids.ToArray());
    }
}
