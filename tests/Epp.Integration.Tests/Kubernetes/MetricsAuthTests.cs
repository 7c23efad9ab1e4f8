using System.Net.Http.Headers;
using Epp.Testing;

namespace Epp.Integration.Tests.Kubernetes;

/// <summary>The metrics port asks a real API server who may read it (contract §4.6, §0a).</summary>
[Trait("Category", "Integration")]
public sealed class MetricsAuthTests
{
    private const string Watches = """
        [{"apiGroups":[""],"resources":["pods"],"verbs":["list","watch"]},
         {"apiGroups":["inference.networking.k8s.io"],"resources":["inferencepools"],"verbs":["list","watch"]},
         {"apiGroups":["llm-d.ai"],"resources":["inferenceobjectives","inferencemodelrewrites"],"verbs":["list","watch"]}]
        """;

    private const string Reviews = """
        [{"apiGroups":["authentication.k8s.io"],"resources":["tokenreviews"],"verbs":["create"]},
         {"apiGroups":["authorization.k8s.io"],"resources":["subjectaccessreviews"],"verbs":["create"]}]
        """;

    [SkippableFact]
    public async Task Metrics_NeedATokenWithTheRight()
    {
        var plane = await KubeTestplane.RequireAsync();
        var ns = await plane.NewNamespaceAsync();
        await plane.PoolAsync(ns);
        var (_, kubeconfig) = await plane.ServiceAccountAsync(ns, "epp", Watches, Reviews);
        var (scraper, _) = await plane.ServiceAccountAsync(ns, "scraper", "[]", """[{"nonResourceURLs":["/metrics"],"verbs":["get"]}]""");
        var (nobody, _) = await plane.ServiceAccountAsync(ns, "nobody", "[]");
        await using var epp = await KubeEpp.StartAsync(kubeconfig, ns, null, "--metrics-endpoint-auth=true");
        await epp.UntilHealthAsync("SERVING");
        Assert.Equal((401, "Unauthorized\n"), await AskAsync(epp, null));
        Assert.Equal((401, "Unauthorized\n"), await AskAsync(epp, "Basic dTpw"));
        Assert.Equal((401, "Unauthorized\n"), await AskAsync(epp, "Bearer unknown"));
        Assert.Equal((403, $"Authorization denied for user system:serviceaccount:{ns}:nobody\n"), await AskAsync(epp, "Bearer " + nobody));
        Assert.Equal(403, (await AskAsync(epp, "Bearer " + scraper, "/debug/pprof/heap")).Status);
        Assert.Equal(403, (await AskAsync(epp, "Bearer " + scraper, "/metrics", HttpMethod.Post)).Status);
        for (var i = 0; i < 2; i++)
        {
            var (status, body) = await AskAsync(epp, "Bearer " + scraper);
            Assert.Equal(200, status);
            Assert.Contains("epp_kubernetes_watch_up{resource=\"pods\"} 1", body, StringComparison.Ordinal);
        }
    }

    [SkippableFact]
    public async Task Metrics_WhereReviewsAreNotAllowed_Are500_AndTheLogNamesTheRight()
    {
        var plane = await KubeTestplane.RequireAsync();
        var ns = await plane.NewNamespaceAsync();
        await plane.PoolAsync(ns);
        var (token, kubeconfig) = await plane.ServiceAccountAsync(ns, "epp", Watches);
        await using var epp = await KubeEpp.StartAsync(kubeconfig, ns, null, "--metrics-endpoint-auth=true");
        Assert.Equal(401, (await AskAsync(epp, null)).Status);
        Assert.Equal((500, "Authentication failed\n"), await AskAsync(epp, "Bearer " + token));
        Assert.Contains("create on tokenreviews", epp.LogText, StringComparison.Ordinal);
    }

    [SkippableTheory]
    [InlineData("pods", "Not ready: cannot watch pods", false)]
    [InlineData("inferencepools", "Not ready: cannot watch inferencepools.inference.networking.k8s.io", false)]
    [InlineData("inferenceobjectives", "Going on without inferenceobjectives.llm-d.ai", true)]
    [InlineData("inferencemodelrewrites", "Going on without inferencemodelrewrites.llm-d.ai", true)]
    public async Task Rights_EachRemovedOnce_AreNamed(string kind, string message, bool ready)
    {
        var plane = await KubeTestplane.RequireAsync();
        var ns = await plane.NewNamespaceAsync();
        await plane.PoolAsync(ns);
        var rules = Watches.Replace($"\"{kind}\"", "\"nothing\"", StringComparison.Ordinal);
        var (_, kubeconfig) = await plane.ServiceAccountAsync(ns, "epp", rules);
        await using var epp = await KubeEpp.StartAsync(kubeconfig, ns);
        await Wait.UntilAsync(() => epp.LogText.Contains(message, StringComparison.Ordinal), what: $"the log says: {message}\n{epp.LogText}");
        await epp.UntilHealthAsync(ready ? "SERVING" : "NOT_SERVING");
        Assert.Contains("403 Forbidden", epp.LogText, StringComparison.Ordinal);
    }

    private static async Task<(int Status, string Body)> AskAsync(EppProcess epp, string? authorization, string path = "/metrics", HttpMethod? method = null)
    {
        using var client = new HttpClient();
        using var request = new HttpRequestMessage(method ?? HttpMethod.Get, $"http://127.0.0.1:{epp.MetricsPort}{path}");
        if (authorization is not null)
        {
            request.Headers.Authorization = AuthenticationHeaderValue.Parse(authorization);
        }

        using var response = await client.SendAsync(request);
        return ((int)response.StatusCode, await response.Content.ReadAsStringAsync());
    }
}
