using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Epp.Testing;

namespace Epp.Hashing.Tests;

/// <summary>Dynamo's block hashes: vectors of the specification, every recorded case of the real runtime, and arrival in pieces.</summary>
[Trait("Category", "Golden")]
public sealed class DynamoBlockHasherTests
{
    [Theory]
    [InlineData(16, 64, "", "", new[] { 15310707395893867146UL, 15292316782987903195UL, 5532946206955930018UL, 14928757266181269122UL }, 3888788807566526800UL)]
    [InlineData(4, 4, "", "", new[] { 9143094415614847814UL }, 9143094415614847814UL)]
    [InlineData(64, 64, "", "", new[] { 3480597578098033343UL }, 3480597578098033343UL)]
    [InlineData(32, 32, "", "", new[] { 5756925433886871916UL }, 5756925433886871916UL)]
    [InlineData(11, 11, "", "", new[] { 3478666572770996202UL }, 3478666572770996202UL)]
    [InlineData(128, 128, "", "", new[] { 9509643624113304476UL }, 9509643624113304476UL)]
    [InlineData(4, 8, "adapter-a", "", new[] { 6665157333201000639UL, 11721812545976571723UL }, 13351519314849170528UL)]
    [InlineData(4, 4, "", "tenant-a", new[] { 17009624042690211646UL }, 17009624042690211646UL)]
    [InlineData(4, 4, "adapter-a", "tenant-a", new[] { 8269515957840517240UL }, 8269515957840517240UL)]
    public void Append_TokensFromZero_GivesSpecifiedHashes(int block, int tokens, string lora, string tenant, ulong[] local, ulong lastSequence)
    {
        var (locals, sequences) = Hash(block, Iota(tokens), DynamoBlockHasher.Seed(Encoding.UTF8.GetBytes(lora), Encoding.UTF8.GetBytes(tenant)));
        Assert.Equal(local, locals);
        Assert.Equal(lastSequence, sequences[^1]);
    }

    [Fact]
    public void Seed_LoraAndNamespace_GivesSpecifiedSeeds()
    {
        Assert.Equal(8842669519798868182UL, DynamoBlockHasher.Seed("adapter-a"u8));
        Assert.Equal(1948188790972764086UL, DynamoBlockHasher.Seed(default, "tenant-a"u8));
        Assert.Equal(10790858310771630931UL, DynamoBlockHasher.Seed("adapter-a"u8, "tenant-a"u8));
    }

    [Fact]
    public void Append_EagleWindows_ShareOneToken()
    {
        var (locals, _) = Hash(4, Iota(9), DynamoBlockHasher.BaseSeed, eagle: true);
        Assert.Equal([14562210786876287112UL, 15916330181359808192UL], locals);
    }

    [Fact]
    public void Append_Multimodal_SortsAndKeepsDuplicates()
    {
        Assert.Equal([6100948656312251355UL], Hash(2, [0, 1], 1337, objects: [[42]]).Locals);
        Assert.Equal([14276852609691940483UL], Hash(2, [0, 1], 1337, objects: [[42, 7]]).Locals);
        Assert.Equal([71881790567603244UL], Hash(4, [10, 20, 49115154, 49115154], 1337).Locals);
        Assert.Equal([15493688495345072717UL], Hash(4, [151644, 872, 198, 9064], 1337).Locals);
    }

    [Fact]
    public void Chain_Locals_GivesSpecifiedSequence()
    {
        var second = DynamoBlockHasher.Chain(11, 22);
        Assert.Equal(750553365844651409UL, second);
        Assert.Equal(3257565445809651757UL, DynamoBlockHasher.Chain(second, 33));
        Assert.Equal(1000000U, DynamoBlockHasher.PadValue(0));
        Assert.Equal(1051966U, DynamoBlockHasher.PadValue((1UL << 30) | 0xCAFE));
    }

