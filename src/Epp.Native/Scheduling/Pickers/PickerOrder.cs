namespace Epp.Native.Scheduling.Pickers;

/// <summary>Orders of candidate positions that several pickers need.</summary>
internal static class PickerOrder
{
    /// <summary>Positions 0 … <paramref name="count"/> − 1 in uniformly random order, in the request's scratch memory.</summary>
    public static Span<int> Shuffled(RoutingRequest request, int count)
    {
        request.Scratch.EnsureCapacity(count);
        var positions = request.Scratch.Positions.AsSpan(0, count);
        for (var i = 0; i < count; i++)
        {
            positions[i] = i;
        }

        request.Random.Shuffle(positions);
        return positions;
    }

    /// <summary>Writes <paramref name="count"/> ≥ 1 of <paramref name="candidates"/> positions, each subset and order equally likely.</summary>
    public static int Uniform(RoutingRequest request, int candidates, int count, Span<int> picked)
    {
        count = Math.Min(count, candidates);
        if (count == 1)
        {
            picked[0] = request.Random.Next(candidates);
            return 1;
        }

        Shuffled(request, candidates)[..count].CopyTo(picked);
        return count;
    }
}
