using System.Collections.Concurrent;
using Epp.Aot.Kubernetes;
using Epp.Aot.Telemetry;
using Epp.Testing;

namespace Epp.Integration.Tests.Kubernetes;

/// <summary>List and watch against a real API server: bookmarks, chunks, 410 Gone, rights, tokens.</summary>
[Trait("Category", "Integration")]
public sealed class ReflectorTests
{
    private static readonly KubeResource Pods = new("", "v1", "pods");

    [SkippableFact]
    public async Task Watch_Bookmarks_AdvanceTheVersion_AndEndsAreNoOutage()
    {
        var plane = await KubeTestplane.RequireAsync();
        var ns = await plane.NewNamespaceAsync();
        await plane.PodAsync(ns, "a", "127.1.0.1");
        await using var rig = new Rig(plane.Kubeconfig, new ReflectorOptions(Pods, ns) { WatchSeconds = (4, 4) });
        await Wait.UntilAsync(() => rig.Sink.Names == "a");
        var first = rig.Reflector.Version;
        // Changes elsewhere move the store's version on, which only a bookmark can tell this watch.
        await plane.NewNamespaceAsync();
        await Wait.UntilAsync(() => rig.Reflector.Version != first, what: "a bookmark came");
        await Wait.UntilAsync(() => rig.Reflector.Watches >= 3, what: "the watch was reopened after its end");
        Assert.Equal(1, rig.Sink.Replaces);
        Assert.Equal("", rig.Log.ToString());
    }

    [SkippableFact]
    public async Task List_InChunks_SeesEveryObject_ThenWatches()
    {
        var plane = await KubeTestplane.RequireAsync();
        var ns = await plane.NewNamespaceAsync();
        foreach (var name in (string[])["a", "b", "c", "d", "e"])
        {
            await plane.PodAsync(ns, name, "127.1.0.1");
        }

        await using var rig = new Rig(plane.Kubeconfig, new ReflectorOptions(Pods, ns) { ListFirst = true, PageSize = 2 });
        await Wait.UntilAsync(() => rig.Sink.Names == "a b c d e");
        await plane.DeletePodAsync(ns, "c");
        await Wait.UntilAsync(() => rig.Sink.Names == "a b d e");
    }

    [SkippableFact]
    public async Task ExpiredVersions_AreListedAnew()
    {
        // Without the cache in front of it, etcd's compaction shows: pods only, so that the rest is as in production.
        await using var plane = await KubeTestplane.StartAsync(
            ["--minimal", "--fault-port", "0", "--", "--watch-cache-sizes=pods#0", "--feature-gates=ListFromCacheSnapshot=false"], definitions: false);
        var ns = await plane.NewNamespaceAsync();
        foreach (var name in (string[])["a", "b", "c"])
        {
            await plane.PodAsync(ns, name, "127.1.0.1");
        }

        // A continue token that expires between two pages.
        using var client = DiscoveryRig.ClientOf(plane.Kubeconfig);
        var compacted = 0;
        var lister = new ObjectLister<Pod>(client, new ReflectorOptions(Pods, ns) { PageSize = 1 }, KubeJson.Default.KubeListPod)
        {
            BetweenPages = async () =>
            {
                await plane.PatchAsync($"/api/v1/namespaces/{ns}/pods/a", $$"""{"metadata":{"annotations":{"n":"{{++compacted}}"} } }""");
                await plane.AdminAsync("compact");
            },
        };
        var (objects, version, failure) = await lister.ListAsync(default);
        Assert.Null(failure);
        Assert.NotNull(version);
        Assert.Equal(["a", "b", "c"], objects!.Select(o => o.Metadata!.Name));
        Assert.True(compacted >= 1 && lister.Pages >= 2, $"{compacted} compactions, {lister.Pages} pages");

        // A watch whose version expires while it is cut off.
        await using var rig = new Rig(plane.FaultKubeconfig, new ReflectorOptions(Pods, ns));
        await Wait.UntilAsync(() => rig.Sink.Names == "a b c");
        await plane.AdminAsync("cut");
        await plane.DeletePodAsync(ns, "b");
        await plane.PodAsync(ns, "d", "127.1.0.1");
        await plane.AdminAsync("compact");
        await plane.AdminAsync("heal");
        await Wait.UntilAsync(() => rig.Sink.Names == "a c d", what: $"the new list is there\n{rig.Log}");
        Assert.Equal(2, rig.Sink.Replaces);
        Assert.Equal(1, rig.Log.Count("starts over from a new list"));
    }

