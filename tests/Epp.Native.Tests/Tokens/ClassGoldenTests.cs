using System.Text;
using System.Text.Json;
using Epp.Native.Tokens;
using Epp.Native.Tokens.Normalizing;
using Epp.Native.Tokens.Patterns;
using Epp.Native.Tokens.Unicode;
using Epp.Testing;

namespace Epp.Native.Tests.Tokens;

/// <summary>The library's classes of characters, as it told them one code point at a time, and what its composition leaves apart.</summary>
[Trait("Category", "Golden")]
public sealed class ClassGoldenTests
{
    /// <summary>Names in the recording and the pattern, or the set, that they stand for.</summary>
    private static readonly Dictionary<string, Func<int, bool>> Classes = new()
    {
        ["L"] = Pattern(@"\p{L}"),
        ["N"] = Pattern(@"\p{N}"),
        ["S"] = Pattern(@"\s"),
        ["Lu"] = Pattern(@"\p{Lu}"),
        ["Ll"] = Pattern(@"\p{Ll}"),
        ["Lt"] = Pattern(@"\p{Lt}"),
        ["Lm"] = Pattern(@"\p{Lm}"),
        ["Lo"] = Pattern(@"\p{Lo}"),
        ["M"] = Pattern(@"\p{M}"),
        ["P"] = Pattern(@"\p{P}"),
        ["Sy"] = Pattern(@"\p{S}"),
        ["isd"] = Pattern("(?i:s)"),
        ["isk"] = Pattern("(?i:k)"),
        ["pt_digits"] = CodePointSets.Numeric.Contains,
        ["pt_punct"] = CodePointSets.Punctuation.Contains,
        ["pt_ws"] = CodePointSets.WhiteSpace.Contains,
    };

    [SkippableFact]
    public void Classes_EveryCodePoint_IsTheLibrarys()
    {
        foreach (var file in Directory.GetFiles(Golden.Require("tokenizers"), "*_classes.json"))
        {
            using var recorded = JsonDocument.Parse(File.ReadAllBytes(file));
            foreach (var entry in recorded.RootElement.EnumerateObject())
            {
                Assert.True(Classes.TryGetValue(entry.Name, out var ours), $"{file}: nothing is compared with {entry.Name}");
                var theirs = new bool[0x110000];
                foreach (var range in entry.Value.EnumerateArray())
                {
                    Array.Fill(theirs, true, range[0].GetInt32(), range[1].GetInt32() - range[0].GetInt32() + 1);
                }

                var wrong = Enumerable.Range(0, theirs.Length).Where(c => c is < 0xD800 or > 0xDFFF && ours!(c) != theirs[c]).ToArray();
                Assert.True(wrong.Length == 0, $"{entry.Name}: {wrong.Length} code points differ, U+{string.Join(" U+", wrong.Take(20).Select(static c => c.ToString("X4")))}");
            }
        }
    }

    /// <summary>Rows (code point, two flags, its parts): characters newer than the library's tables, whose parts stay apart.</summary>
    [SkippableFact]
    public void Composition_OfCharactersNewerThanTheLibrary_IsLeftOut()
    {
        var normalizer = new UnicodeNormalizer(compatibility: false, compose: true);
        var count = 0;
        foreach (var file in Directory.GetFiles(Golden.Require("tokenizers"), "nfc_*.json"))
        {
            using var recorded = JsonDocument.Parse(File.ReadAllBytes(file));
            foreach (var row in recorded.RootElement.EnumerateArray())
            {
                var parts = row[3].GetString()!;
                var output = new ByteBuffer();
                Assert.Equal(TokenizeStatus.Ok, normalizer.Apply(Encoding.UTF8.GetBytes(parts), output, new NormalizerState(new PatternState())));
                Assert.Equal((row[0].GetInt32(), parts), (row[0].GetInt32(), Encoding.UTF8.GetString(output.Span)));
                count++;
            }
        }

        Assert.True(count > 0);
    }

    private static Func<int, bool> Pattern(string pattern)
    {
        var compiled = PatternCompiler.Compile(pattern);
        var state = new PatternState();
        return codePoint =>
        {
            if (codePoint is >= 0xD800 and <= 0xDFFF)
            {
                return false;
            }

            var text = Encoding.UTF8.GetBytes(char.ConvertFromUtf32(codePoint));
            state.Begin(text.Length);
            return compiled.Find(text, 0, state, out _) == 0;
        };
    }
}
