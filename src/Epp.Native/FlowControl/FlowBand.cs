namespace Epp.Native.FlowControl;

/// <summary>
/// The flows of one priority. A flow without a waiting request is forgotten at once, so that ids a client invents hold no memory. Used by
/// one <see cref="FlowController"/>; <see cref="Count"/> and <see cref="Bytes"/> may be read by anyone.
/// </summary>
public sealed class FlowBand
{
    private const int MaxSpareQueues = 64;

    private readonly IFairnessPolicy _fairness;
    private FlowQueue? _spare;
    private int _spareCount;
    private FlowQueue?[] _chains = new FlowQueue?[16];
    private FlowQueue[] _active = new FlowQueue[4];
    private int _flows;
    private int _count;
    private long _bytes;

    internal FlowBand(BandSettings settings, bool configured)
    {
        Settings = settings;
        IsConfigured = configured;
        _fairness = settings.Fairness switch
        {
            FlowFairness.RoundRobin => new RoundRobinFairness(),
            FlowFairness.ProgramAware => new ProgramAwareFairness(settings.Program ?? new ProgramAwareSettings()),
            _ => new GlobalStrictFairness(),
        };
    }

    public BandSettings Settings { get; }

    /// <summary>False for a band that an objective brought.</summary>
    public bool IsConfigured { get; }

    /// <summary>Requests waiting.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>Bytes of their bodies.</summary>
    public long Bytes => Volatile.Read(ref _bytes);

    /// <summary>Flows with a waiting request.</summary>
    internal ReadOnlySpan<FlowQueue> Flows => _active.AsSpan(0, _flows);

    internal bool HasRoomFor(FlowItem item) => _count + 1 <= Settings.MaxRequests && _bytes + item.SizeBytes <= Settings.MaxBytes;

    internal void Add(FlowItem item, long ttlMs)
    {
        (item.Rank, item.Tie) = Settings.Ordering switch
        {
            FlowOrdering.EarliestDeadline => (ttlMs > 0 ? item.EnqueuedMs + ttlMs : long.MaxValue, item.EnqueuedMs),
            FlowOrdering.SloDeadline => (item.SloMs >= 0 ? item.ReceivedMs + item.SloMs : long.MaxValue, item.ReceivedMs),
            _ => (item.EnqueuedMs, 0L),
        };
        Queue(item.FairnessId).Add(item);
        Volatile.Write(ref _count, _count + 1);
        Volatile.Write(ref _bytes, _bytes + item.SizeBytes);
    }

    internal void Remove(FlowItem item)
    {
        var queue = item.Queue!;
        queue.Remove(item);
        Volatile.Write(ref _count, _count - 1);
        Volatile.Write(ref _bytes, _bytes - item.SizeBytes);
        if (queue.Count == 0)
        {
            Forget(queue);
        }
    }

    /// <summary>Takes the request whose turn it is out of a band that is not empty.</summary>
    internal FlowItem Take(long nowMs)
    {
        var item = _fairness.Pick(this, nowMs).Head;
        Remove(item);
        return item;
    }

    /// <summary>A request of a flow was served: how many tokens it cost.</summary>
    internal void Served(ReadOnlySpan<byte> fairnessId, double service, long nowMs) => _fairness.Served(fairnessId, service, nowMs);

    private FlowQueue Queue(ReadOnlySpan<byte> id)
    {
        var hash = HashOf(id);
        for (var queue = _chains[hash & (_chains.Length - 1)]; queue is not null; queue = queue.Next)
        {
            if (queue.Hash == hash && id.SequenceEqual(queue.Id))
            {
                return queue;
            }
        }

        if (_flows == _active.Length)
        {
            Grow();
        }

        var added = NewQueue();
        added.Begin(id, hash);
        Link(added);
        added.Slot = _flows;
        _active[_flows++] = added;
        return added;
    }

    private FlowQueue NewQueue()
    {
        if (_spare is not { } queue)
        {
            return new FlowQueue(this);
        }

        _spare = queue.Next;
        _spareCount--;
        return queue;
    }

    private static int HashOf(ReadOnlySpan<byte> id)
    {
        // Seeded per process: clients choose the ids.
        var hash = new HashCode();
        hash.AddBytes(id);
        return hash.ToHashCode();
    }

    private void Link(FlowQueue queue)
    {
        ref var chain = ref _chains[queue.Hash & (_chains.Length - 1)];
        queue.Next = chain;
        chain = queue;
    }

    private void Grow()
    {
        Array.Resize(ref _active, _flows * 2);
        _chains = new FlowQueue?[_flows * 4];
        foreach (var queue in Flows)
        {
            Link(queue);
        }
    }

    private void Forget(FlowQueue queue)
    {
        ref var link = ref _chains[queue.Hash & (_chains.Length - 1)];
        if (link == queue)
        {
            link = queue.Next;
        }
        else
        {
            var before = link!;
            while (before.Next != queue)
            {
                before = before.Next!;
            }

            before.Next = queue.Next;
        }

        queue.Next = null;
        var last = _active[--_flows];
        _active[_flows] = null!;
        if (last != queue)
        {
            _active[queue.Slot] = last;
            last.Slot = queue.Slot;
        }

        if (_spareCount < MaxSpareQueues)
        {
            queue.Next = _spare;
            _spare = queue;
            _spareCount++;
        }
    }
}
