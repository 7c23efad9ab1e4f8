using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace Epp.Hashing;

/// <summary>
/// XXH3 with a seed, 64 and 128 bits (https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md): the 64-bit one for Dynamo's block
/// hashes, the 128-bit one for vLLM's <c>xxhash</c> algorithms. Allocates nothing; safe to share.
/// </summary>
public static partial class XxHash3
{
    /// <summary>Longest input of the short paths; beyond it the stripes of the long path begin.</summary>
    private const int ShortBytes = 240;

    private const uint Prime32A = 0x9E3779B1;
    private const uint Prime32B = 0x85EBCA77;
    private const uint Prime32C = 0xC2B2AE3D;
    private const ulong Prime64A = 0x9E3779B185EBCA87;
    private const ulong Prime64B = 0xC2B2AE3D27D4EB4F;
    private const ulong Prime64C = 0x165667B19E3779F9;
    private const ulong Prime64D = 0x85EBCA77C2B2AE63;
    private const ulong Prime64E = 0x27D4EB2F165667C5;
    private const ulong MixA = 0x165667919E3779F9;
    private const ulong MixB = 0x9FB21C651E98DF25;

    /// <summary>The algorithm's default secret, 192 bytes.</summary>
    private static ReadOnlySpan<byte> DefaultSecret =>
    [
        0xb8, 0xfe, 0x6c, 0x39, 0x23, 0xa4, 0x4b, 0xbe, 0x7c, 0x01, 0x81, 0x2c, 0xf7, 0x21, 0xad, 0x1c, 0xde, 0xd4, 0x6d, 0xe9, 0x83, 0x90, 0x97, 0xdb,
        0x72, 0x40, 0xa4, 0xa4, 0xb7, 0xb3, 0x67, 0x1f, 0xcb, 0x79, 0xe6, 0x4e, 0xcc, 0xc0, 0xe5, 0x78, 0x82, 0x5a, 0xd0, 0x7d, 0xcc, 0xff, 0x72, 0x21,
        0xb8, 0x08, 0x46, 0x74, 0xf7, 0x43, 0x24, 0x8e, 0xe0, 0x35, 0x90, 0xe6, 0x81, 0x3a, 0x26, 0x4c, 0x3c, 0x28, 0x52, 0xbb, 0x91, 0xc3, 0x00, 0xcb,
        0x88, 0xd0, 0x65, 0x8b, 0x1b, 0x53, 0x2e, 0xa3, 0x71, 0x64, 0x48, 0x97, 0xa2, 0x0d, 0xf9, 0x4e, 0x38, 0x19, 0xef, 0x46, 0xa9, 0xde, 0xac, 0xd8,
        0xa8, 0xfa, 0x76, 0x3f, 0xe3, 0x9c, 0x34, 0x3f, 0xf9, 0xdc, 0xbb, 0xc7, 0xc7, 0x0b, 0x4f, 0x1d, 0x8a, 0x51, 0xe0, 0x4b, 0xcd, 0xb4, 0x59, 0x31,
        0xc8, 0x9f, 0x7e, 0xc9, 0xd9, 0x78, 0x73, 0x64, 0xea, 0xc5, 0xac, 0x83, 0x34, 0xd3, 0xeb, 0xc3, 0xc5, 0x81, 0xa0, 0xff, 0xfa, 0x13, 0x63, 0xeb,
        0x17, 0x0d, 0xdd, 0x51, 0xb7, 0xf0, 0xda, 0x49, 0xd3, 0x16, 0x55, 0x26, 0x29, 0xd4, 0x68, 0x9e, 0x2b, 0x16, 0xbe, 0x58, 0x7d, 0x47, 0xa1, 0xfc,
        0x8f, 0xf8, 0xb8, 0xd1, 0x7a, 0xd0, 0x31, 0xce, 0x45, 0xcb, 0x3a, 0x8f, 0x95, 0x16, 0x04, 0x28, 0xaf, 0xd7, 0xfb, 0xca, 0xbb, 0x4b, 0x40, 0x7e,
    ];

    /// <summary>The 64-bit hash of <paramref name="data"/>.</summary>
    public static ulong Hash64(ReadOnlySpan<byte> data, ulong seed = 0)
    {
        if (data.Length <= ShortBytes)
        {
            return Short64(data, seed);
        }

        if (seed == 0)
        {
            return Long64(data, DefaultSecret);
        }

        var secret = new SeededSecret(seed);
        return Long64(data, secret.Bytes);
    }

    /// <summary>The same where the secret of the seed is kept, because many inputs share one seed.</summary>
    public static ulong Hash64(ReadOnlySpan<byte> data, in SeededSecret secret) =>
        data.Length <= ShortBytes ? Short64(data, secret.Seed) : Long64(data, secret.Bytes);

    /// <summary>The 64-bit hash of the sixteen little-endian bytes of two numbers: one link of a chain.</summary>
    public static ulong Hash64(ulong first, ulong second, ulong seed) => Nine64(first, second, 16, seed);