    [SkippableFact]
    public async Task Token_RefusedThenRotated_IsReadAgain()
    {
        var plane = await KubeTestplane.RequireAsync();
        var ns = await plane.NewNamespaceAsync();
        await plane.PodAsync(ns, "a", "127.1.0.1");
        var file = Path.GetTempFileName();
        try
        {
            File.WriteAllText(file, "not-a-token");
            await using var rig = new Rig(plane.WriteKubeconfig($"{ns}-rotated", $"tokenFile: \"{file}\""), new ReflectorOptions(Pods, ns));
            await Wait.UntilAsync(() => rig.Log.Count("401 Unauthorized") == 1);
            File.WriteAllText(file, plane.Token);
            await Wait.UntilAsync(() => rig.Sink.Names == "a");
        }
        finally
        {
            File.Delete(file);
        }
    }

    [SkippableFact]
    public async Task Rights_MissingThenGranted_NameTheRightAndRecover()
    {
        var plane = await KubeTestplane.RequireAsync();
        var ns = await plane.NewNamespaceAsync();
        await plane.PodAsync(ns, "a", "127.1.0.1");
        var (_, kubeconfig) = await plane.ServiceAccountAsync(ns, "epp", """[{"apiGroups":[""],"resources":["services"],"verbs":["list"]}]""");
        await using var rig = new Rig(kubeconfig, new ReflectorOptions(Pods, ns));
        await Wait.UntilAsync(() => rig.Log.Count("grant list and watch on pods") == 1);
        Assert.Equal(1, rig.Log.Count("Not ready"));
        await plane.PatchAsync($"/apis/rbac.authorization.k8s.io/v1/namespaces/{ns}/roles/epp", """{"rules":[{"apiGroups":[""],"resources":["pods"],"verbs":["watch"]}]}""");
        await Wait.UntilAsync(() => rig.Sink.Names == "a", what: "the right to watch alone suffices");
    }

    /// <summary>One reflector over pods.</summary>
    private sealed class Rig : IAsyncDisposable
    {
        private readonly KubeClient _client;
        private readonly CancellationTokenSource _stop = new();
        private readonly Task _run;

        public Rig(string kubeconfig, ReflectorOptions options)
        {
            _client = DiscoveryRig.ClientOf(kubeconfig);
            State = new WatchState(options.Resource, options.Namespace, required: true, new WatchSeries("pods"), Log, TimeProvider.System);
            Reflector = new Reflector<Pod>(_client, options, KubeJson.Default.Pod, KubeJson.Default.KubeListPod, Sink, State, Log, TimeProvider.System, new Random(1));
            _run = Task.Run(() => Reflector.RunAsync(_stop.Token));
        }

        public ListLogger Log { get; } = new();

        public PodNames Sink { get; } = new();

        public WatchState State { get; }

        public Reflector<Pod> Reflector { get; }

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            await _run.WaitAsync(TimeSpan.FromSeconds(10));
            _client.Dispose();
            _stop.Dispose();
        }
    }

    private sealed class PodNames : IObjectSink<Pod>
    {
        private readonly ConcurrentDictionary<string, Pod> _pods = new();

        public int Replaces { get; private set; }

        public string Names => string.Join(' ', _pods.Keys.Order(StringComparer.Ordinal));

        public void Replace(IReadOnlyCollection<Pod> objects)
        {
            Replaces++;
            _pods.Clear();
            foreach (var pod in objects)
            {
                _pods[pod.Metadata!.Name] = pod;
            }
        }

        public void Upsert(Pod changed) => _pods[changed.Metadata!.Name] = changed;

        public void Delete(Pod gone) => _pods.TryRemove(gone.Metadata!.Name, out _);

        public void Flush()
        {
        }
    }
}
