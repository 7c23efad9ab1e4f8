namespace Epp.Native.Scheduling;

/// <summary>Removes candidates. Shared by all requests: implementations are thread-safe.</summary>
public interface IFilter
{
    /// <summary>The plugin's <c>name</c>, for metrics and logs.</summary>
    string Name { get; }

    /// <summary>The plugin's <c>type</c>.</summary>
    string Type { get; }

    /// <summary>Writes the kept slots, in the order the next step shall see, to <paramref name="kept"/> (as long as the candidates); returns their number.</summary>
    int Filter(RoutingRequest request, in Candidates candidates, Span<ushort> kept);
}

/// <summary>Rates candidates. Shared by all requests: implementations are thread-safe.</summary>
public interface IScorer
{
    /// <summary>The plugin's <c>name</c>, for metrics and logs.</summary>
    string Name { get; }

    /// <summary>The plugin's <c>type</c>.</summary>
    string Type { get; }

    /// <summary>
    /// Writes one score per candidate position, 1 best; the profile clamps to [0, 1] and weighs. Doubles, because the sums are visible
    /// on the wire (<c>--emit-endpoint-scores</c>) and must equal the references' (docs/adr/0003).
    /// </summary>
    void Score(RoutingRequest request, in Candidates candidates, Span<double> scores);
}

/// <summary>Chooses among scored candidates. Shared by all requests: implementations are thread-safe.</summary>
public interface IPicker
{
    /// <summary>The plugin's <c>name</c>, for metrics and logs.</summary>
    string Name { get; }

    /// <summary>The plugin's <c>type</c>.</summary>
    string Type { get; }

    /// <summary>Most endpoints one pick returns; ≥ 1.</summary>
    int MaxEndpoints { get; }

    /// <summary>
    /// Writes the chosen candidate positions, best first, to <paramref name="picked"/> (length ≥ min(<see cref="MaxEndpoints"/>,
    /// candidates)); returns their number.
    /// </summary>
    int Pick(RoutingRequest request, in Candidates candidates, ReadOnlySpan<double> totals, Span<int> picked);
}
