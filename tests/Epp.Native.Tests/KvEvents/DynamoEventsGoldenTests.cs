using System.Text.Json;
using Epp.Native.KvEvents;
using Epp.Native.KvEvents.Dynamo;
using Epp.Testing;

namespace Epp.Native.Tests.KvEvents;

/// <summary>Every KV event that Dynamo releases were recorded sending, on NATS, ZMQ and JetStream, decodes to what the recorder saw.</summary>
[Trait("Category", "Golden")]
public sealed class DynamoEventsGoldenTests
{
    [SkippableFact]
    public void Decode_EveryRecordedMessage_EqualsTheRecording()
    {
        var messages = new Dictionary<string, int>();
        foreach (var file in Directory.GetFiles(Golden.Require("dynamo/events"), "*.jsonl").Order(StringComparer.Ordinal))
        {
            var decoder = new DynamoEventDecoder();
            foreach (var row in Json.Rows(file).Where(IsKvEvent))
            {
                var kind = row.At("kind").Text();
                var sink = new RecordingSink();
                var value = row.At("decoded").At("payload").IsSet() ? row.At("decoded").At("payload") : row.At("decoded").At("value");
                var result = decoder.Decode(Message(row, kind), sink);
                var where = $"{Path.GetFileName(file)} row {row.At("n").GetInt32()}";
                var isArray = value.ValueKind == JsonValueKind.Array;
                var expected = isArray ? value.EnumerateArray().ToArray() : [value];
                Assert.True(result == new KvDecodeResult(KvDecodeError.None, expected.Length), $"{where}: {result}");
                for (var i = 0; i < expected.Length; i++)
                {
                    Compare(where, expected[i], sink.Events[i], wholeWorker: !isArray);
                }

                messages[kind] = messages.GetValueOrDefault(kind) + 1;
            }
        }

        Assert.True(messages.GetValueOrDefault("nats") > 0 && messages.GetValueOrDefault("zmq") > 0, "no recorded message found");
    }

    [SkippableFact]
    public void ReadEnvelope_EveryRecordedMessage_EqualsTheRecording()
    {
        var decoder = new DynamoEventDecoder();
        var envelopes = 0;
        foreach (var row in Directory.GetFiles(Golden.Require("dynamo/events"), "*.jsonl").SelectMany(Json.Rows))
        {
            var value = row.At("decoded").At("value");
            if (value.At("publisher_id").IsSet())
            {
                Assert.Equal(KvDecodeError.None, decoder.ReadEnvelope(Message(row, row.At("kind").Text()), out var envelope));
                Assert.Equal(
                    (value.At("publisher_id").GetUInt64(), value.At("sequence").GetUInt64(), value.At("published_at").GetUInt64(), value.At("topic").Text(), value.At("payload").At("$hex").Text()),
                    (envelope.PublisherId, envelope.Sequence, envelope.PublishedAtMs, System.Text.Encoding.UTF8.GetString(envelope.Topic), Convert.ToHexStringLower(envelope.Payload)));
                envelopes++;
            }
        }

        Assert.True(envelopes > 0, "no envelope found");
    }

    /// <summary>What the crate's own deserializer said about JSON events; the rows hold its answer, the inputs are repeated here.</summary>
    [Theory]
    [InlineData("""{"worker_id":1,"event":{"event_id":1,"data":{"stored":{"parent_hash":null,"blocks":[]}},"dp_rank":0}}""", true)]
    [InlineData("""{"worker_id":1,"storage_tier":"disk","event":{"event_id":1,"data":{"stored":{"parent_hash":5,"blocks":[{"block_hash":1,"tokens_hash":2}]}}}}""", true)]
    [InlineData("""{"x":[1,{"y":null}],"worker_id":1,"event":{"z":1,"event_id":1,"data":{"removed":{"block_hashes":[1]}}}}""", true)]
    [InlineData("""{"worker_id":1,"storage_tier":"tape","event":{"event_id":1,"data":"cleared"}}""", false)]
    [InlineData("""{"worker_id":1,"residency_domain":null,"event":{"event_id":1,"data":"cleared"}}""", false)]
    [InlineData("""{"worker_id":1,"residency_domain":"moon","event":{"event_id":1,"data":"cleared"}}""", false)]
    [InlineData("""{"worker_id":1,"residency_domain":"worker","event":{"event_id":1,"data":"cleared"}}""", true)]
    [InlineData("""{"worker_id":1,"residency_domain":"cache_owner","event":{"event_id":1,"data":"cleared"}}""", true)]
    [InlineData("""{"worker_id":1,"event":{"event_id":1,"data":"cleared"}}""", true)]
    [InlineData("""{"worker_id":1,"event":{"event_id":1,"data":"Cleared"}}""", false)]
    [InlineData("""{"worker_id":1,"event":{"event_id":1,"data":{"removed":{"block_hashes":[-1]}}}}""", false)]
    [InlineData("""{"worker_id":1,"session_id":"s","event":{"event_id":1,"data":"cleared"}}""", true)]
    public void Decode_JsonEvent_AcceptsWhatDynamoAccepts(string json, bool accepted)
    {
        var sink = new RecordingSink();
        var result = new DynamoEventDecoder().Decode(System.Text.Encoding.UTF8.GetBytes(json), sink);
        Assert.Equal(new KvDecodeResult(KvDecodeError.None, accepted ? 1 : 0, accepted ? 0 : 1), result);
        Assert.Equal(accepted ? 1 : 0, sink.Events.Count);
    }

