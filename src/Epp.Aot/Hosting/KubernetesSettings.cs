using Epp.Aot.Cli;
using Epp.Aot.Discovery.Kubernetes;
using Epp.Native;

namespace Epp.Aot.Hosting;

/// <summary>What flags and environment say about Kubernetes (contract §4.1, §4.2).</summary>
/// <param name="Discovery">Pool or selector to watch.</param>
/// <param name="LeaderElection">Only one replica serves.</param>
/// <param name="MetricsAuth">Review requests to the metrics port.</param>
internal sealed record KubernetesSettings(KubernetesDiscoveryOptions Discovery, bool LeaderElection, bool MetricsAuth)
{
    /// <summary>Name of the lease, as the references build it (contract §4.8).</summary>
    public string LeaseName =>
        $"epp-{Discovery.Namespace}-{Discovery.PoolName}.{(Discovery.Dialect == Dialect.Gaie ? "gateway-api-inference-extension.sigs.k8s.io" : "llm-d.ai")}";

    /// <summary>What is left to check once the dialect is known; every error of it where the settings are not usable.</summary>
    /// <param name="flags">Parsed flags.</param>
    /// <param name="pool">Pool or selector, already checked.</param>
    /// <param name="dialect">Of the configuration.</param>
    public static (KubernetesSettings? Settings, IReadOnlyList<string> Errors) Read(FlagSet flags, PoolIdentity pool, Dialect dialect)
    {
        var errors = new List<string>();
        // llm-d reads InferencePool v1 only, whatever the group of the references to it.
        if (dialect == Dialect.Gaie && pool.Group is not (PoolIdentity.DefaultGroup or PoolIdentity.OldGroup))
        {
            errors.Add($"invalid value '{pool.Group}' for flag --pool-group: expected {PoolIdentity.DefaultGroup} or {PoolIdentity.OldGroup}");
        }

        if (pool.Selector.Length > 0 && LabelSelectorText.Problem(pool.Selector) is { } problem)
        {
            errors.Add($"invalid value '{pool.Selector}' for flag --endpoint-selector: {problem}");
        }

        var discovery = new KubernetesDiscoveryOptions(pool.Namespace, pool.Name, pool.Group, dialect) { EndpointSelector = pool.Selector, TargetPorts = pool.TargetPorts };
        return errors.Count > 0 ? (null, errors) : (new(discovery, flags.Bool("ha-enable-leader-election"), flags.Bool("metrics-endpoint-auth")), errors);
    }
}
