using System.Globalization;
using System.Text;
using System.Text.Json;
using Epp.Testing;

namespace Epp.Hashing.Tests;

/// <summary>llm-d's block keys: vectors of the specification and every recorded key of the real package.</summary>
[Trait("Category", "Golden")]
public sealed class LlmdBlockHasherTests
{
    [Theory]
    [InlineData(LlmdHashAlgorithm.CborFnv, "", "", 14695981039346656037UL, 17515353698173365712UL, 9540012594951042066UL, 16921089685996993662UL)]
    [InlineData(LlmdHashAlgorithm.CborFnv, "42", "", 0UL, 4073757287576237257UL, 3239622172847516705UL, 18365376266021390534UL)]
    [InlineData(LlmdHashAlgorithm.XxHash64, "", "", 17241709254077376921UL, 658786475292698776UL, 13553460584553255540UL, 9887990258693334188UL)]
    [InlineData(LlmdHashAlgorithm.CborFnv, "", "imgA", 14695981039346656037UL, 17515353698173365712UL, 12290731051138084736UL, 0UL)]
    public void Append_SpecifiedInputs_GiveSpecifiedKeys(
        LlmdHashAlgorithm algorithm, string seed, string image, ulong init, ulong root, ulong first, ulong second)
    {
        var hasher = new LlmdBlockHasher(algorithm, 16, Encoding.UTF8.GetBytes(seed));
        Assert.True(init == 0 || init == hasher.Init);
        Assert.Equal(root, hasher.Root("test-model"u8));
        hasher.Reset(hasher.Root("test-model"u8));
        var extras = new LlmdExtraKeys();
        extras.Fill(image.Length == 0 ? [] : [new LlmdFeature(Encoding.UTF8.GetBytes(image), 0, 16)], default, 16, 2);
        var keys = new ulong[2];
        Assert.Equal(2, hasher.Append([.. Enumerable.Range(1, 32).Select(i => (uint)i)], keys, extras));
        Assert.Equal(first, keys[0]);
        Assert.True(second == 0 || second == keys[1]);
    }

    [SkippableFact]
    public void Append_RecordedCases_EqualTheRouter()
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(Golden.Require("kv/llmd-keys.json")));
        var keys = 0;
        foreach (var list in new[] { "cases", "continuations" })
        {
            foreach (var row in document.RootElement.GetProperty(list).EnumerateArray())
            {
                // The one error is an object list of the wrong length, which the sparse list of extras cannot have.
                if (!row.TryGetProperty("error", out _))
                {
                    keys += Check(row);
                }
            }
        }

        Assert.True(keys > 0, "llmd-keys.json holds no key");
    }

    [Fact]
    public void BeginBlock_NotAscending_IsRefused()
    {
        var extras = new LlmdExtraKeys();
        extras.BeginBlock(1);
        Assert.Throws<ArgumentOutOfRangeException>(() => extras.BeginBlock(1));
    }

    private static int Check(JsonElement row)
    {
        var algorithm = row.GetProperty("algorithm").GetString() == "xxh64" ? LlmdHashAlgorithm.XxHash64 : LlmdHashAlgorithm.CborFnv;
        var tokens = GoldenTokens.Llmd(row.GetProperty("tokens"));
        var hasher = new LlmdBlockHasher(algorithm, row.GetProperty("blockSize").GetInt32(), Encoding.UTF8.GetBytes(row.GetProperty("seed").GetString()!));
        hasher.Reset(row.TryGetProperty("parent", out var parent)
            ? ulong.Parse(parent.GetString()!, NumberStyles.HexNumber, CultureInfo.InvariantCulture)
            : hasher.Root(Encoding.UTF8.GetBytes(row.GetProperty("model").GetString()!)));
        var count = hasher.BlocksAfter(tokens.Length);
        var actual = new ulong[count];
        var extras = Extras(row, count);
        var written = 0;
        for (var at = 0; at < tokens.Length; at += 7)
        {
            written += hasher.Append(tokens.AsSpan(at, Math.Min(7, tokens.Length - at)), actual.AsSpan(written), extras);
        }

        Assert.Equal(count, written);
        var text = row.GetProperty("keys").ValueKind == JsonValueKind.Null ? [] : row.GetProperty("keys").EnumerateArray().Select(k => k.GetString());
        Assert.True(text.SequenceEqual(actual.Select(k => k.ToString("x16", CultureInfo.InvariantCulture))), row.GetRawText()[..200]);
        return count;
    }

    private static LlmdExtraKeys? Extras(JsonElement row, int blocks)
    {
        var extras = new LlmdExtraKeys();
        if (row.TryGetProperty("name", out var name) && name.GetString()!.StartsWith("block 0 has an extra-features object", StringComparison.Ordinal))
        {
            extras.BeginBlock(0);
            return extras;
        }

        if (!row.TryGetProperty("mm", out var mm))
        {
            return null;
        }

        LlmdFeature[] features =
        [
            .. mm.EnumerateArray().Select(f => new LlmdFeature(
                Encoding.UTF8.GetBytes(f.GetProperty("hash").GetString()!), f.GetProperty("offset").GetInt32(), f.GetProperty("length").GetInt32())),
        ];
        extras.Fill(features, Encoding.UTF8.GetBytes(row.GetProperty("cacheSalt").GetString()!), row.GetProperty("blockSize").GetInt32(), blocks);
        return extras;
    }
}
