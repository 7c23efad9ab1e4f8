using BenchmarkDotNet.Attributes;
using Epp.Hashing;

namespace Epp.Bench.Hashing;

/// <summary>The hashes of a prompt of 8,192 tokens, 512 blocks of 16: divide by 512 for a block. And one MiB of bytes, for GB/s.</summary>
public class BlockHashBench
{
    private readonly uint[] _tokens = new uint[8192];
    private readonly ulong[] _local = new ulong[512];
    private readonly ulong[] _sequence = new ulong[512];
    private readonly byte[] _digests = new byte[512 * 32];
    private readonly byte[] _bytes = new byte[1 << 20];
    private readonly DynamoBlockHasher _dynamo = new(16);
    private readonly LlmdBlockHasher _cbor = new(LlmdHashAlgorithm.CborFnv, 16);
    private readonly LlmdBlockHasher _xxh64 = new(LlmdHashAlgorithm.XxHash64, 16);
    private readonly VllmBlockHasher _sha256 = new(VllmHashAlgorithm.Sha256Cbor, 16, "0"u8);
    private readonly VllmBlockHasher _xxh3 = new(VllmHashAlgorithm.XxHashCbor, 16, "0"u8);

    [GlobalSetup]
    public void Setup()
    {
        var random = new Random(1);
        random.NextBytes(_bytes);
        for (var i = 0; i < _tokens.Length; i++)
        {
            _tokens[i] = (uint)random.Next(150_000);
        }
    }

    [Benchmark]
    public int Dynamo_512Blocks()
    {
        _dynamo.Reset();
        return _dynamo.Append(_tokens, _local, _sequence);
    }

    [Benchmark]
    public int LlmdCborFnv_512Blocks()
    {
        _cbor.Reset(1);
        return _cbor.Append(_tokens, _local);
    }

    [Benchmark]
    public int LlmdXxh64_512Blocks()
    {
        _xxh64.Reset(1);
        return _xxh64.Append(_tokens, _local);
    }

    [Benchmark]
    public int VllmSha256Cbor_512Blocks()
    {
        _sha256.Reset();
        return _sha256.Append(_tokens, _digests);
    }

    [Benchmark]
    public int VllmXxh3Cbor_512Blocks()
    {
        _xxh3.Reset();
        return _xxh3.Append(_tokens, _digests);
    }

    [Benchmark]
    public ulong Xxh3_1MiB() => XxHash3.Hash64(_bytes, 1337);
}
