namespace Epp.Native.Scheduling.Pickers;

/// <summary>Uniformly random endpoints; the totals do not matter.</summary>
public sealed class RandomPicker(string name, int maxEndpoints = 1) : IPicker
{
    public const string PluginType = "random-picker";

    public string Name => name;

    public string Type => PluginType;

    public int MaxEndpoints { get; } = Math.Max(1, maxEndpoints);

    public int Pick(RoutingRequest request, in Candidates candidates, ReadOnlySpan<double> totals, Span<int> picked) =>
        PickerOrder.Uniform(request, totals.Length, MaxEndpoints, picked);
}
