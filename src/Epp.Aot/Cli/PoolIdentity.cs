namespace Epp.Aot.Cli;

/// <summary>Which endpoints this process picks among.</summary>
/// <param name="Name">Of the pool; with a selector, of the EPP's own Deployment.</param>
/// <param name="Namespace">Of the pool and its pods.</param>
/// <param name="Group">API group of the pool.</param>
/// <param name="Selector">Label selector of the pods instead of a pool; empty = a pool.</param>
/// <param name="TargetPorts">With a selector: 1 to 8 ports.</param>
internal sealed record PoolIdentity(string Name, string Namespace, string Group, string Selector, IReadOnlyList<int> TargetPorts)
{
    /// <summary>Most ports of one pod.</summary>
    public const int MaxTargetPorts = 8;

    /// <summary>Default group; the other one is of the older API.</summary>
    public const string DefaultGroup = "inference.networking.k8s.io";

    public const string OldGroup = "inference.networking.x-k8s.io";

    /// <summary>Name of the pool where only an endpoints file says what it holds.</summary>
    public const string FileName = "epp";

    /// <summary>Reads flags and environment (contract §4.1, §4.2); what is wrong is added to the errors.</summary>
    public static PoolIdentity Read(FlagSet flags, Func<string, string?> environment, List<string> errors)
    {
        var name = flags.Text("pool-name");
        var selector = flags.Text("endpoint-selector");
        var ports = flags.Ints("endpoint-target-ports");
        if (name.Length > 0 && selector.Length > 0)
        {
            errors.Add("--pool-name and --endpoint-selector exclude each other: give one of them");
        }
        else if (name.Length == 0 && selector.Length == 0 && flags.Text("endpoints-file").Length == 0)
        {
            errors.Add("either --pool-name or --endpoint-selector must be set (or --endpoints-file, for the built-in configuration without Kubernetes)");
        }

        if (selector.Length > 0 && (ports.Count is < 1 or > MaxTargetPorts || ports.Any(p => p is < 1 or > 65535)))
        {
            errors.Add($"invalid value '{flags.Text("endpoint-target-ports")}' for flag --endpoint-target-ports: with --endpoint-selector expected 1 to {MaxTargetPorts} ports, each 1 to 65535");
        }

        if (selector.Length > 0 && name.Length == 0)
        {
            name = DeploymentName(environment("POD_NAME"), errors);
        }

        var ns = flags.Text("pool-namespace") is { Length: > 0 } given ? given : environment("NAMESPACE") is { Length: > 0 } own ? own : "default";
        return new PoolIdentity(name.Length > 0 ? name : FileName, ns, flags.Text("pool-group"), selector, ports);
    }

    private static string DeploymentName(string? pod, List<string> errors)
    {
        // ^(.+)-[a-z0-9]+-[a-z0-9]+$: what stands before the last two dashes.
        var last = pod?.LastIndexOf('-') ?? -1;
        var before = last > 0 ? pod!.LastIndexOf('-', last - 1) : -1;
        if (before > 0 && IsSuffix(pod.AsSpan(before + 1, last - before - 1)) && IsSuffix(pod.AsSpan(last + 1)))
        {
            return pod![..before];
        }

        errors.Add(string.IsNullOrEmpty(pod)
            ? "the variable POD_NAME is not set: with --endpoint-selector it names the EPP's own pod, and so the pool; set it from metadata.name"
            : $"the variable POD_NAME is '{pod}': expected the name of a Deployment's pod, <deployment>-<hash>-<suffix>");
        return "";
    }
    private static bool IsSuffix(ReadOnlySpan<char> text)
    {
        foreach (var c in text)
        {
            if (!char.IsAsciiLetterLower(c) && !char.IsAsciiDigit(c))
            {
                return false;
            }
        }

        return !text.IsEmpty;
    }
}