    /// <summary>The 128-bit hash of <paramref name="data"/>; its canonical digest is the sixteen big-endian bytes.</summary>
    public static UInt128 Hash128(ReadOnlySpan<byte> data, ulong seed = 0)
    {
        if (data.Length <= ShortBytes)
        {
            return Short128(data, seed);
        }

        if (seed == 0)
        {
            return Long128(data, DefaultSecret);
        }

        var secret = new SeededSecret(seed);
        return Long128(data, secret.Bytes);
    }

    private static ulong Short64(ReadOnlySpan<byte> data, ulong seed)
    {
        var length = data.Length;
        return length switch
        {
            0 => Avalanche64(seed ^ SecretAt(56) ^ SecretAt(64)),
            <= 3 => Avalanche64(Three(data) ^ ((Secret32At(0) ^ Secret32At(4)) + seed)),
            <= 8 => Four64(data, seed),
            <= 16 => Nine64(At(data, 0), At(data, length - 8), length, seed),
            64 => SixtyFour64(data[..64], seed),
            <= 128 => Seventeen64(data, seed),
            _ => Middle64(data, seed),
        };
    }

    private static uint Three(ReadOnlySpan<byte> data) =>
        ((uint)data[0] << 16) | ((uint)data[data.Length >> 1] << 24) | data[^1] | ((uint)data.Length << 8);

    private static ulong Four64(ReadOnlySpan<byte> data, ulong seed)
    {
        var first = BinaryPrimitives.ReadUInt32LittleEndian(data);
        var last = BinaryPrimitives.ReadUInt32LittleEndian(data[^4..]);
        var flip = (SecretAt(8) ^ SecretAt(16)) - FoldedSeed(seed);
        var hash = (last + ((ulong)first << 32)) ^ flip;
        hash ^= BitOperations.RotateLeft(hash, 49) ^ BitOperations.RotateLeft(hash, 24);
        hash *= MixB;
        hash ^= (hash >> 35) + (ulong)data.Length;
        hash *= MixB;
        return hash ^ (hash >> 28);
    }

    private static ulong FoldedSeed(ulong seed) => seed ^ ((ulong)BinaryPrimitives.ReverseEndianness((uint)seed) << 32);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Nine64(ulong first, ulong last, int length, ulong seed)
    {
        var low = first ^ ((SecretAt(24) ^ SecretAt(32)) + seed);
        var high = last ^ ((SecretAt(40) ^ SecretAt(48)) - seed);
        return Avalanche((ulong)length + BinaryPrimitives.ReverseEndianness(low) + high + Fold(low, high));
    }

    // Sixteen tokens, the commonest block: with a length that the compiler knows, no bound is checked. Inlined into its one caller.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong SixtyFour64(ReadOnlySpan<byte> data, ulong seed) => Avalanche(unchecked(64 * Prime64A)
        + Mix(data, 0, 0, seed) + Mix(data, 48, 16, seed) + Mix(data, 16, 32, seed) + Mix(data, 32, 48, seed));

    private static ulong Seventeen64(ReadOnlySpan<byte> data, ulong seed)
    {
        var hash = (ulong)data.Length * Prime64A;
        for (var pair = (data.Length - 1) / 32; pair >= 0; pair--)
        {
            hash += Mix(data, 16 * pair, 32 * pair, seed);
            hash += Mix(data, data.Length - (16 * (pair + 1)), (32 * pair) + 16, seed);
        }

        return Avalanche(hash);
    }

    private static ulong Middle64(ReadOnlySpan<byte> data, ulong seed)
    {
        var hash = (ulong)data.Length * Prime64A;
        var rounds = data.Length / 16;
        for (var i = 0; i < 8; i++)
        {
            hash += Mix(data, 16 * i, 16 * i, seed);
        }

        hash = Avalanche(hash);
        for (var i = 8; i < rounds; i++)
        {
            hash += Mix(data, 16 * i, (16 * (i - 8)) + 3, seed);
        }

        return Avalanche(hash + Mix(data, data.Length - 16, 136 - 17, seed));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Mix(ReadOnlySpan<byte> data, int at, int secretAt, ulong seed) =>
        Fold(At(data, at) ^ (SecretAt(secretAt) + seed), At(data, at + 8) ^ (SecretAt(secretAt + 8) - seed));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong At(ReadOnlySpan<byte> data, int at) => BinaryPrimitives.ReadUInt64LittleEndian(data[at..]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong SecretAt(int at) => BinaryPrimitives.ReadUInt64LittleEndian(DefaultSecret[at..]);

    private static ulong Secret32At(int at) => BinaryPrimitives.ReadUInt32LittleEndian(DefaultSecret[at..]);

    /// <summary>Both halves of the 128-bit product, folded by exclusive or.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Fold(ulong a, ulong b)
    {
        var high = Math.BigMul(a, b, out var low);
        return high ^ low;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Avalanche(ulong hash)
    {
        hash = (hash ^ (hash >> 37)) * MixA;
        return hash ^ (hash >> 32);
    }

    /// <summary>The final mix of XXH64, which the shortest inputs share.</summary>
    private static ulong Avalanche64(ulong hash)
    {
        hash = (hash ^ (hash >> 33)) * Prime64B;
        hash = (hash ^ (hash >> 29)) * Prime64C;
        return hash ^ (hash >> 32);
    }
}
