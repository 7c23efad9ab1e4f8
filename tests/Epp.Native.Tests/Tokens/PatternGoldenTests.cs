using System.Text;
using System.Text.Json;
using Epp.Native.Tokens;
using Epp.Native.Tokens.Normalizing;
using Epp.Native.Tokens.Patterns;

namespace Epp.Native.Tests.Tokens;

/// <summary>The pattern language against Oniguruma's results (tests/golden/tokenizers/patterns.js), and scanners against the compiler.</summary>
[Trait("Category", "Golden")]
public sealed class PatternGoldenTests
{
    private const int Seed = 20261120;

    private static readonly string[] Known =
    [
        Gpt2Pattern.Text,
        DeepSeekPattern.EscapedText,
        Cl100kPattern.BeforeDigits + @"\p{N}{1,3}" + Cl100kPattern.AfterDigits,
        Cl100kPattern.BeforeDigits + @"\p{N}" + Cl100kPattern.AfterDigits,
        Cl100kPattern.BeforeDigits + @"\p{N}+" + Cl100kPattern.AfterDigits,
        CaseSplit(O200kPattern.Contractions),
        CaseSplit(""),
    ];

    [Fact]
    public void Replace_EveryPattern_EqualsLibrary()
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Repository.Tokenizers, "patterns.json")));
        var text = Encoding.UTF8.GetBytes(document.RootElement.GetProperty("text").GetString()!);
        var wrong = new StringBuilder();
        foreach (var row in document.RootElement.GetProperty("replaced").EnumerateArray())
        {
            var output = new ByteBuffer();
            var normalizer = new ReplaceNormalizer(KnownPatterns.Create(row[0].GetString()!), "\u00b7"u8.ToArray());
            var status = normalizer.Apply(text, output, new NormalizerState(new PatternState()));
            if (status != TokenizeStatus.Ok || Encoding.UTF8.GetString(output.Span) != row[1].GetString())
            {
                wrong.AppendLine($"{row[0]}: {status} {Encoding.UTF8.GetString(output.Span)}");
            }
        }

        Assert.True(document.RootElement.GetProperty("replaced").GetArrayLength() > 100);
        Assert.True(wrong.Length == 0, wrong.ToString());
    }

    [Fact]
    public void Scanner_RandomText_EqualsCompiledPattern()
    {
        var random = new Random(Seed);
        string[] atoms = ["a", "B", "\u01c5", "\u02b0", "\u4f60", "\u0301", "1", "\u0662", "\u00bd", " ", "  ", "\t", "\n", "\r\n", "\u00a0", "\u2028", "'", "s", "'S", "'\u017f", "'ll", "'Re", ".", "/", "<", "\u20ac", "\u0001", "\ud83d\ude00", "\u00e9", "Z", "\ud835\udcb3", "\ud801\udc00"];
        var compiled = Known.Select(PatternCompiler.Compile).ToArray();
        var scanners = Known.Select(KnownPatterns.Create).ToArray();
        Assert.All(scanners, static s => Assert.IsNotType<CompiledPattern>(s));
        for (var round = 0; round < 4000; round++)
        {
            var text = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, random.Next(1, 14)).Select(_ => atoms[random.Next(atoms.Length)])));
            for (var i = 0; i < Known.Length; i++)
            {
                Assert.True(Matches(compiled[i], text) == Matches(scanners[i], text), $"seed {Seed}, {Known[i]} on {JsonSerializer.Serialize(Encoding.UTF8.GetString(text))}: {Matches(compiled[i], text)} but {Matches(scanners[i], text)}");
            }
        }
    }

    private static string Matches(TextPattern pattern, byte[] text)
    {
        var state = new PatternState();
        state.Begin(text.Length);
        var matches = new PatternMatches(pattern);
        var found = new StringBuilder();
        while (matches.Next(text, state))
        {
            found.Append(matches.Start).Append('-').Append(matches.End).Append(' ');
        }

        return found.Append(matches.Status).ToString();
    }

    internal static string CaseSplit(string contractions) =>
        O200kPattern.Lead + O200kPattern.Upper + "*" + O200kPattern.Lower + "+" + contractions + "|"
        + O200kPattern.Lead + O200kPattern.Upper + "+" + O200kPattern.Lower + "*" + contractions + @"|\p{N}{1,3}" + O200kPattern.AfterDigits;
}
