using Epp.Testing;
using Xunit.Abstractions;

namespace Epp.Integration.Tests.Kubernetes;

/// <summary>Memory of an EPP whose pods come through the API; docs/operations.md has the figures of the published binary.</summary>
[Trait("Category", "Integration")]
public sealed class PodMemoryTests(ITestOutputHelper output)
{
    // The managed build needs more than the published one; this catches memory that grows with each pod without bound.
    private const long MostBytesPerPod = 20_000;

    [SkippableFact]
    public async Task ThousandPods_OfARealApiServer()
    {
        const int Pods = 1000;
        var plane = await KubeTestplane.RequireAsync();
        var ns = await plane.NewNamespaceAsync();
        await plane.PoolAsync(ns);
        await using var epp = await KubeEpp.StartAsync(plane.Kubeconfig, ns);
        await epp.UntilHealthAsync("SERVING");
        var before = epp.ResidentBytes;
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = 16 };
        await Parallel.ForAsync(0, Pods, parallel, async (i, _) => await plane.PodAsync(ns, $"p{i}", $"127.2.{i / 250}.{1 + (i % 250)}"));
        await ReportAsync(epp, Pods, before);
        await plane.DeleteAsync($"/api/v1/namespaces/{ns}/pods?gracePeriodSeconds=0");
    }

    [Fact]
    public async Task FiveThousandPods_AtOnce()
    {
        const int Pods = 5000;
        await using var server = await FakeApiServer.StartAsync();
        var release = new TaskCompletionSource();
        server.Pods = async (_, response, aborted) =>
        {
            await FakeApiServer.SendAsync(response, FakeApiServer.End(1));
            await release.Task.WaitAsync(aborted);
            await FakeApiServer.SendAsync(response, string.Concat(Enumerable.Range(1, Pods).Select(i => FakeApiServer.Pod(i))));
            await Task.Delay(Timeout.Infinite, aborted).ContinueWith(static _ => { }, TaskScheduler.Default);
        };
        await using var epp = await KubeEpp.StartAsync(server.Kubeconfig, "ns");
        await epp.UntilHealthAsync("SERVING");
        var before = epp.ResidentBytes;
        release.SetResult();
        await ReportAsync(epp, Pods, before);
    }

    private async Task ReportAsync(EppProcess epp, int pods, long before)
    {
        await Wait.UntilAsync(async () => (await epp.MetricsAsync()).Sum("inference_pool_ready_pods") == pods || await CountAsync(epp) == pods, TimeSpan.FromSeconds(60));
        await Task.Delay(3000);
        output.WriteLine($"{pods} pods: {epp.ResidentBytes / 1e6:0.0} MB resident, {before / 1e6:0.0} MB with none");
        Assert.InRange(epp.ResidentBytes - before, long.MinValue, 10_000_000 + (pods * MostBytesPerPod));
    }

    private static async Task<int> CountAsync(EppProcess epp)
    {
        using var client = new HttpClient();
        using var pool = System.Text.Json.JsonDocument.Parse(await client.GetStringAsync($"http://127.0.0.1:{epp.MetricsPort}/debug/pool"));
        return pool.RootElement.GetProperty("count").GetInt32();
    }
}
