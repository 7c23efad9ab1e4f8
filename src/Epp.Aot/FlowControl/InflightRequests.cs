using Epp.Native.FlowControl;

namespace Epp.Aot.FlowControl;

/// <summary>
/// The evictable requests in flight and the way to end some of them from another thread (plugins §12.2, contract §1.5). Only sheddable
/// requests are tracked, so that others never meet the lock. Thread-safe.
/// </summary>
internal sealed class InflightRequests
{
    private readonly EvictionQueue _queue = new();
    private readonly Lock _gate = new();
    private int _count;

    /// <summary>Called with each request that is asked to end.</summary>
    public event Action<InflightRequest>? Evicted;

    /// <summary>Called with each request that was evicted once its stream has ended; true where the client was told.</summary>
    public event Action<InflightRequest, bool>? Confirmed;

    /// <summary>Requests that could be evicted now.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>Begins to track a dispatched request; null where its priority makes it no candidate.</summary>
    public InflightRequest? Track(int priority, long nowMs, Action wake)
    {
        if (!EvictionQueue.MayEvict(priority))
        {
            return null;
        }

        var request = new InflightRequest(priority, nowMs, wake);
        lock (_gate)
        {
            _queue.Add(request);
            Volatile.Write(ref _count, _queue.Count);
        }

        return request;
    }

    /// <summary>The request's stream ended, or its response did; the first call counts.</summary>
    /// <param name="request">From <see cref="Track"/>.</param>
    /// <param name="told">The client was told that it was evicted.</param>
    public void End(InflightRequest request, bool told)
    {
        if (!request.End())
        {
            return;
        }

        lock (_gate)
        {
            _queue.Remove(request);
            Volatile.Write(ref _count, _queue.Count);
        }

        if (request.Reason != EvictionReason.None)
        {
            Confirmed?.Invoke(request, told);
        }
    }

    /// <summary>Evicts up to <paramref name="most"/> requests of a priority strictly below <paramref name="demand"/>; returns how many.</summary>
    public int Evict(int most, int demand, EvictionReason reason, long nowMs)
    {
        var evicted = 0;
        while (evicted < most)
        {
            EvictionCandidate? victim;
            lock (_gate)
            {
                victim = _queue.Take(demand);
                Volatile.Write(ref _count, _queue.Count);
            }

            if (victim is null)
            {
                break;
            }

            // One that ended meanwhile frees its place by itself.
            if (((InflightRequest)victim).TryEvict(reason, nowMs))
            {
                evicted++;
                Evicted?.Invoke((InflightRequest)victim);
            }
        }

        return evicted;
    }
}
