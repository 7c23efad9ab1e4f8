using System.Diagnostics;
using Epp.Testing;

namespace Epp.Integration.Tests.Kubernetes;

/// <summary>Two replicas over one Lease of a real API server (contract §4.4, §4.8).</summary>
[Trait("Category", "Integration")]
public sealed class LeaderElectionTests
{
    [SkippableFact]
    public async Task Leader_KilledThenStopped_TheOtherLeadsInTime()
    {
        var plane = await KubeTestplane.RequireAsync();
        var ns = await plane.NewNamespaceAsync();
        await plane.PoolAsync(ns);
        await plane.PodAsync(ns, "a", "127.1.0.1");
        var first = await KubeEpp.StartAsync(plane.Kubeconfig, ns, null, "--ha-enable-leader-election");
        await first.UntilHealthAsync("SERVING", "readiness");
        await using var second = await KubeEpp.StartAsync(plane.FaultKubeconfig, ns, null, "--ha-enable-leader-election");
        try
        {
            foreach (var name in (string[])["", "readiness", "envoy.service.ext_proc.v3.ExternalProcessor"])
            {
                Assert.Equal("SERVING", await first.HealthAsync(name));
                Assert.Equal("NOT_SERVING", await second.HealthAsync(name));
            }

            Assert.Equal("SERVING", await second.HealthAsync("liveness"));
            Assert.Equal("SERVICE_UNKNOWN", await second.HealthAsync("inference-extension"));
            await second.UntilEndpointsAsync("127.1.0.1:8000");
            Assert.Equal(1, (await first.MetricsAsync()).Sum("epp_leader"));

            first.Signal("KILL");
            var watch = Stopwatch.StartNew();
            await second.UntilHealthAsync("SERVING", "readiness", TimeSpan.FromSeconds(22));
            Assert.InRange(watch.Elapsed.TotalSeconds, 11, 22);
            var lease = (await plane.GetAsync($"/apis/coordination.k8s.io/v1/namespaces/{ns}/leases/epp-{ns}-pool.llm-d.ai"))["spec"]!;
            Assert.Equal((15, 1), (lease["leaseDurationSeconds"]!.GetValue<int>(), lease["leaseTransitions"]!.GetValue<int>()));

            // Cut off, the leader steps down within its renew deadline and comes back by itself.
            await plane.AdminAsync("cut");
            await second.UntilHealthAsync("NOT_SERVING", "readiness", TimeSpan.FromSeconds(14));
            Assert.Equal("SERVING", await second.HealthAsync("liveness"));
            await plane.AdminAsync("heal");
            await second.UntilHealthAsync("SERVING", "readiness", TimeSpan.FromSeconds(10));

            await using var third = await KubeEpp.StartAsync(plane.Kubeconfig, ns, null, "--ha-enable-leader-election");
            await Wait.UntilAsync(() => third.LogText.Contains("synced", StringComparison.Ordinal));
            Assert.Equal("NOT_SERVING", await third.HealthAsync("readiness"));
            second.Signal("TERM");
            watch.Restart();
            await third.UntilHealthAsync("SERVING", "readiness", TimeSpan.FromSeconds(6));
            Assert.True(watch.Elapsed < TimeSpan.FromSeconds(5), $"takeover after SIGTERM took {watch.Elapsed}");
        }
        finally
        {
            await plane.AdminAsync("heal");
            await first.DisposeAsync();
        }
    }
}
