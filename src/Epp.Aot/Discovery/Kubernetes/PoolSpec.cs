using Epp.Aot.Kubernetes;

namespace Epp.Aot.Discovery.Kubernetes;

/// <summary>What an InferencePool of either version says. Immutable.</summary>
/// <param name="MatchLabels">All of them select a pod.</param>
/// <param name="Ports">1 … 8, unique, in the pool's order.</param>
/// <param name="AppProtocol">Empty = not stated.</param>
internal sealed record PoolSpec(IReadOnlyDictionary<string, string> MatchLabels, IReadOnlyList<int> Ports, string AppProtocol)
{
    /// <summary>Ports of one pool (contract §6.2).</summary>
    public const int MaxPorts = 8;

    /// <summary>The selector as the API's query value, in a stable order.</summary>
    public string Selector => string.Join(',', MatchLabels.Keys.Order(StringComparer.Ordinal).Select(key => $"{key}={MatchLabels[key]}"));

    /// <summary>Null while the pool is being deleted or has no spec.</summary>
    public static PoolSpec? Of(InferencePoolV1 pool) => pool.Metadata?.DeletionTimestamp is not null || pool.Spec is not { } spec
        ? null
        : new(Clean(spec.Selector?.MatchLabels), Clean((spec.TargetPorts ?? []).ConvertAll(p => p?.Number ?? 0)), spec.AppProtocol ?? "");

    /// <summary>Null while the pool is being deleted or has no spec.</summary>
    public static PoolSpec? Of(InferencePoolV1Alpha2 pool) => pool.Metadata?.DeletionTimestamp is not null || pool.Spec is not { } spec
        ? null
        : new(Clean(spec.Selector), Clean([spec.TargetPortNumber]), "");

    /// <summary>True where every label is there with its value.</summary>
    public bool Selects(IReadOnlyDictionary<string, string> labels) => MatchLabels.Keys.All(key => labels.TryGetValue(key, out var value) && value == MatchLabels[key]);

    private static Dictionary<string, string> Clean(Dictionary<string, string>? labels)
    {
        var clean = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (key, value) in labels ?? [])
        {
            clean.Add(key, value ?? "");
        }

        return clean;
    }

    private static List<int> Clean(List<int> ports)
    {
        var clean = new List<int>();
        foreach (var port in ports)
        {
            if (port is >= 1 and <= 65535 && clean.Count < MaxPorts && !clean.Contains(port))
            {
                clean.Add(port);
            }
        }

        return clean;
    }
}
