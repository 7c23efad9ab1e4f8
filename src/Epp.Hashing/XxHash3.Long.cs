using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Epp.Hashing;

/// <summary>The long path of XXH3: stripes of 64 bytes into eight lanes, AVX2 where the machine has it, scalar elsewhere.</summary>
public static partial class XxHash3
{
    private const int SecretBytes = 192;
    private const int StripeBytes = 64;
    private const int StripesPerBlock = (SecretBytes - StripeBytes) / 8;

    /// <summary>The secret that belongs to a seed: 192 bytes, worth keeping where one seed hashes many inputs over 240 bytes.</summary>
    public readonly struct SeededSecret
    {
        private readonly Buffer _bytes;

        public SeededSecret(ulong seed)
        {
            Seed = seed;
            Span<byte> bytes = _bytes;
            for (var i = 0; i < SecretBytes; i += 16)
            {
                BinaryPrimitives.WriteUInt64LittleEndian(bytes[i..], SecretAt(i) + seed);
                BinaryPrimitives.WriteUInt64LittleEndian(bytes[(i + 8)..], SecretAt(i + 8) - seed);
            }
        }

        public ulong Seed { get; }

        [UnscopedRef]
        internal ReadOnlySpan<byte> Bytes => _bytes;

        [InlineArray(SecretBytes)]
        private struct Buffer
        {
            private byte _first;
        }
    }

    /// <summary>The reference of the vector path: the same hash with scalar lanes. For tests and benchmarks.</summary>
    public static ulong Hash64Scalar(ReadOnlySpan<byte> data, ulong seed)
    {
        if (data.Length <= ShortBytes)
        {
            return Short64(data, seed);
        }

        var secret = new SeededSecret(seed);
        Lanes lanes = default;
        Start(lanes);
        AccumulateScalar(data, secret.Bytes, lanes);
        return Merge(lanes, secret.Bytes[11..], (ulong)data.Length * Prime64A);
    }

    private static ulong Long64(ReadOnlySpan<byte> data, ReadOnlySpan<byte> secret)
    {
        Lanes lanes = default;
        Accumulate(data, secret, lanes);
        return Merge(lanes, secret[11..], (ulong)data.Length * Prime64A);
    }

    private static UInt128 Long128(ReadOnlySpan<byte> data, ReadOnlySpan<byte> secret)
    {
        Lanes lanes = default;
        Accumulate(data, secret, lanes);
        var low = Merge(lanes, secret[11..], (ulong)data.Length * Prime64A);
        var high = Merge(lanes, secret[(SecretBytes - StripeBytes - 11)..], ~((ulong)data.Length * Prime64B));
        return new UInt128(high, low);
    }

    private static void Accumulate(ReadOnlySpan<byte> data, ReadOnlySpan<byte> secret, Span<ulong> lanes)
    {
        Start(lanes);
        if (Avx2.IsSupported)
        {
            AccumulateAvx2(data, secret, lanes);
        }
        else
        {
            AccumulateScalar(data, secret, lanes);
        }
    }

    private static void Start(Span<ulong> lanes)
    {
        ReadOnlySpan<ulong> start = [Prime32C, Prime64A, Prime64B, Prime64C, Prime64D, Prime32B, Prime64E, Prime32A];
        start.CopyTo(lanes);
    }

    private static void AccumulateAvx2(ReadOnlySpan<byte> data, ReadOnlySpan<byte> secret, Span<ulong> lanes)
    {
        var low = Vector256.Create<ulong>(lanes);
        var high = Vector256.Create<ulong>(lanes[4..]);
        var stripes = (data.Length - 1) / StripeBytes;
        var inBlock = 0;
        for (var stripe = 0; stripe < stripes; stripe++)
        {
            low = Step(low, data[(stripe * StripeBytes)..], secret[(inBlock * 8)..]);
            high = Step(high, data[((stripe * StripeBytes) + 32)..], secret[((inBlock * 8) + 32)..]);
            if (++inBlock == StripesPerBlock)
            {
                low = Scramble(low, secret[(SecretBytes - StripeBytes)..]);
                high = Scramble(high, secret[(SecretBytes - 32)..]);
                inBlock = 0;
            }
        }

        low = Step(low, data[^StripeBytes..], secret[(SecretBytes - StripeBytes - 7)..]);
        high = Step(high, data[^32..], secret[(SecretBytes - 32 - 7)..]);
        low.CopyTo(lanes);
        high.CopyTo(lanes[4..]);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<ulong> Step(Vector256<ulong> lanes, ReadOnlySpan<byte> data, ReadOnlySpan<byte> secret)
    {
        var value = Vector256.Create(data);
        var key = value ^ Vector256.Create(secret);
        var product = Avx2.Multiply(key.AsUInt32(), (key.AsUInt64() >> 32).AsUInt32());
        // Each lane adds the input of its neighbour.
        return lanes + product + Avx2.Shuffle(value.AsUInt32(), 0x4E).AsUInt64();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<ulong> Scramble(Vector256<ulong> lanes, ReadOnlySpan<byte> secret)
    {
        var key = lanes ^ (lanes >> 47) ^ Vector256.Create(secret).AsUInt64();
        var prime = Vector256.Create((ulong)Prime32A).AsUInt32();
        var high = Avx2.Multiply((key >> 32).AsUInt32(), prime);
        return Avx2.Multiply(key.AsUInt32(), prime) + (high << 32);
    }

    private static void AccumulateScalar(ReadOnlySpan<byte> data, ReadOnlySpan<byte> secret, Span<ulong> lanes)
    {
        var stripes = (data.Length - 1) / StripeBytes;
        var inBlock = 0;
        for (var stripe = 0; stripe < stripes; stripe++)
        {
            StepScalar(lanes, data[(stripe * StripeBytes)..], secret[(inBlock * 8)..]);
            if (++inBlock == StripesPerBlock)
            {
                ScrambleScalar(lanes, secret[(SecretBytes - StripeBytes)..]);
                inBlock = 0;
            }
        }

        StepScalar(lanes, data[^StripeBytes..], secret[(SecretBytes - StripeBytes - 7)..]);
    }

    private static void StepScalar(Span<ulong> lanes, ReadOnlySpan<byte> data, ReadOnlySpan<byte> secret)
    {
        for (var i = 0; i < 8; i++)
        {
            var value = At(data, 8 * i);
            var key = value ^ At(secret, 8 * i);
            lanes[i ^ 1] += value;
            lanes[i] += (uint)key * (key >> 32);
        }
    }

    private static void ScrambleScalar(Span<ulong> lanes, ReadOnlySpan<byte> secret)
    {
        for (var i = 0; i < 8; i++)
        {
            lanes[i] = (lanes[i] ^ (lanes[i] >> 47) ^ At(secret, 8 * i)) * Prime32A;
        }
    }

    private static ulong Merge(ReadOnlySpan<ulong> lanes, ReadOnlySpan<byte> secret, ulong start)
    {
        for (var i = 0; i < 8; i += 2)
        {
            start += Fold(lanes[i] ^ At(secret, 8 * i), lanes[i + 1] ^ At(secret, (8 * i) + 8));
        }

        return Avalanche(start);
    }

    [InlineArray(8)]
    private struct Lanes
    {
        private ulong _first;
    }
}
