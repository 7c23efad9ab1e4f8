using System.Text.Json;
using System.Text.Json.Nodes;
using Epp.Aot.KvEvents.Dynamo;
using Epp.Native.KvEvents;
using Epp.Testing;

namespace Epp.Aot.Tests.KvEvents;

/// <summary>Discovery records of Dynamo's workers: those of real workers by release, and what nobody should send.</summary>
public sealed class DynamoWorkerRecordsTests
{
    private static readonly DynamoEventOptions Options = new("lab", "backend");

    [Fact]
    public void Read_RecordsOf13_TheNameTellsTheRank()
    {
        var records = Read("""
            {"endpoints": {
              "lab/backend/generate/2a": {"type": "Endpoint", "namespace": "lab", "component": "backend", "endpoint": "generate", "instance_id": 42, "transport": {"tcp": "10.0.0.1:9000/2a/generate"}},
              "a": {"type": "Endpoint", "namespace": "lab", "component": "backend", "endpoint": "worker_kv_indexer_query_dp3", "instance_id": 42, "transport": {"tcp": "10.0.0.1:9000/2a/worker_kv_indexer_query_dp3"}},
              "b": {"type": "Endpoint", "namespace": "lab", "component": "backend", "endpoint": "worker_kv_indexer_query_dp1_worker77", "instance_id": 42, "transport": {"tcp": "[fd00::1]:9000/q"}},
              "c": {"type": "Endpoint", "namespace": "lab", "component": "backend", "endpoint": "worker_kv_indexer_query", "instance_id": 43, "transport": {"tcp": "h:1/q"}},
              "d": {"type": "Endpoint", "namespace": "lab", "component": "prefill", "endpoint": "worker_kv_indexer_query_dp0", "instance_id": 42, "transport": {"tcp": "h:1/q"}},
              "e": {"type": "Endpoint", "namespace": "lab", "component": "backend", "endpoint": "worker_kv_indexer_query_dp0", "instance_id": 44, "transport": {"nats_tcp": "lab.backend"}}},
             "event_channels": {
              "lab//kv_metrics/2a": {"type": "EventChannel", "namespace": "lab", "component": "", "topic": "kv_metrics", "instance_id": 42, "transport": {"kind": "Zmq", "config": {"endpoint": "tcp://10.0.0.1:1"}}},
              "x": {"type": "EventChannel", "namespace": "lab", "component": "backend", "topic": "kv-events", "instance_id": 42, "transport": {"kind": "Nats", "config": {"subject_prefix": "namespace.lab"}}}}}
            """)!;
        Assert.Equal(new DynamoQueryTarget("10.0.0.1", 9000, "2a/worker_kv_indexer_query_dp3", MsgPack: false), records.Targets[new KvRank(42, 3)]);
        Assert.Equal(new DynamoQueryTarget("fd00::1", 9000, "q", MsgPack: false), records.Targets[new KvRank(77, 1)]);
        Assert.Equal([new KvRank(42, 3), new KvRank(43, 0), new KvRank(77, 1)], records.Targets.Keys.OrderBy(r => r.WorkerId));
        Assert.Equal(["tcp://10.0.0.1:1"], records.Publishers);
    }

    /// <summary>Every record that a real worker left in etcd, of every recorded release: each rank can be asked where the worker says so.</summary>
    [SkippableFact]
    [Trait("Category", "Golden")]
    public void Read_RecordingsOfRealWorkers_NamesEveryQueryEndpointAndPublisher()
    {
        var (dumps, targets, publishers) = (0, 0, 0);
        foreach (var file in Directory.GetFiles(Golden.Require("dynamo/events"), "*.jsonl"))
        {
            foreach (var line in File.ReadLines(file).Where(l => l.Contains("\"etcd\"", StringComparison.Ordinal)))
            {
                if (JsonNode.Parse(line) is not JsonObject { } entry || Text(entry, "kind") != "etcd" || entry["dump"] is not JsonObject dump)
                {
                    continue;
                }

                var values = dump.Select(r => r.Value!["value"]).OfType<JsonObject>().ToArray();
                var section = new JsonObject(values.Select((v, i) => KeyValuePair.Create<string, JsonNode?>($"{i}", v.DeepClone())));
                var records = Read(new JsonObject { ["all"] = section }.ToJsonString())!;
                Assert.Equal(Queries(values), records.Targets.Values.Select(t => $"{t.Host}:{t.Port}/{t.Path}").Order(StringComparer.Ordinal));
                Assert.Equal(Channels(values), records.Publishers.Order(StringComparer.Ordinal));
                dumps++;
                targets += records.Targets.Count;
                publishers += records.Publishers.Count;
            }
        }

        Assert.True(targets > 0 && publishers > 0, $"{dumps} dumps, {targets} targets, {publishers} publishers");
    }

