using System.Numerics;
using System.Runtime.InteropServices;

namespace Epp.Native.Kernels;

/// <summary>Arithmetic over score columns. Each kernel equals its scalar reference bit for bit: one multiply, one add, no fused step.</summary>
public static class ScoreKernels
{
    /// <summary>
    /// <c>totals[i] += clamp01(scores[i]) * weight</c>; NaN counts as 0. The order of operations is the references', because the sums
    /// are visible on the wire.
    /// </summary>
    public static void AddClamped(Span<double> totals, ReadOnlySpan<double> scores, double weight)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(scores.Length, totals.Length);
        var wideTotals = MemoryMarshal.Cast<double, Vector<double>>(totals);
        var wideScores = MemoryMarshal.Cast<double, Vector<double>>(scores);
        var wideWeight = new Vector<double>(weight);
        for (var i = 0; i < wideTotals.Length && i < wideScores.Length; i++)
        {
            var score = wideScores[i];
            // Comparisons instead of Min/Max: a NaN fails both and becomes 0.
            score = Vector.ConditionalSelect(Vector.GreaterThan(score, Vector<double>.Zero), score, Vector<double>.Zero);
            score = Vector.ConditionalSelect(Vector.LessThan(score, Vector<double>.One), score, Vector<double>.One);
            wideTotals[i] += score * wideWeight;
        }

        var done = wideTotals.Length * Vector<double>.Count;
        AddClampedScalar(totals[done..], scores[done..], weight);
    }

    /// <summary>The reference of <see cref="AddClamped"/>, and its tail.</summary>
    public static void AddClampedScalar(Span<double> totals, ReadOnlySpan<double> scores, double weight)
    {
        for (var i = 0; i < totals.Length; i++)
        {
            var score = scores[i] > 0 ? scores[i] : 0;
            totals[i] += (score < 1 ? score : 1) * weight;
        }
    }

    /// <summary>
    /// Replaces each load by <c>(max − load) / (max − min)</c>: the smallest becomes 1, the largest 0; all 1 where they are equal.
    /// Loads are finite.
    /// </summary>
    public static void LowestIsBest(Span<double> loads)
    {
        if (loads.IsEmpty)
        {
            return;
        }

        var (min, max) = MinMax(loads);
        var range = max - min;
        if (!(range > 0))
        {
            loads.Fill(1);
            return;
        }

        var wide = MemoryMarshal.Cast<double, Vector<double>>(loads);
        var wideMax = new Vector<double>(max);
        var wideRange = new Vector<double>(range);
        for (var i = 0; i < wide.Length; i++)
        {
            wide[i] = (wideMax - wide[i]) / wideRange;
        }

        foreach (ref var load in loads[(wide.Length * Vector<double>.Count)..])
        {
            load = (max - load) / range;
        }
    }

    /// <summary>Smallest and largest of at least one finite number.</summary>
    public static (double Min, double Max) MinMax(ReadOnlySpan<double> values)
    {
        var min = values[0];
        var max = values[0];
        var wide = MemoryMarshal.Cast<double, Vector<double>>(values);
        if (wide.Length > 1)
        {
            var low = wide[0];
            var high = wide[0];
            foreach (var value in wide[1..])
            {
                low = Vector.Min(low, value);
                high = Vector.Max(high, value);
            }

            for (var i = 0; i < Vector<double>.Count; i++)
            {
                min = Math.Min(min, low[i]);
                max = Math.Max(max, high[i]);
            }

            values = values[(wide.Length * Vector<double>.Count)..];
        }

        foreach (var value in values)
        {
            min = Math.Min(min, value);
            max = Math.Max(max, value);
        }

        return (min, max);
    }
}
