namespace Epp.Native.Scheduling.Pickers;

/// <summary>The highest totals, best first; equal totals in uniformly random order.</summary>
public sealed class MaxScorePicker(string name, int maxEndpoints = 1) : IPicker
{
    public const string PluginType = "max-score-picker";

    public string Name => name;

    public string Type => PluginType;

    public int MaxEndpoints { get; } = Math.Max(1, maxEndpoints);

    public int Pick(RoutingRequest request, in Candidates candidates, ReadOnlySpan<double> totals, Span<int> picked)
    {
        var count = Math.Min(MaxEndpoints, totals.Length);
        if (count == 1)
        {
            picked[0] = Best(ref request.Random, totals);
            return 1;
        }

        // Sorting after a uniform shuffle leaves equal totals in uniform order even though the sort is not stable: it cannot tell them apart.
        var positions = PickerOrder.Shuffled(request, totals.Length);
        var keys = request.Scratch.Keys.AsSpan(0, totals.Length);
        for (var i = 0; i < keys.Length; i++)
        {
            keys[i] = -totals[positions[i]];
        }

        keys.Sort(positions);
        positions[..count].CopyTo(picked);
        return count;
    }

    /// <summary>One pass: the k-th of equal maxima replaces the choice with probability 1/k.</summary>
    private static int Best(ref RandomSource random, ReadOnlySpan<double> totals)
    {
        var best = 0;
        var ties = 1;
        for (var i = 1; i < totals.Length; i++)
        {
            if (totals[i] > totals[best])
            {
                best = i;
                ties = 1;
            }
            else if (totals[i] == totals[best] && random.Next(++ties) == 0)
            {
                best = i;
            }
        }

        return best;
    }
}
