using System.Text.Json;
using Epp.Hashing;
using Epp.Native.KvEvents;
using Epp.Native.KvEvents.Engines;
using Epp.Native.Prefix;
using Epp.Native.Tests.KvEvents;
using Epp.Testing;

namespace Epp.Native.Tests.Prefix;

/// <summary>The index against the recorded contract of Dynamo's indexes and the caches of real vLLM engines.</summary>
[Trait("Category", "Golden")]
public sealed class KvIndexGoldenTests
{
    [SkippableFact]
    public void RecordedOperations_EqualTheContract()
    {
        var finds = 0;
        foreach (var file in Directory.GetFiles(Golden.Require("dynamo/index"), "*.jsonl").Order(StringComparer.Ordinal))
        {
            var index = new KvIndex(1);
            var writer = new KvIndexWriter(index, new PromptShapes());
            var match = new KvMatch();
            var line = 0;
            foreach (var row in Json.Rows(file))
            {
                line++;
                if (row.At("op").Text() != "find")
                {
                    Apply(writer, row);
                    continue;
                }

                var early = row.At("early").ValueKind == JsonValueKind.True;
                index.Find(KvIndexModel.Chain(null, row.At("seq").EnumerateArray().Select(static l => l.GetUInt64())), match, early);
                var expected = row.At("contract").EnumerateObject().ToDictionary(static p => p.Name, static p => p.Value.GetInt32());
                var actual = Enumerable.Range(0, match.Count).ToDictionary(i => $"{match.Rank(i).WorkerId}:{match.Rank(i).DpRank}", match.Blocks);
                Assert.True(
                    expected.Count == actual.Count && expected.All(e => actual.TryGetValue(e.Key, out var a) && (a == e.Value || (early && a < e.Value))),
                    $"{Path.GetFileName(file)}:{line} expected {row.At("contract")}, found {string.Join(", ", actual)}");
                finds++;
            }
        }

        Assert.True(finds > 0, "no find recorded");
    }

    /// <summary>
    /// After every batch the index holds what the engine holds, and every probe's hit is what its manager says. Requests that report their cached
    /// blocks again (<c>fullreport</c>) make that impossible; hybrid models hit less than their full attention group holds.
    /// </summary>
    [SkippableFact]
    public void EveryEngineTrace_EqualsTheEnginesCache()
    {
        var probes = 0;
        foreach (var file in Directory.GetFiles(Golden.Require("kv"), "engine-trace-*.jsonl").Order(StringComparer.Ordinal))
        {
            var trace = new EngineTrace(file);
            foreach (var row in Json.Rows(file))
            {
                probes += trace.Apply(row);
            }
        }

        Assert.True(probes > 0, "no probe recorded");
    }

    private static void Apply(KvIndexWriter writer, JsonElement row)
    {
        var rank = new KvRank(row.At("w").IsSet() ? row.At("w").GetUInt64() : 0, row.At("r").IsSet() ? row.At("r").GetUInt32() : 0);
        var head = new KvEventHead(rank, 0);
        switch (row.At("op").Text())
        {
            case "store":
                var blocks = row.At("blocks").EnumerateArray().ToArray();
                writer.Stored(new KvStored
                {
                    Head = head,
                    HasParent = row.At("parent").IsSet(),
                    ParentHash = row.At("parent").IsSet() ? row.At("parent").GetUInt64() : 0,
                    BlockHashes = blocks.Select(static b => b[0].GetUInt64()).ToArray(),
                    TokensHashes = blocks.Select(static b => b[1].GetUInt64()).ToArray(),
                    StartPosition = -1,
                    IdsPerToken = 1,
                });
                break;
            case "remove":
                writer.Removed(new KvRemoved { Head = head, BlockHashes = row.At("hashes").EnumerateArray().Select(static h => h.GetUInt64()).ToArray() });
                break;
            case "clear":
                writer.Cleared(new KvCleared(head, WholeWorker: false));
                break;
            case "clear_all":
                writer.Cleared(new KvCleared(head, WholeWorker: true));
                break;
            case "remove_worker":
                writer.DropWorker(rank.WorkerId);
                break;
            default:
                Assert.Equal("meta", row.At("op").Text());
                break;
        }
    }

