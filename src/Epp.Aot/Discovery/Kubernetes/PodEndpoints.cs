using System.Collections.Frozen;
using System.Globalization;
using System.Net;
using Epp.Aot.Kubernetes;
using Epp.Native;
using Epp.Native.Pool;

namespace Epp.Aot.Discovery.Kubernetes;

/// <summary>What matters of a pod that can serve. Immutable.</summary>
/// <param name="Name">Pod name.</param>
/// <param name="Uid">Tells a pod from its predecessor of the same name.</param>
/// <param name="Address">IP literal.</param>
/// <param name="Labels">All of them.</param>
/// <param name="ActivePorts">Value of the active-ports annotation; null = none.</param>
internal sealed record ServingPod(string Name, string Uid, string Address, FrozenDictionary<string, string> Labels, string? ActivePorts)
{
    /// <summary>True where the other makes the same endpoints.</summary>
    public bool SameAs(ServingPod other) =>
        Name == other.Name && Uid == other.Uid && Address == other.Address && ActivePorts == other.ActivePorts && Labels.Count == other.Labels.Count
        && Labels.Keys.All(key => other.Labels.TryGetValue(key, out var value) && value == Labels[key]);
}

/// <summary>Pods to endpoints: contract §6.2 and the Kubernetes table of §0a.</summary>
internal static class PodEndpoints
{
    /// <summary>llm-d's annotation; wins over the older name.</summary>
    public const string ActivePortsAnnotation = "llm-d.ai/active-ports";

    public const string OldActivePortsAnnotation = "inference.networking.k8s.io/active-ports";

    /// <summary>Null where the pod cannot serve: being deleted, not Ready, or without an IP.</summary>
    public static ServingPod? Serving(Pod pod, Dialect dialect)
    {
        if (pod.Metadata is not { DeletionTimestamp: null } metadata || pod.Status is not { } status
            || !(status.Conditions ?? []).Exists(c => c is { Type: "Ready", Status: "True" })
            || !IPAddress.TryParse(status.PodIP, out var address))
        {
            return null;
        }

        var labels = (metadata.Labels ?? []).ToFrozenDictionary(l => l.Key, l => l.Value ?? "", StringComparer.Ordinal);
        return new(metadata.Name, metadata.Uid ?? "", address.ToString(), labels, dialect == Dialect.LlmD ? ActivePorts(metadata.Annotations) : null);
    }

    /// <summary>One endpoint for each active target port, named <c>POD-rank-INDEX</c>.</summary>
    public static Endpoint[] Of(ServingPod pod, string ns, IReadOnlyList<int> ports)
    {
        var active = pod.ActivePorts is { } text ? Parse(text) : null;
        var endpoints = new List<Endpoint>(ports.Count);
        for (var rank = 0; rank < ports.Count; rank++)
        {
            if (active is null || active.Contains(ports[rank]))
            {
                endpoints.Add(new Endpoint(ns, string.Create(CultureInfo.InvariantCulture, $"{pod.Name}-rank-{rank}"), pod.Address, ports[rank], pod.Labels, pod.Uid));
            }
        }

        return [.. endpoints];
    }

    private static string? ActivePorts(Dictionary<string, string>? annotations) => annotations is null
        ? null
        : annotations.TryGetValue(ActivePortsAnnotation, out var value) || annotations.TryGetValue(OldActivePortsAnnotation, out value) ? value ?? "" : null;

    /// <summary>Entries that are no ports are ignored.</summary>
    private static List<int> Parse(string text)
    {
        var ports = new List<int>();
        foreach (var range in text.AsSpan().Split(','))
        {
            if (int.TryParse(text.AsSpan(range).Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var port))
            {
                ports.Add(port);
            }
        }

        return ports;
    }
}
