using System.Buffers;
using Epp.Aot.Grpc;
using Epp.Aot.Telemetry;
using Epp.Native.Requests;
using Epp.Native.Wire;

namespace Epp.Aot.ExtProc;

/// <summary>How a complete request is answered: at once, or once an engine said its token ids; and how it is refused.</summary>
internal sealed partial class ExtProcStream
{
    private GrpcStatus? AnswerWithoutBody(in ProcessingRequest message, IBufferWriter<byte> output)
    {
        var decision = services.Director.DecideWithoutBody(_request!, ReadSubset(in message), Writer);
        return Complete(decision, output, streamed: false, ProcessingKind.RequestHeaders);
    }

    private GrpcStatus? Answer(in ProcessingRequest message, IBufferWriter<byte> output, ProcessingKind kind)
    {
        _processingFrom = services.Time.GetTimestamp();
        var subset = ReadSubset(in message);
        if (services.Asking is not null && _request!.Api != RequestApi.Passthrough && _request.Scanner.Complete(_request.Body) && !_request.Scanner.HasPromptTokenIds)
        {
            (_waitingKind, _waitingSubset, WantsTokens) = (kind, subset, true);
            return null;
        }

        return Decide(subset, kind, output);
    }

    /// <summary>Asks for the token ids that the answer waits for.</summary>
    public Task AskTokensAsync() => services.Asking!(_request!);

    /// <summary>Answers the request whose token ids were asked for.</summary>
    public GrpcStatus? Resume(IBufferWriter<byte> output)
    {
        WantsTokens = false;
        var subset = _waitingSubset;
        _waitingSubset = null;
        return Decide(subset, _waitingKind, output);
    }

    private GrpcStatus? Decide(SubsetHint? subset, ProcessingKind kind, IBufferWriter<byte> output)
    {
        var streamed = _requestMode is BodyMode.FullDuplexStreamed;
        var decision = services.Director.Decide(_request!, subset, kind, streamed, Writer);
        if (decision.Waits)
        {
            (_waitingKind, _waitingSubset, WantsTurn) = (kind, subset, true);
            return null;
        }

        return Complete(decision, output, streamed, kind);
    }

    private GrpcStatus? Complete(in Decision decision, IBufferWriter<byte> output, bool streamed, ProcessingKind kind)
    {
        _series = decision.Series;
        _response.Series = decision.Series;
        if (decision.Failure is { } failure)
        {
            EndTurn();
            return Fail(output, failure);
        }

        _answered = true;
        _span?.Picked(decision.Series, decision.Endpoint, decision.ExpectsStream);
        output.Write(Writer.Written);
        HasOutput = true;
        _endpoint = decision.Endpoint;
        if (decision.CountsAsRunning)
        {
            _endpoint!.BeginRequest();
            _series!.Running(1);
            TrackInflight(decision.Priority);
        }
        else
        {
            _endpoint = null;
        }

        EndTurn();
        _response.Begin(decision);
        if (streamed)
        {
            WriteReply(output);
        }
        else if (kind == ProcessingKind.RequestBody && _request!.Reply.Changes)
        {
            WriteBytes(_request.Reply, output, _request.Reply.Length);
        }

        if (_trailersPending && !HasReply && !streamed)
        {
            _trailersPending = false;
            Write(output, ProcessingKind.RequestTrailers);
        }

        return null;
    }

    private SubsetHint? ReadSubset(in ProcessingRequest message)
    {
        if (services.Options.DisableSubsetFilter || message.Metadata.IsEmpty)
        {
            return null;
        }

        MetadataReader.TryReadSubset(message.Metadata, _request!.Subset);
        return _request.Subset;
    }

    private GrpcStatus? Fail(IBufferWriter<byte> output, RequestFailure failure)
    {
        var dialect = services.Options.Dialect;
        _series ??= services.Metrics.Requests(default, default, "default-flow"u8, 0);
        _series.Error(failure.Code(dialect));
        _span?.Refused(_series, failure.StatusOf(dialect), failure.Code(dialect));
        failure.Encode(Writer, dialect);
        output.Write(Writer.Written);
        Log.RequestRejected(services.Logger, failure.StatusOf(dialect), failure.Text(dialect));
        if (_processingFrom != 0)
        {
            services.Metrics.RequestProcessing(Seconds(_processingFrom));
            _processingFrom = 0;
        }

        HasOutput = true;
        _answered = true;
        return GrpcStatus.Ok;
    }
}
