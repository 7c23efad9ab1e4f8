using System.Globalization;
using Epp.Native;
using Epp.Native.Scheduling.Saturation;

namespace Epp.Aot.Configuration;

/// <summary>What GAIE lets the environment override in a configuration (contract §4.2). llm-d reads none of it.</summary>
public sealed class ConfigOverrides
{
    public const string FlowControlName = "ENABLE_EXPERIMENTAL_FLOW_CONTROL_LAYER";
    public const string DataLayerName = "ENABLE_EXPERIMENTAL_DATALAYER_V2";
    public const string QueueName = "SD_QUEUE_DEPTH_THRESHOLD";
    public const string KvName = "SD_KV_CACHE_UTIL_THRESHOLD";
    public const string StalenessName = "SD_METRICS_STALENESS_THRESHOLD";

    private static readonly string[] Names = [FlowControlName, DataLayerName, QueueName, KvName, StalenessName];

    private readonly Func<string, string?> _environment;

    /// <param name="environment">Value of a variable; null or empty = not set.</param>
    public ConfigOverrides(Func<string, string?> environment)
    {
        _environment = environment;
        FlowControl = Of(FlowControlName) switch
        {
            "1" or "t" or "T" or "true" or "TRUE" or "True" => true,
            "0" or "f" or "F" or "false" or "FALSE" or "False" => false,
            _ => null,
        };
    }

    /// <summary>An environment without any of the variables.</summary>
    public static ConfigOverrides None { get; } = new(static _ => null);

    /// <summary>The gate <c>flowControl</c>; null = the configuration's.</summary>
    public bool? FlowControl { get; }

    /// <summary>Thresholds with what the environment sets; an unusable value means the default, as in GAIE, with a warning.</summary>
    internal SaturationConfig Apply(SaturationConfig saturation, Dialect dialect, Problems problems)
    {
        var set = Names.Where(n => Of(n) is not null).ToList();
        if (dialect == Dialect.LlmD)
        {
            if (set.Count > 0)
            {
                problems.Warn(null, "environment", $"{string.Join(", ", set)} only count with apiVersion {EppConfigLoader.GaieVersion} and are ignored");
            }

            return saturation;
        }

        var normal = new UtilizationThresholds();
        var thresholds = saturation.AnyCapacity;
        if (Of(QueueName) is { } queue)
        {
            var valid = int.TryParse(queue, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var n) && n > 0;
            thresholds = thresholds with { QueueDepthThreshold = valid ? n : normal.QueueDepthThreshold };
            Check(valid, QueueName, queue, "a whole number above 0", problems);
        }

        if (Of(KvName) is { } kv)
        {
            var valid = double.TryParse(kv, NumberStyles.Float, CultureInfo.InvariantCulture, out var n) && n is > 0 and < 1;
            thresholds = thresholds with { KvCacheUtilThreshold = valid ? n : normal.KvCacheUtilThreshold };
            Check(valid, KvName, kv, "a number between 0 and 1", problems);
        }

        if (Of(StalenessName) is { } staleness)
        {
            var valid = GoDuration.TryParse(staleness, out var d) && d > TimeSpan.Zero;
            thresholds = thresholds with { StalenessMs = valid ? (long)d.TotalMilliseconds : normal.StalenessMs };
            Check(valid, StalenessName, staleness, "a duration such as 200ms", problems);
        }

        Check(Of(FlowControlName) is null || FlowControl is not null, FlowControlName, Of(FlowControlName), "true or false", problems);
        return saturation with { AnyCapacity = thresholds };
    }

    private static void Check(bool valid, string name, string? value, string expected, Problems problems)
    {
        if (!valid)
        {
            problems.Warn(null, "environment", $"{name} is '{value}', expected {expected}; the default is used");
        }
    }

    private string? Of(string name) => _environment(name) is { Length: > 0 } value ? value : null;
}
