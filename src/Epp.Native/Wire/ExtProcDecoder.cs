using Epp.Native.Requests;

namespace Epp.Native.Wire;

/// <summary>Which part of the HTTP exchange a <c>ProcessingRequest</c> carries: its oneof, by field number.</summary>
public enum ProcessingKind
{
    /// <summary>Nothing set; answered with nothing.</summary>
    None = 0,
    RequestHeaders = 2,
    ResponseHeaders = 3,
    RequestBody = 4,
    ResponseBody = 5,
    RequestTrailers = 6,
    ResponseTrailers = 7,
}

/// <summary>Envoy's <c>BodySendMode</c>.</summary>
public enum BodyMode
{
    None = 0,
    Streamed = 1,
    Buffered = 2,
    BufferedPartial = 3,
    FullDuplexStreamed = 4,
    Grpc = 5,
}

/// <summary>
/// One decoded <c>envoy.service.ext_proc.v3.ProcessingRequest</c>: views into the message's bytes, valid as long as they are
/// (contract §1.2). Unknown fields are skipped.
/// </summary>
public ref struct ProcessingRequest
{
    public ProcessingKind Kind { get; private set; }

    /// <summary>The <c>HeaderMap</c> of headers or trailers, to be read by <see cref="TryReadHeaders"/>.</summary>
    public ReadOnlySpan<byte> HeaderMap { get; private set; }

    /// <summary>Body bytes.</summary>
    public ReadOnlySpan<byte> Body { get; private set; }

    public bool EndOfStream { get; private set; }

    /// <summary>The <c>core.Metadata</c>; empty where absent or empty.</summary>
    public ReadOnlySpan<byte> Metadata { get; private set; }

    /// <summary>True where the proxy says which body modes it uses; it does so on the first message only.</summary>
    public bool HasProtocolConfig { get; private set; }

    public BodyMode RequestBodyMode { get; private set; }

    public BodyMode ResponseBodyMode { get; private set; }

    /// <summary>Decodes <paramref name="message"/>; false when it is malformed.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> message, out ProcessingRequest request)
    {
        request = default;
        var reader = new ProtoReader(message);
        while (reader.Next())
        {
            var ok = reader switch
            {
                { WireType: not ProtoReader.Bytes } => reader.Field is < 2 or > 11 or 10,
                { Field: 2 or 3 } => request.TryHeaders((ProcessingKind)reader.Field, reader.Content),
                { Field: 4 or 5 } => request.TryBody((ProcessingKind)reader.Field, reader.Content),
                { Field: 6 or 7 } => request.TryTrailers((ProcessingKind)reader.Field, reader.Content),
                { Field: 8 } => request.SetMetadata(reader.Content),
                { Field: 11 } => request.TryProtocolConfig(reader.Content),
                _ => true,
            };
            if (!ok)
            {
                return false;
            }
        }

        return !reader.Failed;
    }

    /// <summary>
    /// Appends the headers of a <c>HeaderMap</c> to <paramref name="table"/>; <c>raw_value</c> wins over <c>value</c> unless it is empty
    /// (contract §1.3). False when malformed or beyond the table's limits.
    /// </summary>
    public static bool TryReadHeaders(ReadOnlySpan<byte> headerMap, HeaderTable table)
    {
        var reader = new ProtoReader(headerMap);
        while (reader.Next())
        {
            if (reader.Field != 1)
            {
                continue;
            }

            if (reader.WireType != ProtoReader.Bytes || !TryReadHeader(reader.Content, out var key, out var value) || !table.Add(key, value))
            {
                return false;
            }
        }

        return !reader.Failed;
    }

    /// <summary>Reads one <c>HeaderValue</c>.</summary>
    public static bool TryReadHeader(ReadOnlySpan<byte> headerValue, out ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value)
    {
        key = default;
        value = default;
        ReadOnlySpan<byte> raw = default;
        var reader = new ProtoReader(headerValue);
        while (reader.Next())
        {
            if (reader.Field is < 1 or > 3)
            {
                continue;
            }

            if (reader.WireType != ProtoReader.Bytes)
            {
                return false;
            }

            switch (reader.Field)
            {
                case 1: key = reader.Content; break;
                case 2: value = reader.Content; break;
                default: raw = reader.Content; break;
            }
        }

        value = raw.IsEmpty ? value : raw;
        return !reader.Failed;
    }

    private bool TryHeaders(ProcessingKind kind, ReadOnlySpan<byte> content)
    {
        Clear(kind);
        var reader = new ProtoReader(content);
        while (reader.Next())
        {
            switch (reader.Field, reader.WireType)
            {
                case (1, ProtoReader.Bytes): HeaderMap = reader.Content; break;
                case (3, ProtoReader.Varint): EndOfStream = reader.Value != 0; break;
                case (1 or 3, _): return false;
            }
        }

        return !reader.Failed;
    }

    private bool TryBody(ProcessingKind kind, ReadOnlySpan<byte> content)
    {
        Clear(kind);
        var reader = new ProtoReader(content);
        while (reader.Next())
        {
            switch (reader.Field, reader.WireType)
            {
                case (1, ProtoReader.Bytes): Body = reader.Content; break;
                case (2, ProtoReader.Varint): EndOfStream = reader.Value != 0; break;
                case (1 or 2, _): return false;
            }
        }

        return !reader.Failed;
    }

    private bool TryTrailers(ProcessingKind kind, ReadOnlySpan<byte> content)
    {
        Clear(kind);
        var reader = new ProtoReader(content);
        while (reader.Next())
        {
            switch (reader.Field, reader.WireType)
            {
                case (1, ProtoReader.Bytes): HeaderMap = reader.Content; break;
                case (1, _): return false;
            }
        }

        return !reader.Failed;
    }

    private bool TryProtocolConfig(ReadOnlySpan<byte> content)
    {
        HasProtocolConfig = true;
        var reader = new ProtoReader(content);
        while (reader.Next())
        {
            switch (reader.Field, reader.WireType)
            {
                case (1, ProtoReader.Varint): RequestBodyMode = (BodyMode)(int)reader.Value; break;
                case (2, ProtoReader.Varint): ResponseBodyMode = (BodyMode)(int)reader.Value; break;
                case (1 or 2, _): return false;
            }
        }

        return !reader.Failed;
    }

    private bool SetMetadata(ReadOnlySpan<byte> content)
    {
        Metadata = content;
        return true;
    }

    // A later member of the oneof replaces an earlier one, as protobuf says.
    private void Clear(ProcessingKind kind)
    {
        Kind = kind;
        HeaderMap = default;
        Body = default;
        EndOfStream = false;
    }
}
