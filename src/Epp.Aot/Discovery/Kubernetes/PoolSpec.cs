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
    public string Selector => string.Join(',', MatchLabels.OrderBy(l => l.Key, StringComparer.Ordinal).Select(l => $"{l.Key}={l.Value}"));

    /// <summary>Null while the pool is being deleted or has no spec.</summary>
    public static PoolSpec? Of(InferencePoolV1 pool) => pool.Metadata?.DeletionTimestamp is not null || pool.Spec is not { } spec
        ? null
        : new(Clean(spec.Selector?.MatchLabels), Clean((spec.TargetPorts ?? []).Select(p => p?.Number ?? 0)), spec.AppProtocol ?? "");

    /// <summary>Null while the pool is being deleted or has no spec.</summary>
    public static PoolSpec? Of(InferencePoolV1Alpha2 pool) => pool.Metadata?.DeletionTimestamp is not null || pool.Spec is not { } spec
        ? null
        : new(Clean(spec.Selector), Clean([spec.TargetPortNumber]), "");

    /// <summary>True where every label is there with its value.</summary>
    public bool Selects(IReadOnlyDictionary<string, string> labels) => MatchLabels.All(l => labels.TryGetValue(l.Key, out var value) && value == l.Value);

    private static Dictionary<string, string> Clean(Dictionary<string, string>? labels) =>
        (labels ?? []).ToDictionary(l => l.Key, l => l.Value ?? "", StringComparer.Ordinal);

    private static int[] Clean(IEnumerable<int> ports) => [.. ports.Where(p => p is >= 1 and <= 65535).Distinct().Take(MaxPorts)];
}
