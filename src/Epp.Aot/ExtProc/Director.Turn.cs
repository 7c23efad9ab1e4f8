using System.Buffers.Text;
using Epp.Aot.FlowControl;
using Epp.Aot.Telemetry;
using Epp.Native;
using Epp.Native.FlowControl;
using Epp.Native.Objectives;
using Epp.Native.Requests;
using Epp.Native.Scheduling;
using Epp.Native.Wire;

namespace Epp.Aot.ExtProc;

/// <content>Flow control: a request takes its turn before an endpoint is picked for it (plugins §12.2).</content>
internal sealed partial class Director
{
    /// <summary>Where requests wait; null = the gate <c>flowControl</c> is off. Set before the first request.</summary>
    public FlowGate? Gate { get; set; }

    /// <summary>Decides a request that has waited; its outcome stands.</summary>
    public Decision DecideAfterTurn(RequestPhase request, SubsetHint? subset, ProcessingKind kind, bool streamed, ProtoWriter writer)
    {
        var turn = request.Turn!;
        var held = request.Held!;
        if (turn.Outcome != FlowOutcome.Dispatched)
        {
            return new Decision(Refusal(turn.Outcome), null, turn.Series);
        }

        var scan = request.Api == RequestApi.Passthrough ? null : request.Scanner;
        var routing = Rent(request, subset);
        routing.SetTargetModel(held.Target);
        var models = new Models(scan is null ? default : scan.Model, held.Choice);
        var decision = Pick(_plan, routing, request, models, kind, streamed, writer, turn.Series);
        Return(routing);
        return decision with { Priority = held.Priority };
    }

    /// <summary>Null where the request may go on at once.</summary>
    private Decision? TakeTurn(FlowGate gate, RoutingPlan decider, RoutingRequest routing, RequestPhase request, Models models, ReadOnlySpan<byte> fairness, RequestSeries series, int priority)
    {
        // GAIE looks for candidates before it queues; llm-d queues and waits for them (contract §3.9).
        if (options.Dialect == Dialect.Gaie)
        {
            decider.Scheduler.Saturation(routing, pool.Current, decider.Saturation, out var candidates);
            if (candidates == 0)
            {
                return new Decision(new RequestFailure(FailureKind.NoCandidates), null, series);
            }
        }

        var turn = gate.Submit(priority, fairness, request.Body.Length, request.ReceivedMs, FirstTokenMs(request.Headers), series);
        request.Turn = turn;
        if (turn.IsDone)
        {
            return turn.Outcome == FlowOutcome.Dispatched ? null : new Decision(Refusal(turn.Outcome), null, series);
        }

        request.Held = new HeldDecision(routing.TargetModel.ToArray(), models.Choice, priority);
        return new Decision(null, null, series, Waits: true);
    }

    /// <summary>Milliseconds to the first token that the client asks for; −1 where it asks for none, or for no whole number.</summary>
    private long FirstTokenMs(HeaderTable headers)
    {
        var text = Control(headers, WellKnownHeaders.FirstTokenSlo, WellKnownHeaders.FirstTokenSloAlias, default);
        return Utf8Parser.TryParse(text, out int ms, out var used) && used == text.Length && ms >= 0 ? ms : -1;
    }

    private static RequestFailure Refusal(FlowOutcome outcome) => new(outcome switch
    {
        FlowOutcome.RejectedCapacity => FailureKind.FlowCapacity,
        FlowOutcome.RejectedNoEndpoints => FailureKind.FlowCapacityNoEndpoints,
        FlowOutcome.EvictedTtl => FailureKind.FlowExpired,
        FlowOutcome.EvictedNoEndpoints => FailureKind.FlowExpiredNoEndpoints,
        FlowOutcome.EvictedContextCancelled => FailureKind.FlowClientGone,
        FlowOutcome.EvictedOther or FlowOutcome.RejectedOther => FailureKind.FlowShutdown,
        _ => FailureKind.FlowInternal,
    });
}

/// <summary>What was decided about a request before it waited.</summary>
/// <param name="target">Model the worker gets.</param>
/// <param name="choice">The rewrite that chose it; default = none.</param>
/// <param name="priority">Of its objective.</param>
internal sealed class HeldDecision(byte[] target, RewriteChoice choice, int priority)
{
    public byte[] Target => target;

    public RewriteChoice Choice => choice;

    public int Priority => priority;
}
