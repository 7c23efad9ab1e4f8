using System.Text.Json;
using Epp.Native.KvEvents;
using Epp.Native.KvEvents.Engines;
using Epp.Testing;

namespace Epp.Native.Tests.KvEvents;

/// <summary>Every message that real engines were recorded sending decodes to the event they were given.</summary>
[Trait("Category", "Golden")]
public sealed class EngineEventsGoldenTests
{
    private static readonly KvRank Publisher = new(7, 77);

    [SkippableFact]
    public void Decode_EveryRecordedEvent_EqualsWhatWasPublished()
    {
        var checkedEvents = 0;
        foreach (var file in Directory.GetFiles(Golden.Require("kv"), "events-*.jsonl").Order(StringComparer.Ordinal))
        {
            var decoder = new EngineEventDecoder();
            foreach (var row in Json.Rows(file).Where(static r => r.At("kind").Text() is "event" or "payload-only"))
            {
                var where = $"{Path.GetFileName(file)} {row.At("name").Text()}";
                var frames = row.At("frames").EnumerateArray().ToArray();
                var sink = new RecordingSink();
                var sequence = frames.Length == 3 ? Convert.ToUInt64(frames[1].GetString(), 16) : 9;
                var result = decoder.Decode(frames[^1].Hex(), Publisher, sequence, sink);
                var batch = row.At("event");
                var rank = batch.At("data_parallel_rank").IsSet() ? batch.At("data_parallel_rank") : batch.At("attn_dp_rank");
                var holder = rank.IsSet() ? Publisher with { DpRank = rank.GetUInt32() } : Publisher;
                var expected = batch.At("events").EnumerateArray().Select(e => Expected(e, holder, sequence)).ToArray();
                Assert.True(new KvDecodeResult(KvDecodeError.None, expected.Length) == result, $"{where}: {result}");
                Compare(where, expected, sink.Events);
                checkedEvents += expected.Length;
            }
        }

        Assert.True(checkedEvents > 0, "no recorded event found");
    }

    [SkippableFact]
    public void Decode_EveryReplayedBatch_Reads()
    {
        var replies = 0;
        foreach (var file in Directory.GetFiles(Golden.Require("kv"), "events-*.jsonl"))
        {
            var decoder = new EngineEventDecoder();
            foreach (var reply in Json.Rows(file).Where(static r => r.At("kind").Text() == "replay").SelectMany(static r => r.At("replies").EnumerateArray()))
            {
                var payload = reply.EnumerateArray().Last().Hex();
                if (payload.Length > 0)
                {
                    Assert.Equal((KvDecodeError.None, 0, 0), Failures(decoder.Decode(payload, Publisher, 0, new RecordingSink())));
                    replies++;
                }
            }
        }

        Assert.True(replies > 0, "no replay found");
    }

    [SkippableFact]
    public void Decode_EveryTrace_CountsWhatTheEngineCounted()
    {
        foreach (var file in Directory.GetFiles(Golden.Require("kv"), "engine-trace-*.jsonl"))
        {
            var decoder = new EngineEventDecoder();
            var sink = new RecordingSink();
            var stats = default(JsonElement);
            foreach (var row in Json.Rows(file))
            {
                stats = row.At("stats").IsSet() ? row.At("stats") : stats;
                if (row.At("kind").Text() == "batch")
                {
                    var result = decoder.Decode(row.At("frames").EnumerateArray().Last().Hex(), Publisher, 0, sink);
                    Assert.Equal((KvDecodeError.None, 0, 0), Failures(result));
                }
            }

            foreach (var kind in new[] { "stored", "removed", "cleared" })
            {
                Assert.True(stats.At(kind).GetInt32() == sink.Events.Count(e => e.Kind == kind), $"{Path.GetFileName(file)}: {kind}");
            }
        }
    }

