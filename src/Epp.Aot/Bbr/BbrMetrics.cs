using Epp.Aot.Telemetry;
using Epp.Native.Bbr;

namespace Epp.Aot.Bbr;

/// <summary>
/// Every instrument of the body-based router (contract §9.3), by the dialect's names. Recording is lock-free; labels come from the
/// configuration only. Thread-safe.
/// </summary>
internal sealed class BbrMetrics
{
    private readonly List<BbrFieldSeries> _fields = [];
    private readonly List<PluginSeries> _plugins = [];
    private readonly string _version;

    /// <param name="dialect">Whose families.</param>
    /// <param name="version">Of this build.</param>
    /// <param name="time">Clock.</param>
    public BbrMetrics(BbrDialect dialect, string version, TimeProvider time)
    {
        _version = version;
        Families =
        [
            .. (dialect == BbrDialect.Gaie12 ? OldFamilies() : NewFamilies()).Concat(Certificates.Families())
                .Concat(EppMetrics.ProcessFamilies(ProcessFigures.StartSeconds(time))).OrderBy(f => f.Name, StringComparer.Ordinal),
        ];
    }

    /// <summary>All families in the order they are written.</summary>
    public IReadOnlyList<MetricFamily> Families { get; }

    /// <summary>v1.2: the model became a header; v1.5: the request was processed.</summary>
    public Counter Success { get; } = new();

    /// <summary>v1.2: no model, or an empty one.</summary>
    public Counter ModelNotInBody { get; } = new();

    /// <summary>v1.2: bodies that could not be read.</summary>
    public Counter ModelNotParsed { get; } = new();

    public CertificateCounters Certificates { get; } = new();

    /// <summary>The watch of ConfigMaps.</summary>
    public WatchSeries ConfigMaps { get; } = new("configmaps");

    /// <summary>Names known of base models and adapters, asked when the exposition is written; null = not exported.</summary>
    public Func<long>? BaseModelNames { get; set; }

    /// <summary>The counters of one field. Resolve at start.</summary>
    public BbrFieldSeries Field(string name)
    {
        var known = _fields.Find(f => f.Name == name);
        if (known is null)
        {
            _fields.Add(known = new BbrFieldSeries(name));
        }

        return known;
    }

    /// <summary>The duration histogram of one plugin. Resolve at start.</summary>
    public Histogram PluginDuration(string type, string name)
    {
        var known = _plugins.Find(p => p.Type == type && p.Name == name);
        if (known is null)
        {
            _plugins.Add(known = new PluginSeries(type, name));
        }

        return known.Seconds;
    }

    private IEnumerable<MetricFamily> OldFamilies() =>
    [
        new("bbr_success_total", MetricKind.Counter,
            "[ALPHA] Count of successes pulling model name from body and injecting it in the request headers.", [], s => s.Add(Success.Value)),
        new("bbr_model_not_in_body_total", MetricKind.Counter, "[ALPHA] Count of times the model was not present in the request body.", [], s => s.Add(ModelNotInBody.Value)),
        new("bbr_model_not_parsed_total", MetricKind.Counter,
            "[ALPHA] Count of times the model was in the request body but we could not parse it.", [], s => s.Add(ModelNotParsed.Value)),
    ];

    private IEnumerable<MetricFamily> NewFamilies() =>
    [
        new("bbr_info", MetricKind.Gauge, "[ALPHA] General information of the current build of BBR.", ["build_ref", "commit"], s => s.Add(1, _version, "")),
        new("bbr_success_total", MetricKind.Counter, "[ALPHA] Count of time the request was processed successfully.", [], s => s.Add(Success.Value)),
        new("bbr_body_field_not_found_total", MetricKind.Counter, "[ALPHA] Count of times a field wasn't found in a request body.", ["field"],
            s => _fields.ForEach(f => s.Add(f.NotFound.Value, f.Name))),
        new("bbr_body_field_empty_total", MetricKind.Counter, "[ALPHA] Count of times a field was found in a request body but was empty.", ["field"],
            s => _fields.ForEach(f => s.Add(f.Empty.Value, f.Name))),
        new("bbr_plugin_duration_seconds", MetricKind.Histogram,
            "[ALPHA] Plugin processing latency distribution in seconds for each extension point, plugin type and plugin name.",
            ["extension_point", "plugin_name", "plugin_type"], s => _plugins.ForEach(p => s.Add(p.Seconds, "request", p.Name, p.Type)), Buckets.Small),
        new("epp_bbr_base_model_names", MetricKind.Gauge, "Names of base models and adapters known from ConfigMaps.", [],
            s => { if (BaseModelNames is { } count) { s.Add(count()); } }),
        new("epp_kubernetes_watch_up", MetricKind.Gauge,
            "1 while the watch of this kind is open; 0 while it is broken and its last known objects stay in force.", ["resource"],
            s => { if (ConfigMaps.Up is { } up) { s.Add(up ? 1 : 0, ConfigMaps.Resource); } }),
        new("epp_kubernetes_watch_failures_total", MetricKind.Counter, "Attempts to list or watch this kind that failed.", ["resource"],
            s => s.Add(ConfigMaps.Failures.Value, ConfigMaps.Resource)),
    ];

    private sealed class PluginSeries(string type, string name)
    {
        public string Type => type;

        public string Name => name;

        public Histogram Seconds { get; } = new(Buckets.Small);
    }
}

/// <summary>Counters of one field of the body. Lock-free; safe to share.</summary>
/// <param name="name">Label <c>field</c>.</param>
internal sealed class BbrFieldSeries(string name)
{
    public string Name { get; } = name;

    /// <summary>Bodies without the field.</summary>
    public Counter NotFound { get; } = new();

    /// <summary>Bodies where its text is empty.</summary>
    public Counter Empty { get; } = new();
}
