using Epp.Lab.Wire;

namespace Epp.Lab.Gateway;

/// <summary>What one ProcessingResponse asks for; its field number in the oneof `response` is the kind.</summary>
internal enum ReplyKind
{
    None = 0,
    RequestHeaders = 1,
    ResponseHeaders = 2,
    RequestBody = 3,
    ResponseBody = 4,
    RequestTrailers = 5,
    ResponseTrailers = 6,
    Immediate = 7,
}

/// <summary>Headers to set and to remove, in the order received.</summary>
internal sealed class HeaderChanges
{
    public List<(string Name, string Value, bool Append)> Set { get; } = [];

    public List<string> Remove { get; } = [];
}

/// <summary>One decoded ProcessingResponse: the part of envoy.service.ext_proc.v3 that a gateway in FULL_DUPLEX_STREAMED mode acts on.</summary>
internal sealed class Reply
{
    public ReplyKind Kind { get; set; }

    public HeaderChanges Headers { get; } = new();

    public byte[] Body { get; set; } = [];

    public bool EndOfStream { get; set; }

    /// <summary>What the EPP says it thinks of each endpoint; empty unless it was told to.</summary>
    public List<(string Endpoint, double Score)> Scores { get; } = [];

    /// <summary>HTTP status of an ImmediateResponse.</summary>
    public int Status { get; set; }
}

/// <summary>Encodes what Envoy 1.40 sends and decodes what an EPP answers (field numbers: ext_proc v3 protos).</summary>
internal static class ExtProcMessages
{
    public const string Process = "/envoy.service.ext_proc.v3.ExternalProcessor/Process";

    const int RequestHeaders = 2, ResponseHeaders = 3, RequestBody = 4, ResponseBody = 5, MetadataContext = 8, ProtocolConfig = 11;
    const int FullDuplexStreamed = 4;

    public static ReadOnlyMemory<byte> ForRequestHeaders(IEnumerable<(string Name, string Value)> headers, bool endOfStream) =>
        new ProtoWriter()
            .Message(RequestHeaders, m => WriteHeaders(m, headers, endOfStream))
            .Message(MetadataContext, static _ => { })
            // Sent on the first message only: the body modes of both directions.
            .Message(ProtocolConfig, static m => m.Varint(1, FullDuplexStreamed).Varint(2, FullDuplexStreamed))
            .Written;

    public static ReadOnlyMemory<byte> ForResponseHeaders(IEnumerable<(string Name, string Value)> headers, bool endOfStream) =>
        new ProtoWriter()
            .Message(ResponseHeaders, m => WriteHeaders(m, headers, endOfStream))
            .Message(MetadataContext, static _ => { })
            .Written;

    public static ReadOnlyMemory<byte> ForBody(bool request, ReadOnlyMemory<byte> body, bool endOfStream) =>
        new ProtoWriter()
            .Message(request ? RequestBody : ResponseBody, m =>
            {
                if (!body.IsEmpty)
                {
                    m.Bytes(1, body.Span);
                }
                m.Bool(2, endOfStream);
            })
            .Message(MetadataContext, static _ => { })
            .Written;

    static void WriteHeaders(ProtoWriter message, IEnumerable<(string Name, string Value)> headers, bool endOfStream) =>
        message
            .Message(1, map =>
            {
                foreach (var (name, value) in headers)
                {
                    map.Message(1, h => h.Text(1, name).Text(3, value));
                }
            })
            .Bool(3, endOfStream);

    public static Reply Decode(ReadOnlySpan<byte> message)
    {
        var reply = new Reply();
        var reader = new ProtoReader(message);
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 1 or 2 or 3 or 4:
                    reply.Kind = (ReplyKind)reader.Field;
                    DecodeWrapped(reader.Payload, reply);
                    break;
                case 5 or 6:
                    reply.Kind = (ReplyKind)reader.Field;
                    break;
                case 7:
                    reply.Kind = ReplyKind.Immediate;
                    DecodeImmediate(reader.Payload, reply);
                    break;
                case 8:
                    EndpointScores.Decode(reader.Payload, reply.Scores);
                    break;
            }
        }
        return reply;
    }

    static void DecodeWrapped(ReadOnlySpan<byte> message, Reply reply)
    {
        var wrapper = new ProtoReader(message);
        while (wrapper.Next())
        {
            var common = new ProtoReader(wrapper.Field == 1 ? wrapper.Payload : default);
            while (common.Next())
            {
                switch (common.Field)
                {
                    case 2:
                        DecodeChanges(common.Payload, reply.Headers);
                        break;
                    case 3:
                        DecodeBody(common.Payload, reply);
                        break;
                }
            }
        }
    }

    static void DecodeBody(ReadOnlySpan<byte> message, Reply reply)
    {
        var mutation = new ProtoReader(message);
        while (mutation.Next())
        {
            if (mutation.Field != 3)
            {
                throw new WireException($"body mutation field {mutation.Field} in FULL_DUPLEX_STREAMED mode; only streamed_response (3) is legal");
            }
            var streamed = new ProtoReader(mutation.Payload);
            while (streamed.Next())
            {
                if (streamed.Field == 1)
                {
                    reply.Body = streamed.Payload.ToArray();
                }
                else if (streamed.Field == 2)
                {
                    reply.EndOfStream = streamed.Value != 0;
                }
            }
        }
    }

    static void DecodeImmediate(ReadOnlySpan<byte> message, Reply reply)
    {
        var reader = new ProtoReader(message);
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 1:
                    var status = new ProtoReader(reader.Payload);
                    while (status.Next())
                    {
                        reply.Status = status.Field == 1 ? (int)status.Value : reply.Status;
                    }
                    break;
                case 2:
                    DecodeChanges(reader.Payload, reply.Headers);
                    break;
                case 3:
                    reply.Body = reader.Payload.ToArray();
                    break;
            }
        }
    }

    static void DecodeChanges(ReadOnlySpan<byte> message, HeaderChanges changes)
    {
        var reader = new ProtoReader(message);
        while (reader.Next())
        {
            if (reader.Field == 2)
            {
                changes.Remove.Add(reader.Text);
            }
            else if (reader.Field == 1)
            {
                DecodeOption(reader.Payload, changes);
            }
        }
    }

    static void DecodeOption(ReadOnlySpan<byte> message, HeaderChanges changes)
    {
        string name = "", value = "";
        var append = false;
        var option = new ProtoReader(message);
        while (option.Next())
        {
            if (option.Field == 2)
            {
                // BoolValue: an empty message is false, field 1 carries true.
                append = option.Payload.Length > 0;
            }
            var header = new ProtoReader(option.Field == 1 ? option.Payload : default);
            while (header.Next())
            {
                if (header.Field == 1)
                {
                    name = header.Text;
                }
                else if (header.Field == 3 || (header.Field == 2 && value.Length == 0))
                {
                    value = header.Text;
                }
            }
        }
        changes.Set.Add((name, value, append));
    }
}
