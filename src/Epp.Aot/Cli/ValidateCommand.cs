using System.Globalization;
using System.Text;
using Epp.Aot.Configuration;

namespace Epp.Aot.Cli;

/// <summary>
/// <c>epp validate --config-file F</c>: checks a configuration without starting. Prints what would be in force, or every error; exit
/// code 0 or 1, 2 for bad arguments.
/// </summary>
internal static class ValidateCommand
{
    public static int Run(IReadOnlyList<string> args, Func<string, string?> environment, TextWriter output, TextWriter error)
    {
        var flags = new FlagSet(EppFlags.All);
        flags.Parse(args);
        if (flags.HelpWanted)
        {
            output.WriteLine("Usage of epp validate: --config-file F, or --config-text T; every other flag of epp is accepted and checked.");
            return 0;
        }

        var errors = new List<string>(flags.Errors);
        if (flags.Text("config-file").Length == 0 && flags.Text("config-text").Length == 0)
        {
            errors.Add("nothing to validate: give --config-file or --config-text");
        }

        // A pool name is no part of the configuration: without one the file is checked all the same.
        var named = flags.Has("pool-name") || flags.Has("endpoint-selector") ? args : [.. args, "--pool-name=validate"];
        var complete = new FlagSet(EppFlags.All);
        complete.Parse(named);
        var start = errors.Count > 0 ? null : StartConfiguration.Read(complete, environment);
        foreach (var line in start?.Warnings ?? flags.Warnings)
        {
            error.WriteLine("warning: " + line);
        }

        foreach (var line in start?.Errors ?? errors)
        {
            error.WriteLine("error: " + line);
        }

        if (start?.Config is not { } config)
        {
            return start?.ExitCode ?? 2;
        }

        output.Write(Describe(config));
        return 0;
    }

    /// <summary>The configuration in force, every default filled in; one fact a line.</summary>
    public static string Describe(EppConfig config)
    {
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $"dialect: {(config.Dialect == Native.Dialect.Gaie ? "GAIE" : "llm-d")}");
        text.AppendLine(CultureInfo.InvariantCulture, $"profile: {config.Profile.Name}");
        foreach (var filter in config.Profile.Filters)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"  filter: {Of(filter)}");
        }

        foreach (var (scorer, weight) in config.Profile.Scorers)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"  scorer: {Of(scorer)}, weight {weight}");
        }

        text.AppendLine(CultureInfo.InvariantCulture, $"  picker: {Of(config.Profile.Picker)}");
        foreach (var producer in config.Plugins.Where(p => p.Kind == PluginKind.Producer))
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"producer: {Of(producer)}");
        }

        var detector = config.Saturation.Detector is { } plugin ? Of(plugin) : $"any endpoint with capacity, {config.Saturation.AnyCapacity}";
        text.AppendLine(CultureInfo.InvariantCulture, $"saturation: {detector}");
        return text.Append(DescribeFixed(config)).ToString();
    }

    /// <summary>The part of a configuration that a reload cannot change: dialect, endpoints, scraping, parsers.</summary>
    public static string DescribeFixed(EppConfig config)
    {
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $"endpoints: {(config.DataLayer.Discovery is { } discovery ? Of(discovery) : "Kubernetes")}");
        foreach (var (source, extractors) in config.DataLayer.Sources)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"scraped: {Of(source)}");
            foreach (var extractor in extractors)
            {
                text.AppendLine(CultureInfo.InvariantCulture, $"  read by: {Of(extractor)}");
                foreach (var engine in (extractor.Parameters as MetricsExtractorParameters)?.Engines ?? [])
                {
                    text.AppendLine(CultureInfo.InvariantCulture, $"    engine: {engine}");
                }
            }
        }

        var parsers = config.Parsers.Count > 0 ? string.Join(", ", config.Parsers.Select(p => p.Name)) : "completions and chat at any path";
        text.AppendLine(CultureInfo.InvariantCulture, $"parsers: {parsers}");
        return text.ToString();
    }

    private static string Of(PluginConfig plugin)
    {
        var name = plugin.Name == plugin.Type ? plugin.Name : $"{plugin.Name} ({plugin.Type})";
        return plugin.Parameters is NoParameters ? name : $"{name}, {plugin.Parameters}";
    }
}
