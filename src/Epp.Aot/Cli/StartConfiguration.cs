using System.Text;
using Epp.Aot.Configuration;

namespace Epp.Aot.Cli;

/// <summary>Flags, environment and configuration, checked together: a configuration to run, or every error of it.</summary>
internal sealed record StartConfiguration(EppConfig? Config, PoolIdentity? Pool, IReadOnlyList<string> Errors, IReadOnlyList<string> Warnings, int ExitCode)
{
    /// <summary>Exit code of Go's flag package for bad flags.</summary>
    private const int BadFlags = 2;

    /// <summary>Exit code of the references for anything else that stops the start.</summary>
    private const int BadConfiguration = 1;

    private const long MaxConfigBytes = 1 << 20;

    /// <summary>The part that can be read again while running.</summary>
    public ConfigReading Reading => new(Config, Errors, Warnings);

    /// <param name="flags">Parsed.</param>
    /// <param name="environment">Value of a variable; null = not set.</param>
    public static StartConfiguration Read(FlagSet flags, Func<string, string?> environment)
    {
        var errors = new List<string>(flags.Errors);
        CheckValues(flags, errors);
        var exitCode = errors.Count > 0 ? BadFlags : BadConfiguration;
        if (flags.Errors.Count > 0)
        {
            // Arguments that were misread say nothing about the rest.
            return new StartConfiguration(null, null, errors, [], exitCode);
        }

        CheckCombination(flags, errors);
        var pool = PoolIdentity.Read(flags, environment, errors);
        var loaded = HasBothConfigs(flags) ? null : LoadConfig(flags, environment, errors);
        if (loaded is null || errors.Count > 0)
        {
            return new StartConfiguration(null, null, errors, [], exitCode);
        }

        var warnings = new List<string>(flags.Warnings);
        warnings.AddRange(loaded.Warnings.Select(w => w.ToString()));
        var config = ScrapeFlags.Apply(flags, WithEndpointsFile(flags, loaded.Config!), warnings);
        if (config.Profile.Picker.Parameters is PickerParameters { MaxEndpoints: > 1 })
        {
            warnings.Add("maxNumOfEndpoints is above 1: the destination becomes a list, which Envoy's ORIGINAL_DST by header does not understand");
        }

        if (flags.Bool("watch-config") && flags.Text("config-file").Length == 0)
        {
            warnings.Add("--watch-config has no effect without --config-file");
        }

        return new StartConfiguration(config, pool, [], warnings, 0);
    }

    /// <summary>The configuration alone, from file, text or built in; problems are added to the errors.</summary>
    public static ConfigLoadResult? LoadConfig(FlagSet flags, Func<string, string?> environment, List<string> errors)
    {
        var (text, source) = ReadText(flags, errors);
        if (text is null)
        {
            return null;
        }

        var loaded = EppConfigLoader.Load(text, source, new ConfigOverrides(environment), flags.Bool("allow-experimental-plugins"));
        errors.AddRange(loaded.Errors.Select(e => e.ToString()));
        return loaded;
    }

    private static bool HasBothConfigs(FlagSet flags) => flags.Text("config-file").Length > 0 && flags.Text("config-text").Length > 0;

    private static void CheckCombination(FlagSet flags, List<string> errors)
    {
        if (HasBothConfigs(flags))
        {
            errors.Add("--config-file and --config-text exclude each other: give one of them");
        }

        if (flags.Text("endpoints-file").Length > 0 && (flags.Text("config-file").Length > 0 || flags.Text("config-text").Length > 0))
        {
            errors.Add("--endpoints-file belongs to the built-in configuration: name the file in a file-discovery plugin of the configuration instead");
        }
    }

