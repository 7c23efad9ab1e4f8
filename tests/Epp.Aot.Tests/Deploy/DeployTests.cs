using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Epp.Aot.Cli;
using Epp.Aot.Configuration;
using Epp.Aot.Telemetry;
using Epp.Aot.Tests.Architecture;
using Epp.Native.Pool;
using Epp.Testing;
using YamlDotNet.RepresentationModel;
using YamlNode = YamlDotNet.RepresentationModel.YamlNode;

namespace Epp.Aot.Tests.Deploy;

/// <summary>The files under <c>deploy/</c> say what the program has. Applying them to an API server is another test.</summary>
[Trait("Category", "Unit")]
public sealed partial class DeployTests
{
    [GeneratedRegex(@"(?<![\w$:{/""])([a-z][a-z0-9]*(?:_[a-z0-9]+)+)(?=[\[{ )*]|$)")]
    private static partial Regex MetricName { get; }

    [Fact]
    public void Alerts_MetricNames_AreServed()
    {
        var rules = Yaml("deploy/monitoring/epp.rules.yaml").Single();
        var expressions = Nodes(rules).OfType<YamlMappingNode>().Where(m => m.Children.ContainsKey("expr")).Select(m => m["expr"].ToString()).ToList();
        Assert.True(expressions.Count >= 8);
        AssertServed(expressions);
    }

    [Fact]
    public void Dashboard_MetricNames_AreServed()
    {
        using var dashboard = JsonDocument.Parse(File.ReadAllText(Path.Combine(Repository.Root, "deploy/monitoring/grafana-dashboard.json")));
        var expressions = dashboard.RootElement.GetProperty("panels").EnumerateArray()
            .Where(p => p.TryGetProperty("targets", out _))
            .SelectMany(p => p.GetProperty("targets").EnumerateArray())
            .Select(t => t.GetProperty("expr").GetString()!)
            .ToList();
        Assert.True(expressions.Count > 20);
        AssertServed(expressions);
    }

    [SkippableFact]
    public void Alerts_Promtool_AcceptsThem()
    {
        var (code, output, errors) = SharedTools.Run(
            DebianTool.Require("promtool", "prometheus"), ["check", "rules", Path.Combine(Repository.Root, "deploy/monitoring/epp.rules.yaml")], TimeSpan.FromSeconds(30));
        Assert.True(code == 0, output + errors);
    }

    /// <summary>Expressions of the dashboard, with Grafana's variables filled in, as rules for promtool.</summary>
    [SkippableFact]
    public void Dashboard_Promtool_AcceptsItsExpressions()
    {
        var promtool = DebianTool.Require("promtool", "prometheus");
        using var dashboard = JsonDocument.Parse(File.ReadAllText(Path.Combine(Repository.Root, "deploy/monitoring/grafana-dashboard.json")));
        var rules = new StringBuilder("groups:\n- name: dashboard\n  rules:\n");
        var number = 0;
        foreach (var expression in dashboard.RootElement.GetProperty("panels").EnumerateArray().Where(p => p.TryGetProperty("targets", out _))
            .SelectMany(p => p.GetProperty("targets").EnumerateArray()).Select(t => t.GetProperty("expr").GetString()!))
        {
            var filled = expression.Replace("$__rate_interval", "1m", StringComparison.Ordinal).Replace("$job", ".+", StringComparison.Ordinal);
            rules.Append("  - {record: 'x:").Append(number++).Append("', expr: '").Append(filled).Append("'}\n");
        }

        var file = Path.GetTempFileName();
        File.WriteAllText(file, rules.ToString());
        var (code, output, errors) = SharedTools.Run(promtool, ["check", "rules", file], TimeSpan.FromSeconds(30));
        File.Delete(file);
        Assert.True(code == 0, output + errors + rules);
    }

    [Fact]
    public void Configurations_OfManifestsAndChart_Load()
    {
        foreach (var file in (string[])["deploy/plain/config.yaml", "deploy/chart/templates/config.yaml"])
        {
            var text = string.Join('\n', Repository.Lines(file));
            var from = text.IndexOf("default-plugins.yaml: |\n", StringComparison.Ordinal) + "default-plugins.yaml: |\n".Length;
            var config = string.Join('\n', text[from..].Split('\n').TakeWhile(l => l.StartsWith("    ", StringComparison.Ordinal)).Select(l => l[4..]));
            var loaded = EppConfigLoader.Load(Encoding.UTF8.GetBytes(config), file);
            Assert.Empty(loaded.Errors);
            Assert.Equal(3, loaded.Config!.Profile.Scorers.Count);
        }
    }

    [SkippableFact]
    public void Arguments_OfManifestsAndChart_AreFlags()
    {
        var recorded = Path.Combine(Golden.Folder ?? "", "../transcripts/reference/help.txt");
        Skip.IfNot(File.Exists(recorded), "the references' help texts are not beside the golden data");
        var known = EppFlags.All.Concat(BbrFlags.All).Select(f => f.Name).Concat(Regex.Matches(File.ReadAllText(recorded), @"--([a-z][\w-]+)").Select(m => m.Groups[1].Value)).ToHashSet();
        var used = 0;
        foreach (var file in Repository.Files("deploy", ".yaml"))
        {
            foreach (Match match in Regex.Matches(string.Join('\n', Repository.Lines(file)), @"(?:^\s*- |value: )--([a-z][a-z-]+)", RegexOptions.Multiline))
            {
                used++;
                Assert.True(known.Contains(match.Groups[1].Value), $"{file}: --{match.Groups[1].Value} is no flag");
            }
        }

        Assert.True(used > 12);
    }

