using Epp.Native.Pool;

namespace Epp.Native.Tests.Pool;

[Trait("Category", "Unit")]
public class PoolTests
{
    [Fact]
    public void Publish_SameMember_KeepsObjectSlotAndMetrics()
    {
        var pool = TestPool.Of((5, 0.5), (6, 0.6));
        var kept = pool.Current[1];
        kept.BeginRequest();
        pool.Publish([new Endpoint("default", "x", "10.0.0.1", 1), new Endpoint("default", "e1", TestPool.Address(1), 8000)]);
        Assert.Same(kept, pool.Current[1]);
        Assert.Equal(6, pool.Current.Columns.Waiting[1]);
        Assert.True(pool.Current.Columns.Live[1]);
        Assert.Equal(1, kept.InflightRequests);

        // A newcomer takes a slot that was free; the slot of one that left is for the next, without its predecessor's metrics.
        Assert.Equal("x", pool.Current[2].Name);
        pool.Publish([.. pool.Current.Indexes.Select(i => pool.Current[i]), new Endpoint("default", "y", "10.0.0.2", 1)]);
        Assert.Equal("y", pool.Current[0].Name);
        Assert.False(pool.Current.Columns.Live[0]);
        Assert.Equal(0, pool.Current.Columns.Waiting[0]);
        Assert.True(double.IsNaN(pool.Current.Columns.KvUsage[0]));
    }

    [Theory]
    [InlineData("10.0.0.2", 8000, "")]
    [InlineData("10.0.0.1", 8001, "")]
    [InlineData("10.0.0.1", 8000, "another-pod")]
    public void Publish_ChangedMember_IsAnotherEndpoint(string address, int port, string uid)
    {
        var pool = new Epp.Native.Pool.Pool();
        pool.Publish([new Endpoint("default", "a", "10.0.0.1", 8000, new Dictionary<string, string> { ["k"] = "v" })]);
        var old = pool.Current[0];
        var removed = new List<Endpoint>();
        pool.Removed += e =>
        {
            Assert.DoesNotContain(e, pool.Current.ByIndex);
            // Its successor is there already: no request meets an empty pool.
            Assert.Equal(1, pool.Current.Count);
            removed.Add(e);
        };
        pool.Publish([new Endpoint("default", "a", address, port, new Dictionary<string, string> { ["k"] = "v" }, uid)]);
        Assert.Equal([old], removed);
        Assert.NotSame(old, pool.Current[pool.Current.Indexes[0]]);
    }

    [Fact]
    public void Publish_OtherLabels_KeepSlotMetricsAndCounter()
    {
        var pool = TestPool.Of((5, 0.5), (6, 0.6));
        var old = pool.Current[1];
        old.BeginRequest();
        pool.Removed += e => Assert.Fail($"{e} left the pool");
        pool.Publish([pool.Current[0], new Endpoint("default", "e1", TestPool.Address(1), 8000, new Dictionary<string, string> { ["role"] = "decode" })]);
        var now = pool.Current[1];
        Assert.NotSame(old, now);
        Assert.Equal(("decode", 6, true, 1), (now.Labels["role"], pool.Current.Columns.Waiting[1], pool.Current.Columns.Live[1], now.InflightRequests));

        // A request that was picked before ends on the object it was picked with; the figures of a scrape go to the present one.
        old.EndRequest();
        Assert.Equal(0, now.InflightRequests);
        pool.Update(old, EndpointMetrics.None with { Waiting = 9 }, 2);
        Assert.Equal(6, pool.Current.Columns.Waiting[1]);
        pool.Update(now, EndpointMetrics.None with { Waiting = 9 }, 2);
        Assert.Equal(9, pool.Current.Columns.Waiting[1]);
    }

