using System.Globalization;
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

    /// <summary>Reads and checks; every error of it where it is not usable.</summary>
    /// <param name="flags">Parsed flags.</param>
    /// <param name="dialect">Of the configuration.</param>
    /// <param name="environment">Value of an environment variable; null = unset.</param>
    /// <param name="accessNamespace">Namespace of kubeconfig or service account; empty = none.</param>
    public static (KubernetesSettings? Settings, IReadOnlyList<string> Errors) Read(
        FlagSet flags, Dialect dialect, Func<string, string?> environment, string accessNamespace)
    {
        var errors = new List<string>();
        var (name, selector) = (flags.Text("pool-name"), flags.Text("endpoint-selector").Trim());
        if (name.Length > 0 == selector.Length > 0)
        {
            errors.Add($"either pool-name or endpoint-selector must be set{(name.Length > 0 ? ", not both" : "")}: give --pool-name for an InferencePool, or --endpoint-selector with --endpoint-target-ports");
        }

        var group = flags.Text("pool-group") is { Length: > 0 } stated ? stated : PoolIdentity.DefaultGroup;
        if (dialect == Dialect.Gaie && group is not (PoolIdentity.DefaultGroup or KubernetesDiscoveryOptions.AlphaGroup))
        {
            errors.Add($"unknown group '{group}' for flag --pool-group: expected {PoolIdentity.DefaultGroup} or {KubernetesDiscoveryOptions.AlphaGroup}");
        }

        var ports = Ports(flags.Text("endpoint-target-ports"), errors);
        if (selector.Length > 0)
        {
            CheckSelectorMode(selector, ports, errors);
            name = DeploymentOf(environment("POD_NAME"), errors);
        }

        var ns = flags.Text("pool-namespace") is { Length: > 0 } flag ? flag
            : environment("NAMESPACE") is { Length: > 0 } variable ? variable
            : accessNamespace is { Length: > 0 } context ? context : "default";
        var discovery = new KubernetesDiscoveryOptions(ns, name, group, dialect) { EndpointSelector = selector, TargetPorts = ports };
        return errors.Count > 0 ? (null, errors) : (new(discovery, flags.Bool("ha-enable-leader-election"), flags.Bool("metrics-endpoint-auth")), errors);
    }

    private static void CheckSelectorMode(string selector, List<int> ports, List<string> errors)
    {
        if (LabelSelectorText.Problem(selector) is { } problem)
        {
            errors.Add($"invalid value '{selector}' for flag --endpoint-selector: {problem}");
        }

        if (ports.Count is < 1 or > PoolSpec.MaxPorts)
        {
            errors.Add($"--endpoint-target-ports has {ports.Count} ports: expected 1 to {PoolSpec.MaxPorts} with --endpoint-selector, such as 8000,8001");
        }
    }

    private static string DeploymentOf(string? pod, List<string> errors)
    {
        if (string.IsNullOrEmpty(pod))
        {
            errors.Add("POD_NAME is not set: --endpoint-selector takes the pool's name from it; set it from metadata.name by the downward API");
            return "";
        }

        if (pod.Split('-') is [.. var deployment, var hash, var suffix] && IsPart(hash) && IsPart(suffix) && string.Join('-', deployment) is { Length: > 0 } name)
        {
            return name;
        }

        errors.Add($"POD_NAME '{pod}' is not the name of a deployment's pod: expected DEPLOYMENT-HASH-SUFFIX, from which the pool's name is taken");
        return "";
    }

    private static bool IsPart(string text) => text.Length > 0 && text.All(static c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c));

    private static List<int> Ports(string text, List<string> errors)
    {
        var ports = new List<int>();
        foreach (var item in text.Trim('[', ']').Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            if (!int.TryParse(item, NumberStyles.None, CultureInfo.InvariantCulture, out var port) || port is < 1 or > 65535)
            {
                errors.Add($"invalid value '{item}' in flag --endpoint-target-ports: expected ports, 1 to 65535, separated by commas");
            }
            else if (!ports.Contains(port))
            {
                ports.Add(port);
            }
        }

        return ports;
    }
}
