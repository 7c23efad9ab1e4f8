using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using Epp.Native.KvEvents;
using Epp.Native.KvEvents.Dynamo;
using Epp.Native.Wire;
using Epp.Testing;

namespace Epp.Native.Tests.KvEvents;

/// <summary>Recordings of Dynamo from the bytes on the wire to what a holder has: events in order, recovery, load, snapshots.</summary>
[Trait("Category", "Golden")]
public sealed class DynamoFlowGoldenTests
{
    [SkippableFact]
    public void Events_OfEveryRecording_EndInTheBlocksOfAnExactReader()
    {
        var applied = 0;
        foreach (var file in Files())
        {
            var target = new HoldersTarget();
            var sequencer = new DynamoEventSequencer(target);
            var decoder = new DynamoEventDecoder();
            var oracle = new Oracle();
            foreach (var row in Json.Rows(file).Where(IsKvEvent))
            {
                decoder.Decode(Message(row), sequencer);
                var value = row.At("decoded").At("payload").IsSet() ? row.At("decoded").At("payload") : row.At("decoded").At("value");
                oracle.Apply(value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray()] : [value], wholeWorker: value.ValueKind != JsonValueKind.Array);
            }

            Assert.True((oracle.Gaps, oracle.Stale) == (sequencer.Gaps, sequencer.Duplicates), $"{file}: gaps {sequencer.Gaps}, repetitions {sequencer.Duplicates}; expected {oracle.Gaps}, {oracle.Stale}");
            foreach (var (rank, blocks) in oracle.Holders)
            {
                Assert.True(blocks.Order().SequenceEqual(target.Blocks(rank)), $"{file}: {rank}");
            }

            applied += oracle.Applied;
        }

