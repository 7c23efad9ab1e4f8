using System.Text.Json.Nodes;
using Epp.Aot.Discovery.Kubernetes;
using Epp.Native;
using Epp.Native.Pool;
using Epp.Testing;

namespace Epp.Integration.Tests.Kubernetes;

/// <summary>InferencePool and pods of a real API server become endpoints (contract §6.2, §10 row 43).</summary>
[Trait("Category", "Integration")]
public sealed class PoolDiscoveryTests
{
    [SkippableFact]
    public async Task Case43_Pods_OfThePool_ArePicked_AndFollowedLive()
    {
        var plane = await KubeTestplane.RequireAsync();
        var ns = await plane.NewNamespaceAsync();
        await plane.PoolAsync(ns);
        await plane.PodAsync(ns, "a", "127.1.0.1");
        await plane.PodAsync(ns, "other", "127.1.0.9", """{"app":"other"}""");
        await using var epp = await KubeEpp.StartAsync(plane.Kubeconfig, ns);
        await epp.UntilHealthAsync("SERVING");
        await epp.UntilEndpointsAsync("127.1.0.1:8000");

        await plane.PodAsync(ns, "b", "127.1.0.2");
        await epp.UntilEndpointsAsync("127.1.0.1:8000", "127.1.0.2:8000");
        await plane.PodStatusAsync(ns, "a", "127.1.0.1", ready: false);
        await epp.UntilEndpointsAsync("127.1.0.2:8000");
        await plane.PatchAsync($"/api/v1/namespaces/{ns}/pods/b", """{"metadata":{"labels":{"app":null}}}""");
        await epp.UntilEndpointsAsync("503");
        await plane.PodStatusAsync(ns, "a", "127.1.0.1", ready: true);
        await epp.UntilEndpointsAsync("127.1.0.1:8000");
        await plane.DeletePodAsync(ns, "a");
        await epp.UntilEndpointsAsync("503");
        Assert.Equal("SERVING", await epp.HealthAsync());
    }

    [SkippableFact]
    public async Task Start_WithoutThePool_IsNotReadyUntilItIsCreated_AndAgainWhenItIsDeleted()
    {
        var plane = await KubeTestplane.RequireAsync();
        var ns = await plane.NewNamespaceAsync();
        await plane.PodAsync(ns, "a", "127.1.0.1");
        await using var epp = await KubeEpp.StartAsync(plane.CertificateKubeconfig, ns);
        Assert.Equal("NOT_SERVING", await epp.HealthAsync());
        Assert.Equal("503", await epp.PickOneAsync());
        await Wait.UntilAsync(() => epp.LogText.Contains($"InferencePool {ns}/pool", StringComparison.Ordinal), what: "the log names the missing pool");
        await plane.PoolAsync(ns);
        await epp.UntilHealthAsync("SERVING");
        Assert.Equal("127.1.0.1:8000", await epp.PickOneAsync());

        // A finalizer keeps the object: its deletionTimestamp counts.
        await plane.PatchAsync($"{KubeTestplane.PoolsPath(ns)}/pool", """{"metadata":{"finalizers":["test/keep"]}}""");
        await plane.DeleteAsync($"{KubeTestplane.PoolsPath(ns)}/pool");
        await epp.UntilHealthAsync("NOT_SERVING");
        Assert.Equal("503", await epp.PickOneAsync());
        await plane.PatchAsync($"{KubeTestplane.PoolsPath(ns)}/pool", """{"metadata":{"finalizers":null}}""");
        await plane.PoolAsync(ns);
        await epp.UntilHealthAsync("SERVING");
        await epp.UntilEndpointsAsync("127.1.0.1:8000");
    }

