using System.Buffers;
using System.Text;
using Epp.Native.Wire;

namespace Epp.Aot.Grpc;

/// <summary>Answers of <c>grpc.health.v1.Health</c> (https://github.com/grpc/grpc/blob/master/doc/health-checking.md).</summary>
public enum ServingStatus
{
    Unknown = 0,
    Serving = 1,
    NotServing = 2,
    ServiceUnknown = 3,
}

/// <summary>
/// <c>grpc.health.v1.Health</c>: Check and List; Watch is UNIMPLEMENTED, as with the references (contract §4.4).
/// </summary>
/// <param name="check">Status of a service name; <see cref="ServingStatus.Unknown"/> = NOT_FOUND.</param>
/// <param name="listed">Names that List reports.</param>
public sealed class HealthService(Func<string, ServingStatus> check, IReadOnlyList<string> listed)
{
    private const int MaxRequestBytes = 64 * 1024;

    /// <summary>Registers the methods of this service.</summary>
    public void Register(IDictionary<string, GrpcMethod> methods)
    {
        methods["/grpc.health.v1.Health/Check"] = call => UnaryAsync(call, Check);
        methods["/grpc.health.v1.Health/List"] = call => UnaryAsync(call, List);
        methods["/grpc.health.v1.Health/Watch"] = _ => Task.FromResult(new GrpcStatus(GrpcCode.Unimplemented, "Watch is not implemented"));
    }

    private static async Task<GrpcStatus> UnaryAsync(GrpcCall call, Func<string, ProtoWriter, bool> answer)
    {
        while (true)
        {
            var read = await call.Reader.ReadAsync();
            if (read.IsCanceled && call.DeadlineExceeded)
            {
                return new GrpcStatus(GrpcCode.DeadlineExceeded, "deadline exceeded before the request arrived");
            }

            var buffer = read.Buffer;
            var known = true;
            var outcome = buffer.Length > MaxRequestBytes ? GrpcRead.Failed : Answer(call, ref buffer, answer, out known);
            call.Reader.AdvanceTo(buffer.Start, buffer.End);
            switch (outcome)
            {
                case GrpcRead.Message when !known:
                    return new GrpcStatus(GrpcCode.NotFound, "unknown service");
                case GrpcRead.Message:
                    await call.Writer.FlushAsync();
                    return GrpcStatus.Ok;
                case GrpcRead.Failed:
                    return call.Failure.Code == GrpcCode.Ok ? new GrpcStatus(GrpcCode.Internal, "health: malformed HealthCheckRequest") : call.Failure;
                case GrpcRead.Incomplete when read.IsCompleted:
                    return new GrpcStatus(GrpcCode.Internal, "health: the stream ended before a request");
            }
        }
    }

    private static GrpcRead Answer(GrpcCall call, ref ReadOnlySequence<byte> buffer, Func<string, ProtoWriter, bool> answer, out bool known)
    {
        known = true;
        var outcome = call.TryRead(ref buffer, out var message);
        if (outcome != GrpcRead.Message)
        {
            return outcome;
        }

        var service = "";
        var reader = new ProtoReader(message);
        while (reader.Next())
        {
            if (reader.Field == 1 && reader.WireType == ProtoReader.Bytes)
            {
                service = Encoding.UTF8.GetString(reader.Content);
            }
        }

        if (reader.Failed)
        {
            return GrpcRead.Failed;
        }

        var writer = new ProtoWriter();
        known = answer(service, writer);
        if (!known)
        {
            return GrpcRead.Message;
        }

        writer.PrependGrpcPrefix();
        call.Start();
        call.Writer.Write(writer.Written);
        return GrpcRead.Message;
    }

    // HealthCheckResponse.status = 1
    private bool Check(string service, ProtoWriter writer)
    {
        var status = check(service);
        writer.Varint(1, (ulong)status);
        return status != ServingStatus.Unknown;
    }

    // HealthListResponse.statuses = 1: map<string, HealthCheckResponse>
    private bool List(string service, ProtoWriter writer)
    {
        foreach (var name in listed)
        {
            var mark = writer.Length;
            writer.Varint(1, (ulong)check(name));
            writer.EndMessage(2, mark);
            writer.Bytes(1, Encoding.UTF8.GetBytes(name));
            writer.EndMessage(1, mark);
        }

        return true;
    }
}
