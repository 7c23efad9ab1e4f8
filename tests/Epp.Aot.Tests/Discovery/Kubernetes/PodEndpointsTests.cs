using Epp.Aot.Discovery.Kubernetes;
using Epp.Aot.Kubernetes;
using Epp.Native;
using Epp.Native.Pool;

namespace Epp.Aot.Tests.Discovery.Kubernetes;

/// <summary>Contract §6.2 and the Kubernetes table of §0a; §10 row 43.</summary>
[Trait("Category", "Unit")]
public sealed class PodEndpointsTests
{
    [Fact]
    public void Pod_WithSeveralTargetPorts_IsOneEndpointPerRank()
    {
        var endpoints = Of(Pod("a"), Dialect.LlmD, 8000, 8001);
        Assert.Equal(["ns/a-rank-0 (10.0.0.1:8000)", "ns/a-rank-1 (10.0.0.1:8001)"], endpoints.Select(e => e.ToString()));
        Assert.All(endpoints, e => Assert.Equal("vllm", e.Labels["app"]));
    }

    [Theory]
    [InlineData("8001", "a-rank-1")]
    [InlineData(" 8001 , 8000 ", "a-rank-0 a-rank-1")]
    [InlineData("abc,8001,9999,-1,99999999999", "a-rank-1")]
    [InlineData("", "")]
    [InlineData("9999", "")]
    public void ActivePorts_ChooseAmongTargetPorts(string value, string expected)
    {
        foreach (var name in (string[])[PodEndpoints.ActivePortsAnnotation, PodEndpoints.OldActivePortsAnnotation])
        {
            Assert.Equal(expected, Names(Of(Pod("a", annotations: new() { [name] = value }), Dialect.LlmD, 8000, 8001)));
        }
    }

    [Fact]
    public void ActivePorts_BothNames_TheNewOneWins() => Assert.Equal(
        "a-rank-0",
        Names(Of(Pod("a", annotations: new() { [PodEndpoints.ActivePortsAnnotation] = "8000", [PodEndpoints.OldActivePortsAnnotation] = "8001" }), Dialect.LlmD, 8000, 8001)));

    [Fact]
    public void ActivePorts_InGaiesDialect_MeanNothing() =>
        Assert.Equal("a-rank-0 a-rank-1", Names(Of(Pod("a", annotations: new() { [PodEndpoints.ActivePortsAnnotation] = "" }), Dialect.Gaie, 8000, 8001)));

    [Theory]
    [InlineData("10.0.0.1", "True", null, true)]
    [InlineData("10.0.0.1", "False", null, false)]
    [InlineData("10.0.0.1", "Unknown", null, false)]
    [InlineData("10.0.0.1", null, null, false)]
    [InlineData("10.0.0.1", "True", "2026-01-01T00:00:00Z", false)]
    [InlineData("", "True", null, false)]
    [InlineData(null, "True", null, false)]
    [InlineData("not-an-ip", "True", null, false)]
    public void Pod_ServesOnlyWhenReadyWithAnAddressAndNotDeleted(string? ip, string? ready, string? deleted, bool serves) =>
        Assert.Equal(serves, PodEndpoints.Serving(Pod("a", ip, ready, deleted), Dialect.LlmD) is not null);

    [Fact]
    public void Pod_WithIpv6_IsBracketed() => Assert.Equal("[fd00:44::1]:8000", Assert.Single(Of(Pod("a", "fd00:44::1"), Dialect.LlmD, 8000)).HostPort);

    [Fact]
    public void Set_PortsShrinkAndChange_RanksFollow()
    {
        var set = new PodSet("ns", Dialect.LlmD);
        set.Set(Pod("a"));
        set.SetPorts([8000, 8001]);
        Assert.Equal("a-rank-0 a-rank-1", Names(set.Endpoints()));
        set.SetPorts([8002]);
        Assert.True(set.Changed);
        Assert.Equal("10.0.0.1:8002", Assert.Single(set.Endpoints()).HostPort);
        set.SetPorts([8002]);
        Assert.False(set.Changed);
    }

