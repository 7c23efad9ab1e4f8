using System.Text;
using Epp.Testing;
using Oracle = System.IO.Hashing;

namespace Epp.Hashing.Tests;

/// <summary>Published values, and System.IO.Hashing as an oracle for every length up to several blocks of the long path.</summary>
[Trait("Category", "Unit")]
public sealed class XxHash3Tests
{
    private const int Seed = 20261122;
    private const int MaxLength = 2400;

    [Theory]
    [InlineData("", 0UL, 0x2d06800538d394c2UL)]
    [InlineData("test data", 1337UL, 0xb78d5e9d008ccd99UL)]
    public void Hash64_KnownInput_GivesPublishedValue(string text, ulong seed, ulong expected)
    {
        Assert.Equal(expected, XxHash3.Hash64(Encoding.UTF8.GetBytes(text), seed));
    }

    [Fact]
    public void Hash64_EveryLengthAndSeed_EqualsOracleAndScalarReference()
    {
        var data = Data();
        foreach (var seed in Seeds())
        {
            var secret = new XxHash3.SeededSecret(seed);
            for (var length = 0; length <= MaxLength; length++)
            {
                var bytes = data.AsSpan(length % 7, length);
                var expected = Oracle.XxHash3.HashToUInt64(bytes, (long)seed);
                Assert.True(expected == XxHash3.Hash64(bytes, seed), $"length {length}, seed {seed}");
                Assert.True(expected == XxHash3.Hash64(bytes, in secret), $"kept secret, length {length}, seed {seed}");
                Assert.True(expected == XxHash3.Hash64Scalar(bytes, seed), $"scalar, length {length}, seed {seed}");
            }
        }
    }

    [Fact]
    public void Hash128_EveryLengthAndSeed_EqualsOracle()
    {
        var data = Data();
        foreach (var seed in Seeds())
        {
            for (var length = 0; length <= MaxLength; length++)
            {
                var bytes = data.AsSpan(length % 7, length);
                Assert.True(Oracle.XxHash128.HashToUInt128(bytes, (long)seed) == XxHash3.Hash128(bytes, seed), $"length {length}, seed {seed}");
            }
        }
    }

    [Fact]
    public void Hash64_TwoNumbers_EqualsHashOfTheirBytes()
    {
        var random = new Random(Seed);
        Span<byte> bytes = stackalloc byte[16];
        for (var i = 0; i < 1000; i++)
        {
            random.NextBytes(bytes);
            var expected = Oracle.XxHash3.HashToUInt64(bytes, 1337);
            Assert.Equal(expected, XxHash3.Hash64(BitConverter.ToUInt64(bytes), BitConverter.ToUInt64(bytes[8..]), 1337));
        }
    }

    [Fact]
    public void Hash64_AnyLength_AllocatesNothing()
    {
        var data = Data();
        var sum = XxHash3.Hash64(data, 1);
        Assert.Equal(0, Allocated.Least(() =>
        {
            for (var length = 0; length < 1000; length++)
            {
                sum ^= XxHash3.Hash64(data.AsSpan(0, length), sum);
            }
        }));
    }

    private static byte[] Data()
    {
        var data = new byte[MaxLength + 8];
        new Random(Seed).NextBytes(data);
        return data;
    }

    private static ulong[] Seeds() => [0, 1, 1337, 0x9E3779B97F4A7C15, ulong.MaxValue];
}
