using System.Text;
using System.Text.Json;
using Epp.Native.Tokens;

namespace Epp.Native.Tests.Tokens;

/// <summary>
/// Small tokenizers of our own, one per shape in the field, and the ids that the Hugging Face library gives
/// (tests/golden/tokenizers/train.js). Needs nothing but the checkout.
/// </summary>
[Trait("Category", "Golden")]
public sealed class ShapeGoldenTests
{
    // The text whose ids with special tokens are recorded.
    private const int SpecialText = 21;

    public static TheoryData<string> Shapes()
    {
        var shapes = new TheoryData<string>();
        foreach (var file in Directory.GetFiles(Path.Combine(Repository.Tokenizers, "shapes"), "*.tokenizer.json").Order(StringComparer.Ordinal))
        {
            shapes.Add(Path.GetFileName(file)[..^".tokenizer.json".Length]);
        }

        return shapes;
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Encode_EveryText_EqualsLibrary(string shape)
    {
        var folder = Path.Combine(Repository.Tokenizers, "shapes");
        var texts = JsonSerializer.Deserialize<string[]>(File.ReadAllText(Path.Combine(folder, "texts.json")))!;
        using var recorded = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, shape + ".ids.json")));
        var tokenizer = Tokenizer.Load(File.ReadAllBytes(Path.Combine(folder, shape + ".tokenizer.json")), out var error);
        Assert.True(tokenizer is not null, error);
        var wrong = new StringBuilder();
        foreach (var encoder in (TokenEncoder[])[tokenizer.CreateEncoder(), new TokenEncoder(tokenizer.Parts, cached: false)])
        {
            for (var i = 0; i < texts.Length; i++)
            {
                Compare(encoder, texts[i], special: false, recorded.RootElement.GetProperty("ids")[i], wrong);
            }

            Compare(encoder, texts[SpecialText], special: true, recorded.RootElement.GetProperty("special"), wrong);
        }

        Assert.Equal(texts.Length, recorded.RootElement.GetProperty("ids").GetArrayLength());
        Assert.True(wrong.Length == 0, wrong.ToString());
    }

    internal static void Compare(TokenEncoder encoder, string text, bool special, JsonElement expected, StringBuilder wrong)
    {
        var ids = new TokenBuffer();
        var status = encoder.Encode(Encoding.UTF8.GetBytes(text), special, ids);
        var same = status == TokenizeStatus.Ok && ids.Ids.SequenceEqual(expected.EnumerateArray().Select(static i => i.GetUInt32()).ToArray());
        if (!same && wrong.Length < 3000)
        {
            wrong.AppendLine($"{JsonSerializer.Serialize(text)} special={special}: {status} [{string.Join(',', ids.Ids.ToArray())}] instead of {expected}");
        }
    }
}
