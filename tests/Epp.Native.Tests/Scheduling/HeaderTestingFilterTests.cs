using Epp.Native.Pool;
using Epp.Native.Scheduling;
using Epp.Native.Scheduling.Filters;

namespace Epp.Native.Tests.Scheduling;

[Trait("Category", "Unit")]
public class HeaderTestingFilterTests
{
    [Theory]
    [InlineData("10.0.0.7,10.0.0.8:3002", "10.0.0.7:3000 10.0.0.8:3002")]
    [InlineData("10.0.0.8:3002, 10.0.0.7", "10.0.0.8:3002 10.0.0.7:3000")]
    [InlineData("[fd00::1]:3000,fd00::2", "[fd00::1]:3000 [fd00::2]:3000")]
    [InlineData("[fd00:0:0::1]", "[fd00::1]:3000")]
    [InlineData("10.0.0.8:3002,10.0.0.8:3000,10.0.0.8", "10.0.0.8:3002")]
    [InlineData("10.0.0.9", "")]
    [InlineData("10.0.0.7:9", "")]
    [InlineData("", "")]
    [InlineData(",,[,[]:,:1,10.0.0.7:x,10.0.0.7:99999999999999", "")]
    public void Case44_Header_KeepsNamedEndpointsInItsOrder(string header, string expected)
    {
        var pool = Pool();
        var request = new RoutingRequest { Headers = TestPool.Headers("test-epp-endpoint-selection", header) };
        Assert.Equal(expected, Kept(pool, request));
    }

    [Fact]
    public void Case44_NoHeader_NoneLeft() => Assert.Equal("", Kept(Pool(), new RoutingRequest()));

    [Fact]
    public void Case44_Profile_NoMatch_IsFiltersRemovedAll()
    {
        var pool = Pool();
        var profile = new Profile("default", [new HeaderTestingFilter("f")], [], new Epp.Native.Scheduling.Pickers.MaxScorePicker("m"));
        var scheduler = new Scheduler(profile, [], 1);
        Assert.Equal(PickError.FiltersRemovedAll, scheduler.Pick(new RoutingRequest(), pool.Current).Error);
        var request = new RoutingRequest { Headers = TestPool.Headers("test-epp-endpoint-selection", "10.0.0.8") };
        Assert.Equal("10.0.0.8:3000", scheduler.Pick(request, pool.Current).Endpoint!.HostPort);
    }

    private static Epp.Native.Pool.Pool Pool()
    {
        var pool = new Epp.Native.Pool.Pool();
        pool.Publish(
        [
            new Endpoint("default", "a", "10.0.0.7", 3000),
            new Endpoint("default", "b", "10.0.0.8", 3000),
            new Endpoint("default", "c", "10.0.0.8", 3002),
            new Endpoint("default", "d", "fd00::1", 3000),
            new Endpoint("default", "e", "fd00::2", 3000),
        ]);
        return pool;
    }

    private static string Kept(Epp.Native.Pool.Pool pool, RoutingRequest request)
    {
        var kept = new ushort[pool.Current.Count];
        var count = new HeaderTestingFilter("f").Filter(request, new Candidates(pool.Current, pool.Current.Indexes), kept);
        return string.Join(' ', kept[..count].Select(i => pool.Current[i].HostPort));
    }
}
