using System.Buffers.Binary;
using System.Text;

namespace Epp.Native.KvEvents.Dynamo;

/// <summary>
/// Dynamo's TCP request plane: a request goes to the worker's port and is acknowledged by four bytes there; the worker then connects to the
/// address named in it and sends the answer as two-part frames.
/// </summary>
public static class DynamoRequestFrames
{
    /// <summary>Bytes of the acknowledgement: a length of 0.</summary>
    public const int AcknowledgementBytes = 4;

    /// <summary>Lengths of header and data and a checksum (0 = none), 8 bytes each.</summary>
    public const int TwoPartHeaderBytes = 24;

    /// <summary>
    /// <c>u16 length | path | u16 length | headers (JSON) | u32 length | u64 header bytes | u64 data bytes | u64 checksum | header (JSON) | data</c>,
    /// big-endian.
    /// </summary>
    /// <param name="path">Path of the endpoint, as its discovery record names it behind the port.</param>
    /// <param name="id">Id of the request, a UUID.</param>
    /// <param name="address">Where we listen for the answer, <c>ip:port</c>.</param>
    /// <param name="subject">Names the answer there, a UUID.</param>
    /// <param name="msgPack">The data is MessagePack, not JSON.</param>
    /// <param name="data">The request.</param>
    public static byte[] Request(string path, string id, string address, string subject, bool msgPack, ReadOnlySpan<byte> data)
    {
        var pathBytes = Encoding.UTF8.GetBytes(path);
        var headers = Encoding.UTF8.GetBytes($"{{\"x-endpoint-path\":\"{path}\",\"request-id\":\"{id}\"}}");
        var control = Encoding.UTF8.GetBytes(
            $"{{\"id\":\"{id}\",\"request_type\":\"single_in\",\"response_type\":\"many_out\",{(msgPack ? "\"payload_codec\":\"msgpack\"," : "")}\"connection_info\":{{\"transport\":\"tcp_server\",\"info\":\"{{\\\"address\\\":\\\"{address}\\\",\\\"subject\\\":\\\"{subject}\\\",\\\"context\\\":\\\"{id}\\\",\\\"stream_type\\\":\\\"response\\\"}}\"}}}}");
        var frame = new byte[2 + pathBytes.Length + 2 + headers.Length + 4 + TwoPartHeaderBytes + control.Length + data.Length];
        var rest = Put16(frame, pathBytes);
        rest = Put16(rest, headers);
        BinaryPrimitives.WriteInt32BigEndian(rest, TwoPartHeaderBytes + control.Length + data.Length);
        BinaryPrimitives.WriteInt64BigEndian(rest[4..], control.Length);
        BinaryPrimitives.WriteInt64BigEndian(rest[12..], data.Length);
        control.CopyTo(rest[28..]);
        data.CopyTo(rest[(28 + control.Length)..]);
        return frame;
    }

    /// <summary>Reads one two-part frame. False where more bytes are needed, or with <paramref name="consumed"/> −1 where the frame exceeds the limit.</summary>
    public static bool TryReadTwoPart(ReadOnlySpan<byte> input, int maxBytes, out ReadOnlySpan<byte> header, out ReadOnlySpan<byte> data, out int consumed)
    {
        header = default;
        data = default;
        consumed = 0;
        if (input.Length < TwoPartHeaderBytes)
        {
            return false;
        }

        var headerBytes = BinaryPrimitives.ReadUInt64BigEndian(input);
        var dataBytes = BinaryPrimitives.ReadUInt64BigEndian(input[8..]);
        if (headerBytes > (ulong)maxBytes || dataBytes > (ulong)maxBytes || headerBytes + dataBytes > (ulong)(maxBytes - TwoPartHeaderBytes))
        {
            consumed = -1;
            return false;
        }

        var total = TwoPartHeaderBytes + (int)headerBytes + (int)dataBytes;
        if (input.Length < total)
        {
            return false;
        }

        header = input.Slice(TwoPartHeaderBytes, (int)headerBytes);
        data = input.Slice(TwoPartHeaderBytes + (int)headerBytes, (int)dataBytes);
        consumed = total;
        return true;
    }

    private static Span<byte> Put16(Span<byte> into, byte[] bytes)
    {
        BinaryPrimitives.WriteUInt16BigEndian(into, (ushort)bytes.Length);
        bytes.CopyTo(into[2..]);
        return into[(2 + bytes.Length)..];
    }
}
