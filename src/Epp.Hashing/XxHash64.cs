using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace Epp.Hashing;

/// <summary>
/// XXH64 (https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md): <see cref="Hash(ReadOnlySpan{byte}, ulong)"/> for bytes at
/// hand, or a value of this type for bytes that arrive in pieces. The value allocates nothing; copy it to branch. Not thread-safe.
/// </summary>
public struct XxHash64
{
    /// <summary>Bytes the four lanes take in one step.</summary>
    private const int StripeBytes = 32;

    private const ulong Prime1 = 0x9E3779B185EBCA87;
    private const ulong Prime2 = 0xC2B2AE3D27D4EB4F;
    private const ulong Prime3 = 0x165667B19E3779F9;
    private const ulong Prime4 = 0x85EBCA77C2B2AE63;
    private const ulong Prime5 = 0x27D4EB2F165667C5;

    private readonly ulong _seed;
    private ulong _lane1;
    private ulong _lane2;
    private ulong _lane3;
    private ulong _lane4;
    private ulong _length;
    private Stripe _pending;

    /// <summary>Starts a hash of no bytes.</summary>
    public XxHash64(ulong seed)
    {
        _seed = seed;
        _lane1 = seed + Prime1 + Prime2;
        _lane2 = seed + Prime2;
        _lane3 = seed;
        _lane4 = seed - Prime1;
    }

    /// <summary>The hash of <paramref name="data"/>.</summary>
    public static ulong Hash(ReadOnlySpan<byte> data, ulong seed = 0)
    {
        var length = (ulong)data.Length;
        if (data.Length < StripeBytes)
        {
            return Finish(seed + Prime5 + length, data);
        }

        var lane1 = seed + Prime1 + Prime2;
        var lane2 = seed + Prime2;
        var lane3 = seed;
        var lane4 = seed - Prime1;
        data = Stripes(ref lane1, ref lane2, ref lane3, ref lane4, data);
        return Finish(Merge(lane1, lane2, lane3, lane4) + length, data);
    }

    /// <summary>The hash of <paramref name="data"/> followed by the eight little-endian bytes of <paramref name="suffix"/>.</summary>
    public static ulong Hash(ReadOnlySpan<byte> data, ulong suffix, ulong seed)
    {
        if (data.Length < StripeBytes || (data.Length & 7) != 0 || (data.Length & (StripeBytes - 1)) == StripeBytes - 8)
        {
            var whole = new XxHash64(seed);
            whole.Append(data);
            Span<byte> tail = stackalloc byte[8];
            BinaryPrimitives.WriteUInt64LittleEndian(tail, suffix);
            whole.Append(tail);
            return whole.Digest();
        }

        // What is left after the stripes is 0, 8 or 16 bytes, so the suffix is one more eight-byte step of the same tail.
        var length = (ulong)data.Length + 8;
        var lane1 = seed + Prime1 + Prime2;
        var lane2 = seed + Prime2;
        var lane3 = seed;
        var lane4 = seed - Prime1;
        data = Stripes(ref lane1, ref lane2, ref lane3, ref lane4, data);
        var hash = Merge(lane1, lane2, lane3, lane4) + length;
        for (; data.Length >= 8; data = data[8..])
        {
            hash = Eight(hash, BinaryPrimitives.ReadUInt64LittleEndian(data));
        }

        return Avalanche(Eight(hash, suffix));
    }

    /// <summary>The hash of the sixteen little-endian bytes of <paramref name="first"/> and <paramref name="second"/>.</summary>
    public static ulong Hash(ulong first, ulong second, ulong seed = 0) =>
        Avalanche(Eight(Eight(seed + Prime5 + 16, first), second));

    /// <summary>Adds bytes to the end.</summary>
    public void Append(ReadOnlySpan<byte> data)
    {
        var held = (int)(_length & (StripeBytes - 1));
        _length += (ulong)data.Length;
        if (held != 0)
        {
            var room = StripeBytes - held;
            if (data.Length < room)
            {
                data.CopyTo(_pending[held..]);
                return;
            }

            data[..room].CopyTo(_pending[held..]);
            Stripes(ref _lane1, ref _lane2, ref _lane3, ref _lane4, _pending);
            data = data[room..];
        }

        data = Stripes(ref _lane1, ref _lane2, ref _lane3, ref _lane4, data);
        data.CopyTo(_pending);
    }

    /// <summary>The hash of everything appended; more may be appended afterwards.</summary>
    public readonly ulong Digest()
    {
        ReadOnlySpan<byte> rest = _pending;
        rest = rest[..(int)(_length & (StripeBytes - 1))];
        return _length < StripeBytes
            ? Finish(_seed + Prime5 + _length, rest)
            : Finish(Merge(_lane1, _lane2, _lane3, _lane4) + _length, rest);
    }

    private static ReadOnlySpan<byte> Stripes(
        scoped ref ulong lane1, scoped ref ulong lane2, scoped ref ulong lane3, scoped ref ulong lane4, ReadOnlySpan<byte> data)
    {
        // Locals, because lanes behind references would be stored and loaded once per stripe.
        var (a, b, c, d) = (lane1, lane2, lane3, lane4);
        while (data.Length >= StripeBytes)
        {
            a = Round(a, BinaryPrimitives.ReadUInt64LittleEndian(data));
            b = Round(b, BinaryPrimitives.ReadUInt64LittleEndian(data[8..]));
            c = Round(c, BinaryPrimitives.ReadUInt64LittleEndian(data[16..]));
            d = Round(d, BinaryPrimitives.ReadUInt64LittleEndian(data[24..]));
            data = data[StripeBytes..];
        }

        (lane1, lane2, lane3, lane4) = (a, b, c, d);
        return data;
    }

    private static ulong Finish(ulong hash, ReadOnlySpan<byte> rest)
    {
        for (; rest.Length >= 8; rest = rest[8..])
        {
            hash = Eight(hash, BinaryPrimitives.ReadUInt64LittleEndian(rest));
        }

        if (rest.Length >= 4)
        {
            hash ^= BinaryPrimitives.ReadUInt32LittleEndian(rest) * Prime1;
            hash = (BitOperations.RotateLeft(hash, 23) * Prime2) + Prime3;
            rest = rest[4..];
        }

        foreach (var value in rest)
        {
            hash = BitOperations.RotateLeft(hash ^ (value * Prime5), 11) * Prime1;
        }

        return Avalanche(hash);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Round(ulong lane, ulong input) => BitOperations.RotateLeft(lane + (input * Prime2), 31) * Prime1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Eight(ulong hash, ulong input) => (BitOperations.RotateLeft(hash ^ Round(0, input), 27) * Prime1) + Prime4;

    private static ulong Merge(ulong lane1, ulong lane2, ulong lane3, ulong lane4)
    {
        var hash = BitOperations.RotateLeft(lane1, 1) + BitOperations.RotateLeft(lane2, 7)
            + BitOperations.RotateLeft(lane3, 12) + BitOperations.RotateLeft(lane4, 18);
        hash = MergeLane(hash, lane1);
        hash = MergeLane(hash, lane2);
        hash = MergeLane(hash, lane3);
        return MergeLane(hash, lane4);
    }

    private static ulong MergeLane(ulong hash, ulong lane) => ((hash ^ Round(0, lane)) * Prime1) + Prime4;

    private static ulong Avalanche(ulong hash)
    {
        hash = (hash ^ (hash >> 33)) * Prime2;
        hash = (hash ^ (hash >> 29)) * Prime3;
        return hash ^ (hash >> 32);
    }

    [InlineArray(StripeBytes)]
    private struct Stripe
    {
        private byte _first;
    }
}
