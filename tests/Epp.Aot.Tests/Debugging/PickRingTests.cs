using System.Text;
using Epp.Aot.Debugging;
using Epp.Aot.Telemetry;
using Epp.Native.Pool;
using Epp.Native.Scheduling;
using Epp.Testing;

namespace Epp.Aot.Tests.Debugging;

[Trait("Category", "Unit")]
public sealed class PickRingTests
{
    private readonly Pool _pool = new();
    private readonly Endpoint _endpoint = new("ns", "e0", "10.0.0.1", 8000);

    public PickRingTests() => _pool.Publish([_endpoint]);

    [Fact]
    public void Add_MoreThanItsSize_TheNewestAreKeptInOrder()
    {
        var ring = new PickRing(TimeProvider.System, size: 4);
        for (var i = 0; i < 10; i++)
        {
            ring.Add(Request($"model-{i}"), Encoding.UTF8.GetBytes($"id-{i}"), _pool.Current);
        }

        var picks = ring.Read();
        Assert.Equal(10, ring.Count);
        Assert.Equal(["id-9", "id-8", "id-7", "id-6"], picks.Select(p => p.RequestId));
        Assert.Equal(("model-9", "e0", "10.0.0.1:8000", 1), (picks[0].Model, picks[0].EndpointName, picks[0].Endpoint, picks[0].Picked));
    }

    [Fact]
    public void Add_LongTexts_AreCut()
    {
        var ring = new PickRing(TimeProvider.System, size: 1);
        ring.Add(Request(new string('m', 5000)), Encoding.UTF8.GetBytes(new string('i', 5000)), _pool.Current);
        Assert.Equal((48, 96), (ring.Read()[0].RequestId.Length, ring.Read()[0].Model.Length));
    }

    [Fact]
    public void Add_SteadyState_AllocatesNothing()
    {
        var ring = new PickRing(TimeProvider.System, size: 8);
        var request = Request("m");
        ring.Add(request, "id"u8, _pool.Current);
        Assert.Equal(0, Allocated.Least(() =>
        {
            for (var i = 0; i < 1000; i++)
            {
                ring.Add(request, "id"u8, _pool.Current);
            }
        }));
    }

    [Fact]
    public async Task ReadersAndWriters_AtTheSameTime_NeverMixTwoPicks()
    {
        var ring = new PickRing(TimeProvider.System, size: 2);
        var stop = false;
        var writers = Enumerable.Range(0, 2).Select(w => Task.Run(() =>
        {
            var request = Request($"m{w}");
            var id = Encoding.UTF8.GetBytes($"m{w}");
            while (!Volatile.Read(ref stop))
            {
                ring.Add(request, id, _pool.Current);
            }
        })).ToArray();
        for (var i = 0; i < 20_000; i++)
        {
            Assert.All(ring.Read(), p => Assert.Equal(p.Model, p.RequestId));
        }

        Volatile.Write(ref stop, true);
        await Task.WhenAll(writers);
    }

    [Theory]
    [InlineData("http://user:pw@host/x", "http://***@host/x")]
    [InlineData("MetricsSourceParameters { Scheme = http, ApiToken = abc def, Path = /m }", "MetricsSourceParameters { Scheme = http, ApiToken = ***, Path = /m }")]
    [InlineData("hfToken: abc", "hfToken: ***")]
    [InlineData("password=x;a=b", "password= ***;a=b")]
    [InlineData("matchLengthScaleTokens", "matchLengthScaleTokens")]
    [InlineData("/config/tls.key", "/config/tls.key")]
    public void Hide_Secrets_AreRemoved(string text, string expected) => Assert.Equal(expected, DebugReport.Hide(text));

    private RoutingRequest Request(string model)
    {
        var request = new RoutingRequest();
        request.SetTargetModel(Encoding.UTF8.GetBytes(model));
        request.AddPicked(_endpoint);
        return request;
    }
}