    [SkippableFact]
    public async Task Case43_PortsAndSelectorOfThePool_FollowAtOnce()
    {
        var plane = await KubeTestplane.RequireAsync();
        var ns = await plane.NewNamespaceAsync();
        await plane.PoolAsync(ns, ports: "8000,8001");
        await plane.PodAsync(ns, "a", "127.1.0.1");
        await plane.PodAsync(ns, "b", "127.1.0.2", """{"app":"vllm","tier":"x"}""");
        await plane.PodAsync(ns, "v6", "fd00:44::1", """{"app":"six"}""");
        await using var rig = new DiscoveryRig(plane.Kubeconfig, DiscoveryRig.Options(ns));
        await rig.UntilEndpointsAsync(
            $"{ns}/a-rank-0 (127.1.0.1:8000)", $"{ns}/a-rank-1 (127.1.0.1:8001)", $"{ns}/b-rank-0 (127.1.0.2:8000)", $"{ns}/b-rank-1 (127.1.0.2:8001)");
        await Wait.UntilAsync(() => rig.Discovery.Live, what: "the optional kinds are settled");

        var pool = $"{KubeTestplane.PoolsPath(ns)}/pool";
        await plane.PatchAsync(pool, """{"spec":{"targetPorts":[{"number":8002}]}}""");
        await rig.UntilEndpointsAsync($"{ns}/a-rank-0 (127.1.0.1:8002)", $"{ns}/b-rank-0 (127.1.0.2:8002)");
        await plane.PatchAsync(pool, """{"spec":{"selector":{"matchLabels":{"tier":"x"}}}}""");
        await rig.UntilEndpointsAsync($"{ns}/b-rank-0 (127.1.0.2:8002)");
        await plane.PatchAsync(pool, """{"spec":{"selector":{"matchLabels":{"tier":null,"app":"six"}},"appProtocol":"kubernetes.io/h2c"}}""");
        await rig.UntilEndpointsAsync($"{ns}/v6-rank-0 ([fd00:44::1]:8002)");
        Assert.Equal("kubernetes.io/h2c", rig.Discovery.AppProtocol);
    }

    [SkippableFact]
    public async Task Pod_ReplacedUnderTheSameNameAndAddress_StartsWithoutHistory()
    {
        var plane = await KubeTestplane.RequireAsync();
        var ns = await plane.NewNamespaceAsync();
        await plane.PoolAsync(ns);
        await plane.PodAsync(ns, "a", "127.1.0.1");
        await using var rig = new DiscoveryRig(plane.Kubeconfig, DiscoveryRig.Options(ns));
        var gone = new List<Endpoint>();
        rig.Pool.Removed += gone.Add;
        await rig.UntilEndpointsAsync($"{ns}/a-rank-0 (127.1.0.1:8000)");
        var first = rig.Pool.Current[rig.Pool.Current.Indexes[0]];
        first.BeginRequest();
        await plane.PatchAsync($"/api/v1/namespaces/{ns}/pods/a", """{"metadata":{"annotations":{"unrelated":"1"}}}""");
        await plane.DeletePodAsync(ns, "a");
        await plane.PodAsync(ns, "a", "127.1.0.1");
        await Wait.UntilAsync(() => rig.Pool.Current.Count == 1 && rig.Pool.Current[rig.Pool.Current.Indexes[0]] != first);
        Assert.Equal(0, rig.Pool.Current[rig.Pool.Current.Indexes[0]].InflightRequests);
        Assert.Same(first, Assert.Single(gone));
    }

    [SkippableFact]
    public async Task Pod_WithOtherLabels_KeepsFiguresHistoryAndRequests()
    {
        var plane = await KubeTestplane.RequireAsync();
        var ns = await plane.NewNamespaceAsync();
        await plane.PoolAsync(ns);
        await plane.PodAsync(ns, "a", "127.1.0.1");
        await using var rig = new DiscoveryRig(plane.Kubeconfig, DiscoveryRig.Options(ns));
        var gone = new List<Endpoint>();
        rig.Pool.Removed += gone.Add;
        await rig.UntilEndpointsAsync($"{ns}/a-rank-0 (127.1.0.1:8000)");
        var slot = rig.Pool.Current.Indexes[0];
        var first = rig.Pool.Current[slot];
        first.BeginRequest();
        rig.Pool.Update(first, EndpointMetrics.None with { Waiting = 3 }, 1);
        await plane.PatchAsync($"/api/v1/namespaces/{ns}/pods/a", """{"metadata":{"labels":{"role":"decode"}}}""");
        await Wait.UntilAsync(() => rig.Pool.Current[slot].Labels.ContainsKey("role"));
        Assert.Equal((1, 3d, 1), (rig.Pool.Current.Count, rig.Pool.Current.Columns.Waiting[slot], rig.Pool.Current[slot].InflightRequests));
        Assert.Empty(gone);
    }

