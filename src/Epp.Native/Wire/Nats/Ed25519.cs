using System.Security.Cryptography;

namespace Epp.Native.Wire.Nats;

/// <summary>
/// Ed25519 signatures (RFC 8032, section 5.1), which the base library lacks. Written for the one signature per connection that an NKey needs:
/// field elements are 16 limbs of 16 bits, points are added by the complete formula for a = −1, and the pattern of operations does
/// not depend on the key.
/// </summary>
internal static class Ed25519
{
    public const int KeyBytes = 32;

    private static readonly long[] D2 = Element("2406d9dc56dffce7198e80f2eef3d13000e0149a8283b156ebd69b9426b2f159");
    private static readonly long[] BaseX = Element("216936d3cd6e53fec0a4e231fdd6dc5c692cc7609525a7b2c9562d608f25d51a");
    private static readonly long[] BaseY = Element("6666666666666666666666666666666666666666666666666666666666666658");

    /// <summary>The order of the base point, in 32-bit limbs, least significant first.</summary>
    private static readonly uint[] Order = [0x5cf5d3ed, 0x5812631a, 0xa2f79cd6, 0x14def9de, 0, 0, 0, 0x10000000, 0];

    public static byte[] PublicKey(ReadOnlySpan<byte> seed)
    {
        Span<byte> expanded = stackalloc byte[64];
        Expand(seed, expanded);
        return Encode(Multiply(expanded[..32]));
    }

    public static byte[] Sign(ReadOnlySpan<byte> seed, ReadOnlySpan<byte> message)
    {
        Span<byte> expanded = stackalloc byte[64];
        Expand(seed, expanded);
        var secret = Modulo(expanded[..32]);
        var key = Encode(Multiply(expanded[..32]));
        var r = Modulo(Digest(expanded[32..], message, default));
        var signature = new byte[64];
        Encode(Multiply(Bytes(r))).CopyTo(signature, 0);
        var k = Modulo(Digest(signature.AsSpan(0, 32), key, message));
        Bytes(MultiplyAdd(k, secret, r)).CopyTo(signature, 32);
        return signature;
    }

    private static void Expand(ReadOnlySpan<byte> seed, Span<byte> expanded)
    {
        SHA512.HashData(seed, expanded);
        expanded[0] &= 248;
        expanded[31] &= 127;
        expanded[31] |= 64;
    }