    private static void CheckValues(FlagSet flags, List<string> errors)
    {
        CheckPorts(flags, errors);

        CheckDurations(flags, errors,
        [
            ("drain-timeout", 0, "0 or more"), ("metrics-staleness-threshold", 0, "0 or more"), ("refresh-metrics-interval", 0, "0 or more"),
            ("refresh-prometheus-metrics-interval", 1, "more than 0"),
        ]);
        CheckSizes(flags, errors, ["grpc-max-recv-msg-size", "max-request-body-bytes", "max-buffered-bytes", "prefix-index-memory"]);
        ScrapeFlags.Check(flags, errors);
        CheckNames(flags, errors);
    }

    /// <summary>Durations with the least milliseconds of each; what is wrong is added to the errors.</summary>
    internal static void CheckDurations(FlagSet flags, List<string> errors, ReadOnlySpan<(string Name, long Least, string Expected)> rules)
    {
        foreach (var (name, least, expected) in rules)
        {
            // A timer of the runtime waits at most 49 days.
            if (flags.Duration(name).TotalMilliseconds < least || flags.Duration(name) > TimeSpan.FromDays(49))
            {
                errors.Add($"invalid value '{flags.Text(name)}' for flag --{name}: expected {expected}, at most 49 days");
            }
        }
    }

    /// <summary>Sizes that must be more than nothing; what is wrong is added to the errors.</summary>
    internal static void CheckSizes(FlagSet flags, List<string> errors, ReadOnlySpan<string> names)
    {
        foreach (var name in names)
        {
            if (flags.Quantity(name) <= 0)
            {
                errors.Add($"invalid value '{flags.Text(name)}' for flag --{name}: expected more than 0 bytes");
            }
        }
    }

    /// <summary>Values of the logging and TLS flags, which every server of this program has; what is wrong is added to the errors.</summary>
    internal static void CheckNames(FlagSet flags, List<string> errors)
    {
        if (flags.Text("zap-encoder") is not ("json" or "console" or ""))
        {
            errors.Add($"invalid value '{flags.Text("zap-encoder")}' for flag --zap-encoder: expected json or console");
        }

        if (!Verbosity.IsZapLevel(flags.Text("zap-log-level")))
        {
            errors.Add($"invalid value '{flags.Text("zap-log-level")}' for flag --zap-log-level: expected debug, info, error, panic or a whole number above 0");
        }

        TlsPolicy.Check(flags, errors);
    }

    /// <summary>The three ports every server of this program has; what is wrong is added to the errors.</summary>
    internal static void CheckPorts(FlagSet flags, List<string> errors)
    {
        foreach (var port in (string[])["grpc-port", "grpc-health-port", "metrics-port"])
        {
            if (flags.Int(port) is < 1 or > 65535)
            {
                errors.Add($"invalid value '{flags.Text(port)}' for flag --{port}: expected a port, 1 to 65535");
            }
        }
    }

    private static (byte[]? Text, string Source) ReadText(FlagSet flags, List<string> errors)
    {
        var path = flags.Text("config-file");
        if (path.Length == 0)
        {
            return flags.Text("config-text") is { Length: > 0 } given
                ? (Encoding.UTF8.GetBytes(given), "--config-text")
                : (EppConfigLoader.BuiltIn.ToArray(), "built-in configuration");
        }

        try
        {
            if (new FileInfo(path).Length > MaxConfigBytes)
            {
                errors.Add($"{path}: larger than 1 MiB; an EndpointPickerConfig is far smaller");
                return (null, path);
            }

            return (File.ReadAllBytes(path), path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            errors.Add($"{path}: cannot read the configuration: {e.Message}");
            return (null, path);
        }
    }

    private static EppConfig WithEndpointsFile(FlagSet flags, EppConfig config)
    {
        if (flags.Text("endpoints-file") is not { Length: > 0 } endpoints)
        {
            return config;
        }

        var discovery = new PluginConfig("file-discovery", "file-discovery", PluginKind.Discovery, new FileDiscoveryParameters(endpoints, WatchFile: true));
        return config with { Plugins = [.. config.Plugins, discovery], DataLayer = config.DataLayer with { Discovery = discovery } };
    }
}