    /// <summary>One engine: its events through decoder, filter and writer, and its own account beside them.</summary>
    private sealed class EngineTrace
    {
        private static readonly KvRank Engine = new(5, 0);
        private readonly string _file;
        private readonly KvIndex _index = new(2);
        private readonly PromptShapes _shapes = new();
        private readonly KvEventFilter _filter;
        private readonly EngineEventDecoder _decoder = new();
        private readonly Dictionary<int, ulong> _names = [];
        private readonly KvMatch _match = new();
        private readonly bool _exact;
        private readonly bool _hybrid;
        private readonly bool _knowsSalts;

        public EngineTrace(string file)
        {
            _file = Path.GetFileName(file);
            var header = Json.Rows(file).First();
            _exact = header.At("mode").Text() != "fullreport";
            _hybrid = header.At("mode").Text() == "hybrid";
            _knowsSalts = string.CompareOrdinal(header.At("version").Text(), "0.18") >= 0;
            _shapes.LearnModel("m"u8);
            _filter = new KvEventFilter(new KvIndexWriter(_index, _shapes));
        }

        public int Apply(JsonElement row)
        {
            if (row.At("kind").Text() == "block")
            {
                _names[row.At("id").GetInt32()] = row.At("hash").Hash();
            }

            if (row.At("kind").Text() != "batch")
            {
                return 0;
            }

            var frames = row.At("frames").EnumerateArray().ToArray();
            var result = _decoder.Decode(frames[^1].Hex(), Engine, Convert.ToUInt64(frames[1].GetString(), 16), _filter);
            Assert.Equal(0, result.Undecodable + result.Unknown);
            if (!_exact)
            {
                return 0;
            }

            var where = $"{_file} step {row.At("step").GetInt32()}";
            var cached = row.At("cached").At("0") is var ids && ids.IsSet() ? ids.EnumerateArray().Select(static i => i.GetInt32()).ToHashSet() : [];
            foreach (var (id, name) in _names)
            {
                Assert.True(cached.Contains(id) == _index.TryResolve(Engine, name, alsoGone: false, out _), $"{where}: block {id}, cached {cached.Contains(id)}");
            }

            return !row.At("probes").IsSet() ? 0 : row.At("probes").EnumerateArray().Count(probe => Probe(where, probe));
        }

        private bool Probe(string where, JsonElement probe)
        {
            var lora = System.Text.Encoding.UTF8.GetBytes(probe.At("lora").Text());
            var salt = System.Text.Encoding.UTF8.GetBytes(probe.At("salt").Text());
            if (!_knowsSalts && (lora.Length > 0 || salt.Length > 0 || _file.Contains("0.11", StringComparison.Ordinal)))
            {
                return false;
            }

            var tokens = probe.At("tokens").EnumerateArray().Select(static t => t.GetUInt32()).ToArray();
            var prompt = new PromptBlocks();
            ReadOnlySpan<byte> model = lora.Length > 0 ? lora : "m"u8;
            prompt.Hash(tokens, _shapes.All[0], _shapes.Seed(model, default), _shapes.Seed(model, salt));
            _index.Find(prompt.Sequences, _match);
            var held = _match.Count == 0 ? 0 : _match.Blocks(0);
            Assert.True(probe.At("contiguous_blocks").GetInt32() == held, $"{where}: {held} blocks of {probe}");
            Assert.True(
                _hybrid || probe.At("engine_hit_tokens").GetInt32() == PromptBlocks.HitTokens(tokens.Length, held, _shapes.All[0]),
                $"{where}: hit of {held} blocks of {probe}");
            return true;
        }
    }
}