    /// <summary>The shapes that were offered to Dynamo's relay: odd ones included, none but the garbage is lost.</summary>
    [SkippableFact]
    public void Decode_EveryShapeOfferedToTheRelay_LosesNoKnownEvent()
    {
        var shapes = 0;
        foreach (var file in Directory.GetFiles(Golden.Require("dynamo/events"), "relay-*.jsonl"))
        {
            var decoder = new EngineEventDecoder();
            foreach (var row in Json.Rows(file).Where(static r => r.At("args").At("engine_payload_hex").IsSet()))
            {
                var where = $"{Path.GetFileName(file)} {row.At("call").Text()}";
                var sink = new RecordingSink();
                var result = decoder.Decode(row.At("args").At("engine_payload_hex").Hex(), Publisher, 0, sink);
                var payload = row.At("args").At("engine_payload");
                shapes++;
                if (!payload.IsSet())
                {
                    Assert.True(result.Error == KvDecodeError.Malformed, where);
                    continue;
                }

                var events = payload.ValueKind == JsonValueKind.Array ? payload[1] : payload.At("events");
                var names = events.EnumerateArray().Select(static e => e.ValueKind switch
                {
                    JsonValueKind.Array => e[0].Text(),
                    JsonValueKind.Object => e.At("type").Text(),
                    _ => e.Text(),
                }).ToArray();
                var known = names.Count(static n => n is "BlockStored" or "BlockRemoved" or "AllBlocksCleared");
                Assert.True(result == new KvDecodeResult(KvDecodeError.None, known, 0, names.Length - known), $"{where}: {result}");
                Assert.Equal(known, sink.Events.Count);
            }
        }

        Assert.True(shapes > 0, "no relay recording found");
    }

    private static (KvDecodeError, int, int) Failures(KvDecodeResult result) => (result.Error, result.Undecodable, result.Unknown);

    private static void Compare(string where, Seen[] expected, List<Seen> seen)
    {
        for (var i = 0; i < expected.Length; i++)
        {
            var (e, s) = (expected[i], seen[i]);
            var empty = Array.Empty<ulong>();
            Assert.True(e.Hashes.SequenceEqual(s.Hashes), $"{where} event {i}: hashes");
            Assert.True((e.Tokens ?? []).SequenceEqual(s.Tokens ?? []), $"{where} event {i}: tokens");
            Assert.Equal(
                e with { Hashes = empty, Tokens = null, TokensHashes = null },
                s with { Hashes = empty, Tokens = null, TokensHashes = null });
        }
    }

    private static Seen Expected(JsonElement e, KvRank holder, ulong sequence)
    {
        var type = e.At("type").Text();
        var locality = e.At("locality").Text() switch { "" => KvLocality.Unsaid, "LOCAL" => KvLocality.Local, _ => KvLocality.Elsewhere };
        var head = new KvEventHead(holder, sequence)
        {
            Tier = KvTiers.OfMedium(System.Text.Encoding.UTF8.GetBytes(e.At("medium").Text())),
            Group = e.At("group_idx").IsSet() ? e.At("group_idx").GetInt32() : -1,
            Locality = e.At("ownership").Text() == "SHARED" ? KvLocality.Elsewhere : locality,
        };
        if (type == "AllBlocksCleared")
        {
            return new Seen("cleared", head, []);
        }

        var hashes = e.At("block_hashes").EnumerateArray().Select(static h => h.Hash()).ToArray();
        if (type == "BlockRemoved")
        {
            return new Seen("removed", head, hashes);
        }

        Assert.Equal("BlockStored", type);
        var tokens = e.At("token_ids").EnumerateArray().ToArray();
        var pairs = tokens.Length > 0 && tokens[0].ValueKind == JsonValueKind.Array;
        return new Seen(
            "stored",
            head,
            hashes,
            null,
            e.At("parent_block_hash").IsSet() ? e.At("parent_block_hash").Hash() : null,
            -1,
            [.. pairs ? tokens.SelectMany(static p => p.EnumerateArray().Select(static t => t.GetUInt32())) : tokens.Select(static t => t.GetUInt32())],
            pairs ? 2 : 1,
            e.At("block_size").GetInt32(),
            e.At("lora_id").IsSet() ? e.At("lora_id").GetInt64() : -1,
            e.At("lora_name").Text(),
            e.At("cache_salt").Text(),
            Keys(e.At("extra_keys")),
            e.At("kv_cache_spec_kind").Text() switch
            {
                "" => KvCacheKind.Unsaid,
                "full_attention" => KvCacheKind.FullAttention,
                "mla_attention" => KvCacheKind.MlaAttention,
                "sink_full_attention" => KvCacheKind.SinkFullAttention,
                _ => KvCacheKind.Other,
            });
    }

    private static string Keys(JsonElement extraKeys) => !extraKeys.IsSet() ? "" : string.Concat(extraKeys.EnumerateArray().Select(static block =>
        "[" + (block.IsSet() ? string.Concat(block.EnumerateArray().Select(static key => key.ValueKind switch
        {
            JsonValueKind.String => key.Text(),
            JsonValueKind.Array => $"{key[0].Text()}@{key[1].GetInt64()}",
            _ => key.At("hex").Text(),
        } + ";")) : "") + "]"));
}
