using Epp.Native;
using Epp.Native.Pool;

namespace Epp.Aot.Telemetry;

/// <summary>What the exposition says about this process.</summary>
/// <param name="PoolName">Label <c>name</c> of the pool gauges.</param>
/// <param name="Dialect">Decides label set and HELP of the families both references have.</param>
/// <param name="StreamMetrics">Adds <c>extproc_streams_*</c> (flag <c>enable-grpc-stream-metrics</c>).</param>
/// <param name="StalenessThreshold">Age from which an endpoint's metrics no longer count in the pool gauges; default 2 s.</param>
/// <param name="Commit">Label of the info gauge.</param>
/// <param name="BuildRef">Label of the info gauge.</param>
public sealed record EppMetricsOptions(
    string PoolName = "epp",
    Dialect Dialect = Dialect.LlmD,
    bool StreamMetrics = false,
    TimeSpan? StalenessThreshold = null,
    string Commit = "",
    string BuildRef = "");

/// <summary>
/// Every instrument of the process, once. Recording is lock-free and allocates nothing once a label set is known; values clients choose
/// are capped (contract §7.3). Thread-safe.
/// </summary>
public sealed partial class EppMetrics
{
    /// <summary>Distinct model names, and distinct fairness ids, before <c>other</c>.</summary>
    public const int MaxLabelValues = 1000;

    /// <summary>Label sets of the request families before further ones count as <c>other</c>: a bound on memory that the two caps alone do not give.</summary>
    public const int MaxRequestSeries = 10_000;

    /// <summary>Label sets of scheduler attempts (endpoint, target model, status) before further ones count as endpoint <c>other</c>.</summary>
    public const int MaxAttemptSeries = 20_000;

    private const string DefaultPrefixPlugin = "approx-prefix-cache-producer";

    private readonly LabelTable _models = new(MaxLabelValues);
    private readonly LabelTable _fairness = new(MaxLabelValues);
    private readonly SeriesTable<RequestSeries> _requests = new(MaxRequestSeries);
    private readonly Lock _gate = new();
    private readonly EppMetricsOptions _options;
    private readonly Pool _pool;
    private readonly TimeProvider _time;
    private readonly Histogram _scheduler = new(Buckets.Small);
    private readonly Histogram _requestProcessing = new(Buckets.RequestProcessing);
    private readonly Histogram _responseProcessing = new(Buckets.ResponseProcessing);
    private PluginSeries[] _plugins = [];
    private PrefixSeries[] _prefixes = [];

    /// <param name="options">Labels and switches.</param>
    /// <param name="pool">Source of the pool gauges.</param>
    /// <param name="time">Clock of the staleness threshold.</param>
    public EppMetrics(EppMetricsOptions options, Pool pool, TimeProvider time)
    {
        _options = options;
        _pool = pool;
        _time = time;
        _startSeconds = ProcessFigures.StartSeconds(time);
        Attempts = new SchedulerAttempts(_models, MaxAttemptSeries);
        Families = [.. Declare().OrderBy(f => f.Name, StringComparer.Ordinal)];
    }

    /// <summary>All families in the order they are written; those without samples are left out of an exposition.</summary>
    public IReadOnlyList<MetricFamily> Families { get; }

    /// <summary>Good and failed scrapes: seconds from request to parsed answer.</summary>
    public Histogram ScrapeSeconds { get; } = new(Buckets.ScrapeSeconds);

    /// <summary>Scrapes that failed.</summary>
    public Counter PollErrors { get; } = new();

    /// <summary>Streams whose end was seen twice or never in order: a count above zero is a defect worth reporting.</summary>
    public Counter AccountingAnomalies { get; } = new();

    /// <summary>Responses whose <c>usage</c> was malformed and not counted.</summary>
    public Counter MalformedUsage { get; } = new();

    /// <summary>Attributes of responses whose expression had no value.</summary>
    public Counter UsageReportsFailed { get; } = new();

    /// <summary>Subset hint items that were no endpoint address and were ignored.</summary>
    public Counter SubsetItemsIgnored { get; } = new();

    internal SchedulerAttempts Attempts { get; }

