using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Epp.Native.Tokens;

/// <summary>
/// Ids of words seen before. Belongs to one encoder, so it takes no lock. The key of up to 16 bytes is the word itself; of a longer one the bytes
/// are kept and compared: a hash alone never decides. Four places per word; when the room for long keys and ids is used up, all is forgotten.
/// </summary>
internal sealed class WordCache
{
    /// <summary>Longer words are not kept.</summary>
    public const int MaxWordBytes = 128;

    private const int SlotBits = 16;
    private const int ArenaBytes = 1 << 19;
    private const int ArenaIds = 1 << 17;
    private const int InlineBytes = 16;
    private const int Places = 4;
    private const uint InlineIds = 3;
    private const uint Elsewhere = 0x100;

    private struct Slot
    {
        // The word, and bytes that UTF-8 never has behind it; of a long word such a byte and a hash.
        public Vector128<byte> Key;

        // Up to three ids and their number. Else where the ids start, their number, where the key of a long word starts, and Elsewhere + its length.
        // The last is 0 where nothing is stored.
        public Vector128<uint> Ids;
    }

    private readonly Slot[] _slots = new Slot[1 << SlotBits];
    private readonly byte[] _keys = new byte[ArenaBytes];
    private readonly uint[] _ids = new uint[ArenaIds];
    private int _keyBytes;
    private int _idCount;

    /// <summary>
    /// Adds the ids of words that follow each other from a position on, up to the first that is not known. Returns how many were.
    /// </summary>
    public int Add(ReadOnlySpan<byte> text, int start, ReadOnlySpan<int> ends, TokenBuffer ids)
    {
        var i = 0;
        while (true)
        {
            AddShort(text, ref start, ends, ref i, ids);
            do
            {
                if (i == ends.Length || !AddOther(text, start, ends[i], ids))
                {
                    return i;
                }

                start = ends[i++];
            }
            while (i < ends.Length && ends[i] - start > InlineBytes);
        }
    }

    // Up to the first that is long or at the end of the text, has many ids, or is not in the first two places.
    private void AddShort(ReadOnlySpan<byte> text, ref int start, ReadOnlySpan<int> ends, ref int i, TokenBuffer ids)
    {
        // Four are written for each, of which up to three count.
        var room = ids.Reserve(((ends.Length - i) * (int)InlineIds) + 1);
        var (slots, written, at, n) = (_slots, 0, start, i);
        for (; n < ends.Length; n++)
        {
            var end = ends[n];
            if (end - at > InlineBytes || at > text.Length - InlineBytes)
            {
                break;
            }

            var key = Key(Vector128.Create(text.Slice(at, InlineBytes)), end - at);
            ref readonly var slot = ref slots[Index(key)];
            if (slot.Key != key)
            {
                slot = ref slots[Index(key) ^ 1];
            }

            var count = slot.Ids.GetElement(3);
            if (slot.Key != key || count - 1 >= InlineIds)
            {
                break;
            }

            slot.Ids.CopyTo(room[written..]);
            written += (int)count;
            at = end;
        }

        ids.Commit(written);
        (start, i) = (at, n);
    }

    // A word of any kind.
    private bool AddOther(ReadOnlySpan<byte> text, int start, int end, TokenBuffer ids)
    {
        var word = text[start..end];
        if (word.Length > MaxWordBytes)
        {
            return false;
        }

        var key = word.Length <= InlineBytes && start <= text.Length - InlineBytes
            ? Key(Vector128.Create(text.Slice(start, InlineBytes)), word.Length)
            : Key(word);
        var index = Index(key);
        for (var place = 0; place < Places; place++)
        {
            ref readonly var slot = ref _slots[index ^ place];
            if (slot.Key == key)
            {
                return AddFrom(slot, word, ids);
            }
        }

        return false;
    }

