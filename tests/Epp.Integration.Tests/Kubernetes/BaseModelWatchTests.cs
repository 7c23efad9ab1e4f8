using System.Text;
using System.Text.Json.Nodes;
using Epp.Aot.Bbr;
using Epp.Aot.Kubernetes;
using Epp.Native.Bbr;
using Epp.Testing;
using Which = Epp.Testing.Protos.ProcessingResponse.ResponseOneofCase;

namespace Epp.Integration.Tests.Kubernetes;

/// <summary>The body-based router follows labelled ConfigMaps of a real API server (contract §9.3).</summary>
[Trait("Category", "Integration")]
public sealed class BaseModelWatchTests
{
    private const string Managed = "inference.networking.k8s.io/bbr-managed";

    private const string Rights = """[{"apiGroups":[""],"resources":["configmaps"],"verbs":["get","list","watch"]}]""";

    [SkippableFact]
    public async Task ConfigMaps_AddedChangedAndDeleted_AreFollowed_WithTheRightsOfTheManifest()
    {
        var plane = await KubeTestplane.RequireAsync();
        var ns = await plane.NewNamespaceAsync();
        await MapAsync(plane, ns, "first", "qwen", "- a\n- b");
        await MapAsync(plane, ns, "not-ours", "other", "- z", managed: "false");
        var (_, kubeconfig) = await plane.ServiceAccountAsync(ns, "bbr", Rights);
        await using var router = await StartAsync(kubeconfig, ns);
        await UntilAsync(router, "a", "qwen");
        Assert.Equal(("qwen", "qwen", "", ""), (await BaseOfAsync(router, "b"), await BaseOfAsync(router, "qwen"), await BaseOfAsync(router, "z"), await BaseOfAsync(router, "other")));

        await MapAsync(plane, ns, "second", "llama", "- c");
        await UntilAsync(router, "c", "llama");
        var path = $"/api/v1/namespaces/{ns}/configmaps";
        await plane.PatchAsync($"{path}/second", """{"data":{"adapters":"- d"}}""");
        await UntilAsync(router, "d", "llama");
        Assert.Equal("", await BaseOfAsync(router, "c"));
        await plane.PatchAsync($"{path}/second", """{"data":{"adapters":"- 'e"}}""");
        await Wait.UntilAsync(() => router.LogText.Contains($"ConfigMap {ns}/second is not used", StringComparison.Ordinal), what: "the log names the bad map");
        Assert.Equal("llama", await BaseOfAsync(router, "d"));

        // A label taken away is a map taken away.
        await plane.PatchAsync($"{path}/first", """{"metadata":{"labels":{"inference.networking.k8s.io/bbr-managed":null}}}""");
        await UntilAsync(router, "a", "");
        Assert.Equal("", await BaseOfAsync(router, "qwen"));
        await plane.PatchAsync($"{path}/not-ours", """{"metadata":{"labels":{"inference.networking.k8s.io/bbr-managed":"true"}}}""");
        await UntilAsync(router, "z", "other");
        await plane.DeleteAsync($"{path}/second");
        await UntilAsync(router, "d", "");
        var metrics = await router.MetricsAsync();
        Assert.Equal((1, 2), (metrics.Sum("epp_kubernetes_watch_up", ("resource", "configmaps")), metrics.Sum("epp_bbr_base_model_names")));
    }