    [Fact]
    public void Set_AnEventThatChangesNothing_IsNoChange()
    {
        var set = new PodSet("ns", Dialect.LlmD);
        set.SetPorts([8000]);
        set.Set(Pod("a"));
        _ = set.Endpoints();
        set.Set(Pod("a"));
        set.Remove("never-there");
        Assert.False(set.Changed);
        set.Set(Pod("a", ready: "False"));
        Assert.True(set.Changed);
        Assert.Empty(set.Endpoints());
    }

    [Fact]
    public void Set_NewSelector_DropsWhomItDoesNotSelect()
    {
        var set = new PodSet("ns", Dialect.LlmD);
        set.SetPorts([8000]);
        set.Set(Pod("a"));
        set.Set(Pod("b", "10.0.0.2", labels: new() { ["app"] = "vllm", ["tier"] = "x" }));
        set.Keep(new PoolSpec(new Dictionary<string, string> { ["app"] = "vllm", ["tier"] = "x" }, [8000], ""));
        Assert.Equal("b-rank-0", Names(set.Endpoints()));
    }

    [Fact]
    public void Pool_NewPodOfTheSameNameAndAddress_StartsWithoutHistory()
    {
        var (set, pool, gone) = (new PodSet("ns", Dialect.LlmD), new Pool(), new List<Endpoint>());
        pool.Removed += gone.Add;
        set.SetPorts([8000]);
        set.Set(Pod("a"));
        pool.Publish(set.Endpoints());
        var first = Assert.Single(pool.Current.Indexes.Select(i => pool.Current[i]));
        first.BeginRequest();
        pool.Update(first, EndpointMetrics.None with { Waiting = 9 }, 1);

        set.Set(Pod("a", uid: "u2"));
        pool.Publish(set.Endpoints());
        var second = Assert.Single(pool.Current.Indexes.Select(i => pool.Current[i]));
        Assert.Same(first, Assert.Single(gone));
        Assert.NotSame(first, second);
        Assert.Equal((0, 0.0, false), (second.InflightRequests, pool.Current.Columns.Waiting[second.Index.Value], pool.Current.Columns.Live[second.Index.Value]));
        first.EndRequest();
        Assert.Equal(0, second.InflightRequests);
    }

    [Fact]
    public void Specs_OfBothVersions_MeanTheSame()
    {
        var v1 = KubeText.Read(
            """{"metadata":{"name":"p"},"spec":{"selector":{"matchLabels":{"b":"2","a":"1"}},"targetPorts":[{"number":8000},{"number":8000},{"number":0}],"appProtocol":"http"}}"""u8,
            KubeJson.Default.InferencePoolV1).Value!;
        var alpha = KubeText.Read("""{"metadata":{"name":"p"},"spec":{"selector":{"a":"1","b":"2"},"targetPortNumber":8000}}"""u8, KubeJson.Default.InferencePoolV1Alpha2).Value!;
        var (one, two) = (PoolSpec.Of(v1)!, PoolSpec.Of(alpha)!);
        Assert.Equal(("a=1,b=2", "http"), (one.Selector, one.AppProtocol));
        Assert.Equal([8000], one.Ports);
        Assert.Equal(one.Selector, two.Selector);
        Assert.Equal(one.Ports, two.Ports);
        Assert.Null(PoolSpec.Of(v1 with { Metadata = v1.Metadata! with { DeletionTimestamp = "2026-01-01T00:00:00Z" } }));
    }

    internal static Pod Pod(
        string name, string? ip = "10.0.0.1", string? ready = "True", string? deleted = null, string uid = "u1",
        Dictionary<string, string>? labels = null, Dictionary<string, string>? annotations = null) => new()
        {
            Metadata = new ObjectMeta { Name = name, Uid = uid, DeletionTimestamp = deleted, Labels = labels ?? new() { ["app"] = "vllm" }, Annotations = annotations },
            Status = new PodStatus { PodIP = ip, Conditions = ready is null ? null : [null, new PodCondition { Type = "Ready", Status = ready }] },
        };

    private static Endpoint[] Of(Pod pod, Dialect dialect, params int[] ports) => PodEndpoints.Of(PodEndpoints.Serving(pod, dialect)!, "ns", ports);

    private static string Names(IEnumerable<Endpoint> endpoints) => string.Join(' ', endpoints.Select(e => e.Name).Order(StringComparer.Ordinal));
}
