using Epp.Native;
using Epp.Native.Prefix;
using Epp.Native.Requests;
using Epp.Native.Scheduling.Filters;
using Epp.Native.Scheduling.Pickers;
using Epp.Native.Scheduling.Saturation;
using Epp.Native.Scheduling.Scorers;

namespace Epp.Aot.Configuration;

/// <summary>Reads the <c>parameters</c> of each built type. llm-d refuses unknown keys, GAIE ignores them.</summary>
internal sealed partial class PluginParametersReader(Dialect dialect)
{
    /// <summary>GAIE's block size in bytes, and its limit in blocks.</summary>
    private const int GaieBlockBytes = 64;
    private const int GaieMaxBlocks = 256;

    private const int DefaultBlockTokens = 16;

    private static readonly string[] IndexKeys =
        ["autoTune", "blockSize", "blockSizeTokens", "maxPrefixBlocksToMatch", "maxPrefixTokensToMatch", "lruCapacityPerServer"];

    /// <summary>The parameters; defaults where they are absent. Problems are reported, never thrown.</summary>
    public PluginParameters Read(string type, MapReader map)
    {
        PluginParameters parameters = type switch
        {
            MaxScorePicker.PluginType or RandomPicker.PluginType or WeightedRandomPicker.PluginType =>
                new PickerParameters(Math.Max(1, map.Int("maxNumOfEndpoints", 1))),
            PrefixCacheScorer.PluginType => PrefixScorer(map),
            ApproxPrefixProducer.PluginType => ApproxProducer(map),
            PrecisePrefixProducer.PluginType => Precise(map, isScorer: false),
            PluginCatalog.PreciseScorer => new PreciseScorerParameters(map.Node.Entries.Count == 0 ? null : Precise(map, isScorer: true)),
            PluginCatalog.TokenProducer => Tokens(map),
            PluginCatalog.FileDiscovery => FileDiscovery(map),
            PluginCatalog.MetricsDataSource => MetricsSource(map),
            PluginCatalog.CoreMetricsExtractor => MetricsExtractor(map),
            LoadAwareScorer.PluginType => new LoadAwareParameters(DefaultUnlessPositive(map, "threshold", LoadAwareScorer.DefaultThreshold)),
            ActiveRequestScorer.PluginType => ActiveRequest(map),
            LabelFilter.SelectorType => Selector(map),
            LabelFilter.ByLabelType => ByLabel(map),
            UtilizationDetector.PluginType => new UtilizationParameters(FlowControlReader.Thresholds(map, headroom: true)),
            ConcurrencyDetector.PluginType => Concurrency(map),
            AgentIdentity.PluginType => Identity(map),
            PluginCatalog.UsageReporter => Reporter(map),
            _ => FlowPolicies.Read(type, map) ?? new NoParameters(),
        };
        map.End(dialect == Dialect.LlmD, key => type == PrefixCacheScorer.PluginType && IndexKeys.Contains(key)
            ? $" (llm-d has it on a plugin of type '{ApproxPrefixProducer.PluginType}')"
            : "");
        return parameters;
    }

    private PrefixScorerParameters PrefixScorer(MapReader map)
    {
        var weight = map.Number("matchLengthWeight", 0, 0, 1);
        var scale = map.Int("matchLengthScaleTokens", 8192);
        if (weight > 0 && scale <= 0)
        {
            map.Problems.Error(map.Value("matchLengthScaleTokens"), map.PathOf("matchLengthScaleTokens"), $"found '{scale}', expected more than 0 where matchLengthWeight is");
        }

        var producer = map.Text("prefixMatchInfoProducerName") ?? "";
        return new PrefixScorerParameters(producer, weight, scale, dialect == Dialect.Gaie && producer.Length == 0 ? GaieIndex(map) : null);
    }

    private static ApproxPrefixConfig GaieIndex(MapReader map) => new(
        Dialect.Gaie,
        DefaultUnlessPositive(map, "blockSize", GaieBlockBytes),
        map.Bool("autoTune", true),
        MaxTokens: 0,
        DefaultUnlessPositive(map, "maxPrefixBlocksToMatch", GaieMaxBlocks),
        DefaultUnlessPositive(map, "lruCapacityPerServer", ApproxPrefixIndex.DefaultBlocksPerEndpoint));