    [SkippableFact]
    public void Append_RecordedCases_EqualsTheRuntime()
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(Golden.Require("dynamo/hashes.json")));
        var checkedHashes = 0;
        foreach (var row in document.RootElement.GetProperty("cases").EnumerateArray())
        {
            var id = row.GetProperty("id").GetString();
            var block = row.GetProperty("block_size").GetInt32();
            var tokens = GoldenTokens.Dynamo(row.GetProperty("tokens"));
            if (row.TryGetProperty("error", out _))
            {
                // Refused where they are read: tokens that do not fit, a missing field; the hasher itself refuses a block of 0.
                Assert.True(tokens is null || block > 0 || Record.Exception(() => new DynamoBlockHasher(block)) is ArgumentOutOfRangeException, id);
                continue;
            }

            var seed = DynamoBlockHasher.Seed(Utf8(row, "lora_name"), Utf8(row, "cache_namespace"));
            var eagle = row.TryGetProperty("is_eagle", out var isEagle) && isEagle.GetBoolean();
            var (locals, _) = Hash(block, tokens!, seed, eagle, Objects(row), piece: 1 + (checkedHashes % 97));
            checkedHashes += locals.Length;
            Assert.True(row.GetProperty("n_blocks").GetInt32() == locals.Length, id);
            Same(id!, row, "hashes", locals);
            Same(id!, row, "hashes_first16", locals.Take(16));
            Same(id!, row, "hashes_last16", locals.TakeLast(16));
            if (row.TryGetProperty("sha256_of_all_le64", out var digest))
            {
                var bytes = new byte[8 * locals.Length];
                for (var i = 0; i < locals.Length; i++)
                {
                    BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(8 * i), locals[i]);
                }

                Assert.True(digest.GetString() == Convert.ToHexStringLower(SHA256.HashData(bytes)), id);
            }
        }

        Assert.True(checkedHashes > 0, "hashes.json holds no case");
    }

    [SkippableFact]
    public void Crate_Vectors_EqualTheCrate()
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(Golden.Require("dynamo/hashes.json")));
        var vectors = document.RootElement.GetProperty("crate_vectors");
        foreach (var row in vectors.GetProperty("compute_block_hash_of_bytes").EnumerateObject())
        {
            Assert.Equal(Number(row.Value), XxHash3.Hash64(Encoding.UTF8.GetBytes(row.Name), 1337));
        }

        foreach (var row in vectors.GetProperty("mm_identifier").EnumerateArray())
        {
            var known = DynamoBlockHasher.TryObjectHash(Encoding.UTF8.GetBytes(row[0].GetString()!), out var hash);
            Assert.Equal<ulong?>(row[1].ValueKind == JsonValueKind.Null ? null : Number(row[1]), known ? hash : null);
        }

        foreach (var row in vectors.GetProperty("pad_value").EnumerateArray())
        {
            Assert.Equal(row[1].GetUInt32(), DynamoBlockHasher.PadValue(Number(row[0])));
        }

        foreach (var row in vectors.GetProperty("sequences").EnumerateArray())
        {
            var chain = new List<ulong>();
            foreach (var local in row.GetProperty("local").EnumerateArray().Select(Number))
            {
                chain.Add(chain.Count == 0 ? local : DynamoBlockHasher.Chain(chain[^1], local));
            }

            Assert.Equal(row.GetProperty("sequence").EnumerateArray().Select(Number), chain);
        }
    }

    [Fact]
    public void Append_InPieces_EqualsAtOnceAndAllocatesNothing()
    {
        var tokens = Iota(5000);
        var expected = Hash(64, tokens, 1337);
        var hasher = new DynamoBlockHasher(64);
        var (local, sequence) = (new ulong[5000 / 64], new ulong[5000 / 64]);
        for (var round = 0; round < 3; round++)
        {
            var random = new Random(round);
            var before = GC.GetAllocatedBytesForCurrentThread();
            hasher.Reset();
            var written = 0;
            for (var at = 0; at < tokens.Length;)
            {
                var piece = Math.Min(tokens.Length - at, random.Next(200));
                var due = hasher.BlocksAfter(piece);
                var got = hasher.Append(tokens.AsSpan(at, piece), local.AsSpan(written), sequence.AsSpan(written));
                Assert.True(due == got);
                written += got;
                at += piece;
            }

            var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.True(round == 0 || allocated == 0, $"{allocated} bytes allocated");
            Assert.True(local.AsSpan().SequenceEqual(expected.Locals) && sequence.AsSpan().SequenceEqual(expected.Sequences));
        }
    }

    private static (ulong[] Locals, ulong[] Sequences) Hash(
        int block, uint[] tokens, ulong seed, bool eagle = false, ulong[][]? objects = null, int piece = int.MaxValue)
    {
        var hasher = new DynamoBlockHasher(block, eagle);
        hasher.Reset(seed);
        var count = hasher.BlocksAfter(tokens.Length);
        var (local, sequence) = (new ulong[count], new ulong[count]);
        var hashes = (objects ?? []).SelectMany(o => o).ToArray();
        var ends = (objects ?? []).Select((_, i) => objects!.Take(i + 1).Sum(o => o.Length)).ToArray();
        var written = 0;
        for (var at = 0; at < tokens.Length; at += Math.Min(piece, tokens.Length - at))
        {
            written += hasher.Append(
                tokens.AsSpan(at, Math.Min(piece, tokens.Length - at)), local.AsSpan(written), sequence.AsSpan(written), new DynamoBlockObjects(hashes, ends));
        }

        Assert.Equal(count, written);
        return (local, sequence);
    }

    private static uint[] Iota(int count) => [.. Enumerable.Range(0, count).Select(i => (uint)i)];

    private static byte[] Utf8(JsonElement row, string name) =>
        row.TryGetProperty(name, out var text) && text.ValueKind == JsonValueKind.String ? Encoding.UTF8.GetBytes(text.GetString()!) : [];

    private static ulong[][]? Objects(JsonElement row) => !row.TryGetProperty("block_mm_infos", out var infos) ? null
        : [.. infos.EnumerateArray().Select(info => info.ValueKind == JsonValueKind.Null
            ? Array.Empty<ulong>()
            : [.. info.GetProperty("mm_objects").EnumerateArray().Select(o => o.GetProperty("mm_hash").GetUInt64())])];

    private static void Same(string id, JsonElement row, string name, IEnumerable<ulong> hashes)
    {
        if (row.TryGetProperty(name, out var expected))
        {
            Assert.True(expected.EnumerateArray().Select(Number).SequenceEqual(hashes), $"{id}.{name}");
        }
    }

    private static ulong Number(JsonElement text) => text.ValueKind == JsonValueKind.Number ? text.GetUInt64() : ulong.Parse(text.GetString()!, null);
}
