using System.Diagnostics;
using Epp.Testing;

namespace Epp.Integration.Tests.Kubernetes;

/// <summary>The API server is cut off, slow or silent while picks go on (contract §0a).</summary>
[Trait("Category", "Integration")]
public sealed class OutageTests
{
    /// <summary>Detection of a dead link (15 s), one attempt (4 s) and the wait between attempts (5 s), with slack for a busy machine.</summary>
    private static readonly TimeSpan Convergence = TimeSpan.FromSeconds(20);

    [SkippableFact]
    public async Task ApiServer_CutDelayedStalledFor60Seconds_PicksGoOnAndThePoolConverges()
    {
        var plane = await KubeTestplane.RequireAsync();
        var ns = await plane.NewNamespaceAsync();
        await plane.PoolAsync(ns);
        await plane.PodAsync(ns, "a", "127.1.0.1");
        await plane.PodAsync(ns, "b", "127.1.0.2");
        await using var epp = await KubeEpp.StartAsync(plane.FaultKubeconfig, ns);
        await epp.UntilHealthAsync("SERVING");
        await epp.UntilEndpointsAsync("127.1.0.1:8000", "127.1.0.2:8000");
        try
        {
            // Reset connections: reopened at once, nothing to report.
            await plane.AdminAsync("kick");
            await plane.PodAsync(ns, "c", "127.1.0.3");
            await epp.UntilEndpointsAsync("127.1.0.1:8000", "127.1.0.2:8000", "127.1.0.3:8000");
            Assert.DoesNotContain("is broken", epp.LogText, StringComparison.Ordinal);

            await plane.AdminAsync("delay?ms=150");
            await plane.DeletePodAsync(ns, "c");
            await epp.UntilEndpointsAsync("127.1.0.1:8000", "127.1.0.2:8000");
            await plane.AdminAsync("heal");

            await plane.AdminAsync("cut");
            await epp.WaitForMetricAsync("epp_kubernetes_watch_up", 0, ("resource", "pods"));
            await plane.DeletePodAsync(ns, "b");
            await PicksGoOnAsync(epp, TimeSpan.FromSeconds(8));
            await plane.AdminAsync("heal");
            await ConvergesAsync(epp, "127.1.0.1:8000", TimeSpan.FromSeconds(8));
            Assert.Equal(1, Occurrences(epp, "Watch of pods in"));

            await plane.AdminAsync("stall");
            await plane.PodAsync(ns, "d", "127.1.0.4");
            await plane.DeletePodAsync(ns, "a");
            await PicksGoOnAsync(epp, TimeSpan.FromSeconds(60));
            Assert.Equal("SERVING", await epp.HealthAsync());
            Assert.Equal(0, (await epp.MetricsAsync()).Sum("epp_kubernetes_watch_up"));
            await plane.AdminAsync("heal");
            await ConvergesAsync(epp, "127.1.0.4:8000", Convergence);
        }
        finally
        {
            await plane.AdminAsync("heal");
        }
    }

    [SkippableFact]
    public async Task ApiServer_AwayAtTheStart_IsWaitedForNotReady()
    {
        var plane = await KubeTestplane.RequireAsync();
        var ns = await plane.NewNamespaceAsync();
        await plane.PoolAsync(ns);
        await plane.PodAsync(ns, "a", "127.1.0.1");
        await plane.AdminAsync("cut");
        try
        {
            await using var epp = await KubeEpp.StartAsync(plane.FaultKubeconfig, ns);
            await Wait.UntilAsync(() => epp.LogText.Contains("Not ready: cannot watch inferencepools.inference.networking.k8s.io", StringComparison.Ordinal), what: "the log says why");
            Assert.Equal("NOT_SERVING", await epp.HealthAsync());
            await plane.AdminAsync("heal");
            await epp.UntilHealthAsync("SERVING");
            Assert.Equal("127.1.0.1:8000", await epp.PickOneAsync());
        }
        finally
        {
            await plane.AdminAsync("heal");
        }
    }

    private static async Task PicksGoOnAsync(EppProcess epp, TimeSpan time)
    {
        for (var watch = Stopwatch.StartNew(); watch.Elapsed < time;)
        {
            Assert.StartsWith("127.1.0.", await epp.PickOneAsync(), StringComparison.Ordinal);
            await Task.Delay(50);
        }
    }

    /// <summary>After the outage only the endpoints that are left, and once seen, never the removed ones again.</summary>
    private static async Task ConvergesAsync(EppProcess epp, string only, TimeSpan limit)
    {
        var watch = Stopwatch.StartNew();
        while ((await epp.EndpointsAsync(40)) is var seen && !(seen.Count == 1 && seen[0] == only))
        {
            Assert.True(watch.Elapsed < limit, $"after {limit.TotalSeconds} s still {string.Join(' ', seen)}\n{epp.LogText}");
        }

        for (var i = 0; i < 100; i++)
        {
            Assert.Equal(only, await epp.PickOneAsync());
        }
    }

    private static int Occurrences(EppProcess epp, string text) => epp.LogText.Split('\n').Count(l => l.Contains(text, StringComparison.Ordinal) && l.Contains("broken", StringComparison.Ordinal));
}
