using System.Text.Json.Nodes;
using Epp.Native;
using Epp.Testing;

namespace Epp.Integration.Tests.Kubernetes;

/// <summary>InferenceObjective and InferenceModelRewrite of a real API server end in the objective store (contract §0, §3.4, §3.8).</summary>
[Trait("Category", "Integration")]
public sealed class ObjectKindTests
{
    private const string LlmD = "llm-d.ai";
    private const string Alpha = "inference.networking.x-k8s.io";

    [SkippableTheory]
    [InlineData(Dialect.LlmD, LlmD, Alpha, "targets")]
    [InlineData(Dialect.Gaie, Alpha, LlmD, "split")]
    public async Task Objects_OfTheDialectsGroup_AreFollowed(Dialect dialect, string group, string otherGroup, string targets)
    {
        var plane = await KubeTestplane.RequireAsync();
        var ns = await plane.NewNamespaceAsync();
        await plane.PoolAsync(ns);
        await ObjectiveAsync(plane, group, ns, "low", -5, "pool");
        await ObjectiveAsync(plane, group, ns, "elsewhere", 7, "other");
        await ObjectiveAsync(plane, otherGroup, ns, "old", 9, "pool");
        await using var rig = new DiscoveryRig(plane.Kubeconfig, DiscoveryRig.Options(ns, dialect: dialect));
        await Wait.UntilAsync(() => rig.Discovery.Live);
        Assert.Equal([new("low", -5)], rig.Objectives.Objectives);

        await ObjectiveAsync(plane, group, ns, "high", 10, "pool");
        await UntilAsync(rig, "high=10 low=-5");
        await plane.PatchAsync(Path(group, ns, "inferenceobjectives") + "/low", """{"spec":{"priority":3}}""");
        await UntilAsync(rig, "high=10 low=3");
        await plane.PatchAsync(Path(group, ns, "inferenceobjectives") + "/low", """{"spec":{"poolRef":{"name":"other"}}}""");
        await plane.DeleteAsync(Path(group, ns, "inferenceobjectives") + "/high");
        await UntilAsync(rig, "");

        var stored = await plane.PostAsync(Path(group, ns, "inferencemodelrewrites"), JsonNode.Parse($$"""
            {"apiVersion":"{{group}}/v1alpha2","kind":"InferenceModelRewrite","metadata":{"name":"r"},
             "spec":{"poolRef":{"name":"pool"},"rules":[{"matches":[{"model":{"value":"base"} }],"{{targets}}":[{"modelRewrite":"base-v2","weight":3}]}]} }
            """)!.AsObject());
        await Wait.UntilAsync(() => rig.Objectives.Rewrites.Count == 1);
        var rewrite = rig.Objectives.Rewrites[0];
        Assert.Equal(DateTimeOffset.Parse(stored["metadata"]!["creationTimestamp"]!.GetValue<string>()), rewrite.Created);
        Assert.Equal(["base"], rewrite.Rules[0].Models);
        Assert.Equal([new("base-v2", 3)], rewrite.Rules[0].Targets);
        await plane.DeleteAsync(Path(group, ns, "inferencemodelrewrites") + "/r");
        await Wait.UntilAsync(() => rig.Objectives.Rewrites.Count == 0);
    }

    [SkippableFact]
    public async Task OptionalKinds_WithoutTheirCrds_AreNotWaitedFor_AndNoticedLater()
    {
        await using var plane = await StartBareAsync();
        var ns = await plane.NewNamespaceAsync();
        await using var rig = new DiscoveryRig(plane.Kubeconfig, DiscoveryRig.Options(ns));
        await Wait.UntilAsync(() => rig.Log.Count("inferencepools.inference.networking.k8s.io v1") == 1, what: "the log names the missing CRD of the pool");
        Assert.False(rig.Discovery.Live);
        await plane.ApplyDefinitionsAsync("inference.networking.k8s.io_inferencepools");
        await plane.PoolAsync(ns);
        await plane.PodAsync(ns, "a", "127.1.0.1");
        await Wait.UntilAsync(() => rig.Discovery.Live, what: "serving without objectives and rewrites");
        await rig.UntilEndpointsAsync($"{ns}/a-rank-0 (127.1.0.1:8000)");
        Assert.Equal(1, rig.Log.Count("Kind inferenceobjectives is served by neither"));
        Assert.Equal(1, rig.Log.Count("Kind inferencemodelrewrites is served by neither"));

        await plane.ApplyDefinitionsAsync("inference.networking.x-k8s.io_inferenceobjectives");
        await ObjectiveAsync(plane, Alpha, ns, "late", 4, "pool");
        await UntilAsync(rig, "late=4");
        Assert.True(rig.Discovery.Live);
    }

    private static Task<KubeTestplane> StartBareAsync() => KubeTestplane.StartAsync(["--minimal"], definitions: false);

    private static string Path(string group, string ns, string plural) => $"/apis/{group}/v1alpha2/namespaces/{ns}/{plural}";

    private static Task<JsonObject> ObjectiveAsync(KubeTestplane plane, string group, string ns, string name, int priority, string pool) =>
        plane.PostAsync(Path(group, ns, "inferenceobjectives"), JsonNode.Parse($$"""
            {"apiVersion":"{{group}}/v1alpha2","kind":"InferenceObjective","metadata":{"name":"{{name}}"},"spec":{"priority":{{priority}},"poolRef":{"name":"{{pool}}"} } }
            """)!.AsObject());

    private static Task UntilAsync(DiscoveryRig rig, string expected) => Wait.UntilAsync(
        () => string.Join(' ', rig.Objectives.Objectives.Select(o => $"{o.Name}={o.Priority}").Order(StringComparer.Ordinal)) == expected, what: $"objectives are {expected}\n{rig.Log}");
}
