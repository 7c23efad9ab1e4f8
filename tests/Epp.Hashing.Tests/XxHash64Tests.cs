using System.Buffers.Binary;
using System.Text;
using Epp.Testing;

namespace Epp.Hashing.Tests;

/// <summary>Published values, chains of the picker's own specification, and System.IO.Hashing as an oracle for every length.</summary>
[Trait("Category", "Unit")]
public sealed class XxHash64Tests
{
    private const int Seed = 20261121;

    [Theory]
    [InlineData("", 0UL, 0xef46db3751d8e999UL)]
    [InlineData("a", 0UL, 0xd24ec4f1a98c6e5bUL)]
    [InlineData("abc", 0UL, 0x44bc2cf5ad770999UL)]
    [InlineData("42", 0UL, 0x6de6f5d076d742b9UL)]
    [InlineData("test-model1", 0UL, 0x55b9ce9184dd8509UL)]
    public void Hash_KnownInput_GivesPublishedValue(string text, ulong seed, ulong expected)
    {
        Assert.Equal(expected, XxHash64.Hash(Encoding.UTF8.GetBytes(text), seed));
    }

    [Fact]
    public void Hash_ByteBlocksChainedThroughSuffix_GivesSpecifiedChain()
    {
        var seed = XxHash64.Hash("test-model1"u8);
        var first = XxHash64.Hash("aaaa"u8, seed, 0);
        Assert.Equal(0xcc8952e70e1c4504UL, first);
        Assert.Equal(0x251707ac8b048154UL, XxHash64.Hash("bbbb"u8, first, 0));

        var salted = XxHash64.Hash("aaaa"u8, XxHash64.Hash("test-model1salt"u8), 0);
        Assert.Equal(0x4d7d8d1147a01d70UL, salted);
        Assert.Equal(0xf5dd4c0526dea370UL, XxHash64.Hash("bbbb"u8, salted, 0));
    }

    [Theory]
    [InlineData("model", "", 10, 4, new[] { 0x218099d0a8301208UL, 0xa5b33e7f56ebf885UL, 0xa2aa1c6666cb1c34UL })]
    [InlineData("m", "", 4, 2, new[] { 0xbdeada2071943583UL, 0x7aacfb531261b051UL })]
    [InlineData("m", "salt", 4, 2, new[] { 0x6b0e68c54f9ceac3UL, 0xf1433d4ff41f4429UL })]
    public void Hash_TokenBlocksChainedByPairs_GivesSpecifiedChain(string model, string salt, int tokens, int block, ulong[] expected)
    {
        var bytes = new byte[tokens * 4];
        for (var i = 0; i < tokens; i++)
        {
            BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(i * 4), i + 1);
        }

        var hash = XxHash64.Hash(Encoding.UTF8.GetBytes(model + salt));
        var chain = new List<ulong>();
        for (var at = 0; at < bytes.Length; at += block * 4)
        {
            hash = XxHash64.Hash(XxHash64.Hash(bytes.AsSpan(at, Math.Min(block * 4, bytes.Length - at))), hash);
            chain.Add(hash);
        }

        Assert.Equal(expected, chain);
    }

    [Fact]
    public void Hash_EveryLengthAndOffset_EqualsOracle()
    {
        var random = new Random(Seed);
        var bytes = new byte[400];
        random.NextBytes(bytes);
        for (var offset = 0; offset < 9; offset++)
        {
            for (var length = 0; length + offset <= 391; length++)
            {
                var seed = unchecked((ulong)random.NextInt64());
                var part = bytes.AsSpan(offset, length);
                Assert.Equal(System.IO.Hashing.XxHash64.HashToUInt64(part, (long)seed), XxHash64.Hash(part, seed));
            }
        }
    }

    [Fact]
    public void Append_RandomPieces_EqualsOneShot()
    {
        var random = new Random(Seed);
        for (var round = 0; round < 3000; round++)
        {
            var bytes = new byte[random.Next(0, 300)];
            random.NextBytes(bytes);
            var seed = (ulong)random.NextInt64();
            var hash = new XxHash64(seed);
            for (var at = 0; at < bytes.Length;)
            {
                var n = Math.Min(random.Next(0, 70), bytes.Length - at);
                hash.Append(bytes.AsSpan(at, n));
                at += n;
                Assert.True(hash.Digest() == XxHash64.Hash(bytes.AsSpan(0, at), seed), $"seed {Seed}, round {round}, {at} bytes");
            }

            Assert.Equal(XxHash64.Hash(bytes, seed), hash.Digest());
        }
    }

    [Fact]
    public void HashWithSuffix_EveryLength_EqualsConcatenation()
    {
        var random = new Random(Seed);
        var bytes = new byte[308];
        random.NextBytes(bytes);
        for (var length = 0; length <= 300; length++)
        {
            var suffix = (ulong)random.NextInt64();
            var joined = bytes.AsSpan(0, length + 8).ToArray();
            BinaryPrimitives.WriteUInt64LittleEndian(joined.AsSpan(length), suffix);
            Assert.Equal(XxHash64.Hash(joined, 7), XxHash64.Hash(bytes.AsSpan(0, length), suffix, 7));
        }
    }

    [Fact]
    public void HashOfPair_RandomNumbers_EqualsSixteenBytes()
    {
        var random = new Random(Seed);
        var bytes = new byte[16];
        for (var i = 0; i < 1000; i++)
        {
            random.NextBytes(bytes);
            var seed = (ulong)random.NextInt64();
            var (a, b) = (BinaryPrimitives.ReadUInt64LittleEndian(bytes), BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(8)));
            Assert.Equal(XxHash64.Hash(bytes, seed), XxHash64.Hash(a, b, seed));
        }
    }

    [Fact]
    public void Append_ManyPieces_AllocatesNothing()
    {
        var bytes = new byte[1000];
        ulong sum = 0;
        Assert.Equal(0, Allocated.Least(() =>
        {
            for (var i = 0; i < 100; i++)
            {
                var hash = new XxHash64(1);
                hash.Append(bytes.AsSpan(0, i * 7));
                hash.Append(bytes.AsSpan(i));
                sum += hash.Digest() + XxHash64.Hash(bytes);
            }
        }));
        Assert.NotEqual(0UL, sum);
    }
}
