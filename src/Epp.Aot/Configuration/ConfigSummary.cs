using System.Globalization;
using System.Text;
using Epp.Native;

namespace Epp.Aot.Configuration;

/// <summary>A configuration in words, for operators and for telling two configurations apart.</summary>
internal static class ConfigSummary
{
    /// <summary>The configuration in force, every default filled in; one fact a line.</summary>
    public static string Of(EppConfig config)
    {
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $"profile: {config.Profile.Name}");
        foreach (var filter in config.Profile.Filters)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"  filter: {Plugin(filter)}");
        }

        foreach (var (scorer, weight) in config.Profile.Scorers)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"  scorer: {Plugin(scorer)}, weight {weight}");
        }

        text.AppendLine(CultureInfo.InvariantCulture, $"  picker: {Plugin(config.Profile.Picker)}");
        foreach (var producer in config.Plugins.Where(p => p.Kind == PluginKind.Producer))
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"producer: {Plugin(producer)}");
        }

        foreach (var plugin in config.Plugins.Where(p => p.Kind is PluginKind.RequestProcessor or PluginKind.Reporter))
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"{(plugin.Kind == PluginKind.Reporter ? "reporter" : "identity")}: {Plugin(plugin)}");
        }

        var detector = config.Saturation.Detector is { } saturation ? Plugin(saturation) : $"any endpoint with capacity, {config.Saturation.AnyCapacity}";
        text.AppendLine(CultureInfo.InvariantCulture, $"saturation: {detector}");
        return text.Append(Fixed(config)).ToString();
    }

    /// <summary>The part of a configuration that a reload cannot change: dialect, endpoints, scraping, parsers.</summary>
    public static string Fixed(EppConfig config)
    {
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $"apiVersion: {(config.Dialect == Dialect.Gaie ? EppConfigLoader.GaieVersion : EppConfigLoader.LlmDVersion)}");
        text.AppendLine(CultureInfo.InvariantCulture, $"endpoints: {(config.DataLayer.Discovery is { } discovery ? Plugin(discovery) : "Kubernetes")}");
        foreach (var (source, extractors) in config.DataLayer.Sources)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"scraped: {Plugin(source)}");
            foreach (var extractor in extractors)
            {
                text.AppendLine(CultureInfo.InvariantCulture, $"  read by: {Plugin(extractor)}");
                foreach (var engine in (extractor.Parameters as MetricsExtractorParameters)?.Engines ?? [])
                {
                    text.AppendLine(CultureInfo.InvariantCulture, $"    engine: {engine}");
                }
            }
        }

        foreach (var producer in config.Plugins.Where(p => p.Parameters is PrecisePrefixParameters))
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"events: {producer.Name}, {((PrecisePrefixParameters)producer.Parameters).Events}");
        }

        foreach (var producer in config.Plugins.Where(p => p.Parameters is TokenProducerParameters))
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"tokens: {producer.Parameters}");
        }

        if (config.FlowControl is { } flow)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"flow control: {flow}");
        }

        var parsers = config.Parsers.Count > 0 ? string.Join(", ", config.Parsers.Select(p => p.Name)) : "completions and chat at any path";
        text.AppendLine(CultureInfo.InvariantCulture, $"parsers: {parsers}");
        return text.ToString();
    }

    private static string Plugin(PluginConfig plugin)
    {
        var name = plugin.Name == plugin.Type ? plugin.Name : $"{plugin.Name} ({plugin.Type})";
        return plugin.Parameters is NoParameters ? name : $"{name}, {plugin.Parameters}";
    }
}