    private static bool IsKvEvent(JsonElement row)
    {
        var topic = row.At("topic").IsSet() ? row.At("topic").Text() : row.At("subject").Text();
        return row.At("kind").Text() is "nats" or "zmq" && topic.EndsWith("kv-events", StringComparison.Ordinal) && !topic.StartsWith('$') && row.At("decoded").IsSet();
    }

    private static byte[] Message(JsonElement row, string kind)
    {
        if (kind == "nats")
        {
            return row.At("hex").Hex();
        }

        var frames = row.At("frames_hex").EnumerateArray().Select(static f => f.Hex()).ToArray();
        Assert.Equal(DynamoZmqMessage.Frames, frames.Length);
        Assert.True(DynamoZmqMessage.TryReadNumber(frames[1], out var publisher));
        Assert.True(DynamoZmqMessage.TryReadNumber(frames[2], out var sequence));
        Assert.Equal((row.At("publisher_id").GetUInt64(), row.At("sequence").GetUInt64()), (publisher, sequence));
        Assert.True(DynamoZmqMessage.TryUnwrap(frames[3], out var envelope));
        Assert.Equal(row.At("frame_len").GetInt32(), envelope.Length);
        return envelope.ToArray();
    }

    internal static void Compare(string where, JsonElement expected, Seen seen, bool wholeWorker)
    {
        var inner = expected.At("event");
        var data = inner.At("data");
        var tier = expected.At("storage_tier").Text() switch { "host_pinned" => KvTier.HostPinned, "disk" => KvTier.Disk, "external" => KvTier.External, _ => KvTier.Device };
        var residency = expected.At("residency_domain").Text() switch { "" => KvResidency.Unsaid, "worker" => KvResidency.Worker, _ => KvResidency.CacheOwner };
        var rank = inner.At("dp_rank").IsSet() ? inner.At("dp_rank").GetUInt32() : 0;
        var head = new KvEventHead(new KvRank(expected.At("worker_id").GetUInt64(), rank), inner.At("event_id").GetUInt64(), tier, residency);
        Assert.True(head == seen.Head, $"{where}: {seen.Head} is not {head}");
        if (data.ValueKind == JsonValueKind.String)
        {
            Assert.True(seen.Kind == "cleared" && seen.WholeWorker == wholeWorker, where);
        }
        else if (data.At("removed").IsSet())
        {
            Assert.Equal("removed", seen.Kind);
            Assert.Equal(data.At("removed").At("block_hashes").EnumerateArray().Select(static h => h.Hash()), seen.Hashes);
        }
        else
        {
            var stored = data.At("stored");
            Assert.Equal("stored", seen.Kind);
            Assert.Equal(stored.At("parent_hash").IsSet() ? stored.At("parent_hash").Hash() : null, seen.Parent);
            Assert.Equal(stored.At("start_position").IsSet() ? stored.At("start_position").GetInt32() : -1, seen.StartPosition);
            Assert.Equal(stored.At("blocks").EnumerateArray().Select(static b => b.At("block_hash").Hash()), seen.Hashes);
            Assert.Equal(stored.At("blocks").EnumerateArray().Select(static b => b.At("tokens_hash").Hash()), seen.TokensHashes!);
        }
    }
}
