namespace Epp.Native.FlowControl;

/// <summary>
/// The queues of flow control and their decisions (plugins §12.2): what is let in, whose turn it is, what waited too long. Knows no clock
/// and no thread: one caller at a time brings the time, the saturation and whether the pool is empty.
/// </summary>
public sealed partial class FlowController
{
    /// <summary>Bands at most: each takes part in every cycle, and objectives bring them.</summary>
    public const int MaxBands = 1000;

    private readonly FlowSettings _settings;
    private readonly IUsageLimitPolicy _usage;
    private FlowBand[] _bands;
    private int[] _priorities;
    private double[] _ceilings;
    private long _sequence;
    private long _emptinessChangedMs;
    private bool _poolEmpty;
    private int _count;
    private long _bytes;

    /// <param name="settings">Limits and bands.</param>
    /// <param name="usage">Ceilings of the bands.</param>
    public FlowController(FlowSettings settings, IUsageLimitPolicy usage)
    {
        _settings = settings;
        _usage = usage;
        _bands = Configured(settings);
        _priorities = PrioritiesOf(_bands);
        _ceilings = new double[_bands.Length];
    }

    public FlowSettings Settings => _settings;

    /// <summary>Bands now, highest priority first. Read by anyone.</summary>
    public ReadOnlySpan<FlowBand> Bands => Volatile.Read(ref _bands);

    /// <summary>Requests waiting. Read by anyone.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>Bytes of their bodies. Read by anyone.</summary>
    public long Bytes => Volatile.Read(ref _bytes);

    /// <summary>The band that the latest <see cref="Dispatch"/> found blocked by saturation; null = none was.</summary>
    public FlowBand? Blocked { get; private set; }

    /// <summary>The ceiling of <see cref="Blocked"/>.</summary>
    public double BlockedCeiling { get; private set; }

    /// <summary>Lets a request in, or says why not; the outcome stands in it.</summary>
    public FlowOutcome Enqueue(FlowItem item, long nowMs, bool poolEmpty)
    {
        Observe(poolEmpty, nowMs);
        var band = BandOf(item.Priority);
        var full = (_settings.MaxRequests > 0 && _count + 1 > _settings.MaxRequests) || (_settings.MaxBytes > 0 && _bytes + item.SizeBytes > _settings.MaxBytes);
        if (full || !band.HasRoomFor(item))
        {
            return item.Outcome = poolEmpty ? FlowOutcome.RejectedNoEndpoints : FlowOutcome.RejectedCapacity;
        }

        item.EnqueuedMs = nowMs;
        item.Sequence = ++_sequence;
        band.Add(item, _settings.TtlMs);
        Volatile.Write(ref _count, _count + 1);
        Volatile.Write(ref _bytes, _bytes + item.SizeBytes);
        return item.Outcome = FlowOutcome.NotYetFinalized;
    }

    /// <summary>
    /// One cycle: the request whose turn it is, or null. Bands are asked from the highest priority down; the first that is not empty and
    /// whose ceiling is reached ends the cycle, so that lower ones never overtake it.
    /// </summary>
    public FlowItem? Dispatch(long nowMs, double saturation, bool poolEmpty)
    {
        Observe(poolEmpty, nowMs);
        Blocked = null;
        if (_count == 0 || poolEmpty)
        {
            return null;
        }

        _usage.Ceilings(saturation, _priorities, _ceilings);
        for (var i = 0; i < _bands.Length; i++)
        {
            if (_bands[i].Count == 0)
            {
                continue;
            }

            if (saturation >= _ceilings[i])
            {
                (Blocked, BlockedCeiling) = (_bands[i], _ceilings[i]);
                return null;
            }

            var item = _bands[i].Take(nowMs);
            Leave(item, FlowOutcome.Dispatched);
            return item;
        }

        return null;
    }

    /// <summary>Takes a waiting request out; false where it does not wait.</summary>
    public bool Cancel(FlowItem item, FlowOutcome outcome)
    {
        if (item.Queue is not { } queue)
        {
            return false;
        }

        queue.Band.Remove(item);
        Leave(item, outcome);
        return true;
    }

    /// <summary>
    /// Takes out what has waited too long, by the limit of a pool with or without endpoints. A wait counts from the last time the pool
    /// became empty or ceased to be, so that none is cut short by the other limit.
    /// </summary>
    public void Expire(long nowMs, bool poolEmpty, List<FlowItem> expired)
    {
        Observe(poolEmpty, nowMs);
        var ttlMs = poolEmpty ? _settings.NoEndpointTtlMs : _settings.TtlMs;
        if (ttlMs <= 0 || nowMs - _emptinessChangedMs < ttlMs)
        {
            return;
        }

        var first = expired.Count;
        Collect(nowMs - ttlMs, expired);
        TakeOut(expired, first, poolEmpty ? FlowOutcome.EvictedNoEndpoints : FlowOutcome.EvictedTtl);
    }

    /// <summary>Takes every request out.</summary>
    public void Drain(FlowOutcome outcome, List<FlowItem> drained)
    {
        var first = drained.Count;
        Collect(long.MaxValue, drained);
        TakeOut(drained, first, outcome);
    }

    /// <summary>A request was served: its flow's share of the work, where the band's policy counts it.</summary>
    public void Served(int priority, ReadOnlySpan<byte> fairnessId, double service, long nowMs) => BandOf(priority).Served(fairnessId, service, nowMs);

    private void Observe(bool poolEmpty, long nowMs)
    {
        if (poolEmpty != _poolEmpty)
        {
            (_poolEmpty, _emptinessChangedMs) = (poolEmpty, nowMs);
        }
    }

    /// <summary>Finds what was queued at a time or before it.</summary>
    private void Collect(long enqueuedMs, List<FlowItem> into)
    {
        foreach (var band in _bands)
        {
            foreach (var flow in band.Flows)
            {
                foreach (var ranked in flow.Items)
                {
                    var item = (FlowItem)ranked;
                    if (item.EnqueuedMs <= enqueuedMs)
                    {
                        into.Add(item);
                    }
                }
            }
        }
    }

    private void TakeOut(List<FlowItem> items, int first, FlowOutcome outcome)
    {
        for (var i = first; i < items.Count; i++)
        {
            Cancel(items[i], outcome);
        }
    }

    private void Leave(FlowItem item, FlowOutcome outcome)
    {
        item.Outcome = outcome;
        Volatile.Write(ref _count, _count - 1);
        Volatile.Write(ref _bytes, _bytes - item.SizeBytes);
    }
}
