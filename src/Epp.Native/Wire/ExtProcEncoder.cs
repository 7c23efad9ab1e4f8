namespace Epp.Native.Wire;

/// <summary>
/// Encodes <c>envoy.service.ext_proc.v3.ProcessingResponse</c> (contract §1.2, §1.6) with its gRPC prefix into a <see cref="ProtoWriter"/>.
/// The writer runs backwards, so a caller writes in this order: <see cref="BodyMutation"/>, <see cref="ClearRouteCache"/>, removed
/// headers, set headers (last first), <see cref="EndResponse"/>. Values go to <c>raw_value</c>; <c>append_action</c> is never set:
/// unset means overwrite-or-add.
/// </summary>
public static class ExtProcEncoder
{
    /// <summary><c>StreamedBodyResponse.end_of_stream = 2</c> set: the caller writes it behind the body bytes.</summary>
    public static ReadOnlySpan<byte> EndOfStreamField => [0x10, 0x01];

    /// <summary>
    /// The head of a body mutation whose <paramref name="bodyBytes"/> bytes (and, where <paramref name="streamed"/> and
    /// <paramref name="endOfStream"/>, <see cref="EndOfStreamField"/>) the caller sends behind the message. Returns the number of those
    /// bytes, to be passed to <see cref="EndResponse"/>.
    /// </summary>
    public static int BodyMutation(ProtoWriter writer, int bodyBytes, bool streamed, bool endOfStream)
    {
        var behind = bodyBytes + (streamed && endOfStream ? EndOfStreamField.Length : 0);
        if (bodyBytes > 0 || !streamed)
        {
            writer.BytesHead(1, bodyBytes);
        }

        if (streamed)
        {
            // BodyMutation.streamed_response = 3: StreamedBodyResponse { body = 1, end_of_stream = 2 }
            writer.EndMessage(3, 0, behind);
        }

        writer.EndMessage(3, 0, behind);
        return behind;
    }

    /// <summary><c>CommonResponse.clear_route_cache = 5</c> set.</summary>
    public static void ClearRouteCache(ProtoWriter writer) => writer.Varint(5, 1);

    /// <summary>One <c>HeaderMutation.set_headers = 1</c> entry.</summary>
    public static void SetHeader(ProtoWriter writer, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        // HeaderValueOption { header = 1: HeaderValue { key = 1, raw_value = 3 } }
        var mark = writer.Length;
        writer.Bytes(3, value);
        writer.Bytes(1, key);
        writer.EndMessage(1, mark);
        writer.EndMessage(1, mark);
    }

    /// <summary>One <c>HeaderMutation.remove_headers = 2</c> entry.</summary>
    public static void RemoveHeader(ProtoWriter writer, ReadOnlySpan<byte> key) => writer.Bytes(2, key);

    /// <summary>
    /// Closes a headers or body response: everything since <paramref name="headersMark"/> is its <c>HeaderMutation</c>. The gRPC prefix
    /// is put in front by <see cref="ProtoWriter.PrependGrpcPrefix"/>, after the caller's dynamic metadata.
    /// </summary>
    public static void EndResponse(ProtoWriter writer, ProcessingKind kind, int headersMark, int bytesBehind)
    {
        if (writer.Length > headersMark)
        {
            writer.EndMessage(2, headersMark);
        }

        writer.EndMessage(1, 0, bytesBehind);
        writer.EndMessage(ResponseField(kind), 0, bytesBehind);
    }

    /// <summary>A headers or body response that changes nothing, gRPC prefix included.</summary>
    public static void Continue(ProtoWriter writer, ProcessingKind kind)
    {
        Unchanged(writer, kind);
        writer.PrependGrpcPrefix();
    }

    /// <summary>As <see cref="Continue"/> without the gRPC prefix, so that dynamic metadata can stand before it.</summary>
    public static void Unchanged(ProtoWriter writer, ProcessingKind kind)
    {
        writer.Clear();
        writer.EndMessage(ResponseField(kind), 0);
    }

