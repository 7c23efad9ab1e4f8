using System.Text;
using Epp.Aot.Configuration;

namespace Epp.Aot.Cli;

/// <summary>Flags and configuration, checked together: a configuration to run, or every error of it.</summary>
internal sealed record StartConfiguration(EppConfig? Config, IReadOnlyList<string> Errors, IReadOnlyList<string> Warnings, int ExitCode)
{
    /// <summary>Exit code of Go's flag package for bad flags.</summary>
    private const int BadFlags = 2;

    /// <summary>Exit code of the references for anything else that stops the start.</summary>
    private const int BadConfiguration = 1;

    private const long MaxConfigBytes = 1 << 20;

    public static StartConfiguration Read(FlagSet flags)
    {
        var errors = new List<string>(flags.Errors);
        if (flags.Has("config-file") && flags.Has("config-text"))
        {
            errors.Add("--config-file and --config-text exclude each other: give one of them");
        }

        if (flags.Text("endpoints-file").Length > 0 && (flags.Has("config-file") || flags.Has("config-text")))
        {
            errors.Add("--endpoints-file belongs to the built-in configuration: name the file in a file-discovery plugin of the configuration instead");
        }

        foreach (var port in (string[])["grpc-port", "grpc-health-port", "metrics-port"])
        {
            if (flags.Int(port) is < 1 or > 65535)
            {
                errors.Add($"invalid value '{flags.Text(port)}' for flag --{port}: expected a port, 1 to 65535");
            }
        }

        foreach (var (name, least, expected) in ((string, long, string)[])
            [
                ("drain-timeout", 0, "0 or more"), ("metrics-staleness-threshold", 0, "0 or more"), ("refresh-metrics-interval", 0, "0 or more"),
                ("refresh-prometheus-metrics-interval", 1, "more than 0"),
            ])
        {
            // A timer of the runtime waits at most 49 days.
            if (flags.Duration(name).TotalMilliseconds < least || flags.Duration(name) > TimeSpan.FromDays(49))
            {
                errors.Add($"invalid value '{flags.Text(name)}' for flag --{name}: expected {expected}, at most 49 days");
            }
        }

        foreach (var size in (string[])["grpc-max-recv-msg-size", "max-request-body-bytes", "max-buffered-bytes", "prefix-index-memory"])
        {
            if (flags.Quantity(size) <= 0)
            {
                errors.Add($"invalid value '{flags.Text(size)}' for flag --{size}: expected more than 0 bytes");
            }
        }

        if (flags.Text("zap-encoder") is not ("json" or "console"))
        {
            errors.Add($"invalid value '{flags.Text("zap-encoder")}' for flag --zap-encoder: expected json or console");
        }

        return errors.Count > 0 ? new StartConfiguration(null, errors, [], BadFlags) : Load(flags);
    }

    private static StartConfiguration Load(FlagSet flags)
    {
        var path = flags.Text("config-file");
        ConfigLoadResult loaded;
        if (path.Length > 0)
        {
            try
            {
                if (new FileInfo(path).Length > MaxConfigBytes)
                {
                    return Failed($"{path}: larger than 1 MiB; an EndpointPickerConfig is far smaller");
                }

                loaded = EppConfigLoader.Load(File.ReadAllBytes(path), path);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                return Failed($"{path}: cannot read the configuration: {e.Message}");
            }
        }
        else
        {
            loaded = EppConfigLoader.Load(flags.Has("config-text") ? Encoding.UTF8.GetBytes(flags.Text("config-text")) : EppConfigLoader.BuiltIn, "--config-text");
        }

        return loaded.Config is null ? new StartConfiguration(null, [.. loaded.Errors.Select(e => e.ToString())], [], BadConfiguration) : Complete(flags, loaded);
    }

    private static StartConfiguration Complete(FlagSet flags, ConfigLoadResult loaded)
    {
        var config = loaded.Config!;
        if (flags.Text("endpoints-file") is { Length: > 0 } endpoints)
        {
            var discovery = new PluginConfig("file-discovery", "file-discovery", PluginKind.Discovery, new FileDiscoveryParameters(endpoints, WatchFile: true));
            config = config with { Plugins = [.. config.Plugins, discovery], DataLayer = config.DataLayer with { Discovery = discovery } };
        }

        var warnings = loaded.Warnings.Select(w => w.ToString()).ToList();
        if (config.Profile.Picker.Parameters is PickerParameters { MaxEndpoints: > 1 })
        {
            warnings.Add("maxNumOfEndpoints is above 1: the destination becomes a list, which Envoy's ORIGINAL_DST by header does not understand");
        }

        return new StartConfiguration(config, [], warnings, 0);
    }

    private static StartConfiguration Failed(string error) => new(null, [error], [], BadConfiguration);
}