    private static byte[] Digest(ReadOnlySpan<byte> a, ReadOnlySpan<byte> b, ReadOnlySpan<byte> c)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA512);
        hash.AppendData(a);
        hash.AppendData(b);
        hash.AppendData(c);
        return hash.GetHashAndReset();
    }

    /// <summary>Multiples of the base point: 256 doublings and additions, of which a selection decides.</summary>
    private static long[][] Multiply(ReadOnlySpan<byte> scalar)
    {
        long[][] sum = [new long[16], One(), One(), new long[16]];
        long[][] point = [(long[])BaseX.Clone(), (long[])BaseY.Clone(), One(), Mul(BaseX, BaseY)];
        for (var bit = 255; bit >= 0; bit--)
        {
            sum = Add(sum, sum);
            var added = Add(sum, point);
            long mask = -((scalar[bit >> 3] >> (bit & 7)) & 1);
            for (var i = 0; i < 4; i++)
            {
                for (var j = 0; j < 16; j++)
                {
                    sum[i][j] ^= mask & (sum[i][j] ^ added[i][j]);
                }
            }
        }

        return sum;
    }

    /// <summary>Extended coordinates X, Y, Z, T; RFC 8032, section 5.1.4.</summary>
    private static long[][] Add(long[][] p, long[][] q)
    {
        var a = Mul(Sub(p[1], p[0]), Sub(q[1], q[0]));
        var b = Mul(Sum(p[1], p[0]), Sum(q[1], q[0]));
        var c = Mul(Mul(p[3], D2), q[3]);
        var d = Mul(p[2], q[2]);
        d = Sum(d, d);
        var (e, f, g, h) = (Sub(b, a), Sub(d, c), Sum(d, c), Sum(b, a));
        return [Mul(e, f), Mul(g, h), Mul(f, g), Mul(e, h)];
    }

    private static byte[] Encode(long[][] point)
    {
        // 1/Z = Z^(p − 2), p − 2 = 2^255 − 21: every bit but those of 2 and 4 is set.
        var inverse = One();
        for (var bit = 254; bit >= 0; bit--)
        {
            inverse = Mul(inverse, inverse);
            inverse = bit is 2 or 4 ? inverse : Mul(inverse, point[2]);
        }

        var bytes = Pack(Mul(point[1], inverse));
        bytes[31] |= (byte)((Pack(Mul(point[0], inverse))[0] & 1) << 7);
        return bytes;
    }

    private static long[] One() => [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

    private static long[] Element(string hex)
    {
        var bytes = Convert.FromHexString(hex);
        var element = new long[16];
        for (var i = 0; i < 16; i++)
        {
            element[i] = (bytes[30 - (2 * i)] << 8) | bytes[31 - (2 * i)];
        }

        return element;
    }

    private static long[] Sum(long[] a, long[] b)
    {
        var sum = new long[16];
        for (var i = 0; i < 16; i++)
        {
            sum[i] = a[i] + b[i];
        }

        return sum;
    }

    private static long[] Sub(long[] a, long[] b)
    {
        var difference = new long[16];
        for (var i = 0; i < 16; i++)
        {
            difference[i] = a[i] - b[i];
        }

        return difference;
    }

    /// <summary>Limbs of the factors stay below 2^18, so 31 sums of 16 products stay far below 2^63. 2^256 = 38 modulo p.</summary>
    private static long[] Mul(long[] a, long[] b)
    {
        Span<long> wide = stackalloc long[31];
        wide.Clear();
        for (var i = 0; i < 16; i++)
        {
            for (var j = 0; j < 16; j++)
            {
                wide[i + j] += a[i] * b[j];
            }
        }

        var product = new long[16];
        for (var i = 0; i < 16; i++)
        {
            product[i] = wide[i] + (i < 15 ? 38 * wide[i + 16] : 0);
        }

        Carry(product);
        Carry(product);
        return product;
    }

    private static void Carry(long[] element)
    {
        for (var i = 0; i < 16; i++)
        {
            var carry = element[i] >> 16;
            element[i] -= carry << 16;
            element[(i + 1) & 15] += i < 15 ? carry : 38 * carry;
        }
    }

    /// <summary>The one representative in 0 … p − 1, little-endian.</summary>
    private static byte[] Pack(long[] element)
    {
        var reduced = (long[])element.Clone();
        Carry(reduced);
        Carry(reduced);
        Carry(reduced);
        for (var pass = 0; pass < 2; pass++)
        {
            // Subtract p = 2^255 − 19 where that leaves no borrow.
            var less = new long[16];
            var borrow = 0L;
            for (var i = 0; i < 16; i++)
            {
                var limb = reduced[i] - (i == 0 ? 0xffed : i == 15 ? 0x7fff : 0xffff) - borrow;
                borrow = (limb >> 16) & 1;
                less[i] = limb & 0xffff;
            }

            for (var i = 0; i < 16; i++)
            {
                reduced[i] = borrow == 1 ? reduced[i] : less[i];
            }
        }

        var bytes = new byte[KeyBytes];
        for (var i = 0; i < 16; i++)
        {
            (bytes[2 * i], bytes[(2 * i) + 1]) = ((byte)reduced[i], (byte)(reduced[i] >> 8));
        }

        return bytes;
    }

    /// <summary>A little-endian number modulo the order, bit by bit from the top.</summary>
    private static uint[] Modulo(ReadOnlySpan<byte> number)
    {
        var rest = new uint[9];
        for (var bit = (number.Length * 8) - 1; bit >= 0; bit--)
        {
            Shift(rest, (uint)((number[bit >> 3] >> (bit & 7)) & 1));
        }

        return rest;
    }

    /// <summary><c>rest = (2 · rest + bit) mod order</c>.</summary>
    private static void Shift(uint[] rest, uint bit)
    {
        var carry = bit;
        for (var i = 0; i < 9; i++)
        {
            (rest[i], carry) = ((rest[i] << 1) | carry, rest[i] >> 31);
        }

        Reduce(rest);
    }

    private static void Reduce(uint[] rest)
    {
        Span<uint> less = stackalloc uint[9];
        var borrow = 0L;
        for (var i = 0; i < 9; i++)
        {
            var limb = rest[i] - (long)Order[i] + borrow;
            less[i] = (uint)limb;
            borrow = limb >> 32;
        }

        var keep = (uint)borrow;
        for (var i = 0; i < 9; i++)
        {
            rest[i] = (rest[i] & keep) | (less[i] & ~keep);
        }
    }

    /// <summary><c>(a · b + c) mod order</c>: double and add over the bits of a.</summary>
    private static uint[] MultiplyAdd(uint[] a, uint[] b, uint[] c)
    {
        var sum = new uint[9];
        for (var bit = 255; bit >= 0; bit--)
        {
            Shift(sum, 0);
            AddReduced(sum, b, (uint)-(int)((a[bit >> 5] >> (bit & 31)) & 1));
        }

        AddReduced(sum, c, uint.MaxValue);
        return sum;
    }

    private static void AddReduced(uint[] sum, uint[] b, uint mask)
    {
        var carry = 0UL;
        for (var i = 0; i < 9; i++)
        {
            carry += (ulong)sum[i] + (b[i] & mask);
            sum[i] = (uint)carry;
            carry >>= 32;
        }

        Reduce(sum);
    }

    private static byte[] Bytes(uint[] scalar)
    {
        var bytes = new byte[KeyBytes];
        for (var i = 0; i < 8; i++)
        {
            System.Buffers.Binary.BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(4 * i), scalar[i]);
        }

        return bytes;
    }
}
