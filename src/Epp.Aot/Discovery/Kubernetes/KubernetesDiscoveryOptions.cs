using Epp.Native;

namespace Epp.Aot.Discovery.Kubernetes;

/// <summary>Which pods to serve.</summary>
/// <param name="Namespace">Of the pool and its pods.</param>
/// <param name="PoolName">Name of the InferencePool, or of the deployment in selector mode.</param>
/// <param name="PoolGroup">API group of the InferencePool.</param>
/// <param name="Dialect">Whose rules.</param>
internal sealed record KubernetesDiscoveryOptions(string Namespace, string PoolName, string PoolGroup, Dialect Dialect)
{
    /// <summary>Group of InferencePool v1alpha2; any other group is read as v1.</summary>
    public const string AlphaGroup = "inference.networking.x-k8s.io";

    /// <summary>Group of llm-d's objectives and rewrites.</summary>
    public const string LlmDGroup = "llm-d.ai";

    /// <summary>Selector of the pods in selector mode, in Kubernetes' syntax; empty = an InferencePool says it.</summary>
    public string EndpointSelector { get; init; } = "";

    /// <summary>Ports in selector mode.</summary>
    public IReadOnlyList<int> TargetPorts { get; init; } = [];

    /// <summary>Range of a watch's <c>timeoutSeconds</c>.</summary>
    public (int From, int To) WatchSeconds { get; init; } = (300, 600);

    /// <summary>Wait before an optional kind that is absent or forbidden is asked for again.</summary>
    public TimeSpan SlowCheck { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Groups of objectives and rewrites, the preferred one first (contract §0).</summary>
    public IReadOnlyList<string> ObjectGroups => Dialect == Dialect.Gaie ? [AlphaGroup, LlmDGroup] : [LlmDGroup, AlphaGroup];
}
