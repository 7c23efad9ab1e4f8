namespace Epp.Native.Scheduling.Pickers;

/// <summary>
/// Weighted sampling without replacement (A-Res, Efraimidis and Spirakis 2006): each candidate draws U in (0, 1) and gets the key
/// <c>U^(1/total)</c>; the largest keys win, so the first place is proportional to the total. Where no total is above 0 it picks as
/// <see cref="RandomPicker"/>. Keys are compared as logarithms, <c>ln U / total</c>: the same order without underflow.
/// </summary>
public sealed class WeightedRandomPicker(string name, int maxEndpoints = 1) : IPicker
{
    public const string PluginType = "weighted-random-picker";

    /// <summary>What a draw of exactly 0 counts as, as in the references.</summary>
    private const double SmallestDraw = 1e-10;

    public string Name => name;

    public string Type => PluginType;

    public int MaxEndpoints { get; } = Math.Max(1, maxEndpoints);

    public int Pick(RoutingRequest request, in Candidates candidates, ReadOnlySpan<double> totals, Span<int> picked)
    {
        var count = Math.Min(MaxEndpoints, totals.Length);
        if (!AnyPositive(totals))
        {
            return PickerOrder.Uniform(request, totals.Length, count, picked);
        }

        var positions = PickerOrder.Shuffled(request, totals.Length);
        var keys = request.Scratch.Keys.AsSpan(0, totals.Length);
        for (var i = 0; i < keys.Length; i++)
        {
            var draw = request.Random.NextDouble();
            var total = totals[positions[i]];
            // Negated: the sort is ascending. Candidates without weight come last.
            keys[i] = total > 0 ? -Math.Log(draw == 0 ? SmallestDraw : draw) / total : double.PositiveInfinity;
        }

        keys.Sort(positions);
        positions[..count].CopyTo(picked);
        return count;
    }

    private static bool AnyPositive(ReadOnlySpan<double> totals)
    {
        foreach (var total in totals)
        {
            if (total > 0)
            {
                return true;
            }
        }

        return false;
    }
}