    [SkippableFact]
    public async Task EveryNamespace_WithoutTheVariable_EqualNamesApart_ListedOrStreamed()
    {
        var plane = await KubeTestplane.RequireAsync();
        var (one, two) = (await plane.NewNamespaceAsync(), await plane.NewNamespaceAsync());
        await MapAsync(plane, one, "m", "base-" + one, $"- {one}");
        await MapAsync(plane, two, "m", "base-" + two, $"- {two}");
        foreach (var listFirst in new[] { true, false })
        {
            var log = new ListLogger();
            var store = new BaseModelStore(log);
            var metrics = new BbrMetrics(BbrDialect.Gaie15, "", TimeProvider.System);
            using var client = DiscoveryRig.ClientOf(plane.Kubeconfig);
            using var stop = new CancellationTokenSource();
            var kind = new KubeResource("", "v1", "configmaps");
            var options = new ReflectorOptions(kind, "", "&labelSelector=" + Uri.EscapeDataString(BaseModelStore.Label)) { ListFirst = listFirst };
            var run = new Reflector<ConfigMap>(
                client, options, KubeJson.Default.ConfigMap, KubeJson.Default.KubeListConfigMap, store,
                new WatchState(kind, "all namespaces", required: false, metrics.ConfigMaps, log, TimeProvider.System), log, TimeProvider.System, new Random(1)).RunAsync(stop.Token);
            await Wait.UntilAsync(() => Find(store, one) == "base-" + one && Find(store, two) == "base-" + two, what: $"both are known\n{log}");
            await stop.CancelAsync();
            await run;
        }

        await using var router = await StartAsync(plane.Kubeconfig, null);
        await UntilAsync(router, one, "base-" + one);
        Assert.Equal("base-" + two, await BaseOfAsync(router, two));
    }

    [SkippableFact]
    public async Task MissingRights_AreNamed_AndRoutingGoesOn()
    {
        var plane = await KubeTestplane.RequireAsync();
        var ns = await plane.NewNamespaceAsync();
        var (_, kubeconfig) = await plane.ServiceAccountAsync(ns, "bbr", "[]");
        await using var router = await StartAsync(kubeconfig, ns);
        await Wait.UntilAsync(() => router.LogText.Contains("grant list and watch on configmaps", StringComparison.Ordinal), what: $"the log names the right\n{router.LogText}");
        Assert.Equal("", await BaseOfAsync(router, "a"));
        using var channel = new GrpcChannel(router.HealthPort);
        Assert.Equal("SERVING", await GrpcLayerTests.CheckAsync(channel, "any"));
    }

    [SkippableFact]
    public async Task Metrics_AreReviewed_UnlessTurnedOff()
    {
        var plane = await KubeTestplane.RequireAsync();
        var ns = await plane.NewNamespaceAsync();
        await using var router = await StartAsync(plane.Kubeconfig, ns, "--metrics-endpoint-auth=true");
        using var http = new HttpClient();
        using var refused = await http.GetAsync($"http://127.0.0.1:{router.MetricsPort}/metrics");
        Assert.Equal(401, (int)refused.StatusCode);
        using var request = new HttpRequestMessage(HttpMethod.Get, $"http://127.0.0.1:{router.MetricsPort}/metrics");
        request.Headers.Authorization = new("Bearer", plane.Token);
        using var answer = await http.SendAsync(request);
        Assert.Contains("bbr_success_total", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    private static Task<EppProcess> StartAsync(string kubeconfig, string? ns, params string[] flags) => EppProcess.StartAsync(new EppOptions
    {
        Subcommand = "bbr",
        Flags = ["--metrics-endpoint-auth=false", .. flags],
        Environment = new Dictionary<string, string?> { ["KUBECONFIG"] = kubeconfig, ["KUBERNETES_SERVICE_HOST"] = null, ["NAMESPACE"] = ns },
    });

    private static Task<JsonObject> MapAsync(KubeTestplane plane, string ns, string name, string baseModel, string adapters, string managed = "true") =>
        plane.PostAsync($"/api/v1/namespaces/{ns}/configmaps", new JsonObject
        {
            ["metadata"] = new JsonObject { ["name"] = name, ["labels"] = new JsonObject { [Managed] = managed } },
            ["data"] = new JsonObject { ["baseModel"] = baseModel, ["adapters"] = adapters },
        });

    private static async Task<string?> BaseOfAsync(EppProcess router, string model)
    {
        await using var stream = router.Open();
        await stream.SendAsync(Ask.Body($$"""{"model":"{{model}}"}"""));
        return (await stream.ExpectAsync(Which.RequestBody)).Header("X-Gateway-Base-Model-Name");
    }

    private static Task UntilAsync(EppProcess router, string model, string expected) =>
        Wait.UntilAsync(async () => await BaseOfAsync(router, model) == expected, what: $"{model} stands for '{expected}'\n{router.LogText}");

    private static string Find(BaseModelStore store, string model) => Encoding.UTF8.GetString(store.Current.Find(Encoding.UTF8.GetBytes(model)));
}
