using System.Diagnostics;
using System.Text;
using Epp.Aot.Telemetry;
using Epp.Native;
using Epp.Native.Objectives;
using Epp.Native.Pool;
using Epp.Native.Prefix;
using Epp.Native.Requests;
using Epp.Native.Scheduling;
using Epp.Native.Wire;

namespace Epp.Aot.ExtProc;

/// <summary>
/// Turns a complete request into an answer: model, rewrite, objective, fairness, admission, pick, headers (contract §3.4, §3.9).
/// Thread-safe: what it needs for one decision is kept per thread.
/// </summary>
internal sealed partial class Director(Pool pool, RoutingPlan plan, ObjectiveStore objectives, EppMetrics metrics, ExtProcOptions options, TimeProvider time, PickLog pickLog, IPromptTokenizer? tokenizer = null, PromptParity? parity = null)
{
    [ThreadStatic]
    private static RoutingRequest? t_routing;

    private volatile RoutingPlan _plan = plan;

    /// <summary>What decides. A request reads it once; setting it takes effect with the next request.</summary>
    public RoutingPlan Plan
    {
        get => _plan;
        set => _plan = value;
    }

    /// <summary>Decides a request with a body; on success the answer's headers stand in <paramref name="writer"/>.</summary>
    /// <param name="request">Headers and scanned body.</param>
    /// <param name="subset">The gateway's hint; null = none.</param>
    /// <param name="kind">The message answered: headers, or the buffered body.</param>
    /// <param name="streamed">The body goes back in streamed chunks.</param>
    /// <param name="writer">Takes the answer.</param>
    public Decision Decide(RequestPhase request, SubsetHint? subset, ProcessingKind kind, bool streamed, ProtoWriter writer)
    {
        request.Reply.Begin(request.Body);
        var scan = request.Api == RequestApi.Passthrough ? null : request.Scanner;
        var decider = _plan;
        var session = decider.Identity is { } identity ? identity.Find(request.Headers, "default-flow"u8) : "default-flow"u8;
        var fairness = Control(request.Headers, WellKnownHeaders.FairnessId, WellKnownHeaders.FairnessIdAlias, session);
        if (scan is not null && !scan.Complete(request.Body))
        {
            return Fail(new RequestFailure(FailureKind.BadRequest, scan.ErrorMessage!), default, default, fairness);
        }

        var routing = Rent(request, subset);
        var models = Resolve(request, scan, decider, routing, out var target);
        if (scan is { CanRewriteModel: true })
        {
            // GAIE's scanner has refused a body without the field; the empty string is a model there.
            if (target.IsEmpty && options.Dialect == Dialect.LlmD)
            {
                Return(routing);
                return Fail(new RequestFailure(FailureKind.ModelMissing), models.Incoming, target, fairness);
            }

            request.Reply.Begin(request.Body, scan, target);
        }

        routing.SetTargetModel(target);
        var priority = objectives.Priority(Control(request.Headers, WellKnownHeaders.Objective, WellKnownHeaders.ObjectiveAlias, default));
        var series = metrics.Requests(models.Incoming, target, fairness, priority);
        var refused = Gate is { } gate
            ? TakeTurn(gate, decider, routing, request, models, fairness, series, priority)
            : priority < 0 ? Admit(decider, routing, series) : null;
        var decision = refused ?? Pick(decider, routing, request, models, kind, streamed, writer, series);
        Return(routing);
        return decision with { Priority = priority };
    }

    /// <summary>Decides a request that has no body, such as GET: a live endpoint at random, within hint and filters (contract §1.5).</summary>
    public Decision DecideWithoutBody(RequestPhase request, SubsetHint? subset, ProtoWriter writer)
    {
        var series = metrics.Requests(default, default, "default-flow"u8, 0);
        var snapshot = pool.Current;
        if (snapshot.Count == 0)
        {
            return new Decision(new RequestFailure(FailureKind.NoCandidatesWithoutBody), null, series);
        }

        var routing = Rent(request, subset);
        var picked = _plan.Scheduler.PickRandom(routing, snapshot);
        if (!picked.Ok)
        {
            Return(routing);
            return new Decision(new RequestFailure(Kind(picked.Error), _plan.Scheduler.Profile.Name), null, series);
        }

        Encode(writer, request, routing, ProcessingKind.RequestHeaders, bodyBytes: -1, replacedBytes: -1);
        Return(routing);
        return new Decision(null, picked.Endpoint, series);
    }

