namespace Epp.Native.FlowControl;

/// <summary>
/// Requests in flight in the order in which they would be evicted: lowest priority first, then the newest, which loses the least work
/// (<c>priority-then-time-eviction-order-policy</c>, plugins §12.2). Not thread-safe.
/// </summary>
public sealed class EvictionQueue
{
    /// <summary>The policy's name in a configuration.</summary>
    public const string OrderType = "priority-then-time-eviction-order-policy";

    /// <summary>Name of the filter that decides what <see cref="MayEvict"/> says.</summary>
    public const string FilterType = "sheddable-eviction-filter";

    private readonly RankedHeap _heap = new();
    private long _sequence;

    public int Count => _heap.Count;

    /// <summary>Only sheddable requests, of a priority below 0, may be evicted.</summary>
    public static bool MayEvict(int priority) => priority < 0;

    public void Add(EvictionCandidate candidate)
    {
        (candidate.Rank, candidate.Tie, candidate.Sequence) = (candidate.Priority, -candidate.DispatchedMs, --_sequence);
        _heap.Add(candidate);
    }

    /// <summary>Takes a candidate out; false where it is not in.</summary>
    public bool Remove(EvictionCandidate candidate) => _heap.Remove(candidate);

    /// <summary>Takes out the next victim of a request of <paramref name="demand"/>, which must be strictly below it; null = none is.</summary>
    public EvictionCandidate? Take(int demand)
    {
        if (_heap.Count == 0 || _heap.Head.Rank >= demand)
        {
            return null;
        }

        var victim = _heap.Head;
        _heap.Remove(victim);
        return (EvictionCandidate)victim;
    }
}