    [SkippableTheory]
    [InlineData(Dialect.LlmD, "a-rank-1")]
    [InlineData(Dialect.Gaie, "a-rank-0 a-rank-1")]
    public async Task ActivePorts_FollowTheAnnotation_InLlmDsDialectOnly(Dialect dialect, string expected)
    {
        var plane = await KubeTestplane.RequireAsync();
        var ns = await plane.NewNamespaceAsync();
        await plane.PoolAsync(ns, ports: "8000,8001");
        await plane.PodAsync(ns, "a", "127.1.0.1", annotations: """{"inference.networking.k8s.io/active-ports":"8001"}""");
        await plane.PodAsync(ns, "no-ip", null);
        await using var rig = new DiscoveryRig(plane.Kubeconfig, DiscoveryRig.Options(ns, dialect: dialect));
        await Wait.UntilAsync(() => rig.Pool.Current.Count > 0);
        Assert.Equal(expected, string.Join(' ', rig.Pool.Current.Indexes.Select(i => rig.Pool.Current[i].Name).Order(StringComparer.Ordinal)));
    }

    [SkippableFact]
    public async Task AlphaPool_ByItsGroup_IsRead()
    {
        var plane = await KubeTestplane.RequireAsync();
        var ns = await plane.NewNamespaceAsync();
        await plane.PodAsync(ns, "a", "127.1.0.1");
        await plane.PostAsync($"/apis/inference.networking.x-k8s.io/v1alpha2/namespaces/{ns}/inferencepools", JsonNode.Parse("""
            {"apiVersion":"inference.networking.x-k8s.io/v1alpha2","kind":"InferencePool","metadata":{"name":"pool"},
             "spec":{"selector":{"app":"vllm"},"targetPortNumber":8005,"extensionRef":{"name":"epp"}}}
            """)!.AsObject());
        await using var epp = await KubeEpp.StartAsync(plane.Kubeconfig, ns, KubeEpp.GaieConfig, "--pool-group=inference.networking.x-k8s.io");
        await epp.UntilHealthAsync("SERVING");
        Assert.Equal("127.1.0.1:8005", await epp.PickOneAsync());
    }

    [SkippableFact]
    public async Task Selector_WithoutAPool_ServesTheDeploymentsPods()
    {
        var plane = await KubeTestplane.RequireAsync();
        var ns = await plane.NewNamespaceAsync();
        await plane.PodAsync(ns, "a", "127.1.0.1", """{"app":"vllm","role":"decode"}""");
        await plane.PodAsync(ns, "b", "127.1.0.2", """{"app":"vllm","role":"prefill"}""");
        await using var epp = await EppProcess.StartAsync(new EppOptions
        {
            Config = KubeEpp.Config,
            Flags =
            [
                "--pool-name=", "--endpoint-selector", "app=vllm,role notin (prefill)", "--endpoint-target-ports=8000,8001", "--metrics-endpoint-auth=false",
                "--kubeconfig", plane.Kubeconfig,
            ],
            Environment = new Dictionary<string, string?> { ["NAMESPACE"] = ns, ["POD_NAME"] = "my-epp-7d9f-x2x", ["KUBERNETES_SERVICE_HOST"] = null },
        });
        await epp.UntilHealthAsync("SERVING");
        await epp.UntilEndpointsAsync("127.1.0.1:8000", "127.1.0.1:8001");
        Assert.Equal(1, (await epp.MetricsAsync()).Sum("epp_kubernetes_watch_up", ("resource", "pods")));
    }

    [SkippableFact]
    public async Task ThousandPods_CreatedAndDeleted_AreFollowed()
    {
        const int Pods = 1000;
        var plane = await KubeTestplane.RequireAsync();
        var ns = await plane.NewNamespaceAsync();
        await plane.PoolAsync(ns);
        await using var rig = new DiscoveryRig(plane.Kubeconfig, DiscoveryRig.Options(ns));
        await Wait.UntilAsync(() => rig.Discovery.Live);
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = 16 };
        await Parallel.ForAsync(0, Pods, parallel, async (i, _) => await plane.PodAsync(ns, $"p{i}", $"127.2.{i / 250}.{1 + (i % 250)}"));
        await Wait.UntilAsync(() => rig.Pool.Current.Count == Pods);
        Assert.Equal(Pods, rig.Endpoints.Distinct().Count());
        await plane.DeleteAsync($"/api/v1/namespaces/{ns}/pods?gracePeriodSeconds=0");
        await Wait.UntilAsync(() => rig.Pool.Current.Count == 0, what: $"no endpoint is left, not {rig.Pool.Current.Count}");
    }
}
