using BenchmarkDotNet.Attributes;
using Epp.Hashing;

namespace Epp.Bench.Hashing;

/// <summary>XXH64 over one block of 64 tokens (256 B), and over bulk (1 MiB: ns / 1.05 = ps a byte).</summary>
public class XxHash64Bench
{
    private readonly byte[] _data = new byte[1 << 20];

    [GlobalSetup]
    public void Setup() => new Random(1).NextBytes(_data);

    [Benchmark]
    public ulong XxHash64_256B() => XxHash64.Hash(_data.AsSpan(0, 256));

    /// <summary>A link of a block chain: block, then the parent's hash.</summary>
    [Benchmark]
    public ulong XxHash64_256B_AndParent() => XxHash64.Hash(_data.AsSpan(0, 256), 0x1234567890ABCDEF, 0);

    [Benchmark]
    public ulong XxHash64_1MiB() => XxHash64.Hash(_data);
}
