using Epp.Aot.Configuration;
using Epp.Aot.Scraping;
using Epp.Aot.Telemetry;
using Epp.Native;
using Epp.Native.Pool;
using Epp.Native.Wire;
using Microsoft.Extensions.Logging;

namespace Epp.Aot.Hosting;

/// <summary>Builds the scraper that a configuration's data layer asks for.</summary>
internal static class ScraperFactory
{
    private static readonly TimeSpan ShortestInterval = TimeSpan.FromMilliseconds(50);

    /// <summary>Null where the configuration scrapes nothing.</summary>
    public static ModelServerScraper? Create(EppConfig config, TimeSpan interval, Pool pool, TimeProvider time, EppMetrics metrics, ILogger logger)
    {
        if (config.DataLayer.Sources is not [var source, ..])
        {
            return null;
        }

        var parameters = (MetricsSourceParameters)source.Source.Parameters;
        var extractor = source.Extractors.Select(e => e.Parameters).OfType<MetricsExtractorParameters>().FirstOrDefault() ?? new MetricsExtractorParameters();
        var wanted = parameters.Interval ?? interval;
        var options = new ScraperOptions(
            parameters.Path,
            parameters.Scheme,
            parameters.Port,
            wanted < ShortestInterval ? ShortestInterval : wanted,
            EngineLabel: extractor.EngineLabelKey,
            DefaultEngine: extractor.DefaultEngine,
            Engines: [.. Engines(config.Dialect, extractor)],
            Tls: new ScraperTlsOptions(parameters.InsecureSkipVerify, parameters.CaCertPath, parameters.ClientCertPath, parameters.ClientKeyPath),
            PortIfAlone: parameters.PortIfAlone);
        return new ModelServerScraper(pool, options, time, metrics, logger);
    }

    private static IEnumerable<EngineMetricsSpec> Engines(Dialect dialect, MetricsExtractorParameters extractor)
    {
        var configured = extractor.Engines ?? [];
        if (dialect == Dialect.Gaie && configured.All(e => e.Name != EngineMetricsSpec.GaieVllm.Name))
        {
            yield return EngineMetricsSpec.GaieVllm;
        }

        foreach (var engine in configured)
        {
            yield return new EngineMetricsSpec(
                engine.Name,
                Selector(engine.QueuedRequestsSpec),
                Selector(engine.RunningRequestsSpec),
                Selector(engine.KvUsageSpec),
                Selector(engine.LoraSpec),
                Selector(engine.CacheInfoSpec),
                engine.CacheBlockSizeLabelName ?? "block_size",
                engine.CacheNumBlocksLabelName ?? "num_gpu_blocks",
                Selector(engine.CacheBlockSizeSpec),
                Selector(engine.CacheNumBlocksSpec));
        }
    }

    // The configuration loader has checked the grammar.
    private static PrometheusTextSelector? Selector(string? spec) => string.IsNullOrEmpty(spec) ? null : PrometheusTextSelector.Parse(spec);
}
