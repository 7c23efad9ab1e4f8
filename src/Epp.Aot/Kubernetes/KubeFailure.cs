namespace Epp.Aot.Kubernetes;

/// <summary>What went wrong with a request to the API server.</summary>
internal enum KubeFault
{
    /// <summary>No connection, a cut one, or no answer in time.</summary>
    Unreachable = 0,

    /// <summary>401.</summary>
    Unauthorized,

    /// <summary>403.</summary>
    Forbidden,

    /// <summary>404: no such object, or no such kind.</summary>
    NotFound,

    /// <summary>409.</summary>
    Conflict,

    /// <summary>410: the resource version or continue token is too old.</summary>
    Gone,

    /// <summary>429.</summary>
    TooManyRequests,

    /// <summary>Any other 4xx.</summary>
    Refused,

    /// <summary>5xx.</summary>
    Server,

    /// <summary>The answer is not what the API promises, or too large.</summary>
    Malformed,
}

/// <summary>A failed request.</summary>
/// <param name="Fault">Kind of the failure.</param>
/// <param name="Message">The server's words or ours.</param>
/// <param name="RetryAfter">How long the server asks to wait; null = not said.</param>
internal sealed record KubeFailure(KubeFault Fault, string Message, TimeSpan? RetryAfter = null)
{
    public override string ToString() => Fault switch
    {
        KubeFault.Unreachable => $"API server unreachable: {Message}",
        KubeFault.Unauthorized => $"401 Unauthorized: {Message}",
        KubeFault.Forbidden => $"403 Forbidden: {Message}",
        KubeFault.NotFound => $"404 Not Found: {Message}",
        KubeFault.Conflict => $"409 Conflict: {Message}",
        KubeFault.Gone => $"410 Gone: {Message}",
        KubeFault.TooManyRequests => $"429 Too Many Requests: {Message}",
        KubeFault.Malformed => $"malformed answer: {Message}",
        _ => Message,
    };
}

/// <summary>A value or a failure.</summary>
internal readonly record struct KubeReply<T>(T? Value, KubeFailure? Failure)
    where T : class;
