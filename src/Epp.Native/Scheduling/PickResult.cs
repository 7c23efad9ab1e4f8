using Epp.Native.Pool;

namespace Epp.Native.Scheduling;

/// <summary>Why no endpoint was picked. The status of each is in one table of Epp.Aot (contract §2.6).</summary>
public enum PickError
{
    None = 0,

    /// <summary>The pool is empty or the subset hint excludes every endpoint.</summary>
    NoCandidates,

    /// <summary>The profile's filters removed every candidate.</summary>
    FiltersRemovedAll,
}

/// <summary>The outcome of a pick: an error, or endpoints in <see cref="RoutingRequest.Picked"/>.</summary>
public readonly record struct PickResult(PickError Error, Endpoint? Endpoint)
{
    public bool Ok => Error == PickError.None;
}
