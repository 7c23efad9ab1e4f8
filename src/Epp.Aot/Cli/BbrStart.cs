using Epp.Aot.Bbr;
using Epp.Native.Bbr;

namespace Epp.Aot.Cli;

/// <summary>Flags and environment of <c>epp bbr</c>, checked together: options to run, or every error.</summary>
/// <param name="options">Null with errors.</param>
/// <param name="ns">Where ConfigMaps are watched: the variable <c>NAMESPACE</c>; empty = everywhere.</param>
/// <param name="errors">One line each.</param>
internal sealed class BbrStart(BbrOptions? options, string ns, IReadOnlyList<string> errors)
{
    /// <summary>Exit code of Go's flag packages for bad flags.</summary>
    public const int BadFlags = 2;

    private const string V12 = "v1.2", V15 = "v1.5";

    /// <summary>Flags that GAIE's router has since v1.5 only.</summary>
    private static readonly string[] OnlyV15 = ["plugin", "tracing", "metrics-endpoint-auth", "secure-serving", "enable-pprof"];

    /// <summary>Null with errors.</summary>
    public BbrOptions? Options => options;

    /// <summary>Where ConfigMaps are watched; empty = everywhere.</summary>
    public string Namespace => ns;

    /// <summary>One line each.</summary>
    public IReadOnlyList<string> Errors => errors;

    /// <summary>Reads what was parsed.</summary>
    public static BbrStart Read(FlagSet flags, Func<string, string?> environment)
    {
        if (flags.Errors.Count > 0)
        {
            // Arguments that were misread say nothing about the rest.
            return new BbrStart(null, "", flags.Errors);
        }

        var errors = new List<string>();
        Check(flags, errors);
        var ns = environment("NAMESPACE") ?? "";
        var dialect = ReadDialect(flags, ns, errors);
        var plugins = ReadPlugins(flags, dialect, errors);
        return errors.Count > 0
            ? new BbrStart(null, ns, errors)
            : new BbrStart(
                new BbrOptions(
                    dialect,
                    flags.Bool("streaming"),
                    plugins.Count > 0 ? plugins : null,
                    (int)Math.Min(flags.Quantity("max-request-body-bytes"), int.MaxValue / 2),
                    flags.Quantity("max-buffered-bytes")),
                ns,
                []);
    }

    /// <summary>The dialect as the flag names it.</summary>
    public static string Name(BbrDialect dialect) => dialect == BbrDialect.Gaie12 ? V12 : V15;

    private static BbrDialect ReadDialect(FlagSet flags, string ns, List<string> errors)
    {
        switch (flags.Text("dialect"))
        {
            case V12:
                return BbrDialect.Gaie12;
            case V15:
                return BbrDialect.Gaie15;
            case "":
                return ns.Length > 0 || Array.Exists(OnlyV15, flags.Has) ? BbrDialect.Gaie15 : BbrDialect.Gaie12;
            default:
                errors.Add($"invalid value '{flags.Text("dialect")}' for flag --dialect: expected {V12} or {V15}");
                return BbrDialect.Gaie15;
        }
    }

    private static List<BbrPlugin> ReadPlugins(FlagSet flags, BbrDialect dialect, List<string> errors)
    {
        var plugins = new List<BbrPlugin>();
        var given = flags.Each("plugin");
        if (given.Count > BodyFieldScanner.MaxFields)
        {
            errors.Add($"--plugin is given {given.Count} times: at most {BodyFieldScanner.MaxFields}");
            return plugins;
        }

        if (given.Count > 0 && dialect == BbrDialect.Gaie12)
        {
            errors.Add("--plugin needs --dialect=v1.5: the router of v1.2 has no plugins");
        }

        foreach (var text in given)
        {
            if (BbrPluginSpec.Parse(text, out var error) is { } plugin)
            {
                plugins.Add(plugin);
            }
            else
            {
                errors.Add($"invalid value '{(text.Length > 100 ? string.Concat(text.AsSpan(0, 100), "…") : text)}' for flag --plugin: {error}");
            }
        }

        return plugins;
    }

    private static void Check(FlagSet flags, List<string> errors)
    {
        StartConfiguration.CheckPorts(flags, errors);
        var (grpc, health, metrics) = (flags.Int("grpc-port"), flags.Int("grpc-health-port"), flags.Int("metrics-port"));
        if (grpc == health || grpc == metrics || health == metrics)
        {
            errors.Add($"port conflict: grpc-port ({grpc}), grpc-health-port ({health}), and metrics-port ({metrics}) must all be different");
        }

        StartConfiguration.CheckDurations(flags, errors, [("drain-timeout", 0, "0 or more")]);
        StartConfiguration.CheckSizes(flags, errors, ["grpc-max-recv-msg-size", "max-request-body-bytes", "max-buffered-bytes"]);
        StartConfiguration.CheckNames(flags, errors);
    }
}