        Assert.True(applied > 0, "no recorded event found");
    }

    [SkippableFact]
    public void Recovery_EveryRecordedRequest_IsWhatWeSend()
    {
        var requests = 0;
        foreach (var (_, row) in Tcp("client->worker request connection"))
        {
            // path | headers | length | two-part: control, query
            var bytes = row.At("hex").Hex();
            var path = Take16(bytes, 0, out var at);
            var headers = JsonDocument.Parse(Take16(bytes, at, out at)).RootElement;
            var body = bytes[(at + 4)..];
            Assert.Equal(body.Length, BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan(at)));
            Assert.True(DynamoRequestFrames.TryReadTwoPart(body, body.Length, out var control, out var query, out var consumed));
            Assert.Equal(body.Length, consumed);
            var json = JsonDocument.Parse(control.ToArray()).RootElement;
            var answer = JsonDocument.Parse(json.At("connection_info").At("info").Text()).RootElement;
            var msgPack = json.At("payload_codec").Text() == "msgpack";
            var ours = DynamoRequestFrames.Request(Encoding.UTF8.GetString(path), json.At("id").Text(), answer.At("address").Text(), answer.At("subject").Text(), msgPack, query);
            Assert.Equal(headers.At("x-endpoint-path").Text(), Encoding.UTF8.GetString(path));
            Assert.Equal(Encoding.UTF8.GetString(body), Encoding.UTF8.GetString(ours.AsSpan(ours.Length - body.Length)));
            Assert.Equal(path, Take16(ours, 0, out _));
            requests += CompareQuery(query, msgPack) ? 1 : 0;
        }

        Assert.True(requests > 0, "no recorded query found");
    }

    [SkippableFact]
    public void Recovery_EveryRecordedAnswer_IsRead_AndADumpEqualsTheEvents()
    {
        var kinds = new Dictionary<DynamoRecoveryKind, int>();
        var compared = 0;
        foreach (var file in Files())
        {
            var live = new HoldersTarget();
            var decoder = new DynamoEventDecoder();
            var reader = new DynamoRecoveryReader();
            foreach (var row in Json.Rows(file))
            {
                if (IsKvEvent(row))
                {
                    decoder.Decode(Message(row), live);
                }

                // A record that was cut for the file ends in dots.
                if (row.At("kind").Text() != "tcp" || row.At("dir").Text() != "worker->client response stream" || row.At("hex").Text().EndsWith('.')
                    || !DynamoRequestFrames.TryReadTwoPart(row.At("hex").Hex(), 1 << 20, out var header, out var data, out _) || data.IsEmpty || !reader.TryRead(data, out var answer))
                {
                    continue;
                }

                kinds[answer.Kind] = kinds.GetValueOrDefault(answer.Kind) + 1;
                if (answer.Kind is DynamoRecoveryKind.Events or DynamoRecoveryKind.TreeDump)
                {
                    var target = new HoldersTarget();
                    var result = decoder.DecodePayload(answer.Events, target);
                    Assert.True(result is { Error: KvDecodeError.None, Undecodable: 0 }, $"{file}: {result}");
                    if (answer.Kind == DynamoRecoveryKind.TreeDump && live.Holders.Count == 1)
                    {
                        var rank = live.Holders.Keys.Single();
                        compared += target.Holders.ContainsKey(rank) ? 1 : 0;
                        Assert.True(!target.Holders.ContainsKey(rank) || live.Blocks(rank).SequenceEqual(target.Blocks(rank)), $"{file}: the dump is not what the events say");
                    }
                }
            }
        }

        Assert.True(compared > 0 && kinds.ContainsKey(DynamoRecoveryKind.Events) && kinds.ContainsKey(DynamoRecoveryKind.TooNew), $"read only {string.Join(", ", kinds)}");
    }

    [SkippableFact]
    public void Load_EveryRecordedReport_IsRead()
    {
        var reports = 0;
        var decoder = new DynamoEventDecoder();
        foreach (var row in Files().SelectMany(Json.Rows).Where(static r => Topic(r).EndsWith("kv_metrics", StringComparison.Ordinal) && r.At("decoded").At("payload").At("worker_id").IsSet()))
        {
            Assert.Equal(KvDecodeError.None, decoder.ReadEnvelope(Message(row), out var envelope));
            Assert.True(DynamoLoad.TryRead(envelope.Payload, out var load));
            var expected = row.At("decoded").At("payload");
            long Number(string name) => expected.At(name).IsSet() ? expected.At(name).GetInt64() : -1;
            Assert.Equal(new DynamoLoad(new KvRank(expected.At("worker_id").GetUInt64(), (uint)Number("dp_rank")), Number("active_decode_blocks"), Number("active_prefill_tokens"), Number("kv_used_blocks")), load);
            reports++;
        }

        Assert.True(reports > 0, "no recorded report found");
    }

    [SkippableFact]
    public void Pass_EveryRecordedReport_IsRead()
    {
        var reports = 0;
        var decoder = new DynamoEventDecoder();
        foreach (var row in Files().SelectMany(Json.Rows).Where(static r => Topic(r).EndsWith("forward-pass-metrics", StringComparison.Ordinal)))
        {
            Assert.Equal(KvDecodeError.None, decoder.ReadEnvelope(Message(row), out var envelope));
            var expected = row.At("decoded").At("payload");
            var named = ulong.TryParse(expected.At("worker_id").GetString(), out var id);
            Assert.Equal(named, DynamoLoad.TryReadPass(envelope.Payload, out var load));
            long Requests(string section) => expected.At(section).At("num_prefill_requests").GetInt64() + expected.At(section).At("num_decode_requests").GetInt64();
            Assert.Equal(new DynamoLoad(new KvRank(id, expected.At("dp_rank").GetUInt32()), -1, -1, -1, Requests("scheduled_requests"), Requests("queued_requests")), load);
            reports++;
        }

        Assert.True(reports > 0, "no recorded report found");
    }

    [SkippableFact]
    public void Snapshot_EveryRecordedObject_HoldsWhatTheStreamSaid()
    {
        var objects = 0;
        foreach (var file in Files())
        {
            var live = new HoldersTarget();
            var decoder = new DynamoEventDecoder();
            foreach (var row in Json.Rows(file))
            {
                if (IsKvEvent(row))
                {
                    decoder.Decode(Message(row), live);
                }

                if (row.At("kind").Text() != "object")
                {
                    continue;
                }

                var bytes = row.At("hex").Hex();
                var target = new HoldersTarget();
                Assert.True(new DynamoSnapshot().Read(bytes, target) > 0, file);
                // The snapshot is older than the newest events; it holds nothing that they never said.
                Assert.All(target.Holders, held => Assert.Subset(live.Holders[held.Key], held.Value));
                for (var cut = 0; cut < bytes.Length; cut++)
                {
                    Assert.Equal(-1, new DynamoSnapshot().Read(bytes.AsSpan(0, cut), target));
                }

                objects++;
            }
        }

        Assert.True(objects > 0, "no recorded snapshot found");
    }

    private static IEnumerable<string> Files() => Directory.GetFiles(Golden.Require("dynamo/events"), "*.jsonl").Order(StringComparer.Ordinal);

    private static IEnumerable<(string File, JsonElement Row)> Tcp(string direction) =>
        Files().SelectMany(static f => Json.Rows(f).Select(r => (f, r))).Where(x => x.r.At("kind").Text() == "tcp" && x.r.At("dir").Text() == direction);

    private static string Topic(JsonElement row) => row.At("topic").IsSet() ? row.At("topic").Text() : row.At("subject").Text();

    private static bool IsKvEvent(JsonElement row) =>
        row.At("kind").Text() is "nats" or "zmq" && Topic(row).EndsWith("kv-events", StringComparison.Ordinal) && !Topic(row).StartsWith('$') && row.At("decoded").IsSet();

    private static byte[] Message(JsonElement row)
    {
        if (row.At("kind").Text() == "nats")
        {
            return row.At("hex").Hex();
        }

        Assert.True(DynamoZmqMessage.TryUnwrap(row.At("frames_hex")[3].Hex(), out var envelope));
        return envelope.ToArray();
    }

    private static byte[] Take16(byte[] bytes, int at, out int next)
    {
        next = at + 2 + BinaryPrimitives.ReadUInt16BigEndian(bytes.AsSpan(at));
        return bytes[(at + 2)..next];
    }

    /// <summary>The query we would send for the rank and start of a recorded one; false where it asks for an end or more, which we never do.</summary>
    private static bool CompareQuery(ReadOnlySpan<byte> query, bool msgPack)
    {
        if (!msgPack)
        {
            var json = JsonDocument.Parse(query.ToArray()).RootElement;
            if (!json.At("worker_id").IsSet() || json.At("end_event_id").IsSet() || json.EnumerateObject().Count() != 4)
            {
                return false;
            }

            var start = json.At("start_event_id").IsSet() ? json.At("start_event_id").GetUInt64() : (ulong?)null;
            Assert.Equal(Encoding.UTF8.GetString(query), Encoding.UTF8.GetString(DynamoRecoveryReader.JsonRequest(new KvRank(json.At("worker_id").GetUInt64(), json.At("dp_rank").GetUInt32()), start)));
            return true;
        }

        var reader = new MsgPackReader(query);
        ulong worker = 0, rank = 0, first = 0;
        var known = reader.TryReadMap(out var count) && count == 4
            && reader.TryReadText(out _) && reader.TryReadUInt64(out worker) && reader.TryReadText(out _) && reader.TryReadUInt64(out rank) && reader.TryReadText(out _);
        var all = known && reader.TryReadNil();
        if (!known || (!all && !reader.TryReadUInt64(out first)) || !reader.TryReadText(out _) || !reader.TryReadNil() || !reader.AtEnd)
        {
            return false;
        }

        var writer = new MsgPackWriter();
        DynamoRecoveryReader.WriteRequest(writer, new KvRank(worker, (uint)rank), all ? null : first);
        Assert.Equal(Convert.ToHexString(query), Convert.ToHexString(writer.Written));
        return true;
    }

    /// <summary>Reads decoded events in the plainest way: newer numbers apply, by sets.</summary>
    private sealed class Oracle
    {
        private readonly Dictionary<KvRank, ulong> _last = [];
        private readonly HashSet<KvRank> _barrier = [];

        public Dictionary<KvRank, HashSet<ulong>> Holders { get; } = [];

        public int Gaps { get; private set; }

        public int Stale { get; private set; }

        public int Applied { get; private set; }

        public void Apply(JsonElement[] events, bool wholeWorker)
        {
            foreach (var e in events)
            {
                var inner = e.At("event");
                var rank = new KvRank(e.At("worker_id").GetUInt64(), inner.At("dp_rank").IsSet() ? inner.At("dp_rank").GetUInt32() : 0);
                var id = inner.At("event_id").GetUInt64();
                var data = inner.At("data");
                var known = _last.TryGetValue(rank, out var last);
                if (known && id <= last)
                {
                    Stale++;
                    continue;
                }

                Applied++;
                if (data.ValueKind == JsonValueKind.String)
                {
                    foreach (var other in Holders.Keys.Union(_last.Keys).Where(r => r == rank || (wholeWorker && r.WorkerId == rank.WorkerId)).ToArray())
                    {
                        Holders[other] = [];
                        _last.Remove(other);
                        _barrier.Remove(other);
                    }

                    _last[rank] = id;
                    _barrier.Add(rank);
                    continue;
                }

                Gaps += known && id > last + 1 && !_barrier.Contains(rank) ? 1 : 0;
                _barrier.Remove(rank);
                _last[rank] = id;
                var blocks = Holders.TryGetValue(rank, out var set) ? set : Holders[rank] = [];
                if (data.At("removed").IsSet())
                {
                    blocks.ExceptWith(data.At("removed").At("block_hashes").EnumerateArray().Select(static h => h.Hash()));
                }
                else
                {
                    blocks.UnionWith(data.At("stored").At("blocks").EnumerateArray().Select(static b => b.At("block_hash").Hash()));
                }
            }
        }
    }
}
