using System.Buffers.Binary;
using System.Numerics;

namespace Epp.Hashing;

/// <summary>
/// SipHash-1-3 (https://www.aumasson.jp/siphash/siphash.pdf, one compression and three final rounds): what Rust's DefaultHasher is, with
/// a zero key. Dynamo derives a worker's instance id from its pod name with it.
/// </summary>
public static class SipHash13
{
    /// <summary>Instance ids keep 53 bits, so that JSON readers with doubles keep them whole.</summary>
    private const ulong InstanceIdMask = 0x001FFFFFFFFFFFFF;

    /// <summary>The hash of <paramref name="data"/> under a 128-bit key.</summary>
    public static ulong Hash(ReadOnlySpan<byte> data, ulong key0 = 0, ulong key1 = 0)
    {
        var state = new State(key0, key1);
        var length = (ulong)data.Length;
        for (; data.Length >= 8; data = data[8..])
        {
            state.Add(BinaryPrimitives.ReadUInt64LittleEndian(data));
        }

        state.Add((length << 56) | Tail(data));
        return state.Finish();
    }

    /// <summary>Dynamo's instance id of a pod, or of <c>pod-container</c>: the hash of the UTF-8 name and a byte 0xFF, masked to 53 bits.</summary>
    public static ulong InstanceId(ReadOnlySpan<byte> name)
    {
        var state = new State(0, 0);
        var length = (ulong)name.Length + 1;
        for (; name.Length >= 8; name = name[8..])
        {
            state.Add(BinaryPrimitives.ReadUInt64LittleEndian(name));
        }

        var tail = Tail(name) | (0xFFUL << (8 * name.Length));
        if (name.Length == 7)
        {
            state.Add(tail);
            tail = 0;
        }

        state.Add((length << 56) | tail);
        return state.Finish() & InstanceIdMask;
    }

    private static ulong Tail(ReadOnlySpan<byte> data)
    {
        var tail = 0UL;
        for (var i = 0; i < data.Length; i++)
        {
            tail |= (ulong)data[i] << (8 * i);
        }

        return tail;
    }

    private struct State(ulong key0, ulong key1)
    {
        private ulong _a = key0 ^ 0x736F6D6570736575;
        private ulong _b = key1 ^ 0x646F72616E646F6D;
        private ulong _c = key0 ^ 0x6C7967656E657261;
        private ulong _d = key1 ^ 0x7465646279746573;

        public void Add(ulong word)
        {
            _d ^= word;
            Round();
            _a ^= word;
        }

        public ulong Finish()
        {
            _c ^= 0xFF;
            Round();
            Round();
            Round();
            return _a ^ _b ^ _c ^ _d;
        }

        private void Round()
        {
            _a += _b;
            _b = BitOperations.RotateLeft(_b, 13) ^ _a;
            _a = BitOperations.RotateLeft(_a, 32);
            _c += _d;
            _d = BitOperations.RotateLeft(_d, 16) ^ _c;
            _a += _d;
            _d = BitOperations.RotateLeft(_d, 21) ^ _a;
            _c += _b;
            _b = BitOperations.RotateLeft(_b, 17) ^ _c;
            _c = BitOperations.RotateLeft(_c, 32);
        }
    }
}
