namespace Epp.Native.FlowControl;

/// <summary>A request in flight that may be evicted for one of a higher priority (plugins §12.2). Owned by one <see cref="EvictionQueue"/>.</summary>
/// <param name="priority">Of its objective.</param>
/// <param name="dispatchedMs">Monotonic milliseconds of its dispatch.</param>
public class EvictionCandidate(int priority, long dispatchedMs) : Ranked
{
    public int Priority => priority;

    public long DispatchedMs => dispatchedMs;
}
