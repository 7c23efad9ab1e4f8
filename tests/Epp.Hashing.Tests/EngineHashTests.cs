using System.Globalization;
using System.Text;
using System.Text.Json;
using Epp.Testing;

namespace Epp.Hashing.Tests;

/// <summary>The engines' own block hashes: every chain of every recorded vLLM and SGLang version.</summary>
[Trait("Category", "Golden")]
public sealed class EngineHashTests
{
    private static readonly string[] Tags = ["lora", "mm", "cache_salt", "prompt_embeds"];

    [SkippableFact]
    public void Vllm_EveryRecordedChain_EqualsTheEngine()
    {
        var hashes = 0;
        foreach (var file in Directory.EnumerateFiles(Golden.Require("kv"), "hashes-*.json").Order(StringComparer.Ordinal))
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(file));
            if (!document.RootElement.TryGetProperty("runs", out var runs))
            {
                continue;
            }

            foreach (var run in runs.EnumerateArray())
            {
                hashes += Run(Path.GetFileName(file), run);
            }
        }

        Skip.If(hashes == 0, "Golden data has no kv/hashes-*.json with runs.");
    }

    [SkippableFact]
    public void Sglang_RecordedPages_EqualTheEngine()
    {
        var pages = 0;
        foreach (var file in Directory.EnumerateFiles(Golden.Require("kv"), "hashes-*.json"))
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(file));
            foreach (var list in document.RootElement.EnumerateObject().Where(p => p.Name.StartsWith("page_hashes", StringComparison.Ordinal)))
            {
                pages += list.Value.EnumerateArray().Sum(Pages);
            }

            foreach (var list in document.RootElement.EnumerateObject().Where(p => p.Name.StartsWith("namespaced", StringComparison.Ordinal)))
            {
                foreach (var row in list.Value.EnumerateArray())
                {
                    Namespaced(row);
                }
            }
        }

        Skip.If(pages == 0, "Golden data has no page hashes.");
    }

    [Fact]
    public void Vllm_Sha256Cbor_GivesSpecifiedValues()
    {
        var hasher = new VllmBlockHasher(VllmHashAlgorithm.Sha256Cbor, 16, "0"u8);
        Assert.Equal("4e1195df020de59e0d65a33a4279f1183e7ae4e5d980e309f8b55adff2e61c3e", Convert.ToHexStringLower(hasher.None));
        var digests = new byte[64];
        Assert.Equal(2, hasher.Append([.. Enumerable.Range(1, 32).Select(i => (uint)i)], digests));
        Assert.Equal(3236607068019569386UL, VllmBlockHasher.ToNumber(digests.AsSpan(0, 32)));
        Assert.Equal(2758186210834249151UL, VllmBlockHasher.ToNumber(digests.AsSpan(32)));
        hasher = new VllmBlockHasher(VllmHashAlgorithm.Sha256Cbor, 16, "42"u8);
        Assert.Equal("9fa6eb003f14425eb9c8e6baacfbcaab26257357b829c7bfa74ffcc4f31c1780", Convert.ToHexStringLower(hasher.None));
    }

    [Theory]
    [InlineData(VllmHashAlgorithm.Sha256)]
    [InlineData(VllmHashAlgorithm.XxHashCbor)]
    public void Vllm_SteadyState_AllocatesNothing(VllmHashAlgorithm algorithm)
    {
        var hasher = new VllmBlockHasher(algorithm, 16, "0"u8);
        var tokens = new uint[160];
        var digests = new byte[10 * hasher.DigestBytes];
        hasher.Append(tokens, digests);
        Assert.Equal(0, Allocated.Least(() =>
        {
            hasher.Reset();
            hasher.Append(tokens, digests);
        }));
    }

    [Fact]
    public void VllmExtraKeys_TooManyBytes_AreRefused()
    {
        var extras = new VllmExtraKeys();
        extras.BeginBlock(0);
        Assert.False(extras.Bytes(new byte[VllmExtraKeys.MaxBlockBytes]));
        Assert.True(extras.Bytes(new byte[VllmExtraKeys.MaxBlockBytes - 9]));
        Assert.False(extras.Number(1));
    }

    private static int Run(string file, JsonElement run)
    {
        var hashes = 0;
        foreach (var none in run.GetProperty("none").EnumerateArray().Where(n => n.TryGetProperty("none_hash", out _)))
        {
            var name = none.GetProperty("algorithm").GetString();
            var seed = none.GetProperty("seed_string").GetString() ?? run.GetProperty("PYTHONHASHSEED").GetString()!;
            var hasher = new VllmBlockHasher(Algorithm(name), 1, Encoding.UTF8.GetBytes(seed));
            Assert.Equal(none.GetProperty("none_hash").GetString(), Convert.ToHexStringLower(hasher.None));
            hashes += Chains(file, run, "chains", name, seed) + Chains(file, run, "coarse", name, seed);
        }

        return hashes;
    }

    private static int Chains(string file, JsonElement run, string list, string? algorithm, string seed)
    {
        var hashes = 0;
        if (run.TryGetProperty(list, out var rows))
        {
            foreach (var row in rows.EnumerateArray().Where(r => r.GetProperty("algorithm").GetString() == algorithm))
            {
                hashes += list == "coarse" ? Coarse(file, row, seed) : Chain(file, row, seed);
            }
        }

        return hashes;
    }

    private static int Chain(string file, JsonElement row, string seed)
    {
        var lookahead = row.TryGetProperty("lookahead_tokens", out var next) ? next.GetInt32() : 0;
        var (digests, _) = Digests(row, row.GetProperty("block_size").GetInt32(), seed, lookahead, Extras(row.GetProperty("extra_keys_hashed")));
        var place = $"{file}: {row.GetProperty("algorithm")}, {row.GetProperty("name")}, seed {seed}, look-ahead {lookahead}";
        Assert.True(row.GetProperty("hashes").EnumerateArray().Select(h => h.GetString()).SequenceEqual(digests.Select(Convert.ToHexStringLower)), place);
        Assert.True(row.GetProperty("int_hashes").EnumerateArray().Select(Number).SequenceEqual(digests.Select(d => VllmBlockHasher.ToNumber(d))), place);
        return digests.Length;
    }

    /// <summary>A group with larger blocks takes the last of the fine hashes; up to 0.23 all of them, one after the other.</summary>
    private static int Coarse(string file, JsonElement row, string seed)
    {
        var fine = row.GetProperty("hash_block_size").GetInt32();
        var ratio = row.GetProperty("block_size").GetInt32() / fine;
        var (digests, bytes) = Digests(row, fine, seed, 0, null);
        Assert.True(row.GetProperty("fine").EnumerateArray().Select(h => h.GetString()).SequenceEqual(digests.Select(Convert.ToHexStringLower)), file);
        foreach (var (index, coarse) in row.GetProperty("coarse").EnumerateArray().Select((c, i) => (i, c.GetString()!)))
        {
            var group = digests.Skip(index * ratio).Take(ratio).Select(Convert.ToHexStringLower).ToArray();
            Assert.Equal(coarse.Length == 2 * bytes ? group[^1] : string.Concat(group), coarse);
            Assert.Equal(Number(row.GetProperty("coarse_int")[index]), VllmBlockHasher.ToNumber(digests[((index + 1) * ratio) - 1]));
        }

        return digests.Length;
    }

    private static (byte[][] Digests, int Bytes) Digests(JsonElement row, int block, string seed, int lookahead, VllmExtraKeys? extras)
    {
        var tokens = GoldenTokens.List(row.GetProperty("tokens"))!;
        var hasher = new VllmBlockHasher(Algorithm(row.GetProperty("algorithm").GetString()), block, Encoding.UTF8.GetBytes(seed), lookahead);
        var count = hasher.BlocksAfter(tokens.Length);
        var digests = new byte[count * hasher.DigestBytes];
        var written = 0;
        for (var at = 0; at < tokens.Length; at += 5)
        {
            written += hasher.Append(tokens.AsSpan(at, Math.Min(5, tokens.Length - at)), digests.AsSpan(written * hasher.DigestBytes), extras);
        }

        Assert.Equal(count, written);
        return ([.. digests.Chunk(hasher.DigestBytes)], hasher.DigestBytes);
    }

    private static VllmExtraKeys? Extras(JsonElement blocks)
    {
        if (blocks.ValueKind == JsonValueKind.Null)
        {
            return null;
        }

        var extras = new VllmExtraKeys();
        for (var i = 0; i < blocks.GetArrayLength(); i++)
        {
            if (blocks[i].ValueKind == JsonValueKind.Null)
            {
                continue;
            }

            extras.BeginBlock(i);
            foreach (var key in blocks[i].EnumerateArray())
            {
                if (key.ValueKind != JsonValueKind.Array)
                {
                    Assert.True(Atom(extras, key, isTag: false));
                    continue;
                }

                Assert.True(extras.BeginTuple(key.GetArrayLength()));
                for (var atom = 0; atom < key.GetArrayLength(); atom++)
                {
                    Assert.True(Atom(extras, key[atom], atom == 0 && key[0].ValueKind == JsonValueKind.String && Tags.Contains(key[0].GetString())));
                }
            }
        }

        return extras;
    }

    private static bool Atom(VllmExtraKeys extras, JsonElement atom, bool isTag) => atom.ValueKind switch
    {
        JsonValueKind.Number => extras.Number(atom.GetInt64()),
        JsonValueKind.Object => extras.Bytes(Convert.FromHexString(atom.GetProperty("hex").GetString()!)),
        _ => isTag ? extras.Tag(Encoding.UTF8.GetBytes(atom.GetString()!)) : extras.Text(Encoding.UTF8.GetBytes(atom.GetString()!)),
    };

    private static int Pages(JsonElement row)
    {
        var bigram = row.GetProperty("tokens").GetArrayLength() > 0 && row.GetProperty("tokens")[0].ValueKind == JsonValueKind.Array;
        var tokens = bigram
            ? [.. row.GetProperty("tokens").EnumerateArray().SelectMany(pair => pair.EnumerateArray()).Select(t => t.GetUInt32())]
            : GoldenTokens.List(row.GetProperty("tokens"))!;
        var hasher = new SglangBlockHasher(row.GetProperty("page_size").GetInt32() * (bigram ? 2 : 1));
        var full = hasher.PagesAfter(tokens.Length);
        var digests = new byte[(full + 1) * SglangBlockHasher.DigestBytes];
        Assert.Equal(full, hasher.Append(tokens, digests));
        var count = full + (hasher.Flush(digests.AsSpan(full * SglangBlockHasher.DigestBytes)) ? 1 : 0);
        var expected = row.GetProperty("pages");
        Assert.Equal(expected.GetArrayLength(), count);
        for (var i = 0; i < count; i++)
        {
            var digest = digests.AsSpan(i * SglangBlockHasher.DigestBytes, SglangBlockHasher.DigestBytes);
            Assert.Equal(expected[i].GetProperty("sha256").GetString(), Convert.ToHexStringLower(digest));
            Assert.Equal(Number(expected[i].GetProperty("int64")), SglangBlockHasher.ToNumber(digest));
        }

        return count;
    }

    private static void Namespaced(JsonElement row)
    {
        var seed = row.GetProperty("seed").GetString() is { } text ? Convert.FromHexString(text) : null;
        foreach (var hash in row.GetProperty("hashes").EnumerateArray())
        {
            var number = Number(hash.GetProperty("in"));
            Assert.Equal(Number(hash.GetProperty("out")), seed is null ? number : SglangBlockHasher.Namespaced(seed, number));
        }
    }

    private static VllmHashAlgorithm Algorithm(string? name) => name switch
    {
        "sha256" => VllmHashAlgorithm.Sha256,
        "sha256_cbor" => VllmHashAlgorithm.Sha256Cbor,
        "xxhash" => VllmHashAlgorithm.XxHash,
        "xxhash_cbor" => VllmHashAlgorithm.XxHashCbor,
        _ => throw new InvalidDataException($"hash algorithm {name} is unknown: extend EngineHashTests"),
    };

    private static ulong Number(JsonElement text) => text.GetString() is ['-', ..] negative
        ? (ulong)long.Parse(negative, CultureInfo.InvariantCulture)
        : ulong.Parse(text.GetString()!, CultureInfo.InvariantCulture);
}
