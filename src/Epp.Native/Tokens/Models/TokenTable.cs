using System.Buffers.Binary;

namespace Epp.Native.Tokens.Models;

/// <summary>Byte strings and their ids: one arena, open addressing. Filled while loading, then immutable and safe to share.</summary>
internal sealed class TokenTable
{
    private byte[] _arena;
    private int _arenaLength;
    private int[] _starts;
    private uint[] _ids;
    private int[] _slots;

    public TokenTable(int expectedTokens = 1024, int expectedBytes = 8192)
    {
        _arena = new byte[expectedBytes];
        _starts = new int[expectedTokens + 1];
        _ids = new uint[expectedTokens];
        _slots = new int[SlotsFor(expectedTokens)];
    }

    public int Count { get; private set; }

    /// <summary>The longest token.</summary>
    public int MaxBytes { get; private set; }

    public ReadOnlySpan<byte> TokenAt(int index) => _arena.AsSpan(_starts[index], _starts[index + 1] - _starts[index]);

    public uint IdAt(int index) => _ids[index];

    public bool TryGet(ReadOnlySpan<byte> token, out uint id)
    {
        var index = _slots[Slot(token)] - 1;
        id = index < 0 ? 0 : _ids[index];
        return index >= 0;
    }

    /// <summary>Adds a token; the id of one that is there already is replaced.</summary>
    public void Set(ReadOnlySpan<byte> token, uint id)
    {
        var slot = Slot(token);
        if (_slots[slot] != 0)
        {
            _ids[_slots[slot] - 1] = id;
            return;
        }

        if (Count == _ids.Length)
        {
            Grow();
            slot = Slot(token);
        }

        if (_arenaLength + token.Length > _arena.Length)
        {
            Array.Resize(ref _arena, Math.Max(_arena.Length * 2, _arenaLength + token.Length));
        }

        token.CopyTo(_arena.AsSpan(_arenaLength));
        _arenaLength += token.Length;
        _ids[Count++] = id;
        _starts[Count] = _arenaLength;
        _slots[slot] = Count;
        MaxBytes = Math.Max(MaxBytes, token.Length);
    }

    /// <summary>Where tokens are by their id: index + 1, 0 for ids that are not used. Ids beyond a sane range are left out.</summary>
    public int[] IndexById()
    {
        var most = 0u;
        for (var i = 0; i < Count; i++)
        {
            most = Math.Max(most, _ids[i]);
        }

        var index = new int[Math.Min(most, (uint)(Count * 4L) + 1024) + 1];
        for (var i = 0; i < Count; i++)
        {
            if (_ids[i] < (uint)index.Length)
            {
                index[_ids[i]] = i + 1;
            }
        }

        return index;
    }

    private static int SlotsFor(int tokens) => (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Math.Max(16, tokens * 2));

    private void Grow()
    {
        Array.Resize(ref _ids, _ids.Length * 2);
        Array.Resize(ref _starts, _ids.Length + 1);
        _slots = new int[SlotsFor(_ids.Length)];
        for (var i = 0; i < Count; i++)
        {
            _slots[Slot(TokenAt(i))] = i + 1;
        }
    }

    // The slot of the token, or the empty one where it would go.
    private int Slot(ReadOnlySpan<byte> token)
    {
        var mask = _slots.Length - 1;
        var slot = (int)(Hash(token) >> 20) & mask;
        while (_slots[slot] is > 0 and var entry && !TokenAt(entry - 1).SequenceEqual(token))
        {
            slot = (slot + 1) & mask;
        }

        return slot;
    }

    private static ulong Hash(ReadOnlySpan<byte> token)
    {
        var hash = (ulong)token.Length * 0x9E3779B97F4A7C15;
        while (token.Length >= 8)
        {
            hash = (hash ^ BinaryPrimitives.ReadUInt64LittleEndian(token)) * 0xD6E8FEB86659FD93;
            hash ^= hash >> 32;
            token = token[8..];
        }

        var tail = 0ul;
        foreach (var b in token)
        {
            tail = (tail << 8) | b;
        }

        hash = (hash ^ tail) * 0xD6E8FEB86659FD93;
        return hash ^ (hash >> 29);
    }
}
