using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using Epp.Testing;
using YamlDotNet.RepresentationModel;

namespace Epp.Integration.Tests.Kubernetes;

/// <summary>One verb on one resource, as a rule of a Role gives it.</summary>
public sealed record Right(string Group, string Resource, string Verb, bool Cluster)
{
    public override string ToString() => $"{Verb} {Resource}{(Group.Length > 0 ? "." : "")}{Group}";
}

/// <summary>The rights that the manifests grant are enough, and each is needed: without it the log names it (contract §6.3, §0a).</summary>
[Trait("Category", "Integration")]
public sealed class RightsTests
{
    private const string OldGroup = "inference.networking.x-k8s.io";

    private static readonly Right[] Granted = [.. Manifest("plain"), .. Manifest("leader-election"), .. Manifest("metrics-auth")];

    // Without streamed lists the server must be asked for lists: only there "list" is missed.
    private static readonly Lazy<Task<KubeTestplane>> Listing = new(() => KubeTestplane.StartAsync(["--", "--feature-gates=WatchList=false"]));

    public static TheoryData<string> Rights => [.. Granted.Select(r => r.ToString())];

    [SkippableTheory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Manifests_AreEnough(bool gaie)
    {
        var plane = await KubeTestplane.RequireAsync();
        var (ns, epp) = await StartAsync(plane, Granted, gaie);
        await using (epp)
        {
            await epp.UntilHealthAsync("SERVING", "readiness");
            var (scraper, _) = await plane.ServiceAccountAsync(ns, "scraper", "[]", """[{"nonResourceURLs":["/metrics"],"verbs":["get"]}]""");
            string body = "";
            await Wait.UntilAsync(async () => (body = await ScrapeAsync(epp, scraper)).Split("epp_kubernetes_watch_up{").Length == 5, what: $"four watches\n{epp.LogText}");
            Assert.DoesNotContain("watch_up{resource=\"pods\"} 0", body, StringComparison.Ordinal);
            Assert.DoesNotContain("Forbidden", epp.LogText, StringComparison.Ordinal);
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Rights))]
    public async Task Right_Removed_IsNamedInTheLog(string removed)
    {
        var right = Granted.Single(r => r.ToString() == removed);
        await KubeTestplane.RequireAsync();
        var plane = right.Verb == "list" ? await Listing.Value : await KubeTestplane.RequireAsync();
        var (_, epp) = await StartAsync(plane, [.. Granted.Where(r => r != right)], right.Group == OldGroup);
        await using (epp)
        {
            var optional = right.Resource is "inferenceobjectives" or "inferencemodelrewrites";
            if (right.Cluster)
            {
                // Any valid token of the server; the EPP may not ask whose it is, or what it may do.
                await epp.UntilHealthAsync("SERVING", "readiness");
                Assert.StartsWith("500 ", await ScrapeAsync(epp, plane.Token), StringComparison.Ordinal);
            }

            var message = $"cannot {right.Verb} resource \"{right.Resource}\"";
            await Wait.UntilAsync(() => epp.LogText.Contains(message, StringComparison.Ordinal), what: $"the log says: {message}");
            var line = epp.LogText.Split('\n').First(l => l.Contains(message, StringComparison.Ordinal));
            Assert.Matches($"({(optional ? "Going on without" : right.Cluster ? "cannot be reviewed" : right.Resource == "leases" ? "cannot be had" : "Not ready: cannot watch")}).*(grant|needs) .*{right.Verb}", line);
            if (optional || right.Resource == "leases")
            {
                await epp.UntilHealthAsync(optional ? "SERVING" : "NOT_SERVING", "readiness", TimeSpan.FromSeconds(20));
            }
            else if (!right.Cluster)
            {
                Assert.Equal("NOT_SERVING", await epp.HealthAsync("readiness"));
            }
        }
    }

    private static async Task<(string Namespace, EppProcess Epp)> StartAsync(KubeTestplane plane, IReadOnlyCollection<Right> rights, bool gaie)
    {
        var ns = await plane.NewNamespaceAsync();
        await plane.PoolAsync(ns);
        await plane.PodAsync(ns, "a", "127.1.0.1");
        var (_, kubeconfig) = await plane.ServiceAccountAsync(ns, "epp", Rules(rights, cluster: false), Rules(rights, cluster: true));
        return (ns, await KubeEpp.StartAsync(kubeconfig, ns, gaie ? KubeEpp.GaieConfig : KubeEpp.Config, "--metrics-endpoint-auth=true", "--ha-enable-leader-election"));
    }

    /// <summary>What the manifests of some folders grant in a namespace, as the rules of a Role.</summary>
    internal static string RulesOf(params string[] folders) => Rules([.. folders.SelectMany(Manifest)], cluster: false);

    private static string Rules(IReadOnlyCollection<Right> rights, bool cluster) => new JsonArray([.. rights.Where(r => r.Cluster == cluster).Select(r => new JsonObject
    {
        ["apiGroups"] = new JsonArray(r.Group),
        ["resources"] = new JsonArray(r.Resource),
        ["verbs"] = new JsonArray(r.Verb),
    })]).ToJsonString();

    /// <summary>Status and body of <c>/metrics</c>.</summary>
    private static async Task<string> ScrapeAsync(EppProcess epp, string token)
    {
        using var client = new HttpClient();
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        using var response = await client.GetAsync($"http://127.0.0.1:{epp.MetricsPort}/metrics");
        return $"{(int)response.StatusCode} {await response.Content.ReadAsStringAsync()}";
    }

    /// <summary>What the roles of a folder grant the picker; the reader's role is the scraper's.</summary>
    private static IEnumerable<Right> Manifest(string folder)
    {
        var stream = new YamlStream();
        stream.Load(new StringReader(File.ReadAllText(Path.Combine(SharedTools.Repository!, "deploy", folder, "rbac.yaml"))));
        return from document in stream.Documents
               let root = (YamlMappingNode)document.RootNode
               where root.Children.ContainsKey("rules")
               from rule in (YamlSequenceNode)root["rules"]
               where ((YamlMappingNode)rule).Children.ContainsKey("resources")
               from @group in Texts(rule["apiGroups"])
               from resource in Texts(rule["resources"])
               from verb in Texts(rule["verbs"])
               select new Right(@group, resource, verb, root["kind"].ToString() == "ClusterRole");
    }

    private static IEnumerable<string> Texts(YamlNode list) => ((YamlSequenceNode)list).Select(n => ((YamlScalarNode)n).Value!);
}
