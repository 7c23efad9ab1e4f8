namespace Epp.Native.FlowControl;

/// <summary>What became of a request in flow control; the names are values of the metrics' label <c>outcome</c> (contract §7.2).</summary>
public enum FlowOutcome
{
    /// <summary>It waits.</summary>
    NotYetFinalized = 0,

    /// <summary>Its turn has come.</summary>
    Dispatched,

    /// <summary>Queues were full on arrival.</summary>
    RejectedCapacity,

    /// <summary>Queues were full on arrival and the pool was empty.</summary>
    RejectedNoEndpoints,

    /// <summary>Refused on arrival for another reason, such as shutdown.</summary>
    RejectedOther,

    /// <summary>Waited too long.</summary>
    EvictedTtl,

    /// <summary>Waited too long for an endpoint to appear.</summary>
    EvictedNoEndpoints,

    /// <summary>Its client went away.</summary>
    EvictedContextCancelled,

    /// <summary>Taken out for another reason, such as shutdown.</summary>
    EvictedOther,
}
