using Epp.Aot.Telemetry;
using Epp.Native.Pool;
using Epp.Native.Prefix;

namespace Epp.Aot.ExtProc;

/// <summary>The outcome for one request: a failure, or an endpoint whose answer stands in the writer.</summary>
/// <param name="Failure">Set when the request is refused.</param>
/// <param name="Endpoint">The first endpoint picked.</param>
/// <param name="Series">Metrics of the request's label set.</param>
/// <param name="CountsAsRunning">False for requests without a body, which the references never count.</param>
/// <param name="ExpectsStream">The request asked for a streamed response.</param>
/// <param name="RestoreModel">Model name to put back into the response; null = the response is not touched.</param>
/// <param name="TargetModel">Model name the worker writes, where <paramref name="RestoreModel"/> is set.</param>
/// <param name="Ticket">The request's token ids are compared with what the engine stores.</param>
/// <param name="Priority">Of the request's objective.</param>
/// <param name="Waits">Nothing is decided: the request waits for its turn.</param>
internal readonly record struct Decision(
    RequestFailure? Failure,
    Endpoint? Endpoint,
    RequestSeries Series,
    bool CountsAsRunning = false,
    bool ExpectsStream = false,
    byte[]? RestoreModel = null,
    byte[]? TargetModel = null,
    ParityTicket Ticket = default,
    int Priority = 0,
    bool Waits = false);
