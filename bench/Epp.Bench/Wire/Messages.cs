using System.Text;
using Epp.Native.Wire;

namespace Epp.Bench.Wire;

/// <summary><c>ProcessingRequest</c> messages as a gateway in full duplex sends them.</summary>
internal static class Messages
{
    private static readonly (string Key, string Value)[] RequestHeaderValues =
    [
        (":method", "POST"),
        (":path", "/v1/chat/completions"),
        (":authority", "inference.example.com"),
        (":scheme", "https"),
        ("content-type", "application/json"),
        ("content-length", "4096"),
        ("accept", "application/json, text/event-stream"),
        ("accept-encoding", "gzip, deflate"),
        ("authorization", "Bearer 0123456789abcdef0123456789abcdef0123456789abcdef"),
        ("user-agent", "bench/1.0 (linux; x86_64)"),
        ("x-request-id", "5f7c8a54-3b0e-4a43-9c55-1d0e1f2a3b4c"),
        ("x-forwarded-for", "203.0.113.7"),
        ("x-forwarded-proto", "https"),
        ("x-envoy-expected-rq-timeout-ms", "15000"),
        ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
        ("x-tenant", "team-a"),
    ];

    private static readonly (string Key, string Value)[] ResponseHeaderValues =
    [
        (":status", "200"),
        ("content-type", "text/event-stream; charset=utf-8"),
        ("date", "Thu, 01 Jan 2026 00:00:00 GMT"),
        ("server", "uvicorn"),
    ];

    /// <summary>16 headers, and the body modes of the stream: full duplex both ways.</summary>
    public static byte[] RequestHeaders()
    {
        var writer = new ProtoWriter();
        writer.Varint(2, (ulong)BodyMode.FullDuplexStreamed);
        writer.Varint(1, (ulong)BodyMode.FullDuplexStreamed);
        writer.EndMessage(11, 0);
        Headers(writer, ProcessingKind.RequestHeaders, RequestHeaderValues);
        return writer.Written.ToArray();
    }

    /// <summary>The headers of an event stream.</summary>
    public static byte[] ResponseHeaders()
    {
        var writer = new ProtoWriter();
        Headers(writer, ProcessingKind.ResponseHeaders, ResponseHeaderValues);
        return writer.Written.ToArray();
    }

    public static byte[] Body(ProcessingKind kind, ReadOnlySpan<byte> bytes, bool endOfStream)
    {
        var writer = new ProtoWriter();
        if (endOfStream)
        {
            writer.Varint(2, 1);
        }

        writer.Bytes(1, bytes);
        writer.EndMessage((int)kind, 0);
        return writer.Written.ToArray();
    }

    private static void Headers(ProtoWriter writer, ProcessingKind kind, (string Key, string Value)[] headers)
    {
        var outer = writer.Length;
        foreach (var (key, value) in headers.Reverse())
        {
            var mark = writer.Length;
            writer.Bytes(3, Encoding.UTF8.GetBytes(value));
            writer.Bytes(1, Encoding.UTF8.GetBytes(key));
            writer.EndMessage(1, mark);
        }

        writer.EndMessage(1, outer);
        writer.EndMessage((int)kind, outer);
    }
}