    [Theory]
    [InlineData("null", false)]
    [InlineData("[1]", false)]
    [InlineData("{}", true)]
    [InlineData("""{"endpoints": null, "x": 3, "y": {"z": null, "w": [], "v": {"type": 7}}}""", true)]
    [InlineData("""{"e": {"a": {"type": "Endpoint", "namespace": "lab", "component": "backend", "endpoint": "worker_kv_indexer_query_dp99999999999", "instance_id": 1, "transport": {"tcp": "h:1/q"}}}}""", true)]
    [InlineData("""{"e": {"a": {"type": "Endpoint", "namespace": "lab", "component": "backend", "endpoint": "worker_kv_indexer_query_dp0", "instance_id": -1, "transport": {"tcp": "h:1/q"}}}}""", true)]
    [InlineData("""{"e": {"a": {"type": "Endpoint", "namespace": "lab", "component": "backend", "endpoint": "worker_kv_indexer_query_dp0", "instance_id": 1, "transport": "h:1/q"}}}""", true)]
    [InlineData("""{"e": {"a": {"type": "EventSource", "topic": "kv-events", "metadata": {"worker": 1, "recovery_target": {"namespace": "lab", "transport": {"tcp": "h:x/q"}}}}}}""", true)]
    [InlineData("""{"e": {"a": {"type": "EventChannel", "topic": "kv-events", "scope": {"kind": "component", "namespace": "other"}, "transport": {"kind": "Zmq", "config": {"endpoint": "tcp://h:1"}}}}}""", true)]
    public void Read_WhatNobodyShouldSend_NamesNothing(string data, bool isObject)
    {
        var records = Read(data);
        Assert.Equal(isObject, records is not null);
        Assert.Empty((records ?? DynamoWorkerRecords.None).Targets);
        Assert.Empty((records ?? DynamoWorkerRecords.None).Publishers);
    }

    private static DynamoWorkerRecords? Read(string data) => DynamoWorkerRecords.Read(JsonDocument.Parse(data).RootElement, Options);

    /// <summary>Two processes may speak for one rank: of endpoints the first is asked, of sources the last.</summary>
    private static IEnumerable<string> Queries(JsonObject[] records) => records
        .Where(r => Text(r, "component") == "backend" && Text(r, "endpoint").StartsWith("worker_kv_indexer_query", StringComparison.Ordinal))
        .DistinctBy(r => Text(r, "endpoint").Contains("_worker", StringComparison.Ordinal) ? Text(r, "endpoint") : Text(r, "endpoint") + r["instance_id"])
        .Concat(records.Where(r => Text(r, "type") == "EventSource" && Text(r, "topic") == "kv-events").Select(r => r["metadata"]!)
            .Where(m => m["recovery_target"] is JsonObject).GroupBy(m => m["worker"]!.ToJsonString()).Select(g => g.Last()["recovery_target"]!.AsObject()))
        .Select(r => r["transport"]!["tcp"]!.GetValue<string>()).Order(StringComparer.Ordinal);

    private static IEnumerable<string> Channels(JsonObject[] records) => records
        .Where(r => Text(r, "type") == "EventChannel" && Text(r, "topic") is "kv-events" or "kv_events" or "kv_metrics" or "forward-pass-metrics" && r["transport"]!["kind"]!.GetValue<string>() == "Zmq")
        .Select(r => r["transport"]!["config"]!["endpoint"]!.GetValue<string>()).Distinct().Order(StringComparer.Ordinal);

    private static string Text(JsonObject of, string name) => of[name] is JsonValue value && value.TryGetValue<string>(out var text) ? text : "";
}