    /// <summary>
    /// The head of one streamed body chunk, gRPC prefix included; the caller sends the chunk's bytes and, on the last one,
    /// <see cref="EndOfStreamField"/> behind it.
    /// </summary>
    public static void StreamedChunkHead(ProtoWriter writer, ProcessingKind kind, int bodyBytes, bool endOfStream)
    {
        var behind = StreamedChunk(writer, kind, bodyBytes, endOfStream);
        writer.PrependGrpcPrefix(behind);
    }

    /// <summary>
    /// As <see cref="StreamedChunkHead"/> without the gRPC prefix, so that dynamic metadata can stand before it; returns the number of bytes
    /// that the caller sends behind.
    /// </summary>
    public static int StreamedChunk(ProtoWriter writer, ProcessingKind kind, int bodyBytes, bool endOfStream)
    {
        writer.Clear();
        var behind = BodyMutation(writer, bodyBytes, streamed: true, endOfStream);
        EndResponse(writer, kind, writer.Length, behind);
        return behind;
    }

    /// <summary>
    /// An <c>ImmediateResponse</c> = 7 (contract §2.6), gRPC prefix included. <paramref name="headerKey"/> empty = no header.
    /// </summary>
    public static void ImmediateResponse(ProtoWriter writer, int httpStatus, ReadOnlySpan<byte> headerKey, ReadOnlySpan<byte> headerValue, ReadOnlySpan<byte> body)
    {
        writer.Clear();
        writer.Bytes(3, body);
        if (!headerKey.IsEmpty)
        {
            var mark = writer.Length;
            SetHeader(writer, headerKey, headerValue);
            writer.EndMessage(2, mark);
        }

        // HttpStatus.code = 1
        var status = writer.Length;
        writer.Varint(1, (ulong)httpStatus);
        writer.EndMessage(1, status);
        writer.EndMessage(7, 0);
        writer.PrependGrpcPrefix();
    }

    /// <summary>One string entry of an open <c>Struct</c>: <c>fields = 1</c>, a map entry of key and <c>Value.string_value = 3</c>.</summary>
    public static void StructString(ProtoWriter writer, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        var mark = writer.Length;
        writer.Bytes(3, value);
        EndStructEntry(writer, key, mark);
    }

    /// <summary>One number entry of an open <c>Struct</c>: <c>Value.number_value = 2</c>.</summary>
    public static void StructNumber(ProtoWriter writer, ReadOnlySpan<byte> key, double value)
    {
        var mark = writer.Length;
        writer.Number(2, value);
        EndStructEntry(writer, key, mark);
    }

    /// <summary>Closes a nested <c>Struct</c> opened at <paramref name="mark"/> as entry <paramref name="key"/>: <c>Value.struct_value = 5</c>.</summary>
    public static void EndStructStruct(ProtoWriter writer, ReadOnlySpan<byte> key, int mark)
    {
        writer.EndMessage(5, mark);
        EndStructEntry(writer, key, mark);
    }

    /// <summary>Closes <c>ProcessingResponse.dynamic_metadata = 8</c>, opened at <paramref name="mark"/>.</summary>
    public static void EndDynamicMetadata(ProtoWriter writer, int mark) => writer.EndMessage(8, mark);

    // The value was written since the mark; it becomes Value = 2 of the map entry, then the entry Struct.fields = 1.
    private static void EndStructEntry(ProtoWriter writer, ReadOnlySpan<byte> key, int mark)
    {
        writer.EndMessage(2, mark);
        writer.Bytes(1, key);
        writer.EndMessage(1, mark);
    }

    // ProcessingResponse numbers its oneof one below ProcessingRequest: request_headers is 1, request_body 3, response_trailers 6.
    private static int ResponseField(ProcessingKind kind) => kind switch
    {
        ProcessingKind.RequestHeaders => 1,
        ProcessingKind.ResponseHeaders => 2,
        ProcessingKind.RequestBody => 3,
        ProcessingKind.ResponseBody => 4,
        ProcessingKind.RequestTrailers => 5,
        _ => 6,
    };
}