    /// <summary>The instruments of one label set. Resolve once per request.</summary>
    /// <param name="model">Model the client asked for, UTF-8; empty where there is none.</param>
    /// <param name="target">Model sent to the endpoint.</param>
    /// <param name="fairnessId">Empty = <c>default-flow</c>.</param>
    /// <param name="priority">Of the request's objective; 0 where it has none.</param>
    public RequestSeries Requests(ReadOnlySpan<byte> model, ReadOnlySpan<byte> target, ReadOnlySpan<byte> fairnessId, int priority)
    {
        var m = _models.Get(model);
        var t = target.SequenceEqual(model) ? m : _models.Get(target);
        var f = _fairness.Get(fairnessId.IsEmpty ? "default-flow"u8 : fairnessId);
        var key = SeriesKey.Of(m.Id, t.Id, f.Id, priority);
        if (_requests.Find(key) is { } known)
        {
            return known;
        }

        if (_requests.IsFull)
        {
            (m, t, f, priority) = (_models.Other, _models.Other, _fairness.Other, 0);
            key = SeriesKey.Of(0, 0, 0, 0);
        }

        return _requests.Find(key) ?? _requests.Add(key, new RequestSeries(m.Text, t.Text, f.Text, priority));
    }

    /// <summary>Keeps a model name of the configuration out of the cap (contract §7.3).</summary>
    public void KeepModelName(ReadOnlySpan<byte> name) => _models.Keep(name);

    /// <summary>One scheduling attempt.</summary>
    /// <param name="endpoint">The pick; null where there was none.</param>
    /// <param name="targetModel">Model sent to the endpoint, UTF-8.</param>
    /// <param name="success">True where an endpoint was picked.</param>
    public void SchedulerAttempt(Endpoint? endpoint, ReadOnlySpan<byte> targetModel, bool success) => Attempts.Count(endpoint, targetModel, success);

    /// <summary>Seconds one decision took.</summary>
    public void SchedulerDuration(double seconds) => _scheduler.Observe(seconds);

    /// <summary>Seconds from request receipt until its body was handled.</summary>
    public void RequestProcessing(double seconds) => _requestProcessing.Observe(seconds);

    /// <summary>Seconds this process spent on a response.</summary>
    public void ResponseProcessing(double seconds) => _responseProcessing.Observe(seconds);

    /// <summary>The duration histogram of one plugin at one extension point. Resolve once, at start.</summary>
    public Histogram PluginDuration(string extensionPoint, string type, string name)
    {
        lock (_gate)
        {
            foreach (var known in _plugins)
            {
                if (known.ExtensionPoint == extensionPoint && known.Type == type && known.Name == name)
                {
                    return known.Seconds;
                }
            }

            var added = new PluginSeries(extensionPoint, type, name, new Histogram(Buckets.Small));
            Volatile.Write(ref _plugins, [.. _plugins, added]);
            return added.Seconds;
        }
    }

    /// <summary>The instruments of one prefix indexer. Resolve once, at start.</summary>
    public PrefixSeries PrefixIndexer(string type, string name)
    {
        lock (_gate)
        {
            foreach (var known in _prefixes)
            {
                if (known.Type == type && known.Name == name)
                {
                    return known;
                }
            }

            var added = new PrefixSeries(type, name);
            Volatile.Write(ref _prefixes, [.. _prefixes, added]);
            return added;
        }
    }

    /// <summary>One lookup in the default prefix indexer: matched share 0 … 1 and matched bytes.</summary>
    public void Prefix(double hitRatio, double hitBytes) => DefaultPrefix().Observe(hitRatio, hitBytes);

    /// <summary>Where the size of the default prefix indexer comes from, asked when the exposition is written.</summary>
    public void PrefixIndexSize(Func<long> size) => DefaultPrefix().Size = size;

    private PrefixSeries DefaultPrefix()
    {
        foreach (var known in Volatile.Read(ref _prefixes))
        {
            if (known.Name == DefaultPrefixPlugin)
            {
                return known;
            }
        }

        return PrefixIndexer(DefaultPrefixPlugin, DefaultPrefixPlugin);
    }

    private sealed record PluginSeries(string ExtensionPoint, string Type, string Name, Histogram Seconds);
}

/// <summary>Instruments of one prefix indexer. Lock-free; safe to share.</summary>
public sealed class PrefixSeries
{
    internal PrefixSeries(string type, string name)
    {
        Type = type;
        Name = name;
    }

    /// <summary>Entries held now; null = not reported.</summary>
    public Func<long>? Size { get; set; }

    internal string Type { get; }

    internal string Name { get; }

    internal Histogram HitRatio { get; } = new(Buckets.HitRatio);

    internal Histogram HitBytes { get; } = new(Buckets.HitBytes);

    /// <summary>One lookup: matched share 0 … 1 and matched bytes.</summary>
    public void Observe(double hitRatio, double hitBytes)
    {
        HitRatio.Observe(hitRatio);
        HitBytes.Observe(hitBytes);
    }
}
