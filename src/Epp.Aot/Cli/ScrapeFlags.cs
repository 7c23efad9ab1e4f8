using Epp.Aot.Configuration;
using Epp.Native;
using Epp.Native.Wire;

namespace Epp.Aot.Cli;

/// <summary>
/// GAIE's flags about scraping (contract §4.1), put into the configuration they stand for. llm-d has removed them: they are accepted
/// there too, so that one set of arguments serves both charts, with a warning that names their place in the configuration. What the
/// configuration says itself wins.
/// </summary>
internal static class ScrapeFlags
{
    private const string Queued = "total-queued-requests-metric", Running = "total-running-requests-metric";
    private const string Kv = "kv-cache-usage-percentage-metric", Lora = "lora-info-metric", CacheInfo = "cache-info-metric";
    private const string Port = "model-server-metrics-port", Path = "model-server-metrics-path", Scheme = "model-server-metrics-scheme";
    private const string SkipVerify = "model-server-metrics-https-insecure-skip-verify";

    private static readonly string[] Metrics = [Queued, Running, Kv, Lora, CacheInfo];
    private static readonly string[] Servers = [Port, Path, Scheme, SkipVerify];

    /// <summary>Adds an error for each value that cannot be used.</summary>
    public static void Check(FlagSet flags, List<string> errors)
    {
        foreach (var name in Metrics)
        {
            if (flags.Text(name).Length > 0 && !PrometheusTextSelector.TryParse(flags.Text(name), out _, out var error))
            {
                errors.Add($"invalid value '{flags.Text(name)}' for flag --{name}: {error}");
            }
        }

        if (flags.Int(Port) is < 0 or > 65535)
        {
            errors.Add($"invalid value '{flags.Text(Port)}' for flag --{Port}: expected a port, 0 to 65535");
        }

        if (flags.Text(Scheme) is not ("http" or "https"))
        {
            errors.Add($"invalid value '{flags.Text(Scheme)}' for flag --{Scheme}: expected http or https");
        }
    }

    /// <summary>The configuration with the given flags in it.</summary>
    public static EppConfig Apply(FlagSet flags, EppConfig config, List<string> warnings)
    {
        var metrics = Metrics.Where(flags.Has).ToList();
        var servers = Servers.Where(flags.Has).ToList();
        if (config.Dialect == Dialect.LlmD && metrics.Count > 0)
        {
            warnings.Add($"{Names(metrics)}: deprecated in llm-d, applied to the default engine; use engineConfigs of a core-metrics-extractor instead");
        }

        if (config.Dialect == Dialect.LlmD && servers.Count > 0)
        {
            warnings.Add($"{Names(servers)}: removed in llm-d, applied to the default data source; use the parameters of a metrics-data-source instead");
        }

        if (config.DataLayer.Sources is not [var source, ..])
        {
            return config;
        }

        if (metrics.Count > 0)
        {
            source = WithMetrics(flags, config.Dialect, source, metrics, warnings);
        }

        if (servers.Count > 0)
        {
            source = WithServer(flags, source, servers, warnings);
        }

        return config with { DataLayer = config.DataLayer with { Sources = [source, .. config.DataLayer.Sources.Skip(1)] } };
    }

    private static MetricsSourceConfig WithMetrics(FlagSet flags, Dialect dialect, MetricsSourceConfig source, List<string> given, List<string> warnings)
    {
        if (source.Extractors is not [{ Parameters: MetricsExtractorParameters extractor } plugin, ..])
        {
            return source;
        }

        if (extractor.Engines?.Any(e => e.Name == extractor.DefaultEngine) == true)
        {
            warnings.Add($"{Names(given)}: ignored, the configuration's engineConfigs name the default engine '{extractor.DefaultEngine}'");
            return source;
        }

        var kv = flags.Has(Kv) || dialect == Dialect.Gaie ? flags.Text(Kv) : "vllm:kv_cache_usage_perc";
        var engine = new EngineConfig(
            extractor.DefaultEngine, flags.Text(Queued), flags.Text(Running), kv, flags.Text(Lora), flags.Text(CacheInfo), null, null, null, null);
        return source with
        {
            Extractors = [plugin with { Parameters = extractor with { Engines = [.. extractor.Engines ?? [], engine] } }, .. source.Extractors.Skip(1)],
        };
    }

    private static MetricsSourceConfig WithServer(FlagSet flags, MetricsSourceConfig source, List<string> given, List<string> warnings)
    {
        if (source.Source.Parameters is not MetricsSourceParameters parameters || parameters != new MetricsSourceParameters())
        {
            warnings.Add($"{Names(given)}: ignored, the configuration's '{source.Source.Name}' has parameters of its own");
            return source;
        }

        var path = flags.Text(Path);
        return source with
        {
            Source = source.Source with
            {
                Parameters = parameters with
                {
                    Scheme = flags.Text(Scheme),
                    Path = path.StartsWith('/') ? path : "/" + path,
                    Port = flags.Int(Port),
                    InsecureSkipVerify = flags.Bool(SkipVerify),
                    PortIfAlone = true,
                },
            },
        };
    }

    private static string Names(List<string> flags) => string.Join(", ", flags.Select(f => "--" + f));
}
