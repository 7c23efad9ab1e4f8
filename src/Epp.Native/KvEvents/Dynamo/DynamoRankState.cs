namespace Epp.Native.KvEvents.Dynamo;

/// <summary>What a router knows of one rank's event numbers (kv-routing §2.5).</summary>
internal sealed class DynamoRankState
{
    /// <summary>Events that wait for a recovery at most, as in Dynamo.</summary>
    private const int MaxPending = 1024;

    /// <summary>Blocks in them at most: 16 MiB.</summary>
    private const int MaxPendingBlocks = 1 << 20;

    private readonly Queue<DynamoPendingEvent> _pending = [];
    private int _pendingBlocks;

    public DynamoCursor Cursor { get; set; }

    /// <summary>Number of the last event applied, or of the barrier.</summary>
    public ulong Last { get; set; }

    /// <summary>Grows with whatever makes an answer that is still to come worthless.</summary>
    public int Epoch { get; private set; }

    public bool InFlight { get; set; }

    /// <summary>There is somebody to ask.</summary>
    public bool Recoverable { get; set; }

    /// <summary>The last recovery failed; what is known began empty.</summary>
    public bool Degraded { get; set; }

    public bool HasPending => _pending.Count > 0;

    public bool IsStale(ulong eventId) => Cursor != DynamoCursor.Initial && eventId <= Last;

    /// <summary>Makes answers to come worthless and forgets what waits.</summary>
    public void Invalidate(DynamoCursor cursor, ulong last)
    {
        Epoch++;
        (InFlight, Cursor, Last) = (false, cursor, last);
        _pending.Clear();
        _pendingBlocks = 0;
    }

    /// <summary>Keeps an event; at the bound the oldest go, which the numbers will show. The number that went.</summary>
    public int Hold(DynamoPendingEvent pending)
    {
        _pending.Enqueue(pending);
        _pendingBlocks += pending.Blocks;
        var dropped = 0;
        while (_pending.Count > MaxPending || (_pendingBlocks > MaxPendingBlocks && _pending.Count > 1))
        {
            Take();
            dropped++;
        }

        return dropped;
    }

    public DynamoPendingEvent Peek() => _pending.Peek();

    public DynamoPendingEvent Take()
    {
        var pending = _pending.Dequeue();
        _pendingBlocks -= pending.Blocks;
        return pending;
    }
}

/// <summary>Where a rank's numbers stand.</summary>
internal enum DynamoCursor : byte
{
    /// <summary>Nothing is known.</summary>
    Initial = 0,

    /// <summary>Everything up to the last number is applied.</summary>
    Live,

    /// <summary>A clear set a barrier: the next event may have any number above it.</summary>
    Barrier,
}
