namespace Epp.Aot.Kubernetes;

/// <summary>ConfigMap v1.</summary>
internal sealed record ConfigMap : KubeObject
{
    public Dictionary<string, string>? Data { get; init; }
}