    /// <summary>The prompts' token ids, where somebody knows them: the client, an engine that was asked, or the tokenizer in this process.</summary>
    private void FindTokens(RequestPhase request, RoutingRequest routing)
    {
        if (routing.Scan is not { } scan)
        {
            return;
        }

        if (request.Tokens is { IsKnown: true } asked)
        {
            routing.Tokens = asked;
        }
        else if (_plan.Scheduler.WantsTokens && !routing.Tokens.TryRead(scan, request.Body))
        {
            tokenizer?.TryTokenize(scan, request.Body, routing.TargetModel, routing.Tokens);
        }
    }

    /// <summary>
    /// The model the client names and the one the worker gets: a rewrite object's, else the rewrite header's, else the client's
    /// (contract §3.4). Only llm-d has rewrite objects.
    /// </summary>
    private Models Resolve(RequestPhase request, RequestScanner? scan, RoutingPlan decider, RoutingRequest routing, out ReadOnlySpan<byte> target)
    {
        var incoming = scan is null ? default : scan.Model;
        if (options.Dialect == Dialect.LlmD && scan is { CanRewriteModel: true })
        {
            decider.Scheduler.Seed(routing);
            if (objectives.TryRewrite(incoming, ref routing.Random, out var choice))
            {
                metrics.RewriteDecision(choice.Rewrite, incoming, choice.Target);
                target = choice.Target;
                return new Models(incoming, choice);
            }
        }

        target = Control(request.Headers, WellKnownHeaders.ModelRewrite, WellKnownHeaders.ModelRewriteAlias, incoming);
        return new Models(incoming, default);
    }

    /// <summary>
    /// Refuses a sheddable request (priority below 0) while the candidates are saturated (plugins §12.1). GAIE looks for candidates first,
    /// so none is a 503 there and a 429 in llm-d, which counts none as saturated.
    /// </summary>
    private Decision? Admit(RoutingPlan decider, RoutingRequest routing, RequestSeries series)
    {
        var reading = decider.Scheduler.Saturation(routing, pool.Current, decider.Saturation, out var candidates);
        if (reading.StaleEndpoints >= 0)
        {
            metrics.StaleEndpoints(reading.StaleEndpoints);
        }

        return reading.IsSaturated && (candidates > 0 || options.Dialect == Dialect.LlmD)
            ? new Decision(new RequestFailure(FailureKind.SheddableDropped), null, series)
            : null;
    }

    private Decision Pick(
        RoutingPlan decider, RoutingRequest routing, RequestPhase request, Models models, ProcessingKind kind, bool streamed, ProtoWriter writer,
        RequestSeries series)
    {
        if (request.Api != RequestApi.Passthrough)
        {
            routing.Scan = request.Scanner;
            routing.SetCacheSalt(request.Scanner.CacheSalt);
        }

        routing.Body = request.Body;
        FindTokens(request, routing);
        var replyBytes = request.Reply.Length;
        var rewritten = request.Reply.Changes;
        var started = Stopwatch.GetTimestamp();
        var snapshot = pool.Current;
        var picked = decider.Scheduler.Pick(routing, snapshot);
        if (picked.Error != PickError.NoCandidates)
        {
            metrics.SchedulerDuration(Stopwatch.GetElapsedTime(started).TotalSeconds);
            metrics.SchedulerAttempt(picked.Endpoint, routing.TargetModel, picked.Ok);
        }

        if (!picked.Ok)
        {
            return new Decision(new RequestFailure(Kind(picked.Error), decider.Scheduler.Profile.Name), null, series);
        }

        if (options.Dialect == Dialect.LlmD && WantsCachedPrefixOnly(request.Headers) && !HoldsPrefix(decider.Scheduler, routing, picked.Endpoint!))
        {
            return new Decision(new RequestFailure(FailureKind.NoCachedPrefix), null, series);
        }

        decider.Scheduler.OnPicked(routing);
        series.Picked(replyBytes);
        decider.Plugins.Observe(routing);
        decider.Prefix.Observe(routing);
        pickLog.Write(routing, snapshot);
        // Envoy rejects a buffered body that is replaced at another length than its content-length says.
        var announced = streamed || rewritten || kind == ProcessingKind.RequestHeaders ? replyBytes : -1;
        Encode(writer, request, routing, kind, announced, kind == ProcessingKind.RequestBody && rewritten ? replyBytes : -1);
        var ticket = routing.Tokens.IsComputed && parity is not null ? parity.Offer(routing, picked.Endpoint!) : default;
        // GAIE leaves the target's name in the response.
        return rewritten && !models.Incoming.IsEmpty && options.Dialect == Dialect.LlmD
            ? new Decision(
                null, picked.Endpoint, series, true, routing.Scan!.Stream,
                models.Choice.Matched ?? models.Incoming.ToArray(), models.Choice.Target ?? routing.TargetModel.ToArray(), ticket)
            : new Decision(null, picked.Endpoint, series, true, routing.Scan is { Stream: true }, Ticket: ticket);
    }

