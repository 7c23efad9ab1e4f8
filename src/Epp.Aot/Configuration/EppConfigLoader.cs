using Epp.Native;

namespace Epp.Aot.Configuration;

/// <summary>
/// Reads an <c>EndpointPickerConfig</c> (contract §5), YAML or JSON, strictly: what is not understood is an error, and all errors are
/// reported at once. Both peers' <c>apiVersion</c>s are accepted and decide the dialect.
/// </summary>
public static class EppConfigLoader
{
    public const string Kind = "EndpointPickerConfig";
    public const string LlmDVersion = "llm-d.ai/v1alpha1";
    public const string GaieVersion = "inference.networking.x-k8s.io/v1alpha1";

    /// <summary>What llm-d runs without a configuration.</summary>
    public static ReadOnlySpan<byte> BuiltIn => """
        apiVersion: llm-d.ai/v1alpha1
        kind: EndpointPickerConfig
        plugins:
        - type: queue-scorer
        - type: kv-cache-utilization-scorer
        - type: prefix-cache-scorer
        - type: metrics-data-source
        - type: core-metrics-extractor
        schedulingProfiles:
        - name: default
          plugins:
          - {pluginRef: queue-scorer, weight: 2}
          - {pluginRef: kv-cache-utilization-scorer, weight: 2}
          - {pluginRef: prefix-cache-scorer, weight: 3}
        dataLayer:
          sources:
          - pluginRef: metrics-data-source
            extractors: [{pluginRef: core-metrics-extractor}]
        """u8;

    /// <summary>The configuration used when none is given.</summary>
    public static EppConfig Default() => Load(BuiltIn, "built-in configuration").Config!;

    /// <summary>Never throws for any input.</summary>
    /// <param name="utf8">The text, at most 1 MiB.</param>
    /// <param name="source">Names the text in messages: a path or a flag.</param>
    /// <param name="overrides">What the environment sets; null = nothing.</param>
    /// <param name="allowExperimental">Accept the types that llm-d calls experimental.</param>
    public static ConfigLoadResult Load(ReadOnlySpan<byte> utf8, string source, ConfigOverrides? overrides = null, bool allowExperimental = false)
    {
        var problems = new Problems(source);
        var config = YamlTree.Read(utf8, problems) is { } root ? Read(root, problems, overrides ?? ConfigOverrides.None, allowExperimental) : null;
        return new ConfigLoadResult(problems.Errors.Count == 0 ? config : null, problems.Errors, problems.Warnings);
    }

    private static EppConfig? Read(YamlNode root, Problems problems, ConfigOverrides overrides, bool allowExperimental)
    {
        if (MapReader.Of(root, "", problems) is not { } top)
        {
            return null;
        }

        if (ReadDialect(top) is not { } dialect)
        {
            return null;
        }

        var plugins = PluginSet.Read(top, dialect, allowExperimental);
        var gates = ReadFeatureGates(top, dialect, plugins, overrides);
        var profile = ProfileReader.Read(top, plugins);
        var dataLayer = DataLayerReader.Read(top, plugins);
        var parsers = ParserListReader.Read(top, plugins, dialect);
        var (saturation, flowControl) = FlowControlReader.Read(top, plugins, dialect, gates.Contains("flowControl"));
        plugins.ResolvePrefixProducers();
        top.End();
        plugins.ReportUnbuilt();
        if (profile is null || problems.Errors.Count > 0)
        {
            return null;
        }

        // Producers were resolved after the profile was read: scorers of it are taken from the final list.
        profile = profile with { Scorers = [.. profile.Scorers.Select(s => s with { Plugin = plugins.Find(s.Plugin.Name)! })] };
        return new EppConfig(dialect, plugins.All, profile, dataLayer, parsers, overrides.Apply(saturation, dialect, problems), flowControl);
    }

    private static Dialect? ReadDialect(MapReader top)
    {
        var version = top.RequiredText("apiVersion", $"{LlmDVersion} or {GaieVersion}");
        var kind = top.RequiredText("kind", Kind);
        if (kind is not (null or Kind))
        {
            top.Problems.Error(top.Value("kind"), "kind", $"found '{kind}', expected {Kind}");
        }

        if (version is null or LlmDVersion or GaieVersion)
        {
            return version == GaieVersion ? Dialect.Gaie : Dialect.LlmD;
        }

        top.Problems.Error(top.Value("apiVersion"), "apiVersion", $"found '{version}', expected {LlmDVersion} or {GaieVersion}");
        return Dialect.LlmD;
    }

    /// <summary>Gates that are on. A gate whose feature is not built may only stay at its default.</summary>
    private static HashSet<string> ReadFeatureGates(MapReader top, Dialect dialect, PluginSet plugins, ConfigOverrides overrides)
    {
        var on = new HashSet<string>(StringComparer.Ordinal);
        var known = dialect == Dialect.Gaie
            ? new Dictionary<string, bool> { ["dataLayer"] = false, ["flowControl"] = false }
            : new Dictionary<string, bool> { ["flowControl"] = false, ["haPopulateNonLeaderDatastore"] = true };
        foreach (var (node, path) in top.List("featureGates"))
        {
            var equals = node.Text.IndexOf('=', StringComparison.Ordinal);
            var name = equals < 0 ? node.Text : node.Text[..equals];
            var value = equals < 0 ? "true" : node.Text[(equals + 1)..];
            if (node.Kind != YamlKind.Scalar || !known.TryGetValue(name, out var normally))
            {
                top.Problems.Error(node, path, $"found {node.Describe()}, expected one of {string.Join(", ", known.Keys)}{Names.Suggest(name, known.Keys)}");
            }
            else if (value is not ("true" or "false"))
            {
                top.Problems.Error(node, path, $"found '{value}' after '=', expected true or false");
            }
            else
            {
                if ((value == "true") != normally && name is not ("dataLayer" or "flowControl"))
                {
                    plugins.AddUnbuilt(node, $"feature gate '{name}={value}'");
                }

                (value == "true" ? (Func<string, bool>)on.Add : on.Remove)(name);
            }
        }

        if (dialect == Dialect.Gaie && overrides.FlowControl is { } wanted)
        {
            (wanted ? (Func<string, bool>)on.Add : on.Remove)("flowControl");
        }

        return on;
    }
}
