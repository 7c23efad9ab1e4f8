using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Epp.Native.Wire;

namespace Epp.Integration.Tests.KvEvents;

/// <summary>
/// A worker of Dynamo 1.4 or later as recorded: events as envelopes with an array of RouterEvents, and a recovery endpoint on the TCP request
/// plane that answers from a ring or with a dump. Each event stores one block whose hash is the event's number.
/// </summary>
internal sealed class FakeDynamoWorker : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly List<ulong> _events = [];
    private readonly Lock _gate = new();
    private ulong _sequence;

    public FakeDynamoWorker(ulong id)
    {
        Id = id;
        _listener.Start();
        _ = ServeAsync();
    }

    public ulong Id { get; }

    /// <summary>Events that a query can still have one by one; older ones come as a dump.</summary>
    public int Ring { get; set; } = 1024;

    /// <summary>Answers none of the queries.</summary>
    public bool Refuses { get; set; }

    public int Queries { get; private set; }

    public string Tcp => $"127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}/{Id:x}/lab/backend/worker_kv_query_source_1";

    /// <summary>The message of the next event; it is in the ring whether it is sent or not.</summary>
    public byte[] Next()
    {
        lock (_gate)
        {
            var id = (ulong)_events.Count + 1;
            _events.Add(id);
            var payload = new MsgPackWriter();
            payload.BeginArray(1);
            WriteEvent(payload, id, id);
            return Envelope("kv-events"u8, payload.Written);
        }
    }

    public byte[] Load(ulong usedBlocks)
    {
        var payload = new MsgPackWriter();
        payload.BeginMap(3);
        payload.WriteText("worker_id"u8);
        payload.WriteUInt64(Id);
        payload.WriteText("active_decode_blocks"u8);
        payload.WriteNil();
        payload.WriteText("kv_used_blocks"u8);
        payload.WriteUInt64(usedBlocks);
        return Envelope("kv_metrics"u8, payload.Written);
    }

    /// <summary>A forward pass report of a rank.</summary>
    public byte[] Pass(uint rank, ulong running, ulong waiting)
    {
        var payload = new MsgPackWriter();
        payload.BeginMap(5);
        payload.WriteText("version"u8);
        payload.WriteUInt64(1);
        payload.WriteText("worker_id"u8);
        payload.WriteText(Encoding.ASCII.GetBytes(Id.ToString(System.Globalization.CultureInfo.InvariantCulture)));
        payload.WriteText("dp_rank"u8);
        payload.WriteUInt64(rank);
        payload.WriteText("scheduled_requests"u8);
        payload.BeginMap(1);
        payload.WriteText("num_decode_requests"u8);
        payload.WriteUInt64(running);
        payload.WriteText("queued_requests"u8);
        payload.BeginMap(1);
        payload.WriteText("num_prefill_requests"u8);
        payload.WriteUInt64(waiting);
        return Envelope("forward-pass-metrics"u8, payload.Written);
    }

    public void Dispose() => _listener.Dispose();

    private byte[] Envelope(ReadOnlySpan<byte> topic, ReadOnlySpan<byte> payload)
    {
        var writer = new MsgPackWriter();
        writer.BeginMap(5);
        writer.WriteText("publisher_id"u8);
        writer.WriteUInt64(1);
        writer.WriteText("sequence"u8);
        writer.WriteUInt64(_sequence++);
        writer.WriteText("published_at"u8);
        writer.WriteUInt64(1);
        writer.WriteText("topic"u8);
        writer.WriteText(topic);
        writer.WriteText("payload"u8);
        writer.WriteBinary(payload);
        return writer.Written.ToArray();
    }

    private void WriteEvent(MsgPackWriter writer, ulong id, ulong hash)
    {
        writer.BeginMap(2);
        writer.WriteText("worker_id"u8);
        writer.WriteUInt64(Id);
        writer.WriteText("event"u8);
        writer.BeginMap(3);
        writer.WriteText("event_id"u8);
        writer.WriteUInt64(id);
        writer.WriteText("data"u8);
        writer.BeginMap(1);
        writer.WriteText("stored"u8);
        writer.BeginMap(2);
        writer.WriteText("parent_hash"u8);
        writer.WriteNil();
        writer.WriteText("blocks"u8);
        writer.BeginArray(1);
        writer.BeginMap(2);
        writer.WriteText("block_hash"u8);
        writer.WriteUInt64(hash);
        writer.WriteText("tokens_hash"u8);
        writer.WriteUInt64(hash);
        writer.WriteText("dp_rank"u8);
        writer.WriteUInt64(0);
    }

    private async Task ServeAsync()
    {
        while (true)
        {
            try
            {
                var client = await _listener.AcceptTcpClientAsync();
                _ = AnswerAsync(client);
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException or InvalidOperationException)
            {
                return;
            }
        }
    }

    private async Task AnswerAsync(TcpClient client)
    {
        using (client)
        {
            var stream = client.GetStream();
            await SkipAsync(stream, 2);
            await SkipAsync(stream, 2);
            var body = await TakeAsync(stream, BinaryPrimitives.ReadInt32BigEndian(await TakeAsync(stream, 4)));
            var controlBytes = (int)BinaryPrimitives.ReadInt64BigEndian(body);
            var control = JsonDocument.Parse(body.AsMemory(24, controlBytes)).RootElement;
            await stream.WriteAsync(new byte[4]);
            Queries++;
            if (Refuses)
            {
                return;
            }

            var info = JsonDocument.Parse(control.GetProperty("connection_info").GetProperty("info").GetString()!).RootElement;
            using var back = new TcpClient();
            await back.ConnectAsync(IPEndPoint.Parse(info.GetProperty("address").GetString()!));
            var answer = back.GetStream();
            await answer.WriteAsync(TwoPart(Encoding.ASCII.GetBytes($"{{\"subject\":\"{info.GetProperty("subject").GetString()}\",\"stream_type\":\"response\"}}"), []));
            await answer.WriteAsync(TwoPart("{\"error\":null}"u8.ToArray(), []));
            await answer.WriteAsync(TwoPart([], Answer(body.AsSpan(24 + controlBytes))));
            await answer.WriteAsync(TwoPart([], [0x81, 0xae, .. "complete_final"u8, 0xc3]));
            await answer.WriteAsync(TwoPart("\"sentinel\""u8.ToArray(), []));
        }
    }

    private byte[] Answer(ReadOnlySpan<byte> query)
    {
        var reader = new MsgPackReader(query);
        reader.TryReadMap(out _);
        reader.TryReadText(out _);
        reader.Skip();
        reader.TryReadText(out _);
        reader.Skip();
        reader.TryReadText(out _);
        var all = !reader.TryReadUInt64(out var start);
        lock (_gate)
        {
            var newest = (ulong)_events.Count;
            var dump = all || start + (ulong)Ring <= newest;
            var writer = new MsgPackWriter();
            writer.BeginMap(1);
            writer.WriteText("data"u8);
            writer.BeginMap(1);
            if (!dump && start > newest)
            {
                writer.WriteText("TooNew"u8);
                writer.BeginMap(0);
                return writer.Written.ToArray();
            }

            writer.WriteText(dump ? "TreeDump"u8 : "Events"u8);
            writer.BeginMap(2);
            writer.WriteText("events"u8);
            var events = dump ? _events : _events.Where(e => e >= start).ToList();
            writer.BeginArray(events.Count);
            for (var i = 0; i < events.Count; i++)
            {
                WriteEvent(writer, dump ? (ulong)i : events[i], events[i]);
            }

            writer.WriteText("last_event_id"u8);
            writer.WriteUInt64(newest);
            return writer.Written.ToArray();
        }
    }

    private static byte[] TwoPart(byte[] header, byte[] data)
    {
        var frame = new byte[24 + header.Length + data.Length];
        BinaryPrimitives.WriteInt64BigEndian(frame, header.Length);
        BinaryPrimitives.WriteInt64BigEndian(frame.AsSpan(8), data.Length);
        header.CopyTo(frame, 24);
        data.CopyTo(frame, 24 + header.Length);
        return frame;
    }

    private static async Task SkipAsync(NetworkStream stream, int lengthBytes) =>
        await TakeAsync(stream, BinaryPrimitives.ReadUInt16BigEndian(await TakeAsync(stream, lengthBytes)));

    private static async Task<byte[]> TakeAsync(NetworkStream stream, int bytes)
    {
        var taken = new byte[bytes];
        await stream.ReadExactlyAsync(taken);
        return taken;
    }
}
