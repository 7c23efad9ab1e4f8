using Epp.Aot.Telemetry;
using Epp.Native.FlowControl;
using Epp.Native.Pool;

namespace Epp.Aot.FlowControl;

/// <summary>
/// Ends sheddable requests in flight for a band that saturation blocks (plugins §12.2, <c>enableEviction</c>). Decisions are made by the
/// gate's actor only; streams confirm from their own threads.
/// </summary>
/// <param name="inflight">Whom it may end.</param>
/// <param name="pacer">How many and when.</param>
/// <param name="time">Clock of the confirmations.</param>
internal sealed class FlowEviction(InflightRequests inflight, EvictionPacer pacer, TimeProvider time)
{
    private FlowFigures? _figures;
    private int _confirmed;

    /// <summary>Says where figures go and how the actor is told.</summary>
    public void Begin(FlowFigures figures, Action signal)
    {
        _figures = figures;
        (figures.ReclaimTarget, figures.PendingReclaim) = (0, 0);
        inflight.Evicted += victim => figures.RevocationIssued(victim.Priority);
        inflight.Confirmed += (victim, told) =>
        {
            figures.RevocationEnded(told, (EppMetrics.MonotonicMs(time) - victim.EvictedMs) / 1000.0);
            Interlocked.Increment(ref _confirmed);
            signal();
        };
    }

    /// <summary>Takes note of the streams that have ended.</summary>
    public void Confirm(long nowMs)
    {
        for (var n = Interlocked.Exchange(ref _confirmed, 0); n > 0; n--)
        {
            pacer.Confirmed(nowMs);
            _figures!.PendingReclaim = pacer.PendingReclaim;
        }
    }

    /// <summary>Evicts for a blocked band, where it is time and there is somebody below it.</summary>
    public void Consider(FlowBand blocked, double ceiling, double saturation, PoolSnapshot pool, long nowMs)
    {
        if (inflight.Count == 0)
        {
            return;
        }

        var running = 0;
        foreach (var slot in pool.Indexes)
        {
            running += pool[slot].InflightRequests;
        }

        var wanted = pacer.Victims(nowMs, saturation, ceiling, running);
        if (wanted > 0 && inflight.Evict(wanted, blocked.Settings.Priority, EvictionReason.Priority, nowMs) is > 0 and var evicted)
        {
            pacer.Issued(evicted, nowMs);
            (_figures!.ReclaimTarget, _figures.PendingReclaim) = (pacer.ReclaimTarget, pacer.PendingReclaim);
        }
    }
}
