using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Epp.Native.Tokens;

/// <summary>
/// Ids of words seen before. Belongs to one encoder, so it takes no lock. A key of up to 16 bytes is its own two numbers; of a longer one
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

    /// <summary>Adds the ids of a word of 1 to <see cref="MaxWordBytes"/> bytes; false where it is not known.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryGet(ReadOnlySpan<byte> word, TokenBuffer ids)
    {
        Read(word, out var a, out var b);
        var index = Index(a, b, word.Length);
        ref readonly var slot = ref _slots[index];
        if (!Holds(slot, word, a, b))
        {
            slot = ref _slots[index ^ 1];
            if (!Holds(slot, word, a, b))
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

        Read(word, out var a, out var b);
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

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool Holds(in Slot slot, ReadOnlySpan<byte> word, ulong a, ulong b) =>
        slot.A == a && slot.B == b && slot.KeyBytes == word.Length
        && (word.Length <= InlineBytes || word.SequenceEqual(_keys.AsSpan(slot.KeyStart, word.Length)));

    // Two numbers that, with the length, are the key up to 16 bytes; beyond, a hash of it.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Read(ReadOnlySpan<byte> word, out ulong a, out ulong b)
    {
        if (word.Length >= 8)
        {
            a = BinaryPrimitives.ReadUInt64LittleEndian(word);
            b = BinaryPrimitives.ReadUInt64LittleEndian(word[^8..]);
            if (word.Length > InlineBytes)
            {
                Mix(word, ref a, ref b);
            }
        }
        else if (word.Length >= 4)
        {
            a = BinaryPrimitives.ReadUInt32LittleEndian(word);
            b = BinaryPrimitives.ReadUInt32LittleEndian(word[^4..]);
        }
        else
        {
            a = (uint)(word[0] | (word[word.Length >> 1] << 8) | (word[^1] << 16));
            b = 0;
        }
    }

    private static void Mix(ReadOnlySpan<byte> word, ref ulong a, ref ulong b)
    {
        for (var i = 8; i + 8 < word.Length; i += 8)
        {
            a = (a ^ BinaryPrimitives.ReadUInt64LittleEndian(word[i..])) * 0x9E3779B97F4A7C15;
            b += a ^ (a >> 32);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Index(ulong a, ulong b, int length)
    {
        var hash = ((a ^ (ulong)length) * 0x9E3779B97F4A7C15) ^ (b * 0xD6E8FEB86659FD93);
        return (int)((hash ^ (hash >> 32)) * 0xFF51AFD7ED558CCD >> (64 - 15));
    }
}
