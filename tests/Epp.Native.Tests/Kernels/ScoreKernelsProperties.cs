using System.Numerics;
using Epp.Native.Kernels;

namespace Epp.Native.Tests.Kernels;

[Trait("Category", "Unit")]
public class ScoreKernelsProperties
{
    private static readonly double[] Specials = [double.NaN, double.PositiveInfinity, double.NegativeInfinity, -3, 1.7, 0, -0.0, 1, double.Epsilon];

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    public void AddClamped_EveryLengthAndOffset_EqualsScalarReference(int offset)
    {
        var random = new Random(20 + offset);
        for (var length = 0; length <= 3 * Vector<double>.Count; length++)
        {
            for (var round = 0; round < 50; round++)
            {
                var scores = Numbers(random, length + offset);
                var totals = Numbers(random, length + offset).Select(t => double.IsFinite(t) ? t : 0).ToArray();
                var expected = totals.ToArray();
                var weight = (random.NextDouble() * 10) - 3;
                ScoreKernels.AddClampedScalar(expected.AsSpan(offset), scores.AsSpan(offset), weight);
                ScoreKernels.AddClamped(totals.AsSpan(offset), scores.AsSpan(offset), weight);
                Assert.Equal(expected.Select(BitConverter.DoubleToInt64Bits), totals.Select(BitConverter.DoubleToInt64Bits));
            }
        }
    }

    [Fact]
    public void AddClamped_OutOfRangeAndNaN_CountAsTheNearestBoundAndZero()
    {
        double[] totals = [1, 1, 1, 1, 1, 1, 1, 1, 1];
        ScoreKernels.AddClamped(totals, [1.7, -3, double.NaN, 0.5, 1.7, -3, double.NaN, 0.5, 1.7], 2);
        Assert.Equal([3, 1, 1, 2, 3, 1, 1, 2, 3], totals);
    }

    [Fact]
    public void LowestIsBest_EveryLength_EqualsTheFormula()
    {
        var random = new Random(21);
        for (var length = 1; length <= 3 * Vector<double>.Count; length++)
        {
            for (var round = 0; round < 50; round++)
            {
                var loads = Enumerable.Range(0, length).Select(_ => (double)random.Next(4 + round)).ToArray();
                var (min, max) = (loads.Min(), loads.Max());
                Assert.Equal((min, max), ScoreKernels.MinMax(loads));
                var expected = loads.Select(l => min == max ? 1 : (max - l) / (max - min)).ToArray();
                ScoreKernels.LowestIsBest(loads);
                Assert.Equal(expected, loads);
            }
        }
    }

    private static double[] Numbers(Random random, int count) =>
        [.. Enumerable.Range(0, count).Select(_ => random.Next(4) == 0 ? Specials[random.Next(Specials.Length)] : (random.NextDouble() * 3) - 1)];
}
