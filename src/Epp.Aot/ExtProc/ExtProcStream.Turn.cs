using System.Buffers;
using Epp.Aot.FlowControl;
using Epp.Aot.Grpc;
using Epp.Native.Wire;

namespace Epp.Aot.ExtProc;

/// <content>The wait for a turn in flow control: it holds no thread, and ends when the client goes away or its deadline passes.</content>
internal sealed partial class ExtProcStream
{
    /// <summary>Ends with the request's turn, or when its client or its time has gone.</summary>
    public Task WaitTurnAsync(GrpcCall call)
    {
        var turn = _request!.Turn!;
        (_flow ??= new FlowPart()).Aborted = call.Aborted.UnsafeRegister(static state => ((WaitingRequest)state!).Cancel(), turn);
        call.OnDeadlineExceeded(turn.Cancel);
        return turn.WaitAsync();
    }

    /// <summary>Answers the request that has waited.</summary>
    public GrpcStatus? ResumeTurn(GrpcCall call, IBufferWriter<byte> output)
    {
        WantsTurn = false;
        call.OnDeadlineExceeded(null);
        _flow!.Aborted.Dispose();
        var subset = _waitingSubset;
        _waitingSubset = null;
        var streamed = _requestMode is BodyMode.FullDuplexStreamed;
        return Complete(services.Director.DecideAfterTurn(_request!, subset, _waitingKind, streamed, Writer), output, streamed, _waitingKind);
    }

    private void EndTurn()
    {
        if (_request!.Turn is { } turn)
        {
            if (turn.Gate.CountsService)
            {
                (_flow ??= new FlowPart()).Counted = turn;
            }

            _request.EndTurn();
        }
    }

    /// <summary>Tells flow control once what the response cost.</summary>
    private void ReportService()
    {
        if (_flow is { Counted: { } turn } flow)
        {
            flow.Counted = null;
            turn.Served(_response.ServiceTokens);
        }
    }
}
