using System.Buffers.Binary;
using System.Text;
using Epp.Native.Wire;

namespace Epp.Aot.Tracing;

/// <summary>
/// Spans as <c>opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest</c>, written from its end to its start. Field numbers:
/// opentelemetry-proto 1.x, trace/v1/trace.proto.
/// </summary>
internal static class OtlpEncoder
{
    /// <summary>Name of every span.</summary>
    public const string SpanName = "gateway.request";

    private const ulong KindServer = 2, StatusError = 2;

    /// <summary>Writes one request of all spans.</summary>
    public static void Encode(ProtoWriter writer, IReadOnlyList<TraceSpan> spans, IReadOnlyList<KeyValuePair<string, string>> resource, string version)
    {
        writer.Clear();
        // ExportTraceServiceRequest { resource_spans = 1: ResourceSpans { resource = 1, scope_spans = 2: ScopeSpans { scope = 1, spans = 2 } } }
        for (var i = spans.Count - 1; i >= 0; i--)
        {
            EncodeSpan(writer, spans[i]);
        }

        var scope = writer.Length;
        writer.Bytes(2, Encoding.UTF8.GetBytes(version));
        writer.Bytes(1, "epp"u8);
        writer.EndMessage(1, scope);
        writer.EndMessage(2, 0);
        var attributes = writer.Length;
        for (var i = resource.Count - 1; i >= 0; i--)
        {
            Text(writer, 1, Encoding.UTF8.GetBytes(resource[i].Key), Encoding.UTF8.GetBytes(resource[i].Value));
        }

        writer.EndMessage(1, attributes);
        writer.EndMessage(1, 0);
    }

    private static void EncodeSpan(ProtoWriter writer, TraceSpan span)
    {
        var mark = writer.Length;
        if (span.RefusedWith > 0)
        {
            var status = writer.Length;
            writer.Varint(3, StatusError);
            writer.Bytes(2, Encoding.UTF8.GetBytes(span.ErrorCode));
            writer.EndMessage(15, status);
        }

        EncodeAttributes(writer, span);
        writer.Fixed64(8, span.EndUnixNanoseconds);
        writer.Fixed64(7, span.StartUnixNanoseconds);
        writer.Varint(6, KindServer);
        writer.Bytes(5, "gateway.request"u8);
        Span<byte> id = stackalloc byte[16];
        if (span.Parent != 0)
        {
            BinaryPrimitives.WriteUInt64BigEndian(id, span.Parent);
            writer.Bytes(4, id[..8]);
        }

        BinaryPrimitives.WriteUInt64BigEndian(id, span.Context.Span);
        writer.Bytes(2, id[..8]);
        span.Context.WriteTraceId(id);
        writer.Bytes(1, id);
        writer.EndMessage(2, mark);
    }

    private static void EncodeAttributes(ProtoWriter writer, TraceSpan span)
    {
        if (span.RefusedWith > 0)
        {
            Text(writer, 9, "error.type"u8, Encoding.UTF8.GetBytes(span.ErrorCode));
            Number(writer, "http.response.status_code"u8, (ulong)span.RefusedWith);
        }

        if (span.Endpoint is { } endpoint)
        {
            Text(writer, 9, "epp.endpoint.name"u8, Encoding.UTF8.GetBytes(endpoint.Name));
            Text(writer, 9, "epp.endpoint.address"u8, endpoint.HostPortUtf8);
            Number(writer, "epp.streaming"u8, span.Streaming ? 1UL : 0, boolean: true);
        }

        if (span.Series is { } series)
        {
            Text(writer, 9, "epp.target_model"u8, Encoding.UTF8.GetBytes(series.Target));
            Text(writer, 9, "gen_ai.request.model"u8, Encoding.UTF8.GetBytes(series.Model));
        }

        if (!span.RequestId.IsEmpty)
        {
            Text(writer, 9, "epp.request_id"u8, span.RequestId);
        }
    }

    // KeyValue { key = 1, value = 2: AnyValue { string_value = 1, bool_value = 2, int_value = 3 } }
    private static void Text(ProtoWriter writer, int field, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        var mark = writer.Length;
        writer.Bytes(1, System.Text.Unicode.Utf8.IsValid(value) ? value : "?"u8);
        EndAttribute(writer, field, key, mark);
    }

    private static void Number(ProtoWriter writer, ReadOnlySpan<byte> key, ulong value, bool boolean = false)
    {
        var mark = writer.Length;
        writer.Varint(boolean ? 2 : 3, value);
        EndAttribute(writer, 9, key, mark);
    }

    private static void EndAttribute(ProtoWriter writer, int field, ReadOnlySpan<byte> key, int mark)
    {
        writer.EndMessage(2, mark);
        writer.Bytes(1, key);
        writer.EndMessage(field, mark);
    }
}
