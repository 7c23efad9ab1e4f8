namespace Epp.Aot.Telemetry;

/// <summary>Watches of the Kubernetes API and leader election; empty where neither runs.</summary>
public sealed partial class EppMetrics
{
    private WatchSeries[] _watches = [];

    /// <summary>Asked when the exposition is written: does this replica lead; null = no leader election.</summary>
    public Func<bool>? IsLeader { get; set; }

    /// <summary>The instruments of the watch of one kind. Resolve once, at start.</summary>
    public WatchSeries Watch(string resource)
    {
        lock (_gate)
        {
            foreach (var known in _watches)
            {
                if (known.Resource == resource)
                {
                    return known;
                }
            }

            var added = new WatchSeries(resource);
            Volatile.Write(ref _watches, [.. _watches, added]);
            return added;
        }
    }

    private MetricFamily[] KubernetesFamilies()
    {
        return
        [
            new("epp_kubernetes_watch_up", MetricKind.Gauge,
                "1 while the watch of this kind is open; 0 while it is broken and its last known objects stay in force.", ["resource"],
                s => EachWatch(w => { if (w.Up is { } up) { s.Add(up ? 1 : 0, w.Resource); } })),
            new("epp_kubernetes_watch_failures_total", MetricKind.Counter,
                "Attempts to list or watch this kind that failed.", ["resource"], s => EachWatch(w => s.Add(w.Failures.Value, w.Resource))),
            new("epp_leader", MetricKind.Gauge, "1 while this replica holds the lease; absent without leader election.", [],
                s => { if (IsLeader is { } leads) { s.Add(leads() ? 1 : 0); } }),
        ];
    }

    private void EachWatch(Action<WatchSeries> collect)
    {
        foreach (var watch in Volatile.Read(ref _watches))
        {
            collect(watch);
        }
    }
}
