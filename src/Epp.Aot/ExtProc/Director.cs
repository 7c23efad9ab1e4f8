using System.Buffers;
using System.Buffers.Text;
using System.Diagnostics;
using System.Text;
using Epp.Aot.Telemetry;
using Epp.Native;
using Epp.Native.Pool;
using Epp.Native.Prefix;
using Epp.Native.Requests;
using Epp.Native.Scheduling;
using Epp.Native.Wire;

namespace Epp.Aot.ExtProc;

/// <summary>
/// Turns a complete request into an answer: model, rewrite, fairness, pick, headers (contract §3.4, §3.9). Thread-safe: what it needs
/// for one decision is kept per thread.
/// </summary>
internal sealed class Director(Pool pool, Scheduler scheduler, EppMetrics metrics, ExtProcOptions options, PluginTimes plugins, PrefixMetrics prefix, PickLog pickLog)
{
    [ThreadStatic]
    private static RoutingRequest? t_routing;

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
        var fairness = HeaderOr(request.Headers, WellKnownHeaders.FairnessId, WellKnownHeaders.FairnessIdAlias, "default-flow"u8);
        if (scan is not null && !scan.Complete())
        {
            return Fail(new RequestFailure(FailureKind.BadRequest, scan.ErrorMessage!), default, default, fairness);
        }

        var incoming = scan is null ? default : scan.Model;
        var target = HeaderOr(request.Headers, WellKnownHeaders.ModelRewrite, WellKnownHeaders.ModelRewriteAlias, incoming);
        if (scan is { CanRewriteModel: true })
        {
            if (target.IsEmpty || (options.Dialect == Dialect.Gaie && incoming.IsEmpty))
            {
                return Fail(new RequestFailure(FailureKind.ModelMissing), incoming, target, fairness);
            }

            request.Reply.Begin(request.Body, scan, target);
        }

        return Pick(request, scan, subset, kind, streamed, writer, incoming, target, fairness);
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
        var picked = scheduler.PickRandom(routing, snapshot);
        if (!picked.Ok)
        {
            return new Decision(new RequestFailure(Kind(picked.Error)), null, series);
        }

