using System.Text;
using System.Text.RegularExpressions;
using Epp.Aot.Configuration;
using Epp.Aot.Tests.Architecture;

namespace Epp.Aot.Tests.Cli;

/// <summary>
/// Every key of an EndpointPickerConfig stands in docs/configuration.md, and the page names no other. What the code knows is asked from the
/// code: an unknown key's error lists the keys that are known at its place.
/// </summary>
[Trait("Category", "Unit")]
public sealed partial class ConfigurationKeysDocTests
{
    private const string Stray = "zzStray";

    private const string Everywhere = """
        apiVersion: llm-d.ai/v1alpha1
        kind: EndpointPickerConfig
        zzStray: 1
        plugins: [{type: queue-scorer, zzStray: 1}, {type: file-discovery, parameters: {path: x}}, {type: metrics-data-source}, {type: core-metrics-extractor}, {type: utilization-detector}]
        schedulingProfiles: [{name: default, zzStray: 1, plugins: [{pluginRef: queue-scorer, zzStray: 1}]}]
        dataLayer:
          zzStray: 1
          discovery: {pluginRef: file-discovery, zzStray: 1}
          peerDiscovery: {pluginRef: file-discovery, zzStray: 1}
          sources: [{pluginRef: metrics-data-source, zzStray: 1, extractors: [{pluginRef: core-metrics-extractor, zzStray: 1}]}]
        requestHandler: {zzStray: 1, parsers: [{pluginRef: openai-parser, zzStray: 1}]}
        flowControl:
          zzStray: 1
          saturationDetector: {pluginRef: utilization-detector, zzStray: 1}
          priorityBands: [{priority: 1, zzStray: 1}]
          defaultPriorityBand: {zzStray: 1}
          defaultNegativePriorityBand: {zzStray: 1}

        """;

    private const string OldForms = """
        apiVersion: llm-d.ai/v1alpha1
        kind: EndpointPickerConfig
        plugins: [{type: utilization-detector}]
        parser: {pluginRef: openai-parser, zzStray: 1}
        saturationDetector: {pluginRef: utilization-detector, zzStray: 1}

        """;

    private const string Gaie = """
        apiVersion: inference.networking.x-k8s.io/v1alpha1
        kind: EndpointPickerConfig
        plugins: [{type: queue-scorer}]
        saturationDetector: {zzStray: 1}

        """;

    private static readonly string[] Page = [.. Repository.Lines("docs/configuration.md")];

    private static readonly string[][] Rows = [.. Page.Where(l => l.StartsWith("| ", StringComparison.Ordinal)).Select(l => l.Split('|')[1..^1].Select(c => c.Trim()).ToArray())];

    [Fact]
    public void Keys_AreThoseOfTheCode()
    {
        // The fields of a priority band stand in the effect of its row.
        var documented = Page.SkipWhile(l => l != "## EndpointPickerConfig").TakeWhile(l => l != "## Plugin types").Where(l => l.StartsWith("| `", StringComparison.Ordinal))
            .SelectMany(l => Code().Matches(l.Split(" | ")[0]).Select(m => m.Groups[1].Value)).ToHashSet();
        var band = Rows.Single(r => r[0] == "`flowControl.priorityBands[]`")[3];
        foreach (var bands in (string[])["flowControl.priorityBands[]", "flowControl.defaultPriorityBand", "flowControl.defaultNegativePriorityBand"])
        {
            Assert.Contains(bands, documented);
            documented.UnionWith(Code().Matches(band).Select(m => $"{bands}.{m.Groups[1].Value}"));
        }

        var known = new HashSet<string>();
        foreach (var text in (string[])[Everywhere, OldForms, Gaie])
        {
            var places = KnownAt(text);
            Assert.Equal(text.Split(Stray).Length - 1, places.Count);
            known.UnionWith(places.SelectMany(p => p.Keys.Select(k => p.Path + k)));
        }

        bool Stands(string key) => documented.Contains(key) || documented.Contains(key + "[]") || documented.Any(d => d.StartsWith(key + ".", StringComparison.Ordinal) || d.StartsWith(key + "[]", StringComparison.Ordinal));
        Assert.All(known, key => Assert.True(Stands(key), $"docs/configuration.md has no row for {key}"));
        Assert.All(documented, key => Assert.True(known.Contains(key.EndsWith("[]", StringComparison.Ordinal) ? key[..^2] : key), $"the code knows no key {key}"));
    }

