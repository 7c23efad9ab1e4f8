using Epp.Testing;

namespace Epp.Integration.Tests.Kubernetes;

/// <summary>What a real API server cannot be made to do: malformed answers, cut lines, 5,000 pods at once.</summary>
[Trait("Category", "Integration")]
public sealed class HostileServerTests
{
    [Theory]
    [InlineData("<html>gateway timeout</html>\n")]
    [InlineData("""{"type":"ADDED","object":{"metadata":{"name":7}}}""" + "\n")]
    [InlineData("""{"type":"ADDED","object":{"metadata":{"name":"x"}}}""" + "\n")]
    [InlineData("""{"type":"BOOKMARK","object":{}}""" + "\n")]
    [InlineData("""{"type":"ERROR","object":{"code":500,"message":"etcdserver: timeout"}}""" + "\n")]
    [InlineData("""{"type":"MODIFIED","object":{"metadata":{"name":"p1","resourceVersion":"9",""")]
    public async Task Watch_ThatBreaks_KeepsThePoolAndRecovers(string broken)
    {
        await using var server = await FakeApiServer.StartAsync();
        server.Pods = async (n, response, aborted) =>
        {
            await FakeApiServer.SendAsync(response, n % 2 == 1 ? FakeApiServer.Pod(1) + FakeApiServer.End(2) + broken : FakeApiServer.Pod(1) + FakeApiServer.Pod(2) + FakeApiServer.End(3));
            if (n >= 2)
            {
                await Task.Delay(Timeout.Infinite, aborted).ContinueWith(static _ => { }, TaskScheduler.Default);
            }
        };
        await using var rig = new DiscoveryRig(server.Kubeconfig, DiscoveryRig.Options("ns"));
        await rig.UntilEndpointsAsync("ns/p1-rank-0 (10.0.0.1:8000)", "ns/p2-rank-0 (10.0.0.2:8000)");
        Assert.Equal(2, server.PodWatches);
        Assert.True(rig.Discovery.Live);
    }

    [Fact]
    public async Task List_MalformedThenGood_IsRetried()
    {
        await using var server = await FakeApiServer.StartAsync();
        server.Pods = async (n, response, aborted) =>
        {
            var streamed = response.HttpContext.Request.Query.ContainsKey("sendInitialEvents");
            var watch = response.HttpContext.Request.Query.ContainsKey("watch");
            response.StatusCode = streamed ? 422 : 200;
            await FakeApiServer.SendAsync(response, (streamed, watch, n) switch
            {
                (true, _, _) => """{"kind":"Status","code":422,"message":"sendInitialEvents is forbidden"}""",
                (_, false, 2) => """{"metadata":{"resourceVersion":"5"},"items":[{"meta""",
                (_, false, 3) => """{"metadata":{},"items":[]}""",
                (_, false, _) => """{"metadata":{"resourceVersion":"5"},"items":[null,{"metadata":{"name":"p1","labels":{"app":"vllm"}},"status":{"podIP":"10.0.0.1","conditions":[{"type":"Ready","status":"True"}]}}]}""",
                _ => FakeApiServer.Pod(2),
            });
            if (watch && !streamed)
            {
                await Task.Delay(Timeout.Infinite, aborted).ContinueWith(static _ => { }, TaskScheduler.Default);
            }
        };
        await using var rig = new DiscoveryRig(server.Kubeconfig, DiscoveryRig.Options("ns"));
        await rig.UntilEndpointsAsync("ns/p1-rank-0 (10.0.0.1:8000)", "ns/p2-rank-0 (10.0.0.2:8000)");
        Assert.Equal(1, rig.Log.Count("does not stream lists"));
    }

    [Fact]
    public async Task FiveThousandPods_AtOnce_AreOnePool()
    {
        const int Pods = 5000;
        await using var server = await FakeApiServer.StartAsync();
        var release = new TaskCompletionSource();
        server.Pods = async (_, response, aborted) =>
        {
            await FakeApiServer.SendAsync(response, FakeApiServer.End(1));
            await FakeApiServer.SendAsync(response, string.Concat(Enumerable.Range(1, Pods).Select(i => FakeApiServer.Pod(i))));
            await release.Task.WaitAsync(aborted);
            await FakeApiServer.SendAsync(response, string.Concat(Enumerable.Range(1, Pods).Select(i => FakeApiServer.Pod(i, "DELETED"))));
            await Task.Delay(Timeout.Infinite, aborted).ContinueWith(static _ => { }, TaskScheduler.Default);
        };
        await using var rig = new DiscoveryRig(server.Kubeconfig, DiscoveryRig.Options("ns"));
        await Wait.UntilAsync(() => rig.Pool.Current.Count == Pods);
        release.SetResult();
        await Wait.UntilAsync(() => rig.Pool.Current.Count == 0);
        Assert.Equal(1, server.PodWatches);
    }
}