    [Fact]
    public void Update_OfEndpointThatLeft_TouchesNobody()
    {
        var pool = TestPool.Of((5, 0.5));
        var old = pool.Current[0];
        pool.Publish([new Endpoint("default", "x", "10.0.0.1", 1)]);
        pool.Publish([pool.Current[1], new Endpoint("default", "y", "10.0.0.1", 2)]);
        Assert.Equal("y", pool.Current[0].Name);
        pool.Update(old, EndpointMetrics.None with { Waiting = 99 }, 2);
        pool.MarkFailed(old);
        Assert.Equal(0, pool.Current.Columns.Waiting[0]);
        Assert.False(pool.Current.Columns.Live[0]);
    }

    [Fact]
    public void Update_MissingFields_KeepLastValues()
    {
        var pool = TestPool.Of((5, 0.5));
        pool.MarkFailed(pool.Current[0]);
        Assert.False(pool.Current.Columns.Live[0]);
        pool.Update(pool.Current[0], EndpointMetrics.None with { Running = 3 }, 77);
        var columns = pool.Current.Columns;
        Assert.Equal((5, 3, 0.5, 77, true), (columns.Waiting[0], columns.Running[0], columns.KvUsage[0], columns.UpdatedMs[0], columns.Live[0]));
    }

    [Fact]
    public void Publish_Growth_KeepsColumns_AndDropsBeyondTheLimit()
    {
        var pool = TestPool.Of((5, 0.5));
        var first = pool.Current[0];
        var many = Enumerable.Range(0, Epp.Native.Pool.Pool.MaxEndpoints + 3).Select(i => new Endpoint("default", $"m{i}", "10.0.0.1", 1)).Prepend(first).ToList();
        Assert.Equal(4, pool.Publish(many));
        Assert.Equal(Epp.Native.Pool.Pool.MaxEndpoints, pool.Current.Count);
        Assert.Equal(5, pool.Current.Columns.Waiting[0]);
        Assert.Equal(Enumerable.Range(0, pool.Current.Count), pool.Current.Indexes.Select(i => (int)i));
    }

    [Fact]
    public void Publish_TurnoverLargerThanTheFreeSlots_ReplacesAll()
    {
        const int Count = (Epp.Native.Pool.Pool.MaxEndpoints / 2) + 1;
        var pool = new Epp.Native.Pool.Pool();
        var removed = 0;
        pool.Removed += _ => removed++;
        foreach (var generation in new[] { "a", "b" })
        {
            Assert.Equal(0, pool.Publish([.. Enumerable.Range(0, Count).Select(i => new Endpoint(generation, $"m{i}", "10.0.0.1", 1))]));
            Assert.Equal(Count, pool.Current.Count);
            Assert.All(pool.Current.Indexes, i => Assert.Equal(generation, pool.Current[i].Namespace));
        }

        Assert.Equal(Count, removed);
    }

    [Fact]
    public void HasSynced_AfterFirstPublish_EvenEmpty()
    {
        var pool = new Epp.Native.Pool.Pool();
        Assert.False(pool.HasSynced);
        PoolSnapshot? published = null;
        pool.Published += s => published = s;
        pool.Publish([]);
        Assert.True(pool.HasSynced);
        Assert.Same(pool.Current, published);
    }

    [Fact]
    public void Publish_RandomMemberships_SlotsStayConsistent()
    {
        const int Seed = 51;
        var random = new Random(Seed);
        var pool = new Epp.Native.Pool.Pool();
        var slots = new Dictionary<string, (Endpoint, int)>();
        for (var round = 0; round < 500; round++)
        {
            var names = Enumerable.Range(0, 60).Where(_ => random.Next(2) == 0).Select(i => $"n{i}").ToList();
            pool.Publish([.. names.Select(n => new Endpoint("default", n, "10.0.0.1", 1))]);
            Assert.Equal(names.Order(), pool.Current.Indexes.Select(i => pool.Current[i].Name).Order());
            var now = pool.Current.Indexes.ToDictionary(i => pool.Current[i].Name, i => (pool.Current[i], (int)i));
            foreach (var (name, place) in slots)
            {
                Assert.True(!now.TryGetValue(name, out var p) || p == place, $"seed {Seed}, round {round}: {name} moved");
            }

            Assert.All(now.Values, p => Assert.Equal(p.Item2, p.Item1.Index.Value));
            slots = now;
        }
    }
}
