using Epp.Native.FlowControl;

namespace Epp.Aot.Telemetry;

/// <summary>Flow control's instruments of one request label set (contract §7.2). Lock-free; safe to share.</summary>
public sealed class FlowSeries
{
    internal static readonly string[] Outcomes =
    [
        "NotYetFinalized", "Dispatched", "RejectedCapacity", "RejectedNoEndpoints", "RejectedOther", "EvictedTTL", "EvictedNoEndpoints",
        "EvictedContextCancelled", "EvictedOther",
    ];

    private readonly Histogram?[] _queueSeconds = new Histogram?[Outcomes.Length];
    private readonly Histogram?[] _enqueueSeconds = new Histogram?[Outcomes.Length];
    private long _requests;
    private long _bytes;

    internal long Requests => Volatile.Read(ref _requests);

    internal long Bytes => Volatile.Read(ref _bytes);

    /// <summary>A request came.</summary>
    public void Entered(long bytes)
    {
        Interlocked.Increment(ref _requests);
        Interlocked.Add(ref _bytes, bytes);
    }

    /// <summary>It was queued, or refused: how long that took.</summary>
    public void Enqueued(FlowOutcome outcome, double seconds) => Of(ref _enqueueSeconds[(int)outcome], Buckets.Small).Observe(seconds);

    /// <summary>Its outcome stands: how long it was here.</summary>
    public void Left(FlowOutcome outcome, double seconds, long bytes)
    {
        Interlocked.Decrement(ref _requests);
        Interlocked.Add(ref _bytes, -bytes);
        Of(ref _queueSeconds[(int)outcome], Buckets.QueueSeconds).Observe(seconds);
    }

    internal Histogram? QueueSeconds(int outcome) => Volatile.Read(ref _queueSeconds[outcome]);

    internal Histogram? EnqueueSeconds(int outcome) => Volatile.Read(ref _enqueueSeconds[outcome]);

    private static Histogram Of(ref Histogram? slot, double[] buckets)
    {
        if (Volatile.Read(ref slot) is { } present)
        {
            return present;
        }

        var added = new Histogram(buckets);
        return Interlocked.CompareExchange(ref slot, added, null) ?? added;
    }
}