    private Decision Fail(RequestFailure failure, ReadOnlySpan<byte> incoming, ReadOnlySpan<byte> target, ReadOnlySpan<byte> fairness) =>
        new(failure, null, metrics.Requests(incoming, target, fairness, 0));

    private static FailureKind Kind(PickError error) =>
        error == PickError.NoCandidates ? FailureKind.NoCandidates : FailureKind.FiltersRemovedAll;

    private RoutingRequest Rent(RequestPhase request, SubsetHint? subset)
    {
        var routing = t_routing ?? new RoutingRequest();
        t_routing = null;
        routing.NowMs = EppMetrics.MonotonicMs(time);
        routing.Headers = request.Headers;
        routing.Subset = subset;
        return routing;
    }

    private static void Return(RoutingRequest routing)
    {
        routing.Reset();
        t_routing = routing;
    }

    /// <summary>A control header by llm-d's name, else by the older one, which is the only one that GAIE knows.</summary>
    private ReadOnlySpan<byte> Control(HeaderTable headers, ReadOnlySpan<byte> name, ReadOnlySpan<byte> gatewayName, ReadOnlySpan<byte> otherwise)
    {
        if (options.Dialect == Dialect.LlmD && headers.TryGet(name, out var value) && !value.IsEmpty)
        {
            return value;
        }

        return headers.TryGet(gatewayName, out value) && !value.IsEmpty ? value : otherwise;
    }

    private static bool HoldsPrefix(Scheduler scheduler, RoutingRequest routing, Endpoint endpoint)
    {
        for (var i = 0; i < scheduler.Producers.Count; i++)
        {
            if (scheduler.Producers[i].Name is ApproxPrefixProducer.PluginType or PrecisePrefixProducer.PluginType)
            {
                return routing.PrefixMatches[i].MatchBlocks[endpoint.Index.Value] > 0;
            }
        }

        return false;
    }

    // "prefer: if-available" among comma-separated preferences, parameters cut at ';' (plugins §1.5 step 14).
    private static bool WantsCachedPrefixOnly(HeaderTable headers)
    {
        if (!headers.TryGet(WellKnownHeaders.Prefer, out var value))
        {
            return false;
        }

        foreach (var range in value.Split((byte)','))
        {
            var item = value[range];
            var parameters = item.IndexOf((byte)';');
            item = (parameters < 0 ? item : item[..parameters]).Trim(" \t"u8);
            if (Ascii.EqualsIgnoreCase(item, "if-available"u8))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The model the client names, empty where it names none, and the rewrite that applies; the default where none does.</summary>
    private readonly ref struct Models(ReadOnlySpan<byte> incoming, RewriteChoice choice)
    {
        public readonly ReadOnlySpan<byte> Incoming = incoming;
        public readonly RewriteChoice Choice = choice;
    }
}
