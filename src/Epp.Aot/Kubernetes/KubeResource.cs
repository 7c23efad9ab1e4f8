namespace Epp.Aot.Kubernetes;

/// <summary>A kind of the API: group, version and plural name.</summary>
/// <param name="Group">Empty for the core group.</param>
/// <param name="Version">Such as <c>v1</c>.</param>
/// <param name="Plural">Such as <c>pods</c>.</param>
internal sealed record KubeResource(string Group, string Version, string Plural)
{
    /// <summary>Name as in RBAC rules and messages: <c>inferencepools.inference.networking.k8s.io</c>, <c>pods</c>.</summary>
    public string FullName => Group.Length == 0 ? Plural : $"{Plural}.{Group}";

    /// <summary>Path of the group and version: what discovery answers at.</summary>
    public string GroupPath => Group.Length == 0 ? $"/api/{Version}" : $"/apis/{Group}/{Version}";

    /// <summary>Path of the collection in a namespace; empty = in all of them.</summary>
    public string Path(string ns) => ns.Length == 0 ? $"{GroupPath}/{Plural}" : $"{GroupPath}/namespaces/{Uri.EscapeDataString(ns)}/{Plural}";

    public override string ToString() => FullName;
}
