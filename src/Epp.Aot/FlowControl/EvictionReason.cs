namespace Epp.Aot.FlowControl;

/// <summary>Why a request in flight was evicted: the value of <c>x-llm-d-request-dropped-reason</c> (contract §2.6).</summary>
internal enum EvictionReason
{
    /// <summary>It was not.</summary>
    None,

    /// <summary>No reason is given and no header is sent.</summary>
    Unspecified,

    /// <summary><c>evicted-priority</c>: for a request of a higher priority.</summary>
    Priority,
}
