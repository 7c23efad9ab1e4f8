using Epp.Native.FlowControl;

namespace Epp.Aot.FlowControl;

/// <summary>
/// One evictable request in flight. Evicting it and the end of its stream race: whichever comes first under the gate wins, so a stream
/// that has ended is never woken (its transport may already serve another exchange), and one that is woken finds the reason.
/// </summary>
/// <param name="priority">Of its objective.</param>
/// <param name="dispatchedMs">Monotonic milliseconds of its dispatch.</param>
/// <param name="wake">Makes the task that serves the stream look at <see cref="Reason"/>; called at most once, never after the end.</param>
internal sealed class InflightRequest(int priority, long dispatchedMs, Action wake) : EvictionCandidate(priority, dispatchedMs)
{
    private readonly Lock _gate = new();
    private EvictionReason _reason;
    private bool _ended;

    /// <summary>Why it is to end; <see cref="EvictionReason.None"/> = it is not.</summary>
    public EvictionReason Reason => _reason;

    /// <summary>Monotonic milliseconds of the eviction.</summary>
    public long EvictedMs { get; private set; }

    /// <summary>Asks the stream to end; false where it has ended, or is asked already.</summary>
    public bool TryEvict(EvictionReason reason, long nowMs)
    {
        lock (_gate)
        {
            if (_ended || _reason != EvictionReason.None)
            {
                return false;
            }

            _reason = reason;
            EvictedMs = nowMs;
            wake();
            return true;
        }
    }

    /// <summary>The stream ended, evicted or not; true for the first call.</summary>
    public bool End()
    {
        lock (_gate)
        {
            return !_ended && (_ended = true);
        }
    }
}
