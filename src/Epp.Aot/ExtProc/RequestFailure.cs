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
}

/// <summary>One failure with its client-safe text. The only table of statuses.</summary>
/// <param name="Kind">Cause.</param>
/// <param name="Detail">Text of a <see cref="FailureKind.BadRequest"/> or of a limit; else unused.</param>
internal readonly record struct RequestFailure(FailureKind Kind, string? Detail = null)
{
    /// <summary>Label <c>error_code</c> of the metrics, and the word in the client's text.</summary>
    public string Code(Dialect dialect) => Kind switch
    {
        FailureKind.BadRequest or FailureKind.ModelMissing => "BadRequest",
        FailureKind.NoCandidates or FailureKind.BodyBudgetSpent => "ServiceUnavailable",
        FailureKind.NoCandidatesWithoutBody => "Internal",
        FailureKind.FiltersRemovedAll or FailureKind.SheddableDropped => dialect == Dialect.Gaie ? "InferencePoolResourceExhausted" : "ResourceExhausted",
        FailureKind.NoCachedPrefix => "PreconditionFailed",
        FailureKind.BodyTooLarge => "PayloadTooLarge",
        FailureKind.Evicted or FailureKind.EvictedForPriority => "Evicted",
        _ => "RequestHeaderFieldsTooLarge",
    };

    public int HttpStatus => Kind switch
    {
        FailureKind.BadRequest or FailureKind.ModelMissing => 400,
        FailureKind.NoCandidates or FailureKind.BodyBudgetSpent => 503,
        FailureKind.NoCandidatesWithoutBody => 500,
        FailureKind.FiltersRemovedAll or FailureKind.SheddableDropped or FailureKind.Evicted or FailureKind.EvictedForPriority => 429,
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
            FailureKind.NoCandidates => "rejected-no-endpoints"u8,
            FailureKind.FiltersRemovedAll => "rejected-saturated"u8,
            FailureKind.EvictedForPriority => "evicted-priority"u8,
            _ => default,
        };
        ExtProcEncoder.ImmediateResponse(
            writer, HttpStatus, reason.IsEmpty ? default : WellKnownHeaders.DroppedReason, reason, Encoding.UTF8.GetBytes(Text(dialect)));
    }

    private string Message(Dialect dialect) => Kind switch
    {
        FailureKind.BadRequest => Detail!,
        FailureKind.ModelMissing => "model not found in request body",
        FailureKind.NoCandidates when dialect == Dialect.Gaie => "failed to find candidate pods for serving the request",
        FailureKind.NoCandidates => "failed to find endpoint candidates for serving the request",
        FailureKind.NoCandidatesWithoutBody => "no pods available in datastore",
        FailureKind.SheddableDropped => "system saturated, sheddable request dropped",
        FailureKind.FiltersRemovedAll when dialect == Dialect.Gaie => "failed to find target pod: no endpoints available for the given request",
        FailureKind.FiltersRemovedAll => "no endpoints available for the given request",
        FailureKind.NoCachedPrefix => "no decode worker has the requested KV cache",
        _ => Detail!,
    };
}