    [Fact]
    public void Parameters_OfEveryPluginType_AreThoseOfTheCode()
    {
        var documented = new Dictionary<string, HashSet<string>>();
        var type = "";
        var borrowed = new List<(string Type, string From)>();
        foreach (var row in Rows.Where(r => r.Length == 6))
        {
            type = row[0].Length > 0 ? row[0].Trim('`') : type;
            var names = documented.TryGetValue(type, out var known) ? known : documented[type] = [];
            if (row[2].StartsWith("those of ", StringComparison.Ordinal))
            {
                borrowed.Add((type, Code().Match(row[2]).Groups[1].Value));
            }
            else if (!row[2].StartsWith("GAIE only", StringComparison.Ordinal))
            {
                // Keys inside a section stand as section.key; the section is the parameter.
                names.UnionWith(Code().Matches(row[2]).Select(m => m.Groups[1].Value.Replace("[]", "", StringComparison.Ordinal).Split('.')[0]).Where(n => n.Length > 0));
            }
        }

        foreach (var (borrower, from) in borrowed)
        {
            documented[borrower] = documented[from];
        }

        Assert.All(PluginCatalog.Built.Keys, built =>
        {
            var text = $"apiVersion: llm-d.ai/v1alpha1\nkind: EndpointPickerConfig\nplugins: [{{type: {built}, parameters: {{{Stray}: 1}}}}]\n";
            var places = KnownAt(text).Where(p => p.Path.Contains("parameters", StringComparison.Ordinal)).ToArray();
            Assert.True(places.Length == 1, $"{built}: parameters are not checked");
            Assert.Equal((built, string.Join(' ', documented[built].Order())), (built, string.Join(' ', places[0].Keys.Order())));
        });
    }

    [Fact]
    public void Engines_KeysAreThoseOfTheCode()
    {
        const string Text = "apiVersion: llm-d.ai/v1alpha1\nkind: EndpointPickerConfig\nplugins: [{type: core-metrics-extractor, parameters: {engineConfigs: [{name: e, zzStray: 1}]}}]\n";
        var paragraph = string.Join(' ', Page.SkipWhile(l => !l.StartsWith("An entry of `engineConfigs`", StringComparison.Ordinal)));
        var documented = Code().Matches(paragraph).Select(m => m.Groups[1].Value).Where(n => n is "name" or "customMetrics" || n.EndsWith("Spec", StringComparison.Ordinal) || n.EndsWith("LabelName", StringComparison.Ordinal));
        Assert.Equal(documented.Distinct().Order(), Assert.Single(KnownAt(Text)).Keys.Order());
    }

    /// <summary>Each place with a stray key: its path, with a dot at the end where it is not the top, and the keys known there.</summary>
    private static List<(string Path, string[] Keys)> KnownAt(string text)
    {
        var places = new List<(string, string[])>();
        foreach (var error in EppConfigLoader.Load(Encoding.UTF8.GetBytes(text), "test").Errors)
        {
            var match = Unknown().Match(error.ToString()!);
            if (match.Success)
            {
                var keys = match.Groups["keys"].Value;
                places.Add((Item().Replace(match.Groups["path"].Value, "[]"), keys.Length == 0 ? [] : keys.Split(", ")));
            }
        }

        return places;
    }

    [GeneratedRegex(@"`([^`]+)`")]
    private static partial Regex Code();

    [GeneratedRegex(@": (?<path>\S*?)zzStray: unknown key.*?(?:expected one of (?<keys>.*)|no keys are expected here)$")]
    private static partial Regex Unknown();

    [GeneratedRegex(@"\[\d+\]")]
    private static partial Regex Item();
}
