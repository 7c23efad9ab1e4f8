using Epp.Native.Scheduling;
using Epp.Native.Scheduling.Pickers;

namespace Epp.Native.Tests.Scheduling;

[Trait("Category", "Unit")]
public class PickerTests
{
    private const int Rounds = 10000;

    [Fact]
    public void MaxScorePicker_DistinctTotals_DescendingOrder()
    {
        double[] totals = [1, 5, 3, 4, 2];
        Assert.Equal([1], Pick(new MaxScorePicker("m"), totals, Request(1)));
        Assert.Equal([1, 3, 2], Pick(new MaxScorePicker("m", 3), totals, Request(1)));
        Assert.Equal([1, 3, 2, 4, 0], Pick(new MaxScorePicker("m", 99), totals, Request(1)));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(40)]
    public void MaxScorePicker_Ties_AreUniform(int limit)
    {
        // 40 candidates, so that the sort is not one insertion sort; positions 5, 6, 7 share the best total.
        var totals = Enumerable.Range(0, 40).Select(i => i is >= 5 and <= 7 ? 9.0 : i % 3).ToArray();
        var first = Histogram(new MaxScorePicker("m", limit), totals, 31);
        Assert.Equal(Rounds, first[5] + first[6] + first[7]);
        AssertNear(Rounds / 3.0, first[5]);
        AssertNear(Rounds / 3.0, first[6]);
    }

    [Fact]
    public void MaxScorePicker_AllEqual_EveryOrderEquallyLikely()
    {
        var request = Request(32);
        var orders = new Dictionary<string, int>();
        for (var i = 0; i < Rounds; i++)
        {
            var order = string.Join(',', Pick(new MaxScorePicker("m", 3), [1, 1, 1], request));
            orders[order] = orders.GetValueOrDefault(order) + 1;
        }

        Assert.Equal(6, orders.Count);
        Assert.All(orders.Values, n => AssertNear(Rounds / 6.0, n));
    }

    [Fact]
    public void RandomPicker_IgnoresTotals_Uniform()
    {
        var first = Histogram(new RandomPicker("r"), [9, 0, 0, 0], 33);
        Assert.All(first, n => AssertNear(Rounds / 4.0, n));
        var firstOfMany = Histogram(new RandomPicker("r", 2), [9, 0, 0, 0], 34);
        Assert.All(firstOfMany, n => AssertNear(Rounds / 4.0, n));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void WeightedRandomPicker_FirstPlace_ProportionalToTotal(int limit)
    {
        var first = Histogram(new WeightedRandomPicker("w", limit), [1, 2, 0, 5], 35);
        AssertNear(Rounds * 1 / 8.0, first[0]);
        AssertNear(Rounds * 2 / 8.0, first[1]);
        Assert.Equal(0, first[2]);
        AssertNear(Rounds * 5 / 8.0, first[3]);
    }

    [Fact]
    public void WeightedRandomPicker_TinyTotals_StayProportional()
    {
        var first = Histogram(new WeightedRandomPicker("w"), [1e-300, 3e-300], 36);
        AssertNear(Rounds * 3 / 4.0, first[1]);
    }

    [Fact]
    public void WeightedRandomPicker_NothingPositive_Uniform()
    {
        var first = Histogram(new WeightedRandomPicker("w"), [0, -1, 0], 37);
        Assert.All(first, n => AssertNear(Rounds / 3.0, n));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-5)]
    public void MaxEndpoints_NotPositive_IsOne(int limit)
    {
        Assert.Equal(1, new MaxScorePicker("m", limit).MaxEndpoints);
        Assert.Equal(1, new RandomPicker("r", limit).MaxEndpoints);
        Assert.Equal(1, new WeightedRandomPicker("w", limit).MaxEndpoints);
    }

    [Fact]
    public void Pickers_SameSeed_SamePicks()
    {
        foreach (var picker in new IPicker[] { new MaxScorePicker("m", 3), new RandomPicker("r", 3), new WeightedRandomPicker("w", 3) })
        {
            var a = Request(38);
            var b = Request(38);
            for (var i = 0; i < 100; i++)
            {
                Assert.Equal(Pick(picker, [1, 1, 1, 1, 2, 2], a), Pick(picker, [1, 1, 1, 1, 2, 2], b));
            }
        }
    }

    [Fact]
    public void RandomSource_Next_UniformAndInRange()
    {
        var random = new RandomSource(39);
        var counts = new int[7];
        for (var i = 0; i < Rounds; i++)
        {
            counts[random.Next(7)]++;
            Assert.InRange(random.NextDouble(), 0, 1 - 1e-16);
        }

        Assert.All(counts, n => AssertNear(Rounds / 7.0, n));
        Assert.False(default(RandomSource).IsSeeded);
        Assert.True(new RandomSource(0).IsSeeded);
    }

    private static RoutingRequest Request(ulong seed) => new() { Random = new RandomSource(seed) };

    private static int[] Pick(IPicker picker, double[] totals, RoutingRequest request)
    {
        var picked = new int[totals.Length];
        return picked[..picker.Pick(request, default, totals, picked)];
    }

    private static int[] Histogram(IPicker picker, double[] totals, ulong seed)
    {
        var request = Request(seed);
        var first = new int[totals.Length];
        for (var i = 0; i < Rounds; i++)
        {
            var picked = Pick(picker, totals, request);
            Assert.True(picked.Length == 1 || picked[0] != picked[1]);
            first[picked[0]]++;
        }

        return first;
    }

    /// <summary>Within five standard deviations of a binomial count.</summary>
    private static void AssertNear(double expected, int actual)
    {
        var p = expected / Rounds;
        var slack = 5 * Math.Sqrt(Rounds * p * (1 - p));
        Assert.InRange(actual, expected - slack, expected + slack);
    }
}
