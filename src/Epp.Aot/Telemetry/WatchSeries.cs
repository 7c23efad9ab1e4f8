namespace Epp.Aot.Telemetry;

/// <summary>Instruments of the watch of one kind of object. Lock-free; safe to share.</summary>
/// <param name="resource">Label <c>resource</c>.</param>
public sealed class WatchSeries(string resource)
{
    private volatile int _up = -1;

    public string Resource => resource;

    /// <summary>The watch is open and its objects are current; null = nothing is watched.</summary>
    public bool? Up
    {
        get => _up < 0 ? null : _up > 0;
        set => _up = value is { } up ? (up ? 1 : 0) : -1;
    }

    /// <summary>Attempts that failed.</summary>
    public Counter Failures { get; } = new();
}
