using Epp.Native.Pool;
using Epp.Native.Scheduling;
using Epp.Native.Scheduling.Filters;
using Epp.Native.Scheduling.Scorers;

namespace Epp.Native.Tests.Scheduling;

[Trait("Category", "Unit")]
public sealed class LabelFilterTests
{
    private static readonly string?[] Roles = [null, "decode", "prefill", "encode", "prefill-decode", "encode-prefill", "both", "encode-prefill-decode", "other"];

    [Theory]
    [InlineData(LabelFilter.DecodeType, new[] { 0, 1, 4, 6, 7 })]
    [InlineData(LabelFilter.PrefillType, new[] { 2, 4, 5, 6, 7 })]
    [InlineData(LabelFilter.EncodeType, new[] { 3, 5, 7 })]
    public void Roles_AreThoseOfTheReference(string type, int[] kept)
    {
        var conditions = type switch { LabelFilter.DecodeType => LabelFilter.Decode, LabelFilter.PrefillType => LabelFilter.Prefill, _ => LabelFilter.Encode };
        Assert.Equal(kept, Kept(new LabelFilter("f", type, conditions), [.. Roles.Select(r => r is null ? null : new Dictionary<string, string> { [LabelFilter.RoleLabel] = r })]));
    }

    [Fact]
    public void Conditions_AllMustMatch()
    {
        Dictionary<string, string>?[] labels =
        [
            null, new() { ["a"] = "1" }, new() { ["a"] = "2" }, new() { ["a"] = "1", ["b"] = "x" }, new() { ["b"] = "x" },
        ];
        Assert.Equal([0, 1, 2, 3, 4], Kept(new LabelFilter("f", "t", []), labels));
        Assert.Equal([1, 3], Kept(new LabelFilter("f", "t", [new("a", ["1"])]), labels));
        Assert.Equal([0, 2, 4], Kept(new LabelFilter("f", "t", [new("a", ["1"], Negated: true)]), labels));
        Assert.Equal([3, 4], Kept(new LabelFilter("f", "t", [new("b", null)]), labels));
        Assert.Equal([0, 1, 2], Kept(new LabelFilter("f", "t", [new("b", null, Negated: true)]), labels));
        Assert.Equal([1], Kept(new LabelFilter("f", "t", [new("a", ["1"]), new("b", null, Negated: true)]), labels));
        Assert.Equal([0, 2, 4], Kept(new LabelFilter("f", "t", [new("a", ["2"], AllowsAbsent: true)]), labels));
    }

    [Theory]
    [InlineData(new[] { 3, 0, 6 }, 0, 1, new[] { 0.5, 1, 0 })]
    [InlineData(new[] { 4, 0, 1 }, 0, 1, new[] { 0, 1, 0.75 })]
    [InlineData(new[] { 0, 0 }, 0, 1, new[] { 1.0, 1 })]
    [InlineData(new[] { 0, 7 }, 0, 0, new[] { 1.0, 0 })]
    [InlineData(new[] { 2, 4 }, 2, 0.5, new[] { 1.0, 0 })]
    public void ActiveRequestScorer_RatesByRequestsInFlight(int[] inflight, int idle, double busy, double[] expected)
    {
        var pool = TestPool.WithEndpoints(inflight.Length);
        for (var i = 0; i < inflight.Length; i++)
        {
            for (var n = 0; n < inflight[i]; n++)
            {
                pool.Current[(ushort)i].BeginRequest();
            }
        }

        Assert.Equal(expected, TestPool.Scores(new ActiveRequestScorer("s", idle, busy), pool));
    }

    [Fact]
    public void LoadAwareScorer_IsAHalfAtMost() =>
        Assert.Equal([0.4, 0.5, 0], TestPool.Scores(new LoadAwareScorer("s", 10), TestPool.Of((2, 0), (0, 0), (15, 0))));

    private static int[] Kept(LabelFilter filter, Dictionary<string, string>?[] labels)
    {
        var pool = new Epp.Native.Pool.Pool();
        pool.Publish([.. labels.Select((l, i) => new Endpoint("default", $"e{i}", TestPool.Address(i), 8000, l))]);
        var kept = new ushort[labels.Length];
        var count = filter.Filter(new RoutingRequest(), new Candidates(pool.Current, pool.Current.Indexes), kept);
        return [.. kept[..count].Select(k => (int)k)];
    }
}
