using System.Buffers;
using System.IO.Pipelines;
using Epp.Aot.ExtProc;
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
        var status = new GrpcStatus(GrpcCode.Cancelled);
        var opened = services.Time.GetTimestamp();
        services.Metrics.Streams.Opened();
        try
        {
            status = await RunAsync(call, stream);
            return status;
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            // The proxy reset the stream: Envoy ends every exchange so.
            return status;
        }
        catch (Exception e)
        {
            status = new GrpcStatus(GrpcCode.Internal, "internal error, see the router's log");
            Log.StreamFailed(services.Logger, e);
            return status;
        }
        finally
        {
            stream.Finish();
            services.Metrics.Streams.Ended(services.Time.GetElapsedTime(opened).TotalSeconds, (int)status.Code);
        }
    }

    private static async Task<GrpcStatus> RunAsync(GrpcCall call, BbrStream stream)
    {
        call.Start();
        while (true)
        {
            var read = await call.Reader.ReadAsync();
            if (call.DeadlineExceeded)
            {
                return new GrpcStatus(GrpcCode.DeadlineExceeded, "deadline exceeded");
            }

            var buffer = read.Buffer;
            var end = HandleMessages(call, stream, ref buffer);
            // A reply in pieces stops the loop before the buffer is used up; the next read then returns at once.
            var stopped = stream.HasReply;
            call.Reader.AdvanceTo(buffer.Start, stopped ? buffer.Start : buffer.End);
            call.ReleaseMessage();
            await FlushAsync(call.Writer, stream);
            if (end is { } status)
            {
                return status;
            }

            if (read.IsCompleted && !stopped)
            {
                return buffer.IsEmpty ? GrpcStatus.Ok : new GrpcStatus(GrpcCode.Internal, "ext_proc: the stream ended inside a message");
            }
        }
    }

    private static async ValueTask FlushAsync(PipeWriter output, BbrStream stream)
    {
        while (stream.HasReply)
        {
            await output.FlushAsync();
            stream.WriteReply(output);
        }

        if (stream.HasOutput)
        {
            stream.HasOutput = false;
            await output.FlushAsync();
        }
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
