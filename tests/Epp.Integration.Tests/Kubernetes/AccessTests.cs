using Epp.Aot.Kubernetes;
using Epp.Testing;

namespace Epp.Integration.Tests.Kubernetes;

/// <summary>TLS and credentials of a kubeconfig against a real API server.</summary>
[Trait("Category", "Integration")]
public sealed class AccessTests
{
    [SkippableTheory]
    [InlineData("certificate-authority: \"@CA@\"", "")]
    [InlineData("certificate-authority: \"@CA@\", tls-server-name: kubernetes.default.svc", "")]
    [InlineData("insecure-skip-tls-verify: true", "")]
    [InlineData("certificate-authority: \"@CA@\", tls-server-name: wrong.test", "RemoteCertificateNameMismatch")]
    [InlineData("x: y", "remote certificate is invalid")]
    public async Task Server_IsCheckedAsTheClusterSays(string cluster, string failure)
    {
        var plane = await KubeTestplane.RequireAsync();
        Assert.Contains(failure, (await AskAsync(plane, cluster, $"token: {plane.Token}"))?.ToString() ?? "", StringComparison.Ordinal);
        Assert.Equal(failure.Length == 0, await AskAsync(plane, cluster, $"token: {plane.Token}") is null);
    }

    [SkippableFact]
    public async Task ClientCertificate_AsFiles_IsEnough_AndNobodyIs403()
    {
        var plane = await KubeTestplane.RequireAsync();
        using var client = DiscoveryRig.ClientOf(plane.CertificateKubeconfig);
        Assert.Null((await client.GetAsync("/api/v1/namespaces/default/pods", KubeJson.Default.KubeListPod, KubeClient.AnswerTimeout, default)).Failure);
        Assert.Equal(KubeFault.Forbidden, (await AskAsync(plane, "certificate-authority: \"@CA@\"", "x: y"))!.Fault);
        Assert.Equal(KubeFault.Unauthorized, (await AskAsync(plane, "certificate-authority: \"@CA@\"", "token: wrong"))!.Fault);
    }

    private static async Task<KubeFailure?> AskAsync(KubeTestplane plane, string cluster, string user)
    {
        var path = Path.GetTempFileName();
        try
        {
            File.WriteAllText(path, $$"""
                current-context: c
                contexts: [{name: c, context: {cluster: k, user: u} }]
                clusters: [{name: k, cluster: {server: "{{plane.Url}}", {{cluster.Replace("@CA@", plane.Authority, StringComparison.Ordinal)}} } }]
                users: [{name: u, user: { {{user}} } }]
                """);
            using var client = DiscoveryRig.ClientOf(path);
            return (await client.GetAsync("/api/v1/namespaces/default/pods", KubeJson.Default.KubeListPod, KubeClient.AnswerTimeout, default)).Failure;
        }
        finally
        {
            File.Delete(path);
        }
    }
}
