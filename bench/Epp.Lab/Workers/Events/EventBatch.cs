using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Epp.Lab.Workers.Events;

/// <summary>Everything that was published: blocks stored, blocks removed, caches emptied.</summary>
internal readonly record struct EventTotals(long Stored, long Removed, long Cleared)
{
    public static EventTotals operator +(EventTotals a, EventTotals b) => new(a.Stored + b.Stored, a.Removed + b.Removed, a.Cleared + b.Cleared);
}

/// <summary>
/// Collects what one step does to a cache and encodes it as vLLM 0.33 publishes it: msgpack <c>[timestamp, [event…], rank]</c>, each event a
/// map with its <c>type</c>. Not thread-safe.
/// </summary>
internal sealed class EventBatch(int rank) : ICacheObserver
{
    readonly ArrayBufferWriter<byte> _events = new(1024);

    public int Count { get; private set; }

    public EventTotals Totals { get; private set; }

    public void Stored(ReadOnlySpan<ulong> hashes, ulong? parent, ReadOnlySpan<uint> tokens)
    {
        Totals = Totals with { Stored = Totals.Stored + hashes.Length };
        Begin("BlockStored", 11);
        Name("block_hashes");
        Numbers(hashes);
        Name("parent_block_hash");
        if (parent is { } hash)
        {
            Number(_events, hash);
        }
        else
        {
            Nil();
        }
        Name("token_ids");
        Head(_events, tokens.Length);
        foreach (var token in tokens)
        {
            Number(_events, token);
        }
        Name("block_size");
        Number(_events, PrefixCache.BlockTokens);
        Name("lora_id");
        Nil();
        Name("medium");
        Name("GPU");
        Name("lora_name");
        Nil();
        Name("extra_keys");
        Head(_events, hashes.Length);
        for (var i = 0; i < hashes.Length; i++)
        {
            Nil();
        }
        Name("group_idx");
        Number(_events, 0);
        Name("kv_cache_spec_kind");
        Name("full_attention");
    }

    public void Removed(ReadOnlySpan<ulong> hashes)
    {
        Totals = Totals with { Removed = Totals.Removed + hashes.Length };
        Begin("BlockRemoved", 4);
        Name("block_hashes");
        Numbers(hashes);
        Name("medium");
        Name("GPU");
        Name("group_idx");
        Number(_events, 0);
    }

    public void Cleared()
    {
        Totals = Totals with { Cleared = Totals.Cleared + 1 };
        Begin("AllBlocksCleared", 1);
    }

    /// <summary>The batch so far; the next one begins empty.</summary>
    public byte[] Take(double unixSeconds)
    {
        var batch = new ArrayBufferWriter<byte>(_events.WrittenCount + 32);
        batch.Write<byte>([0x93, 0xCB]);
        BinaryPrimitives.WriteDoubleBigEndian(batch.GetSpan(8), unixSeconds);
        batch.Advance(8);
        Head(batch, Count);
        batch.Write(_events.WrittenSpan);
        Number(batch, (ulong)rank);
        _events.Clear();
        Count = 0;
        return batch.WrittenSpan.ToArray();
    }

    // The engine writes the long form of a map's head, whatever its size.
    void Begin(string type, byte fields)
    {
        Count++;
        _events.Write<byte>([0xDE, 0, fields]);
        Name("type");
        Name(type);
    }

    void Numbers(ReadOnlySpan<ulong> values)
    {
        Head(_events, values.Length);
        foreach (var value in values)
        {
            Number(_events, value);
        }
    }

    /// <summary>A text of up to 31 bytes.</summary>
    void Name(string text)
    {
        _events.Write([(byte)(0xA0 | text.Length)]);
        Encoding.ASCII.GetBytes(text, _events);
    }

    void Nil() => _events.Write<byte>([0xC0]);

    static void Head(IBufferWriter<byte> to, int count)
    {
        Span<byte> head = [0xDD, 0, 0, 0, 0];
        BinaryPrimitives.WriteInt32BigEndian(head[1..], count);
        to.Write(count < 16 ? [(byte)(0x90 | count)] : head);
    }

    static void Number(IBufferWriter<byte> to, ulong value)
    {
        Span<byte> bytes = stackalloc byte[9];
        BinaryPrimitives.WriteUInt64BigEndian(bytes[1..], value);
        var (tag, length) = value switch
        {
            < 0x80 => (0, 0),
            <= 0xFF => (0xCC, 1),
            <= 0xFFFF => (0xCD, 2),
            <= 0xFFFF_FFFF => (0xCE, 4),
            _ => (0xCF, 8),
        };
        if (length == 0)
        {
            to.Write([(byte)value]);
            return;
        }
        bytes[8 - length] = (byte)tag;
        to.Write(bytes[(8 - length)..]);
    }
}
