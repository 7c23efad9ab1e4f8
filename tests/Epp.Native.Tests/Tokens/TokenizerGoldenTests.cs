using System.Text;
using System.Text.Json;
using Epp.Native.Tokens;
using Epp.Testing;

namespace Epp.Native.Tests.Tokens;

/// <summary>Ids recorded from the library that engines use, for every family in the folder.</summary>
[Trait("Category", "Golden")]
public sealed class TokenizerGoldenTests
{
    [SkippableFact]
    public void Encode_EveryRecordedText_EqualsReference()
    {
        var (families, texts, wrong) = (0, 0, new StringBuilder());
        foreach (var file in Directory.GetFiles(Golden.Require("tokenizers"), "*.json").Order(StringComparer.Ordinal))
        {
            var model = Path.Combine(Golden.Folder!, "..", "tokenizers", Path.GetFileNameWithoutExtension(file), "tokenizer.json");
            if (!File.Exists(model))
            {
                continue;
            }

            var tokenizer = Tokenizer.Load(File.ReadAllBytes(model), out var error);
            Assert.True(tokenizer is not null, $"{file}: {error}");
            using var document = JsonDocument.Parse(File.ReadAllBytes(file));
            families++;
            texts += Check(Path.GetFileNameWithoutExtension(file), tokenizer, document.RootElement, wrong);
        }

        Assert.True(families > 0 && texts > 0, "no family was compared");
        Assert.True(wrong.Length == 0, wrong.ToString());
    }

    private static int Check(string family, Tokenizer tokenizer, JsonElement cases, StringBuilder wrong)
    {
        // The same texts with and without a warm cache, and through an encoder that has none.
        TokenEncoder[] encoders = [tokenizer.CreateEncoder(), new(tokenizer.Parts, cached: false)];
        var (count, failures) = (0, 0);
        foreach (var encoder in (TokenEncoder[])[encoders[0], encoders[0], encoders[1]])
        {
            foreach (var item in cases.EnumerateArray())
            {
                var text = item.GetProperty("text").GetString()!;
                failures += Differs(encoder, text, special: false, item.GetProperty("ids"), wrong, family, failures);
                if (item.TryGetProperty("ids_special", out var special))
                {
                    failures += Differs(encoder, text, special: true, special, wrong, family, failures);
                }

                count++;
            }
        }

        return count;
    }

    private static int Differs(TokenEncoder encoder, string text, bool special, JsonElement expected, StringBuilder wrong, string family, int failures)
    {
        var ids = new TokenBuffer();
        var status = encoder.Encode(Encoding.UTF8.GetBytes(text), special, ids);
        var same = status == TokenizeStatus.Ok && ids.Ids.SequenceEqual(expected.EnumerateArray().Select(static i => i.GetUInt32()).ToArray());
        if (!same && failures < 5)
        {
            wrong.AppendLine($"{family} special={special} {JsonSerializer.Serialize(text)[..Math.Min(80, JsonSerializer.Serialize(text).Length)]}: {status} [{string.Join(',', ids.Ids.ToArray().Take(20))}] instead of {expected.ToString()[..Math.Min(100, expected.ToString().Length)]}");
        }

        return same ? 0 : 1;
    }
}