    [Fact]
    public void Rights_AreThoseThatSufficeAndNoMore()
    {
        // contract §0a: list and watch on what is read, leases get, create and update; and the two reviews of metrics. Here no events are written.
        string[] expected =
        [
            "/pods: list watch", "authentication.k8s.io/tokenreviews: create", "authorization.k8s.io/subjectaccessreviews: create",
            "coordination.k8s.io/leases: create get update", "inference.networking.k8s.io/inferencepools: list watch",
            "inference.networking.x-k8s.io/inferencemodelrewrites: list watch", "inference.networking.x-k8s.io/inferenceobjectives: list watch",
            "llm-d.ai/inferencemodelrewrites: list watch", "llm-d.ai/inferenceobjectives: list watch", "nvidia.com/dynamoworkermetadatas: list watch",
        ];
        var rights = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var file in (string[])["deploy/plain/rbac.yaml", "deploy/leader-election/rbac.yaml", "deploy/metrics-auth/rbac.yaml", "deploy/dynamo/rbac.yaml"])
        {
            foreach (var rule in Yaml(file).SelectMany(Nodes).OfType<YamlMappingNode>().Where(m => m.Children.ContainsKey("verbs") && m.Children.ContainsKey("resources")))
            {
                foreach (var group in Texts(rule["apiGroups"]))
                {
                    foreach (var resource in Texts(rule["resources"]))
                    {
                        rights.Add($"{group}/{resource}: {string.Join(' ', Texts(rule["verbs"]).Order(StringComparer.Ordinal))}");
                    }
                }
            }
        }

        Assert.Equal(expected, rights);
    }

    [Fact]
    public void BodyRouter_ItsArgumentsStartIt_AndItsRightsAreConfigMapsOnly()
    {
        var container = (YamlMappingNode)Yaml("deploy/bbr/deployment.yaml").Single()["spec"]["template"]["spec"]["containers"][0];
        var arguments = Texts(container["args"]).ToList();
        Assert.Equal("bbr", arguments[0]);
        var flags = new FlagSet(BbrFlags.All, interspersed: true);
        flags.Parse(arguments[1..]);
        var start = BbrStart.Read(flags, name => name == "NAMESPACE" ? "ns" : null);
        Assert.Empty(start.Errors);
        Assert.True(start.Options!.Streaming && start.Options.WantsBaseModels);
        Assert.Equal([9004, 9005, 9090], ((YamlSequenceNode)container["ports"]).Select(p => int.Parse(p["containerPort"].ToString(), System.Globalization.CultureInfo.InvariantCulture)));
        var rule = Yaml("deploy/bbr/rbac.yaml").SelectMany(Nodes).OfType<YamlMappingNode>().Single(m => m.Children.ContainsKey("verbs"));
        Assert.Equal(("configmaps", "get list watch"), (string.Join(' ', Texts(rule["resources"])), string.Join(' ', Texts(rule["verbs"]))));
    }

    [Fact]
    public void Containers_RunWithoutPrivileges()
    {
        foreach (var file in (string[])["deploy/plain/deployment.yaml", "deploy/chart/templates/deployment.yaml", "deploy/bbr/deployment.yaml", "deploy/chart/templates/bbr.yaml"])
        {
            var text = string.Join('\n', Repository.Lines(file));
            foreach (var wanted in (string[])["runAsNonRoot: true", "readOnlyRootFilesystem: true", "drop: [ALL]", "allowPrivilegeEscalation: false", "type: RuntimeDefault"])
            {
                Assert.True(text.Contains(wanted, StringComparison.Ordinal), $"{file}: {wanted} is missing");
            }
        }
    }

    [Fact]
    public void Chart_ValuesOfTheTemplates_AreDeclared()
    {
        var declared = ((YamlMappingNode)Yaml("deploy/chart/values.yaml").Single()).Children.Keys.Select(k => k.ToString()).ToHashSet();
        foreach (var file in Repository.Files("deploy/chart/templates", ".yaml", ".tpl"))
        {
            var text = string.Join('\n', Repository.Lines(file));
            Assert.Equal(Regex.Count(text, @"\{\{"), Regex.Count(text, @"\{\{[^{}]*\}\}"));
            Assert.Equal(Regex.Count(text, @"\{\{-? (?:if|range|with|define)\b"), Regex.Count(text, @"\{\{-? end\b"));
            Assert.All(Regex.Matches(text, @"\.Values\.(\w+)"), m => Assert.Contains(m.Groups[1].Value, declared));
        }
    }

    private static void AssertServed(IEnumerable<string> expressions)
    {
        var served = new EppMetrics(new EppMetricsOptions(StreamMetrics: true), new Pool(), TimeProvider.System).Families
            .SelectMany(f => f.Kind == MetricKind.Histogram ? [f.Name + "_bucket", f.Name + "_sum", f.Name + "_count"] : (string[])[f.Name])
            .ToHashSet();
        var labels = new HashSet<string> { "error_code", "model_name", "target_model_name", "endpoint_name", "plugin_name", "histogram_quantile" };
        foreach (var expression in expressions)
        {
            var names = MetricName.Matches(expression).Select(m => m.Groups[1].Value).Where(n => !labels.Contains(n)).ToList();
            Assert.NotEmpty(names);
            Assert.All(names, n => Assert.True(served.Contains(n), $"{n} is not served: {expression}"));
        }
    }

    private static IEnumerable<string> Texts(YamlNode list) => ((YamlSequenceNode)list).Select(n => n.ToString());

    private static IEnumerable<YamlNode> Nodes(YamlNode root) => root.AllNodes;

    private static List<YamlNode> Yaml(string file)
    {
        var stream = new YamlStream();
        stream.Load(new StringReader(string.Join('\n', Repository.Lines(file))));
        return stream.Documents.Select(d => d.RootNode).ToList();
    }
}
