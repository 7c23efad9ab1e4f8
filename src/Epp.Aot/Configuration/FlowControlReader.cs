using Epp.Native;
using Epp.Native.Scheduling.Saturation;

namespace Epp.Aot.Configuration;

/// <summary>
/// Reads <c>flowControl</c> and <c>saturationDetector</c> (contract §5.2). The section is checked whole; without the gate only its
/// saturation detector counts, with the gate the configuration is refused as long as flow control is not built.
/// </summary>
internal static class FlowControlReader
{
    private static readonly string[] InlineKeys = ["queueDepthThreshold", "kvCacheUtilThreshold", "metricsStalenessThreshold"];

    public static SaturationConfig Read(MapReader top, PluginSet plugins, Dialect dialect, bool gate)
    {
        var (old, inline) = ReadTopLevel(top, plugins, dialect);
        var detector = ReadSection(top, plugins, gate) ?? old;
        if (detector is null && inline is null && dialect == Dialect.LlmD)
        {
            detector = plugins.FindOrAdd(UtilizationDetector.PluginType, new UtilizationParameters(new UtilizationThresholds()));
        }

        return new SaturationConfig(detector, inline ?? new UtilizationThresholds());
    }

    /// <summary>llm-d's deprecated reference, or GAIE's thresholds: which of the two is told by the keys.</summary>
    private static (PluginConfig? Detector, UtilizationThresholds? Inline) ReadTopLevel(MapReader top, PluginSet plugins, Dialect dialect)
    {
        if (top.Value("saturationDetector") is not { } node || top.Map("saturationDetector") is not { } map)
        {
            return (null, null);
        }

        var hasReference = map.Node.Entries.Exists(e => e.Key.Text == "pluginRef");
        if (dialect == Dialect.Gaie && !hasReference)
        {
            var inline = Thresholds(map, headroom: false);
            map.End();
            return (null, inline);
        }

        top.Problems.Warn(node, map.Path, "is deprecated; use flowControl.saturationDetector");
        var detector = Reference(map, plugins);
        map.End(hint: key => InlineKeys.Contains(key)
            ? $" (thresholds are parameters of a plugin of type '{UtilizationDetector.PluginType}'; inline they belong to {EppConfigLoader.GaieVersion}, without pluginRef)"
            : "");
        return (detector, null);
    }

    /// <summary>Queue, KV use and staleness, with the references' defaults and ranges.</summary>
    public static UtilizationThresholds Thresholds(MapReader map, bool headroom)
    {
        var none = new UtilizationThresholds();
        return new UtilizationThresholds(
            map.Int("queueDepthThreshold", (int)none.QueueDepthThreshold, min: 1),
            AboveZero(map, "kvCacheUtilThreshold", none.KvCacheUtilThreshold, 1),
            (long)(map.Duration("metricsStalenessThreshold") ?? TimeSpan.FromMilliseconds(none.StalenessMs)).TotalMilliseconds,
            headroom ? map.Number("headroom", 0, 0, 1e6) : 0);
    }

    private static double AboveZero(MapReader map, string key, double otherwise, double max)
    {
        var number = map.Number(key, otherwise, 0, max);
        if (number == 0)
        {
            map.Problems.Error(map.Value(key), map.PathOf(key), $"found '0', expected more than 0, at most {max}");
        }

        return number;
    }

    private static PluginConfig? ReadSection(MapReader top, PluginSet plugins, bool gate)
    {
        if (top.Value("flowControl") is null || top.Map("flowControl") is not { } flow)
        {
            return null;
        }

        flow.Quantity("maxBytes");
        flow.Quantity("maxRequests");
        flow.Duration("defaultRequestTTL");
        flow.Duration("noEndpointRequestTTL");
        flow.Bool("enableEviction", false);
        Policy(flow, "usageLimitPolicyPluginRef", PluginKind.UsageLimitPolicy, plugins);
        ReadBands(flow, plugins);
        PluginConfig? detector = null;
        if (flow.Value("saturationDetector") is not null && flow.Map("saturationDetector") is { } map)
        {
            detector = Reference(map, plugins);
            map.End();
        }

        flow.End();
        if (!gate)
        {
            top.Problems.Warn(flow.Node, flow.Path, "has no effect but for its saturationDetector: the feature gate flowControl is off");
        }

        return detector;
    }

    private static void ReadBands(MapReader flow, PluginSet plugins)
    {
        foreach (var key in (string[])["defaultPriorityBand", "defaultNegativePriorityBand"])
        {
            if (flow.Value(key) is not null && flow.Map(key) is { } template)
            {
                template.Int("priority", 0);
                ReadBand(template, plugins);
            }
        }

        var priorities = new HashSet<int>();
        foreach (var band in flow.Maps("priorityBands"))
        {
            if (band.Value("priority") is null)
            {
                band.Problems.Error(band.Node, band.PathOf("priority"), "is missing; expected a whole number");
            }
            else if (!priorities.Add(band.Int("priority", 0)))
            {
                band.Problems.Error(band.Value("priority"), band.PathOf("priority"), $"a second band has priority {band.Text("priority")}");
            }

            ReadBand(band, plugins);
        }
    }

    private static void ReadBand(MapReader band, PluginSet plugins)
    {
        band.Quantity("maxBytes");
        band.Quantity("maxRequests");
        Policy(band, "fairnessPolicyRef", PluginKind.FairnessPolicy, plugins);
        Policy(band, "orderingPolicyRef", PluginKind.OrderingPolicy, plugins);
        band.End();
    }

    /// <summary>A policy by name; the defaults of flow control need no declaration.</summary>
    private static void Policy(MapReader map, string key, PluginKind kind, PluginSet plugins)
    {
        if (map.Text(key) is not { Length: > 0 } name || PluginCatalog.DefaultPolicies.Contains(name))
        {
            return;
        }

        if (plugins.Resolve(map, key) is { } plugin && plugin.Kind != kind)
        {
            map.Problems.Error(map.Value(key), map.PathOf(key), $"plugin '{plugin.Name}' has type '{plugin.Type}', expected a {Describe(kind)}");
        }
    }

    private static string Describe(PluginKind kind) => kind switch
    {
        PluginKind.FairnessPolicy => "fairness policy",
        PluginKind.OrderingPolicy => "ordering policy",
        _ => "usage limit policy",
    };

    private static PluginConfig? Reference(MapReader map, PluginSet plugins)
    {
        var name = map.Text("pluginRef");
        if (string.IsNullOrEmpty(name) || (name == UtilizationDetector.PluginType && plugins.Find(name) is null))
        {
            return plugins.FindOrAdd(UtilizationDetector.PluginType, new UtilizationParameters(new UtilizationThresholds()));
        }

        var plugin = plugins.Resolve(map);
        if (plugin is not null && plugin.Kind != PluginKind.SaturationDetector)
        {
            map.Problems.Error(map.Value("pluginRef"), map.PathOf("pluginRef"), $"plugin '{plugin.Name}' has type '{plugin.Type}', expected a saturation detector");
            return null;
        }

        return plugin;
    }
}
