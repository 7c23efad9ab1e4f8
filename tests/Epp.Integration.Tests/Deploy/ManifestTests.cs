using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using Epp.Testing;

namespace Epp.Integration.Tests.Deploy;

/// <summary>
/// The plain manifests against a real API server: server-side apply with strict field validation, so an unknown or duplicate field is an
/// error, twice, so that a second apply changes nothing.
/// </summary>
[Trait("Category", "Integration")]
public sealed class ManifestTests
{
    private static readonly Dictionary<string, string> Paths = new(StringComparer.Ordinal)
    {
        ["ServiceAccount"] = "api/v1/namespaces/{0}/serviceaccounts",
        ["ConfigMap"] = "api/v1/namespaces/{0}/configmaps",
        ["Service"] = "api/v1/namespaces/{0}/services",
        ["Deployment"] = "apis/apps/v1/namespaces/{0}/deployments",
        ["PodDisruptionBudget"] = "apis/policy/v1/namespaces/{0}/poddisruptionbudgets",
        ["NetworkPolicy"] = "apis/networking.k8s.io/v1/namespaces/{0}/networkpolicies",
        ["Role"] = "apis/rbac.authorization.k8s.io/v1/namespaces/{0}/roles",
        ["RoleBinding"] = "apis/rbac.authorization.k8s.io/v1/namespaces/{0}/rolebindings",
        ["ClusterRole"] = "apis/rbac.authorization.k8s.io/v1/clusterroles",
        ["ClusterRoleBinding"] = "apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
        ["InferencePool"] = "apis/inference.networking.k8s.io/v1/namespaces/{0}/inferencepools",
    };

    [SkippableFact]
    public async Task Manifests_AppliedStrictlyAndTwice_AreAcceptedAndStayTheSame()
    {
        var plane = await KubeTestplane.RequireAsync();
        var ns = await plane.NewNamespaceAsync();
        using var http = Client(plane);
        var applied = 0;
        foreach (var document in Documents("plain", "leader-election", "metrics-auth", "dynamo", "bbr"))
        {
            var first = await ApplyAsync(http, ns, document);
            var second = await ApplyAsync(http, ns, document);
            Assert.Equal(first["metadata"]!["resourceVersion"]!.GetValue<string>(), second["metadata"]!["resourceVersion"]!.GetValue<string>());
            applied++;
        }

        Assert.True(applied >= 21, $"{applied} documents");
    }

    [SkippableFact]
    public async Task Manifest_WithAnUnknownField_IsRefused()
    {
        var plane = await KubeTestplane.RequireAsync();
        var ns = await plane.NewNamespaceAsync();
        using var http = Client(plane);
        var service = Documents("plain").Single(d => Kind(d) == "Service");
        using var answer = await SendAsync(http, ns, service.Replace("spec:\n", "spec:\n  noSuchField: 1\n", StringComparison.Ordinal));
        Assert.False(answer.IsSuccessStatusCode);
    }

    private static HttpClient Client(KubeTestplane plane)
    {
        var http = new HttpClient(new HttpClientHandler { ServerCertificateCustomValidationCallback = static (_, shown, _, _) => shown is not null })
        {
            BaseAddress = new Uri(plane.Url + "/"),
            Timeout = TimeSpan.FromSeconds(60),
        };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", plane.Token);
        return http;
    }

    private static IEnumerable<string> Documents(params string[] folders) =>
        from folder in folders
        from file in Directory.GetFiles(Path.Combine(SharedTools.Repository!, "deploy", folder), "*.yaml").Order(StringComparer.Ordinal)
        where !file.EndsWith("kustomization.yaml", StringComparison.Ordinal)
        from document in File.ReadAllText(file).Split("\n---\n")
        select document;

    private static string Kind(string document) => Line(document, "kind: ");

    private static string Line(string document, string prefix) =>
        document.Split('\n').First(l => l.StartsWith(prefix, StringComparison.Ordinal))[prefix.Length..];

    private static async Task<JsonNode> ApplyAsync(HttpClient http, string ns, string document)
    {
        using var answer = await SendAsync(http, ns, document);
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.IsSuccessStatusCode, $"{(int)answer.StatusCode} {text}\n{document}");
        return JsonNode.Parse(text)!;
    }

    private static Task<HttpResponseMessage> SendAsync(HttpClient http, string ns, string document)
    {
        var path = string.Format(System.Globalization.CultureInfo.InvariantCulture, Paths[Kind(document)], ns);
        return http.PatchAsync(
            $"{path}/{Line(document, "  name: ")}?fieldManager=test&fieldValidation=Strict&force=true", new StringContent(document, Encoding.UTF8, "application/apply-patch+yaml"));
    }
}