    private bool AddFrom(in Slot slot, ReadOnlySpan<byte> word, TokenBuffer ids)
    {
        var form = slot.Ids.GetElement(3);
        if (form is > 0 and <= InlineIds)
        {
            slot.Ids.CopyTo(ids.Reserve(Vector128<uint>.Count));
            ids.Commit((int)form);
            return true;
        }

        if (form == 0 || (word.Length > InlineBytes && !word.SequenceEqual(_keys.AsSpan((int)slot.Ids.GetElement(2), (int)(form - Elsewhere)))))
        {
            return false;
        }

        ids.Add(_ids.AsSpan((int)slot.Ids.GetElement(0), (int)slot.Ids.GetElement(1)));
        return true;
    }

    /// <summary>Keeps the ids, at most 255, of a word of 1 to <see cref="MaxWordBytes"/> bytes that is not known.</summary>
    public void Set(ReadOnlySpan<byte> word, ReadOnlySpan<uint> ids)
    {
        if (_idCount + ids.Length > ArenaIds || _keyBytes + word.Length > ArenaBytes)
        {
            Array.Clear(_slots);
            (_keyBytes, _idCount) = (0, 0);
        }

        var key = Key(word);
        var index = Index(key);

        // The newest stands first; what it displaces goes where there is room, or displaces the second.
        if (_slots[index].Ids != default)
        {
            var place = 1;
            while (place < Places && _slots[index ^ place].Ids != default)
            {
                place++;
            }

            _slots[index ^ (place < Places ? place : 1)] = _slots[index];
        }

        _slots[index] = new Slot { Key = key, Ids = Stored(word, ids) };
    }

    private Vector128<uint> Stored(ReadOnlySpan<byte> word, ReadOnlySpan<uint> ids)
    {
        var isLong = word.Length > InlineBytes;
        if (!isLong && ids.Length is > 0 and <= (int)InlineIds)
        {
            return Vector128.Create(ids[0], ids.Length > 1 ? ids[1] : 0, ids.Length > 2 ? ids[2] : 0, (uint)ids.Length);
        }

        var stored = Vector128.Create((uint)_idCount, (uint)ids.Length, (uint)_keyBytes, Elsewhere + (uint)word.Length);
        ids.CopyTo(_ids.AsSpan(_idCount));
        _idCount += ids.Length;
        if (isLong)
        {
            word.CopyTo(_keys.AsSpan(_keyBytes));
            _keyBytes += word.Length;
        }

        return stored;
    }

    // What stands behind the word gives way to bytes that UTF-8 never has, so that equal keys are equal words of equal length.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> Key(Vector128<byte> bytes, int length) =>
        bytes | Vector128.LessThanOrEqual(Vector128.Create((sbyte)length), Vector128<sbyte>.Indices).AsByte();

    private static Vector128<byte> Key(ReadOnlySpan<byte> word)
    {
        if (word.Length > InlineBytes)
        {
            return LongKey(word);
        }

        Span<byte> bytes = stackalloc byte[InlineBytes];
        bytes.Clear();
        word.CopyTo(bytes);
        return Key(Vector128.Create((ReadOnlySpan<byte>)bytes), word.Length);
    }

    // A hash, marked by a first byte that no word has. The last eight bytes may overlap the ones before.
    private static Vector128<byte> LongKey(ReadOnlySpan<byte> word)
    {
        var (a, b) = ((ulong)word.Length, 0ul);
        for (var i = 0; i + 8 < word.Length; i += 8)
        {
            a = (a ^ BinaryPrimitives.ReadUInt64LittleEndian(word[i..])) * 0x9E3779B97F4A7C15;
            b += a ^ (a >> 32);
        }

        b ^= BinaryPrimitives.ReadUInt64LittleEndian(word[^8..]) * 0xD6E8FEB86659FD93;
        return Vector128.Create(a | 0xFF, b).AsByte();
    }

    // The high bits of a product depend on all bits of its factors.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Index(Vector128<byte> key) =>
        (int)(((key.AsUInt64().GetElement(0) * 0x9E3779B97F4A7C15) + (key.AsUInt64().GetElement(1) * 0xD6E8FEB86659FD93)) >> (64 - SlotBits));
}