    private static ApproxPrefixParameters ApproxProducer(MapReader map)
    {
        var tokens = map.Int("blockSizeTokens", DefaultBlockTokens, 1);
        var deprecated = map.Int("blockSize", 0, 0);
        var key = tokens == DefaultBlockTokens && deprecated > 0 ? "blockSize" : "blockSizeTokens";
        if (deprecated > 0)
        {
            map.Problems.Warn(map.Value("blockSize"), map.PathOf("blockSize"), "is deprecated; use blockSizeTokens");
            tokens = key == "blockSize" ? deprecated : tokens;
        }

        if (map.Value(key) is { } given && tokens < ApproxPrefixProducer.SmallestBlockTokens)
        {
            map.Problems.Warn(given, map.PathOf(key), $"{tokens} is raised to {ApproxPrefixProducer.SmallestBlockTokens} tokens, the smallest block");
        }

        return new ApproxPrefixParameters(new ApproxPrefixConfig(
            Dialect.LlmD,
            tokens,
            map.Bool("autoTune", true),
            map.Int("maxPrefixTokensToMatch", 131072, 0),
            map.Int("maxPrefixBlocksToMatch", 2048, 0),
            DefaultUnlessPositive(map, "lruCapacityPerServer", ApproxPrefixIndex.DefaultBlocksPerEndpoint)));
    }

    /// <summary>The references replace a limit that is not positive by its default.</summary>
    private static int DefaultUnlessPositive(MapReader map, string key, int otherwise)
    {
        var number = map.Int(key, otherwise);
        if (number > 0)
        {
            return number;
        }

        map.Problems.Warn(map.Value(key), map.PathOf(key), $"{number} is not positive; {otherwise} is used");
        return otherwise;
    }

    private static FileDiscoveryParameters FileDiscovery(MapReader map) =>
        new(map.RequiredText("path", "the path of the endpoints file") ?? "", map.Bool("watchFile", false));

    private static MetricsSourceParameters MetricsSource(MapReader map)
    {
        var scheme = map.Text("scheme") ?? "http";
        if (scheme is not ("http" or "https"))
        {
            map.Problems.Error(map.Value("scheme"), map.PathOf("scheme"), $"found '{scheme}', expected http or https");
        }

        var path = map.Text("path") ?? "/metrics";
        return new MetricsSourceParameters(
            scheme,
            path.StartsWith('/') ? path : "/" + path,
            map.Int("port", 0, 0, 65535),
            map.Bool("insecureSkipVerify", true),
            map.Text("caCertPath"),
            map.Text("clientCertPath"),
            map.Text("clientKeyPath"),
            map.Duration("interval"));
    }

    private MetricsExtractorParameters MetricsExtractor(MapReader map)
    {
        var engines = new List<EngineConfig>();
        foreach (var item in map.Maps("engineConfigs"))
        {
            var name = item.RequiredText("name", "the engine's name, as endpoints' labels spell it") ?? "";
            if (name == "default")
            {
                item.Problems.Error(item.Value("name"), item.PathOf("name"), "'default' is reserved; set defaultEngine instead");
            }
            else if (engines.Any(e => e.Name == name))
            {
                item.Problems.Error(item.Value("name"), item.PathOf("name"), $"a second engine is named '{name}'");
            }

            engines.Add(Engine(item, name));
        }

        return new MetricsExtractorParameters(
            map.Text("engineLabelKey") is { Length: > 0 } key ? key : "llm-d.ai/engine-type",
            map.Text("defaultEngine") is { Length: > 0 } engine ? engine : "vllm",
            engines);
    }

    private EngineConfig Engine(MapReader item, string name)
    {
        if (item.Value("customMetrics") is { } custom)
        {
            item.Problems.Error(custom, item.PathOf("customMetrics"), "is known to llm-d but not built into this version");
        }

        var engine = new EngineConfig(
            name,
            Spec(item, "queuedRequestsSpec"),
            Spec(item, "runningRequestsSpec"),
            Spec(item, "kvUsageSpec"),
            Spec(item, "loraSpec"),
            Spec(item, "cacheInfoSpec"),
            item.Text("cacheBlockSizeLabelName"),
            item.Text("cacheNumBlocksLabelName"),
            Spec(item, "cacheBlockSizeSpec"),
            Spec(item, "cacheNumBlocksSpec"));
        item.End(dialect == Dialect.LlmD);
        return engine;
    }

    private static string? Spec(MapReader item, string key)
    {
        var spec = item.Text(key);
        if (!string.IsNullOrEmpty(spec) && !IsSpec(spec))
        {
            item.Problems.Error(item.Value(key), item.PathOf(key), $"found '{spec}', expected a metric name or name{{label=value,…}}");
        }

        return spec;
    }

    private static bool IsSpec(string spec)
    {
        var brace = spec.IndexOf('{', StringComparison.Ordinal);
        var name = (brace < 0 ? spec : spec[..brace]).Trim();
        return name.Length > 0
            && !char.IsAsciiDigit(name[0])
            && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or ':')
            && (brace < 0 || (spec.TrimEnd().EndsWith('}') && spec[(brace + 1)..].TrimEnd().TrimEnd('}').Split(',', StringSplitOptions.RemoveEmptyEntries).All(l => l.IndexOf('=', StringComparison.Ordinal) > 0)));
    }
}
