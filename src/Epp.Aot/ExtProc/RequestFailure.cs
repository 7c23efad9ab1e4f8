using System.Globalization;
using System.Text;
using Epp.Native;
using Epp.Native.Wire;

namespace Epp.Aot.ExtProc;

/// <summary>Why a request gets an ImmediateResponse instead of an endpoint (contract §2.6).</summary>
internal enum FailureKind
{
    BadRequest,
    ModelMissing,
    NoCandidates,
    NoCandidatesWithoutBody,
    SheddableDropped,
    FiltersRemovedAll,
    NoCachedPrefix,
    BodyTooLarge,
    BodyBudgetSpent,
    HeadersTooLarge,
    Evicted,
    EvictedForPriority,
    FlowCapacity,
    FlowCapacityNoEndpoints,
    FlowExpired,
    FlowExpiredNoEndpoints,
    FlowClientGone,
    FlowShutdown,
    FlowInternal,
}

/// <summary>One failure with its client-safe text. The only table of statuses.</summary>
/// <param name="Kind">Cause.</param>
/// <param name="Detail">
/// Text of a <see cref="FailureKind.BadRequest"/> or of a limit, the profile of a <see cref="FailureKind.FiltersRemovedAll"/>; else unused.
/// </param>
internal readonly record struct RequestFailure(FailureKind Kind, string? Detail = null)
{
    /// <summary>Label <c>error_code</c> of the metrics, and the word in the client's text.</summary>
    public string Code(Dialect dialect) => Kind switch
    {
        FailureKind.BadRequest or FailureKind.ModelMissing => "BadRequest",
        FailureKind.NoCachedPrefix => "PreconditionFailed",
        FailureKind.BodyTooLarge => "PayloadTooLarge",
        FailureKind.Evicted or FailureKind.EvictedForPriority => "Evicted",
        FailureKind.HeadersTooLarge => "RequestHeaderFieldsTooLarge",
        _ => StatusOf(dialect) switch
        {
            429 => dialect == Dialect.Gaie ? "InferencePoolResourceExhausted" : "ResourceExhausted",
            503 => "ServiceUnavailable",
            _ => "Internal",
        },
    };

    /// <summary>The HTTP status (contract §2.6).</summary>
    public int StatusOf(Dialect dialect) => Kind switch
    {
        FailureKind.BadRequest or FailureKind.ModelMissing => 400,
        FailureKind.NoCandidates or FailureKind.BodyBudgetSpent or FailureKind.FlowCapacityNoEndpoints or FailureKind.FlowExpiredNoEndpoints or FailureKind.FlowClientGone => 503,
        FailureKind.FlowExpired or FailureKind.FlowShutdown when dialect == Dialect.Gaie => Kind == FailureKind.FlowExpired ? 503 : 500,
        FailureKind.FlowShutdown => 503,
        FailureKind.NoCandidatesWithoutBody or FailureKind.FlowInternal => 500,
        FailureKind.FiltersRemovedAll or FailureKind.SheddableDropped or FailureKind.Evicted or FailureKind.EvictedForPriority or FailureKind.FlowCapacity or FailureKind.FlowExpired => 429,
        FailureKind.NoCachedPrefix => 412,
        FailureKind.BodyTooLarge => 413,
        _ => 431,
    };

    /// <summary>The client's text: <c>inference error: Code - message</c>, or GAIE's wording; bare for an eviction (contract §2.6).</summary>
    public string Text(Dialect dialect)
    {
        if (Kind is FailureKind.Evicted or FailureKind.EvictedForPriority)
        {
            return "request evicted by flow control";
        }

        var prefix = dialect == Dialect.Gaie ? "inference gateway" : "inference error";
        return string.Create(CultureInfo.InvariantCulture, $"{prefix}: {Code(dialect)} - {Message(dialect)}");
    }

    /// <summary>Encodes the ImmediateResponse.</summary>
    public void Encode(ProtoWriter writer, Dialect dialect)
    {
        var reason = dialect == Dialect.Gaie ? default : Kind switch
        {
            FailureKind.NoCandidates or FailureKind.FlowCapacityNoEndpoints or FailureKind.FlowExpiredNoEndpoints => "rejected-no-endpoints"u8,
            FailureKind.FiltersRemovedAll or FailureKind.FlowCapacity => "rejected-saturated"u8,
            FailureKind.FlowExpired => "rejected-ttl-expired"u8,
            FailureKind.FlowClientGone => "rejected-context-cancelled"u8,
            FailureKind.FlowShutdown => "rejected-shutting-down"u8,
            FailureKind.EvictedForPriority => "evicted-priority"u8,
            _ => default,
        };
        ExtProcEncoder.ImmediateResponse(
            writer, StatusOf(dialect), reason.IsEmpty ? default : WellKnownHeaders.DroppedReason, reason, Encoding.UTF8.GetBytes(Text(dialect)));
    }

    private string Message(Dialect dialect) => Kind switch
    {
        FailureKind.BadRequest => Detail!,
        FailureKind.ModelMissing => "model not found in request body",
        FailureKind.NoCandidates when dialect == Dialect.Gaie => "failed to find candidate pods for serving the request",
        FailureKind.NoCandidates => "failed to find endpoint candidates for serving the request",
        FailureKind.NoCandidatesWithoutBody => "no pods available in datastore",
        FailureKind.SheddableDropped => "system saturated, sheddable request dropped",
        FailureKind.FiltersRemovedAll when dialect == Dialect.Gaie => $"failed to find target pod: failed to run scheduler profile '{Detail}'",
        FailureKind.FiltersRemovedAll => "no endpoints available for the given request",
        FailureKind.NoCachedPrefix => "no decode worker has the requested KV cache",
        FailureKind.FlowCapacity => "request rejected pre-queue: queue at capacity",
        FailureKind.FlowCapacityNoEndpoints => "no endpoints available: request rejected pre-queue: queue at capacity",
        FailureKind.FlowExpired => "request timed out in queue: request evicted from queue: request TTL expired",
        FailureKind.FlowExpiredNoEndpoints =>
            "request timed out in queue and no endpoints are available: request evicted from queue: request TTL expired: no endpoints available",
        FailureKind.FlowClientGone => "client disconnected: request evicted from queue: the client went away",
        FailureKind.FlowShutdown => "flow controller shutting down: the request was not dispatched; retry",
        FailureKind.FlowInternal => "internal flow control error: the request has no outcome",
        _ => Detail!,
    };
}
