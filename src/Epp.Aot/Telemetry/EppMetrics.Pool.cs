using Epp.Native;
using Epp.Native.Pool;

namespace Epp.Aot.Telemetry;

/// <summary>Gauges of the pool: flushed by <see cref="RefreshPoolGauges"/>, per-endpoint ones read when the exposition is written.</summary>
public sealed partial class EppMetrics
{
    private PoolFigures? _figures;

    /// <summary>ext_proc streams; written only with <see cref="EppMetricsOptions.StreamMetrics"/>.</summary>
    public StreamSeries Streams { get; } = new();

    /// <summary>
    /// Recomputes the pool gauges over endpoints whose metrics are fresh; without a fresh endpoint the averages keep their last value and
    /// only the count of ready endpoints changes (contract §7.3).
    /// </summary>
    public void RefreshPoolGauges()
    {
        var snapshot = _pool.Current;
        if (snapshot.Generation == 0)
        {
            return;
        }

        var columns = snapshot.Columns;
        var oldestMs = MonotonicMs(_time) - (long)(_options.StalenessThreshold ?? TimeSpan.FromSeconds(2)).TotalMilliseconds;
        var kv = default(Moments);
        var waiting = default(Moments);
        var running = default(Moments);
        foreach (var i in snapshot.Indexes)
        {
            if (columns.UpdatedMs[i] > 0 && columns.UpdatedMs[i] >= oldestMs)
            {
                kv.Add(double.IsNaN(columns.KvUsage[i]) ? 0 : columns.KvUsage[i]);
                waiting.Add(columns.Waiting[i]);
                running.Add(columns.Running[i]);
            }
        }

        var last = Volatile.Read(ref _figures);
        Volatile.Write(ref _figures, kv.Count == 0 && last is not null
            ? last with { Ready = 0 }
            : new PoolFigures(kv.Count, kv.Mean, kv.Deviation, waiting.Mean, waiting.Deviation, running.Mean, running.Deviation));
    }

    /// <summary>Milliseconds of the provider's monotonic clock; the scale of <see cref="EndpointColumns.UpdatedMs"/>. At least 1.</summary>
    public static long MonotonicMs(TimeProvider time) => 1 + (long)(time.GetTimestamp() / (time.TimestampFrequency / 1000.0));

    private MetricFamily[] PoolFamilies()
    {
        const string Kv = "The average kv cache utilization for an inference server pool.";
        const string Queue = "The average number of requests pending in the model server queue.";
        const string Running = "The average number of running requests across model servers in the pool.";
        return
        [
            Gauge(New + "average_kv_cache_utilization", "[ALPHA] " + Kv, f => f.Kv),
            Gauge(OldPool + "average_kv_cache_utilization", OldHelp("average_kv_cache_utilization", Kv), f => f.Kv),
            Gauge(New + "average_queue_size", "[ALPHA] " + Queue, f => f.Waiting),
            Gauge(OldPool + "average_queue_size", OldHelp("average_queue_size", Queue), f => f.Waiting),
            Gauge(New + "average_running_requests", "[ALPHA] " + Running, f => f.Running),
            Gauge(OldPool + "average_running_requests", OldHelp("average_running_requests", Running), f => f.Running),
            Gauge(New + "std_dev_kv_cache_utilization", "[ALPHA] The standard deviation kv cache utilization for an inference server pool.",
                f => f.KvDeviation),
            Gauge(New + "std_dev_queue_size", "[ALPHA] The standard deviation number of requests pending in the model server queue.",
                f => f.WaitingDeviation),
            Gauge(New + "std_dev_running_requests",
                "[ALPHA] The standard deviation number of running requests across model servers in the pool.", f => f.RunningDeviation),
            Gauge(New + "ready_endpoints", "[ALPHA] The number of ready endpoints in the inference server pool.", f => f.Ready),
            Gauge(OldPool + "ready_pods", OldHelp("ready_endpoints", "The number of ready pods in the inference server pool."), f => f.Ready),
            new(New + "per_endpoint_queue_size", MetricKind.Gauge,
                "[ALPHA] The total number of requests pending in the model server queue for each underlying endpoint.", ["model_server_endpoint", "name"], Queues),
            new(OldPool + "per_pod_queue_size", MetricKind.Gauge,
                "[ALPHA] The total number of requests pending in the model server queue for each underlying pod.", ["model_server_pod", "name"], Queues),
        ];
    }

    private MetricFamily Gauge(string name, string help, Func<PoolFigures, double> get) =>
        new(name, MetricKind.Gauge, help, PoolLabels, s =>
        {
            if (Volatile.Read(ref _figures) is { } figures)
            {
                s.Add(get(figures), _options.PoolName);
            }
        });

    private void Queues(FamilySamples samples)
    {
        var snapshot = _pool.Current;
        foreach (var i in snapshot.Indexes)
        {
            samples.Add(snapshot.Columns.Waiting[i], snapshot[i].Name, _options.PoolName);
        }
    }

    private double NotLive()
    {
        var snapshot = _pool.Current;
        var count = 0;
        foreach (var i in snapshot.Indexes)
        {
            count += snapshot.Columns.Live[i] ? 0 : 1;
        }

        return count;
    }

    /// <summary>Mean and sample standard deviation (n − 1, at least 1), rounded to two decimals as the reference's gauges are.</summary>
    private struct Moments
    {
        private double _sum;
        private double _squares;

        public int Count { get; private set; }

        public readonly double Mean => Count == 0 ? 0 : Math.Round(_sum / Count, 2, MidpointRounding.AwayFromZero);

        public readonly double Deviation =>
            Math.Round(Math.Sqrt(Math.Max(0, _squares - (Count == 0 ? 0 : _sum * _sum / Count)) / Math.Max(1, Count - 1)), 2, MidpointRounding.AwayFromZero);

        public void Add(double value)
        {
            Count++;
            _sum += value;
            _squares += value * value;
        }
    }

    private sealed record PoolFigures(
        double Ready, double Kv, double KvDeviation, double Waiting, double WaitingDeviation, double Running, double RunningDeviation);
}
