using Epp.Lab.Wire;

namespace Epp.Lab.Workers.Events;

/// <summary>Everything that was published: blocks stored, blocks removed, caches emptied.</summary>
internal readonly record struct EventTotals(long Stored, long Removed, long Cleared)
{
    public static EventTotals operator +(EventTotals a, EventTotals b) => new(a.Stored + b.Stored, a.Removed + b.Removed, a.Cleared + b.Cleared);
}

/// <summary>Tells subscribers what happens to a cache. The engine locks: what one step does is published by one <see cref="Publish"/>.</summary>
internal interface ICachePublisher : ICacheObserver, IAsyncDisposable
{
    EventTotals Totals { get; }

    void Publish();
}

/// <summary>
/// Collects what one step does to a cache and encodes it as vLLM 0.33 publishes it: msgpack <c>[timestamp, [event…], rank]</c>, each event a
/// map with its <c>type</c>. Not thread-safe.
/// </summary>
/// <param name="stream">Takes the batches; owned from now on.</param>
/// <param name="rank">Data-parallel rank that the events name.</param>
internal sealed class EngineEvents(EventStream stream, int rank) : ICachePublisher
{
    readonly MsgPack _events = new();
    int _count;

    public EventTotals Totals { get; private set; }

    public void Stored(ReadOnlySpan<ulong> hashes, ulong? parent, ReadOnlySpan<uint> tokens)
    {
        Totals = Totals with { Stored = Totals.Stored + hashes.Length };
        Begin("BlockStored", 11);
        _events.Name("block_hashes");
        _events.Numbers(hashes);
        _events.Name("parent_block_hash");
        if (parent is { } hash)
        {
            _events.Number(hash);
        }
        else
        {
            _events.Nil();
        }
        _events.Name("token_ids");
        _events.Array(tokens.Length);
        foreach (var token in tokens)
        {
            _events.Number(token);
        }
        _events.Name("block_size");
        _events.Number(PrefixCache.BlockTokens);
        _events.Name("lora_id");
        _events.Nil();
        _events.Name("medium");
        _events.Name("GPU");
        _events.Name("lora_name");
        _events.Nil();
        _events.Name("extra_keys");
        _events.Array(hashes.Length);
        for (var i = 0; i < hashes.Length; i++)
        {
            _events.Nil();
        }
        _events.Name("group_idx");
        _events.Number(0UL);
        _events.Name("kv_cache_spec_kind");
        _events.Name("full_attention");
    }

    public void Removed(ReadOnlySpan<ulong> hashes)
    {
        Totals = Totals with { Removed = Totals.Removed + hashes.Length };
        Begin("BlockRemoved", 4);
        _events.Name("block_hashes");
        _events.Numbers(hashes);
        _events.Name("medium");
        _events.Name("GPU");
        _events.Name("group_idx");
        _events.Number(0UL);
    }

    public void Cleared()
    {
        Totals = Totals with { Cleared = Totals.Cleared + 1 };
        Begin("AllBlocksCleared", 1);
    }

    public void Publish()
    {
        if (_count == 0)
        {
            return;
        }
        var batch = new MsgPack();
        batch.Array(3);
        batch.Number(TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds() / 1000.0);
        batch.Array(_count);
        batch.Raw(_events.Written);
        batch.Number((ulong)rank);
        stream.Publish(batch.Written.ToArray());
        _events.Clear();
        _count = 0;
    }

    public ValueTask DisposeAsync() => stream.DisposeAsync();

    // The engine writes the long form of a map's head, whatever its size.
    void Begin(string type, byte fields)
    {
        _count++;
        _events.Raw([0xDE, 0, fields]);
        _events.Name("type");
        _events.Name(type);
    }
}
