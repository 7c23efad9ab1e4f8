namespace Epp.Native.Scheduling.Saturation;

/// <summary>What a detector found.</summary>
/// <param name="Value">1 or more = saturated.</param>
/// <param name="StaleEndpoints">Candidates without fresh metrics; −1 where the detector does not look at metrics.</param>
public readonly record struct SaturationReading(double Value, int StaleEndpoints)
{
    public bool IsSaturated => Value >= 1;
}

/// <summary>Says whether candidates can take more load (plugins §11). Shared by all requests: implementations are thread-safe.</summary>
public interface ISaturationDetector
{
    /// <summary>The plugin's <c>name</c>.</summary>
    string Name { get; }

    /// <summary>The plugin's <c>type</c>.</summary>
    string Type { get; }

    /// <summary>Rates the candidates at <see cref="RoutingRequest.NowMs"/>; no candidates count as saturated.</summary>
    SaturationReading Saturation(RoutingRequest request, in Candidates candidates);
}
