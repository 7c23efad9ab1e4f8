namespace Epp.Aot.Grpc;

/// <summary>Limits of the gRPC layer.</summary>
/// <param name="MaxReceiveBytes">Largest message accepted, after decompression.</param>
public sealed record GrpcOptions(int MaxReceiveBytes = 16 * 1024 * 1024);