        Encode(writer, request, routing, ProcessingKind.RequestHeaders, bodyBytes: -1, replacedBytes: -1);
        Return(routing);
        return new Decision(null, picked.Endpoint, series);
    }

    private Decision Pick(
        RequestPhase request, RequestScanner? scan, SubsetHint? subset, ProcessingKind kind, bool streamed, ProtoWriter writer,
        ReadOnlySpan<byte> incoming, ReadOnlySpan<byte> target, ReadOnlySpan<byte> fairness)
    {
        var replyBytes = request.Reply.Length;
        var rewritten = request.Reply.Changes;
        var series = metrics.Requests(incoming, target, fairness, 0);
        var started = Stopwatch.GetTimestamp();
        var routing = Rent(request, subset);
        routing.Scan = scan;
        routing.Body = request.Body;
        routing.SetTargetModel(target);
        if (scan is not null)
        {
            routing.SetCacheSalt(scan.CacheSalt);
        }

        var snapshot = pool.Current;
        var picked = scheduler.Pick(routing, snapshot);
        if (picked.Error != PickError.NoCandidates)
        {
            metrics.SchedulerDuration(Stopwatch.GetElapsedTime(started).TotalSeconds);
            metrics.SchedulerAttempt(picked.Endpoint, target, picked.Ok);
        }

        if (!picked.Ok)
        {
            Return(routing);
            return new Decision(new RequestFailure(Kind(picked.Error)), null, series);
        }

        if (options.Dialect == Dialect.LlmD && WantsCachedPrefixOnly(request.Headers) && !HoldsPrefix(routing, picked.Endpoint!))
        {
            Return(routing);
            return new Decision(new RequestFailure(FailureKind.NoCachedPrefix), null, series);
        }

        scheduler.OnPicked(routing);
        series.Picked(replyBytes);
        plugins.Observe(routing);
        prefix.Observe(routing);
        pickLog.Write(routing, snapshot);
        // Envoy rejects a buffered body that is replaced at another length than its content-length says.
        var announced = streamed || rewritten || kind == ProcessingKind.RequestHeaders ? replyBytes : -1;
        Encode(writer, request, routing, kind, announced, kind == ProcessingKind.RequestBody && rewritten ? replyBytes : -1);
        Return(routing);
        return rewritten && !incoming.IsEmpty
            ? new Decision(null, picked.Endpoint, series, true, scan!.Stream, incoming.ToArray(), target.ToArray())
            : new Decision(null, picked.Endpoint, series, true, scan is { Stream: true });
    }

    private Decision Fail(RequestFailure failure, ReadOnlySpan<byte> incoming, ReadOnlySpan<byte> target, ReadOnlySpan<byte> fairness) =>
        new(failure, null, metrics.Requests(incoming, target, fairness, 0));

    private static FailureKind Kind(PickError error) =>
        error == PickError.NoCandidates ? FailureKind.NoCandidates : FailureKind.FiltersRemovedAll;

    private static RoutingRequest Rent(RequestPhase request, SubsetHint? subset)
    {
        var routing = t_routing ?? new RoutingRequest();
        t_routing = null;
        routing.Headers = request.Headers;
        routing.Subset = subset;
        return routing;
    }

    private static void Return(RoutingRequest routing)
    {
        routing.Reset();
        t_routing = routing;
    }

    // Written last to first: body head, clear_route_cache, removals, sets, then the dynamic metadata in front of all (contract §1.6).
    private void Encode(ProtoWriter writer, RequestPhase request, RoutingRequest routing, ProcessingKind kind, int bodyBytes, int replacedBytes)
    {
        writer.Clear();
        var behind = replacedBytes >= 0 ? ExtProcEncoder.BodyMutation(writer, replacedBytes, streamed: false, endOfStream: false) : 0;
        ExtProcEncoder.ClearRouteCache(writer);
        var mark = writer.Length;
        request.Trace.Encode(writer);
        EncodeHeaders(writer, request.Headers, routing, bodyBytes);
        ExtProcEncoder.EndResponse(writer, kind, mark, behind);
        EncodeMetadata(writer, routing);
        writer.PrependGrpcPrefix(behind);
    }

    private static void EncodeHeaders(ProtoWriter writer, HeaderTable headers, RoutingRequest routing, int bodyBytes)
    {
        RemoveIfPresent(writer, headers, WellKnownHeaders.PrefillerHostPort);
        RemoveIfPresent(writer, headers, WellKnownHeaders.DataParallelHostPort);
        RemoveIfPresent(writer, headers, WellKnownHeaders.EncoderHostsPorts);
        RemoveIfPresent(writer, headers, WellKnownHeaders.KvCacheSourceHostPort);
        Span<byte> text = stackalloc byte[36];
        if (!headers.TryGet(WellKnownHeaders.RequestId, out var id) || id.IsEmpty)
        {
            Utf8Formatter.TryFormat(Guid.NewGuid(), text, out _);
            ExtProcEncoder.SetHeader(writer, WellKnownHeaders.RequestId, text);
        }

        if (bodyBytes > 0)
        {
            Utf8Formatter.TryFormat(bodyBytes, text, out var digits);
            ExtProcEncoder.SetHeader(writer, WellKnownHeaders.ContentLength, text[..digits]);
        }

        var mark = writer.Length;
        PrependDestination(writer, routing);
        writer.EndMessage(3, mark);
        writer.Bytes(1, WellKnownHeaders.DestinationEndpoint);
        writer.EndMessage(1, mark);
        writer.EndMessage(1, mark);
    }

    private static void RemoveIfPresent(ProtoWriter writer, HeaderTable headers, ReadOnlySpan<byte> key)
    {
        if (headers.TryGet(key, out _))
        {
            ExtProcEncoder.RemoveHeader(writer, key);
        }
    }

    // One endpoint, or an ordered list "a,b,c": best first, so it is written from its end.
    private static void PrependDestination(ProtoWriter writer, RoutingRequest routing)
    {
        for (var i = routing.PickedCount - 1; i >= 0; i--)
        {
            writer.Prepend(routing.Picked[i]!.HostPortUtf8);
            if (i > 0)
            {
                writer.Prepend(","u8);
            }
        }
    }

    private void EncodeMetadata(ProtoWriter writer, RoutingRequest routing)
    {
        var mark = writer.Length;
        if (options.EmitEndpointScores && routing.ScoredCount > 0)
        {
            var snapshot = pool.Current;
            for (var i = routing.ScoredCount - 1; i >= 0; i--)
            {
                if (snapshot.ByIndex[routing.ScoredIndexes[i]] is { } endpoint)
                {
                    ExtProcEncoder.StructNumber(writer, endpoint.HostPortUtf8, routing.ScoredTotals[i]);
                }
            }

            ExtProcEncoder.EndStructStruct(writer, WellKnownHeaders.DestinationEndpointScores, mark);
        }

        // Struct entry { key = 1, value = 2: Value { string_value = 3 } }
        var entry = writer.Length;
        PrependDestination(writer, routing);
        writer.EndMessage(3, entry);
        writer.EndMessage(2, entry);
        writer.Bytes(1, WellKnownHeaders.DestinationEndpoint);
        writer.EndMessage(1, entry);
        ExtProcEncoder.EndStructStruct(writer, WellKnownHeaders.LoadBalancerNamespace, mark);
        ExtProcEncoder.EndDynamicMetadata(writer, mark);
    }

    private static ReadOnlySpan<byte> HeaderOr(HeaderTable headers, ReadOnlySpan<byte> name, ReadOnlySpan<byte> alias, ReadOnlySpan<byte> otherwise)
    {
        if (headers.TryGet(name, out var value) && !value.IsEmpty)
        {
            return value;
        }

        return headers.TryGet(alias, out value) && !value.IsEmpty ? value : otherwise;
    }

    private bool HoldsPrefix(RoutingRequest routing, Endpoint endpoint)
    {
        for (var i = 0; i < scheduler.Producers.Count; i++)
        {
            if (scheduler.Producers[i].Name == ApproxPrefixProducer.PluginType)
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
}
