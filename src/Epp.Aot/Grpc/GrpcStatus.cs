namespace Epp.Aot.Grpc;

/// <summary>Status codes of gRPC that this server sends (https://grpc.github.io/grpc/core/md_doc_statuscodes.html).</summary>
public enum GrpcCode
{
    Ok = 0,
    Cancelled = 1,
    Unknown = 2,
    DeadlineExceeded = 4,
    NotFound = 5,
    ResourceExhausted = 8,
    Unimplemented = 12,
    Internal = 13,
    Unavailable = 14,
}

/// <summary>How a call ended.</summary>
/// <param name="Code">Sent as <c>grpc-status</c>.</param>
/// <param name="Message">Sent as <c>grpc-message</c>, percent-encoded; null = none.</param>
public readonly record struct GrpcStatus(GrpcCode Code, string? Message = null)
{
    public static GrpcStatus Ok => new(GrpcCode.Ok);
}
