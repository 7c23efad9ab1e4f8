using Epp.Testing;

namespace Epp.Integration.Tests.Kubernetes;

/// <summary>InferencePool and pods of a real API server become endpoints (contract §6.2, §10 row 43).</summary>
[Trait("Category", "Integration")]
public sealed class PoolDiscoveryTests
{
    [SkippableFact]
    public async Task Pods_OfThePool_ArePicked_AndFollowedLive()
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
}
