using Epp.Hashing;
using Epp.Lab.Wire;

namespace Epp.Lab.Workers.Events;

/// <summary>
/// Publishes what happens to a cache as a worker of Dynamo 1.4 and later does over NATS: an envelope with an array of RouterEvents, numbered
/// without a gap. These events do not count copies, so the worker does: a block is stored with its first copy and removed with its last. Not
/// thread-safe.
/// </summary>
/// <param name="nats">Takes the messages; owned from now on.</param>
/// <param name="worker">Name of the pod, which the instance id is derived from.</param>
internal sealed class DynamoEvents(NatsPublisher nats, string worker) : ICachePublisher
{
    public const string Namespace = "lab";
    public const string Component = "backend";
    const string Subject = $"namespace.{Namespace}.component.{Component}.endpoint.generate.kv-events";

    readonly ulong _id = SipHash13.InstanceId(System.Text.Encoding.UTF8.GetBytes(worker));
    readonly Dictionary<ulong, int> _copies = [];
    readonly MsgPack _events = new();
    int _count;
    ulong _eventId;
    ulong _sequence;

    public EventTotals Totals { get; private set; }

    public void Stored(ReadOnlySpan<ulong> hashes, ulong? parent, ReadOnlySpan<uint> tokens)
    {
        // Known blocks are left out; what follows one is its child.
        for (var i = 0; i < hashes.Length; i++)
        {
            if (Add(hashes[i], 1) > 1)
            {
                continue;
            }
            var from = i;
            while (i + 1 < hashes.Length && !_copies.ContainsKey(hashes[i + 1]))
            {
                Add(hashes[++i], 1);
            }
            Store(hashes[from..(i + 1)], from == 0 ? parent : hashes[from - 1], tokens.Slice(from * PrefixCache.BlockTokens, (i + 1 - from) * PrefixCache.BlockTokens));
        }
    }

    public void Removed(ReadOnlySpan<ulong> hashes)
    {
        var gone = new List<ulong>();
        foreach (var hash in hashes)
        {
            if (Add(hash, -1) == 0)
            {
                _copies.Remove(hash);
                gone.Add(hash);
            }
        }
        if (gone.Count == 0)
        {
            return;
        }
        Totals = Totals with { Removed = Totals.Removed + gone.Count };
        Begin();
        _events.Map(1);
        _events.Name("removed");
        _events.Map(1);
        _events.Name("block_hashes");
        _events.Numbers(gone.ToArray());
        End();
    }

    public void Cleared()
    {
        _copies.Clear();
        Totals = Totals with { Cleared = Totals.Cleared + 1 };
        Begin();
        _events.Name("cleared");
        End();
    }

    public void Publish()
    {
        if (_count == 0)
        {
            return;
        }
        var payload = new MsgPack();
        payload.Array(_count);
        payload.Raw(_events.Written);
        var envelope = new MsgPack();
        envelope.Map(5);
        envelope.Name("topic");
        envelope.Name("kv-events");
        envelope.Name("publisher_id");
        envelope.Number(_id);
        envelope.Name("sequence");
        envelope.Number(_sequence++);
        envelope.Name("published_at");
        envelope.Number((ulong)TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds());
        envelope.Name("payload");
        envelope.Binary(payload.Written);
        nats.Publish(Subject, envelope.Written);
        _events.Clear();
        _count = 0;
    }

    public ValueTask DisposeAsync() => nats.DisposeAsync();

    int Add(ulong hash, int copies) => _copies[hash] = _copies.GetValueOrDefault(hash) + copies;

    void Store(ReadOnlySpan<ulong> hashes, ulong? parent, ReadOnlySpan<uint> tokens)
    {
        Totals = Totals with { Stored = Totals.Stored + hashes.Length };
        var hasher = new DynamoBlockHasher(PrefixCache.BlockTokens);
        var locals = new ulong[hashes.Length];
        hasher.Append(tokens, locals, new ulong[hashes.Length]);
        Begin();
        _events.Map(1);
        _events.Name("stored");
        _events.Map(2);
        _events.Name("parent_hash");
        if (parent is { } hash)
        {
            _events.Number(hash);
        }
        else
        {
            _events.Nil();
        }
        _events.Name("blocks");
        _events.Array(hashes.Length);
        for (var i = 0; i < hashes.Length; i++)
        {
            _events.Map(2);
            _events.Name("block_hash");
            _events.Number(hashes[i]);
            _events.Name("tokens_hash");
            _events.Number(locals[i]);
        }
        End();
    }

    void Begin()
    {
        _count++;
        _events.Map(4);
        _events.Name("worker_id");
        _events.Number(_id);
        _events.Name("storage_tier");
        _events.Name("device");
        _events.Name("residency_domain");
        _events.Name("worker");
        _events.Name("event");
        _events.Map(3);
        _events.Name("event_id");
        _events.Number(_eventId++);
        _events.Name("data");
    }

    void End()
    {
        _events.Name("dp_rank");
        _events.Number(0UL);
    }
}
