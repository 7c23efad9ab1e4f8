namespace Epp.Native.Scheduling.Saturation;

/// <summary>
/// Load by this process's own count of requests in flight: their sum over <c>candidates · limit</c>. As a filter it keeps endpoints below
/// the limit times (1 + headroom), rounded down, and may leave none. Needs no metrics of the engine; replicas do not see each other.
/// </summary>
/// <param name="name">Plugin name.</param>
/// <param name="maxConcurrency">Requests per endpoint, &gt; 0; the references' default 100.</param>
/// <param name="headroom">≥ 0; default 0.</param>
public sealed class ConcurrencyDetector(string name, int maxConcurrency = 100, double headroom = 0) : ISaturationDetector, IFilter
{
    public const string PluginType = "concurrency-detector";

    public string Name => name;

    public string Type => PluginType;

    public SaturationReading Saturation(RoutingRequest request, in Candidates candidates)
    {
        if (candidates.Count == 0)
        {
            return new SaturationReading(1, -1);
        }

        var inflight = (long)request.DispatchedRequests;
        foreach (var slot in candidates.Indexes)
        {
            inflight += candidates.Pool[slot].InflightRequests;
        }

        return new SaturationReading(inflight / ((double)candidates.Count * maxConcurrency), -1);
    }

    public int Filter(RoutingRequest request, in Candidates candidates, Span<ushort> kept)
    {
        var limit = Math.Truncate(maxConcurrency * (1 + headroom));
        var count = 0;
        foreach (var slot in candidates.Indexes)
        {
            if (candidates.Pool[slot].InflightRequests < limit)
            {
                kept[count++] = slot;
            }
        }

        return count;
    }
}
