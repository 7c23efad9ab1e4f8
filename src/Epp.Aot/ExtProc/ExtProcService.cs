using System.Buffers;
using Epp.Aot.Grpc;
using Epp.Aot.Telemetry;
using Epp.Native.Wire;
using Microsoft.Extensions.Logging;

namespace Epp.Aot.ExtProc;

/// <summary>
/// <c>envoy.service.ext_proc.v3.ExternalProcessor/Process</c>: one call per HTTP exchange (contract §1). This type moves bytes between
/// the call and <see cref="ExtProcStream"/>, which decides what they mean.
/// </summary>
internal sealed class ExtProcService(StreamServices services, ILogger logger)
{
    /// <summary>Path of the method.</summary>
    public const string ProcessPath = "/envoy.service.ext_proc.v3.ExternalProcessor/Process";

    /// <summary>Name of the service in health checks.</summary>
    public const string ServiceName = "envoy.service.ext_proc.v3.ExternalProcessor";

    /// <summary>Serves one stream to its end; the accounting of the exchange happens exactly once, here, whatever ends it.</summary>
    public async Task<GrpcStatus> ProcessAsync(GrpcCall call)
    {
        var stream = new ExtProcStream(services);
        if (services.Inflight is not null)
        {
            stream.AllowEviction(call.Wake);
        }

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
            // The proxy reset the stream: Envoy ends every exchange so, and a client that goes away looks the same.
            return status;
        }
        catch (Exception e)
        {
            status = new GrpcStatus(GrpcCode.Internal, "internal error, see the EPP's log");
            Log.StreamFailed(logger, e);
            return status;
        }
        finally
        {
            stream.Finish();
            services.Metrics.Streams.Ended(services.Time.GetElapsedTime(opened).TotalSeconds, (int)status.Code);
        }
    }

    private static async Task<GrpcStatus> RunAsync(GrpcCall call, ExtProcStream stream)
    {
        var reader = call.Reader;
        var output = call.Writer;
        call.Start();
        // A flush is awaited only before the next write: waiting at once would cost a thread switch for every message.
        ValueTask<System.IO.Pipelines.FlushResult> flush = default;
        while (true)
        {
            var read = await reader.ReadAsync();
            if (call.DeadlineExceeded)
            {
                return new GrpcStatus(GrpcCode.DeadlineExceeded, "deadline exceeded");
            }

            if (!flush.IsCompletedSuccessfully)
            {
                await flush;
            }

            flush = default;
            if (stream.IsEvicted)
            {
                stream.WriteEviction(output);
                await output.FlushAsync();
                return GrpcStatus.Ok;
            }

            var buffer = read.Buffer;
            var step = HandleMessages(call, stream, ref buffer);
            // A long reply stops the loop before the buffer is used up; the next read then returns at once.
            var stopped = stream.HasReply || stream.WantsTokens || stream.WantsTurn;
            reader.AdvanceTo(buffer.Start, stopped ? buffer.Start : buffer.End);
            call.ReleaseMessage();
            if (stream.WantsTokens)
            {
                await stream.AskTokensAsync();
                step = stream.Resume(output) is { } refused ? (true, refused) : (false, default);
            }

            if (stream.WantsTurn)
            {
                await stream.WaitTurnAsync(call);
                step = stream.ResumeTurn(call, output) is { } refused ? (true, refused) : (false, default);
            }

            if (stream.HasOutput)
            {
                while (stream.HasReply)
                {
                    await output.FlushAsync();
                    stream.WriteReply(output);
                }

                stream.HasOutput = false;
#pragma warning disable CA2012 // Awaited exactly once, at the top of the next round or below.
                flush = output.FlushAsync();
#pragma warning restore CA2012
                stream.AfterAnswer();
            }

            if (step.Closed || (read.IsCompleted && !stopped))
            {
                if (!flush.IsCompletedSuccessfully)
                {
                    await flush;
                }

                return step.Closed ? step.Status : EndStatus(buffer);
            }
        }
    }

    private static (bool Closed, GrpcStatus Status) HandleMessages(GrpcCall call, ExtProcStream stream, ref ReadOnlySequence<byte> buffer)
    {
        while (!stream.HasReply && !stream.WantsTokens && !stream.WantsTurn)
        {
            switch (call.TryRead(ref buffer, out var message))
            {
                case GrpcRead.Incomplete:
                    return (false, default);
                case GrpcRead.Failed:
                    return (true, call.Failure);
            }

            if (!ProcessingRequest.TryDecode(message, out var request))
            {
                return (true, new GrpcStatus(GrpcCode.Internal, "ext_proc: malformed ProcessingRequest"));
            }

            if (stream.Handle(in request, call.Writer) is { } end)
            {
                return (true, end);
            }
        }

        return (false, default);
    }

    private static GrpcStatus EndStatus(ReadOnlySequence<byte> rest) =>
        rest.IsEmpty ? GrpcStatus.Ok : new GrpcStatus(GrpcCode.Internal, "ext_proc: the stream ended inside a message");
}
