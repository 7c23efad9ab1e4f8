using Epp.Native;
using Epp.Native.FlowControl;
using Epp.Native.Scheduling.Saturation;

namespace Epp.Aot.Configuration;

/// <summary>
/// Reads <c>flowControl</c> and <c>saturationDetector</c> (contract §5.2). The section is checked whole; without the gate only its
/// saturation detector counts.
/// </summary>
internal static class FlowControlReader
{
    private static readonly string[] InlineKeys = ["queueDepthThreshold", "kvCacheUtilThreshold", "metricsStalenessThreshold"];

    /// <summary>GAIE's hard-wired one: a single band without a limit in number or time (plugins §12.3).</summary>
    private static readonly FlowControlConfig Gaie = new(
        new FlowSettings([new BandSettings(maxRequests: long.MaxValue)], new BandSettings(), new BandSettings(), ttlMs: 0, noEndpointTtlMs: 0), new FlowPolicyParameters());

    public static (SaturationConfig Saturation, FlowControlConfig? FlowControl) Read(MapReader top, PluginSet plugins, Dialect dialect, bool gate)
    {
        var (old, inline) = ReadTopLevel(top, plugins, dialect);
        var (own, flow) = ReadSection(top, plugins, gate);
        var detector = own ?? old;
        if (detector is null && inline is null && dialect == Dialect.LlmD)
        {
            detector = plugins.FindOrAdd(UtilizationDetector.PluginType, new UtilizationParameters(new UtilizationThresholds()));
        }

        var control = !gate ? null : dialect == Dialect.Gaie ? Gaie : flow;
        return (new SaturationConfig(detector, inline ?? new UtilizationThresholds()), control);
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

    private static (PluginConfig? Detector, FlowControlConfig FlowControl) ReadSection(MapReader top, PluginSet plugins, bool gate)
    {
        if (top.Value("flowControl") is null || top.Map("flowControl") is not { } flow)
        {
            return (null, new FlowControlConfig(new FlowSettings([], new BandSettings(), new BandSettings()), new FlowPolicyParameters()));
        }

        var ttl = flow.Duration("defaultRequestTTL") ?? TimeSpan.FromSeconds(60);
        var noEndpoints = flow.Duration("noEndpointRequestTTL") ?? ttl;
        var usage = Policy(flow, "usageLimitPolicyPluginRef", PluginKind.UsageLimitPolicy, plugins)?.Parameters as FlowPolicyParameters;
        var settings = new FlowSettings(
            ReadBands(flow, plugins),
            ReadTemplate(flow, "defaultPriorityBand", plugins),
            ReadTemplate(flow, "defaultNegativePriorityBand", plugins),
            flow.Quantity("maxBytes") ?? 0,
            flow.Quantity("maxRequests") ?? 0,
            (long)ttl.TotalMilliseconds,
            (long)noEndpoints.TotalMilliseconds);
        var config = new FlowControlConfig(settings, usage ?? new FlowPolicyParameters(), flow.Bool("enableEviction", false));
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

        return (detector, config);
    }

    private static BandSettings ReadTemplate(MapReader flow, string key, PluginSet plugins) =>
        flow.Value(key) is not null && flow.Map(key) is { } template ? ReadBand(template, template.Int("priority", 0), plugins) : new BandSettings();

    private static List<BandSettings> ReadBands(MapReader flow, PluginSet plugins)
    {
        var bands = new List<BandSettings>();
        foreach (var band in flow.Maps("priorityBands"))
        {
            var priority = band.Int("priority", 0);
            if (band.Value("priority") is null)
            {
                band.Problems.Error(band.Node, band.PathOf("priority"), "is missing; expected a whole number");
            }
            else if (bands.Exists(b => b.Priority == priority))
            {
                band.Problems.Error(band.Value("priority"), band.PathOf("priority"), $"a second band has priority {band.Text("priority")}");
            }

            bands.Add(ReadBand(band, priority, plugins));
        }

        if (bands.Count >= FlowController.MaxBands)
        {
            flow.Problems.Error(flow.Value("priorityBands"), flow.PathOf("priorityBands"), $"has {bands.Count} bands, expected fewer than {FlowController.MaxBands}");
        }

        return bands;
    }

    private static BandSettings ReadBand(MapReader band, int priority, PluginSet plugins)
    {
        var fairness = Policy(band, "fairnessPolicyRef", PluginKind.FairnessPolicy, plugins);
        var ordering = Policy(band, "orderingPolicyRef", PluginKind.OrderingPolicy, plugins);
        var settings = new BandSettings(
            priority,
            band.Quantity("maxBytes") is > 0 and var bytes ? bytes : BandSettings.DefaultBytes,
            band.Quantity("maxRequests") is > 0 and var requests ? requests : BandSettings.DefaultRequests,
            FlowPolicies.Fairness(fairness?.Type),
            FlowPolicies.Ordering(ordering?.Type),
            (fairness?.Parameters as FlowPolicyParameters)?.Program);
        band.End();
        return settings;
    }

    /// <summary>A policy by name; the defaults of flow control need no declaration. Null = the default, or an error.</summary>
    private static PluginConfig? Policy(MapReader map, string key, PluginKind kind, PluginSet plugins)
    {
        if (map.Text(key) is not { Length: > 0 } name || (PluginCatalog.DefaultPolicies.Contains(name) && plugins.Find(name) is null))
        {
            return null;
        }

        if (plugins.Resolve(map, key) is { } plugin && plugin.Kind == kind)
        {
            return plugin;
        }
        else if (plugins.Find(name) is { } other)
        {
            map.Problems.Error(map.Value(key), map.PathOf(key), $"plugin '{other.Name}' has type '{other.Type}', expected a {Describe(kind)}");
        }

        return null;
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
