namespace Epp.Native.FlowControl;

/// <summary>
/// Requests in flight in the order in which they would be evicted: lowest priority first, then the newest, which loses the least work
/// (<c>priority-then-time-eviction-order-policy</c>, plugins §12.2). A binary heap that removes from anywhere. Not thread-safe.
/// </summary>
public sealed class EvictionQueue
{
    /// <summary>The policy's name in a configuration.</summary>
    public const string OrderType = "priority-then-time-eviction-order-policy";

    /// <summary>Name of the filter that decides what <see cref="MayEvict"/> says.</summary>
    public const string FilterType = "sheddable-eviction-filter";

    private EvictionCandidate[] _heap = new EvictionCandidate[16];
    private long _sequence;

    public int Count { get; private set; }

    /// <summary>Only sheddable requests, of a priority below 0, may be evicted.</summary>
    public static bool MayEvict(int priority) => priority < 0;

    public void Add(EvictionCandidate candidate)
    {
        if (Count == _heap.Length)
        {
            Array.Resize(ref _heap, Count * 2);
        }

        candidate.Sequence = ++_sequence;
        Place(Count, candidate);
        Up(Count++);
    }

    /// <summary>Takes a candidate out; false where it is not in.</summary>
    public bool Remove(EvictionCandidate candidate)
    {
        var i = candidate.HeapIndex;
        if (i < 0 || i >= Count || _heap[i] != candidate)
        {
            return false;
        }

        candidate.HeapIndex = -1;
        var last = _heap[--Count];
        _heap[Count] = null!;
        if (last != candidate)
        {
            Place(i, last);
            Up(i);
            Down(last.HeapIndex);
        }

        return true;
    }

    /// <summary>Takes out the next victim of a request of <paramref name="demand"/>, which must be strictly below it; null = none is.</summary>
    public EvictionCandidate? Take(int demand)
    {
        if (Count == 0 || _heap[0].Priority >= demand)
        {
            return null;
        }

        var victim = _heap[0];
        Remove(victim);
        return victim;
    }

    private static bool Before(EvictionCandidate a, EvictionCandidate b)
    {
        if (a.Priority != b.Priority)
        {
            return a.Priority < b.Priority;
        }

        return a.DispatchedMs != b.DispatchedMs ? a.DispatchedMs > b.DispatchedMs : a.Sequence > b.Sequence;
    }

    private void Place(int i, EvictionCandidate candidate)
    {
        _heap[i] = candidate;
        candidate.HeapIndex = i;
    }

    private void Up(int i)
    {
        var moved = _heap[i];
        while (i > 0 && Before(moved, _heap[(i - 1) / 2]))
        {
            Place(i, _heap[(i - 1) / 2]);
            i = (i - 1) / 2;
        }

        Place(i, moved);
    }

    private void Down(int i)
    {
        var moved = _heap[i];
        while ((2 * i) + 1 < Count)
        {
            var child = (2 * i) + 1;
            if (child + 1 < Count && Before(_heap[child + 1], _heap[child]))
            {
                child++;
            }

            if (!Before(_heap[child], moved))
            {
                break;
            }

            Place(i, _heap[child]);
            i = child;
        }

        Place(i, moved);
    }
}
