using System.Text;
using System.Text.Json.Nodes;
using Epp.Aot.KvEvents;
using Epp.Aot.KvEvents.Nats;
using Epp.Hashing;
using Epp.Integration.Tests.KvEvents;
using Epp.Testing;

namespace Epp.Integration.Tests.Kubernetes;

/// <summary>DynamoWorkerMetadata of a real API server: the whole EPP asks a worker it has never heard of for its blocks, and forgets them with it.</summary>
[Trait("Category", "Integration")]
public sealed class DynamoWorkerTests
{
    private static readonly string Config = KubeEpp.Config.Replace(
        "- type: random-picker\n",
        """
        - type: random-picker
        - type: token-producer
          parameters: {modelName: m, backend: estimate}
        - name: held
          type: precise-prefix-cache-producer
          parameters:
            kvEventsConfig:
              dynamo: {namespace: lab, component: backend}

        """,
        StringComparison.Ordinal);

    [SkippableFact]
    public async Task Records_OfAWorker_LeadToItsBlocks_AndTheirEndTakesThem()
    {
        var plane = await KubeTestplane.RequireAsync();
        var ns = await plane.NewNamespaceAsync();
        await plane.PoolAsync(ns);
        await plane.PodAsync(ns, "a", "127.1.0.1");
        using var nats = new NatsServer(jetStream: false);
        using var worker = new FakeDynamoWorker(SipHash13.InstanceId(Encoding.UTF8.GetBytes("a")));
        for (var i = 0; i < 5; i++)
        {
            worker.Next();
        }

        var (_, kubeconfig) = await plane.ServiceAccountAsync(ns, "epp", RightsTests.RulesOf("plain", "dynamo"));
        await using var epp = await EppProcess.StartAsync(new EppOptions
        {
            Config = Config,
            Flags = ["--metrics-endpoint-auth=false", "--pool-namespace", ns],
            Environment = new Dictionary<string, string?> { ["KUBECONFIG"] = kubeconfig, ["KUBERNETES_SERVICE_HOST"] = null, ["NAMESPACE"] = null, ["NATS_SERVER"] = nats.Url },
        });
        await epp.UntilHealthAsync("SERVING");
        var path = $"/apis/nvidia.com/v1alpha1/namespaces/{ns}/dynamoworkermetadatas";
        await plane.PostAsync(path, new JsonObject
        {
            ["apiVersion"] = "nvidia.com/v1alpha1",
            ["kind"] = "DynamoWorkerMetadata",
            ["metadata"] = new JsonObject { ["name"] = "a" },
            ["spec"] = new JsonObject { ["data"] = Source(worker) },
        });
        await epp.WaitForMetricAsync("epp_kv_index_holder_blocks", 5);
        Assert.Contains("Dynamo worker a has 1 ranks that can be asked", epp.LogText, StringComparison.Ordinal);

        // What its ranks say of their requests stands where a scrape's figures do.
        await using var sender = new NatsConnection(new NatsOptions([nats.Url]), TimeProvider.System, new TextLogger(), new KvEventSeries(), seed: 1);
        sender.Start();
        await Wait.UntilAsync(() => sender.IsConnected, what: "the test's own connection to the broker");
        foreach (var rank in (uint[])[0, 1])
        {
            sender.Publish("namespace.lab.component.backend.endpoint.generate.forward-pass-metrics"u8.ToArray(), default, worker.Pass(rank, 5, 3));
        }

        await epp.WaitForMetricAsync("llm_d_epp_per_endpoint_queue_size", 6);

        await plane.DeleteAsync($"{path}/a");
        await epp.WaitForMetricAsync("epp_kv_index_holder_blocks", 0);
    }

    private static JsonObject Source(FakeDynamoWorker worker) => new()
    {
        ["event_sources"] = new JsonObject
        {
            ["lab/backend/generate/kv-events/1"] = new JsonObject
            {
                ["type"] = "EventSource",
                ["topic"] = "kv-events",
                ["publisher_id"] = 1,
                ["metadata"] = new JsonObject
                {
                    ["worker"] = new JsonObject { ["worker_id"] = worker.Id, ["dp_rank"] = 0 },
                    ["recovery_target"] = new JsonObject
                    {
                        ["namespace"] = "lab",
                        ["component"] = "backend",
                        ["endpoint"] = "worker_kv_query_source_1",
                        ["instance_id"] = worker.Id,
                        ["transport"] = new JsonObject { ["tcp"] = worker.Tcp },
                        ["request_plane_codec"] = "msgpack",
                    },
                },
            },
        },
    };
}
