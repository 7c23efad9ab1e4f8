namespace Epp.Native.FlowControl;

/// <summary>A request in flight that may be evicted for one of a higher priority (plugins §12.2). Owned by one <see cref="EvictionQueue"/>.</summary>
/// <param name="priority">Of its objective.</param>
/// <param name="dispatchedMs">Monotonic milliseconds of its dispatch.</param>
public class EvictionCandidate(int priority, long dispatchedMs)
{
    public int Priority => priority;

    public long DispatchedMs => dispatchedMs;

    /// <summary>Order of arrival in the queue: tells candidates of the same millisecond apart.</summary>
    internal long Sequence { get; set; }

    /// <summary>Position in the queue; −1 = in none.</summary>
    internal int HeapIndex { get; set; } = -1;
}
