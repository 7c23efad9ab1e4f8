using System.Buffers.Text;
using Epp.Native.Requests;
using Epp.Native.Scheduling;
using Epp.Native.Wire;

namespace Epp.Aot.ExtProc;

/// <content>Encodes the answer to a pick.</content>
internal sealed partial class Director
{
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
}
