using System.Buffers.Binary;
using System.Numerics;

namespace Epp.Hashing;

/// <summary>The short paths of the 128-bit hash.</summary>
public static partial class XxHash3
{
    private static UInt128 Short128(ReadOnlySpan<byte> data, ulong seed) => data.Length switch
    {
        0 => new UInt128(Avalanche64(seed ^ SecretAt(80) ^ SecretAt(88)), Avalanche64(seed ^ SecretAt(64) ^ SecretAt(72))),
        <= 3 => Three128(data, seed),
        <= 8 => Four128(data, seed),
        <= 16 => Nine128(data, seed),
        <= 128 => Seventeen128(data, seed),
        _ => Middle128(data, seed),
    };

    private static UInt128 Three128(ReadOnlySpan<byte> data, ulong seed)
    {
        var low = Three(data);
        var high = BitOperations.RotateLeft(BinaryPrimitives.ReverseEndianness(low), 13);
        return new UInt128(
            Avalanche64(high ^ ((Secret32At(8) ^ Secret32At(12)) - seed)), Avalanche64(low ^ ((Secret32At(0) ^ Secret32At(4)) + seed)));
    }

    private static UInt128 Four128(ReadOnlySpan<byte> data, ulong seed)
    {
        var first = BinaryPrimitives.ReadUInt32LittleEndian(data);
        var last = BinaryPrimitives.ReadUInt32LittleEndian(data[^4..]);
        var flip = (SecretAt(16) ^ SecretAt(24)) + FoldedSeed(seed);
        var high = Math.BigMul((first + ((ulong)last << 32)) ^ flip, Prime64A + ((ulong)data.Length << 2), out var low);
        high += low << 1;
        low ^= high >> 3;
        low = (low ^ (low >> 35)) * MixB;
        return new UInt128(Avalanche(high), low ^ (low >> 28));
    }

    private static UInt128 Nine128(ReadOnlySpan<byte> data, ulong seed)
    {
        var first = At(data, 0);
        var last = At(data, data.Length - 8);
        var high = Math.BigMul(first ^ last ^ ((SecretAt(32) ^ SecretAt(40)) - seed), Prime64A, out var low);
        low += (ulong)(data.Length - 1) << 54;
        last ^= (SecretAt(48) ^ SecretAt(56)) + seed;
        high += last + ((ulong)(uint)last * (Prime32B - 1));
        low ^= BinaryPrimitives.ReverseEndianness(high);
        var top = Math.BigMul(low, Prime64B, out var bottom) + (high * Prime64B);
        return new UInt128(Avalanche(top), Avalanche(bottom));
    }

    private static UInt128 Seventeen128(ReadOnlySpan<byte> data, ulong seed)
    {
        var (low, high) = ((ulong)data.Length * Prime64A, 0UL);
        for (var pair = (data.Length - 1) / 32; pair >= 0; pair--)
        {
            Mix32(ref low, ref high, data, 16 * pair, data.Length - (16 * (pair + 1)), 32 * pair, seed);
        }

        return Finish128(low, high, data.Length, seed);
    }

    private static UInt128 Middle128(ReadOnlySpan<byte> data, ulong seed)
    {
        var (low, high) = ((ulong)data.Length * Prime64A, 0UL);
        for (var i = 0; i < 128; i += 32)
        {
            Mix32(ref low, ref high, data, i, i + 16, i, seed);
        }

        low = Avalanche(low);
        high = Avalanche(high);
        for (var i = 128; i + 32 <= data.Length; i += 32)
        {
            Mix32(ref low, ref high, data, i, i + 16, i - 128 + 3, seed);
        }

        Mix32(ref low, ref high, data, data.Length - 16, data.Length - 32, 136 - 17 - 16, 0 - seed);
        return Finish128(low, high, data.Length, seed);
    }

    private static void Mix32(ref ulong low, ref ulong high, ReadOnlySpan<byte> data, int first, int second, int secretAt, ulong seed)
    {
        low += Mix(data, first, secretAt, seed);
        low ^= At(data, second) + At(data, second + 8);
        high += Mix(data, second, secretAt + 16, seed);
        high ^= At(data, first) + At(data, first + 8);
    }

    private static UInt128 Finish128(ulong low, ulong high, int length, ulong seed)
    {
        var top = (low * Prime64A) + (high * Prime64D) + (((ulong)length - seed) * Prime64B);
        return new UInt128(0 - Avalanche(top), Avalanche(low + high));
    }
}
