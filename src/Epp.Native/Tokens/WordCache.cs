using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Epp.Native.Tokens;

/// <summary>
/// Ids of words seen before. Belongs to one encoder, so it takes no lock. A key of up to 16 bytes is two numbers; of a longer one
/// the bytes are kept and compared: a hash alone never decides. Two places per word; when the room for long keys and ids is used up, all
/// is forgotten.
/// </summary>
internal sealed class WordCache
{
    /// <summary>Longer words are not kept.</summary>
    public const int MaxWordBytes = 128;

    private const int Slots = 1 << 15;
    private const int ArenaBytes = 1 << 20;
    private const int ArenaIds = 1 << 18;
    private const int InlineBytes = 16;

    private struct Slot
    {
        public ulong A;
        public ulong B;

        // The id itself where there is one, else where the ids start.
        public uint Id;
        public int KeyStart;
        public byte KeyBytes;
        public byte Count;
    }

    private readonly Slot[] _slots = new Slot[Slots];
    private readonly byte[] _keys = new byte[ArenaBytes];
    private readonly uint[] _ids = new uint[ArenaIds];
    private int _keyBytes;
    private int _idCount;

    /// <summary>Adds the ids of a word of 1 to <see cref="MaxWordBytes"/> bytes at a position of a text; false where it is not known.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryGet(ReadOnlySpan<byte> text, int at, int length, TokenBuffer ids)
    {
        Read(text, at, length, out var a, out var b);
        var index = Index(a, b, length);
        ref readonly var slot = ref _slots[index];
        if (slot.A != a || slot.B != b || slot.KeyBytes != length || (length > InlineBytes && !SameTail(slot, text.Slice(at, length))))
        {
            slot = ref _slots[index ^ 1];
            if (slot.A != a || slot.B != b || slot.KeyBytes != length || (length > InlineBytes && !SameTail(slot, text.Slice(at, length))))
            {
                return false;
            }
        }

        if (slot.Count == 1)
        {
            ids.Add(slot.Id);
        }
        else
        {
            ids.Add(_ids.AsSpan((int)slot.Id, slot.Count));
        }

        return true;
    }

    public void Set(ReadOnlySpan<byte> word, ReadOnlySpan<uint> ids)
    {
        if (_idCount + ids.Length > ArenaIds || _keyBytes + word.Length > ArenaBytes)
        {
            Array.Clear(_slots);
            (_keyBytes, _idCount) = (0, 0);
        }

        Read(word, 0, word.Length, out var a, out var b);
        var index = Index(a, b, word.Length);

        // The newest stands first, what it displaces second.
        _slots[index ^ 1] = _slots[index].KeyBytes == 0 ? _slots[index ^ 1] : _slots[index];
        ref var slot = ref _slots[index];
        slot = new Slot { A = a, B = b, KeyBytes = (byte)word.Length, Count = (byte)ids.Length };
        if (ids.Length == 1)
        {
            slot.Id = ids[0];
        }
        else
        {
            slot.Id = (uint)_idCount;
            ids.CopyTo(_ids.AsSpan(_idCount));
            _idCount += ids.Length;
        }

        if (word.Length > InlineBytes)
        {
            slot.KeyStart = _keyBytes;
            word.CopyTo(_keys.AsSpan(_keyBytes));
            _keyBytes += word.Length;
        }
    }

    private bool SameTail(in Slot slot, ReadOnlySpan<byte> word) => word.SequenceEqual(_keys.AsSpan(slot.KeyStart, word.Length));

    // The first sixteen bytes, padded with zeros, which with the length are the key; of a longer one, with a hash of the rest in them.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Read(ReadOnlySpan<byte> text, int at, int length, out ulong a, out ulong b)
    {
        if ((uint)at + InlineBytes > (uint)text.Length)
        {
            ReadAtEnd(text, at, length, out a, out b);
            return;
        }

        var rest = text.Slice(at, InlineBytes);
        a = BinaryPrimitives.ReadUInt64LittleEndian(rest);
        b = 0;
        if (length < 8)
        {
            a &= (1ul << (8 * length)) - 1;
            return;
        }

        b = BinaryPrimitives.ReadUInt64LittleEndian(rest[8..]);
        if (length < InlineBytes)
        {
            b &= (1ul << (8 * (length - 8))) - 1;
        }
        else if (length > InlineBytes)
        {
            Mix(text.Slice(at, length), ref a, ref b);
        }
    }

    private static void ReadAtEnd(ReadOnlySpan<byte> text, int at, int length, out ulong a, out ulong b)
    {
        Span<byte> start = stackalloc byte[InlineBytes];
        start.Clear();
        text.Slice(at, Math.Min(length, InlineBytes)).CopyTo(start);
        a = BinaryPrimitives.ReadUInt64LittleEndian(start);
        b = BinaryPrimitives.ReadUInt64LittleEndian(start[8..]);
        if (length > InlineBytes)
        {
            Mix(text.Slice(at, length), ref a, ref b);
        }
    }

    // The last eight bytes may overlap the ones before.
    private static void Mix(ReadOnlySpan<byte> word, ref ulong a, ref ulong b)
    {
        for (var i = InlineBytes; i + 8 < word.Length; i += 8)
        {
            a = (a ^ BinaryPrimitives.ReadUInt64LittleEndian(word[i..])) * 0x9E3779B97F4A7C15;
            b += a ^ (a >> 32);
        }

        b ^= BinaryPrimitives.ReadUInt64LittleEndian(word[^8..]) * 0xD6E8FEB86659FD93;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Index(ulong a, ulong b, int length)
    {
        var hash = ((a ^ (ulong)length) * 0x9E3779B97F4A7C15) ^ (b * 0xD6E8FEB86659FD93);
        return (int)((hash ^ (hash >> 32)) * 0xFF51AFD7ED558CCD >> (64 - 15));
    }
}
