using System.Buffers;
using Epp.Aot.Grpc;
using Epp.Aot.Telemetry;
using Epp.Native.Wire;

namespace Epp.Aot.Bbr;

/// <summary>
/// The body-based router's <c>ExternalProcessor/Process</c>: one call per HTTP exchange (contract §9.3). This type moves bytes between the
/// call and <see cref="BbrStream"/>, which decides what they mean.
/// </summary>
internal sealed class BbrService(BbrServices services)
{
    /// <summary>Serves one stream to its end.</summary>
    public async Task<GrpcStatus> ProcessAsync(GrpcCall call)
    {
        var stream = new BbrStream(services);
        services.StreamOpened();
        try
        {
            call.Start();
            while (true)
            {
                var read = await call.Reader.ReadAsync();
                var buffer = read.Buffer;
                var end = call.DeadlineExceeded ? new GrpcStatus(GrpcCode.DeadlineExceeded, "deadline exceeded") : HandleMessages(call, stream, ref buffer);
                // A reply in pieces stops the loop before the buffer is used up; the next read then returns at once.
                var stopped = stream.HasReply;
                call.Reader.AdvanceTo(buffer.Start, stopped ? buffer.Start : buffer.End);
                call.ReleaseMessage();
                while (stream.HasReply || stream.HasOutput)
                {
                    stream.HasOutput = false;
                    await call.Writer.FlushAsync();
                    stream.WriteReply(call.Writer);
                }

                if (end is not null || (read.IsCompleted && !stopped))
                {
                    return end ?? (buffer.IsEmpty ? GrpcStatus.Ok : new GrpcStatus(GrpcCode.Internal, "ext_proc: the stream ended inside a message"));
                }
            }
        }
        catch (Exception e)
        {
            return Failure(e);
        }
        finally
        {
            stream.Finish();
            services.StreamEnded();
        }
    }

    private GrpcStatus Failure(Exception e)
    {
        if (e is IOException or OperationCanceledException)
        {
            // The proxy reset the stream: Envoy ends every exchange so.
            return new GrpcStatus(GrpcCode.Cancelled);
        }

        Log.StreamFailed(services.Logger, e);
        return new GrpcStatus(GrpcCode.Internal, "internal error, see the router's log");
    }

    private static GrpcStatus? HandleMessages(GrpcCall call, BbrStream stream, ref ReadOnlySequence<byte> buffer)
    {
        while (!stream.HasReply)
        {
            switch (call.TryRead(ref buffer, out var message))
            {
                case GrpcRead.Incomplete:
                    return null;
                case GrpcRead.Failed:
                    return call.Failure;
            }

            if (!ProcessingRequest.TryDecode(message, out var request))
            {
                return new GrpcStatus(GrpcCode.Internal, "ext_proc: malformed ProcessingRequest");
            }

            if (stream.Handle(in request, call.Writer) is { } end)
            {
                return end;
            }
        }

        return null;
    }
}
