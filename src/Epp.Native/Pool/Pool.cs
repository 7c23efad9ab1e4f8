namespace Epp.Native.Pool;

/// <summary>
/// The endpoints one EPP routes over. <see cref="Current"/> is one volatile load; publishes and metric updates are serialised by a gate
/// that the request path never takes.
/// </summary>
public sealed class Pool
{
    /// <summary>Upper limit of endpoints in one pool.</summary>
    public const int MaxEndpoints = 16384;

    private const int InitialCapacity = 16;

    private readonly Lock _gate = new();
    private PoolSnapshot _current = new(new Endpoint?[InitialCapacity], [], new EndpointColumns(InitialCapacity), 0);

    /// <summary>The pool now.</summary>
    public PoolSnapshot Current => Volatile.Read(ref _current);

    /// <summary>True once a source has published, even an empty pool.</summary>
    public bool HasSynced => Current.Generation > 0;

    /// <summary>Called with each endpoint that leaves, after the snapshot without it is visible and before its slot can be used again.</summary>
    public event Action<Endpoint>? Removed;

    /// <summary>Called after each publish with the new snapshot.</summary>
    public event Action<PoolSnapshot>? Published;

    /// <summary>
    /// Replaces the pool's members. An endpoint equal to a present one (<see cref="Endpoint.SameAs"/>) keeps its object, slot, counters
    /// and metrics; one that differs in its labels only takes over slot, counters and metrics, and with the slot its prefix history. Surplus members beyond <see cref="MaxEndpoints"/> are dropped; the return value counts them.
    /// </summary>
    public int Publish(IReadOnlyList<Endpoint> members)
    {
        lock (_gate)
        {
            var old = _current;
            var dropped = Math.Max(0, members.Count - MaxEndpoints);
            var known = new Dictionary<(string, string), Endpoint>(old.Count);
            foreach (var i in old.Indexes)
            {
                known[(old[i].Namespace, old[i].Name)] = old[i];
            }

            var kept = new List<Endpoint>();
            var joining = new List<Endpoint>();
            for (var m = 0; m < members.Count - dropped; m++)
            {
                var member = members[m];
                if (known.TryGetValue((member.Namespace, member.Name), out var present) && present.SameAs(member))
                {
                    kept.Add(present);
                    known.Remove((member.Namespace, member.Name));
                }
                else if (present is not null && present.IsRelabelled(member))
                {
                    member.Continue(present);
                    kept.Add(member);
                    known.Remove((member.Namespace, member.Name));
                }
                else
                {
                    joining.Add(member);
                }
            }

            var leaving = known.Values.ToList();
            // A listener (prefix history) must forget a slot before another endpoint gets it, and nobody may see a pool without the
            // newcomers: they take slots that were free before. Only a turnover too large for that has a moment without them.
            var together = old.Count + joining.Count <= MaxEndpoints;
            Volatile.Write(ref _current, Build(kept, together ? joining : [], old));
            foreach (var endpoint in leaving)
            {
                Reset(_current.Columns, endpoint.Index.Value);
                Removed?.Invoke(endpoint);
            }

            if (!together)
            {
                Volatile.Write(ref _current, Build(kept, joining, _current));
            }

            Published?.Invoke(_current);
            return dropped;
        }
    }

    /// <summary>Stores what a good scrape found; ignored when the endpoint has left the pool.</summary>
    /// <param name="endpoint">A member.</param>
    /// <param name="metrics">Fields not reported keep their last value.</param>
    /// <param name="nowMs">Monotonic milliseconds, &gt; 0.</param>
    public void Update(Endpoint endpoint, in EndpointMetrics metrics, long nowMs)
    {
        lock (_gate)
        {
            var i = endpoint.Index.Value;
            if (_current.ByIndex[i] != endpoint)
            {
                return;
            }

            var columns = _current.Columns;
            columns.Waiting[i] = double.IsNaN(metrics.Waiting) ? columns.Waiting[i] : metrics.Waiting;
            columns.Running[i] = double.IsNaN(metrics.Running) ? columns.Running[i] : metrics.Running;
            columns.KvUsage[i] = double.IsNaN(metrics.KvUsage) ? columns.KvUsage[i] : metrics.KvUsage;
            columns.CacheBlockTokens[i] = metrics.CacheBlockTokens > 0 ? metrics.CacheBlockTokens : columns.CacheBlockTokens[i];
            columns.CacheBlocks[i] = metrics.CacheBlocks > 0 ? metrics.CacheBlocks : columns.CacheBlocks[i];
            columns.Lora[i] = metrics.Lora ?? columns.Lora[i];
            columns.UpdatedMs[i] = nowMs;
            columns.Live[i] = true;
        }
    }

    /// <summary>Marks an endpoint whose scrape failed: its last values stay, it ranks behind the live ones.</summary>
    public void MarkFailed(Endpoint endpoint)
    {
        lock (_gate)
        {
            if (_current.ByIndex[endpoint.Index.Value] == endpoint)
            {
                _current.Columns.Live[endpoint.Index.Value] = false;
            }
        }
    }

    private static PoolSnapshot Build(List<Endpoint> kept, List<Endpoint> joining, PoolSnapshot old)
    {
        var count = kept.Count + joining.Count;
        var capacity = old.Columns.Capacity;
        while (capacity < old.Count + joining.Count)
        {
            capacity = Math.Min(capacity * 2, MaxEndpoints);
        }

        var columns = capacity == old.Columns.Capacity ? old.Columns : Grow(old.Columns, capacity);
        var byIndex = new Endpoint?[capacity];
        foreach (var endpoint in kept)
        {
            byIndex[endpoint.Index.Value] = endpoint;
        }

        var slot = 0;
        foreach (var endpoint in joining)
        {
            while (byIndex[slot] is not null || (slot < old.ByIndex.Length && old.ByIndex[slot] is not null))
            {
                slot++;
            }

            endpoint.Index = new EndpointIndex((ushort)slot);
            Reset(columns, slot);
            byIndex[slot] = endpoint;
        }

        var indexes = new ushort[count];
        var n = 0;
        for (var i = 0; i < capacity; i++)
        {
            if (byIndex[i] is not null)
            {
                indexes[n++] = (ushort)i;
            }
        }

        return new PoolSnapshot(byIndex, indexes, columns, old.Generation + 1);
    }

    private static void Reset(EndpointColumns columns, int i)
    {
        columns.Waiting[i] = 0;
        columns.Running[i] = 0;
        columns.KvUsage[i] = double.NaN;
        columns.UpdatedMs[i] = 0;
        columns.Live[i] = false;
        columns.CacheBlockTokens[i] = 0;
        columns.CacheBlocks[i] = 0;
        columns.Lora[i] = null;
    }

    private static EndpointColumns Grow(EndpointColumns old, int capacity)
    {
        var next = new EndpointColumns(capacity);
        Array.Copy(old.Waiting, next.Waiting, old.Capacity);
        Array.Copy(old.Running, next.Running, old.Capacity);
        Array.Copy(old.KvUsage, next.KvUsage, old.Capacity);
        Array.Copy(old.UpdatedMs, next.UpdatedMs, old.Capacity);
        Array.Copy(old.Live, next.Live, old.Capacity);
        Array.Copy(old.CacheBlockTokens, next.CacheBlockTokens, old.Capacity);
        Array.Copy(old.CacheBlocks, next.CacheBlocks, old.Capacity);
        Array.Copy(old.Lora, next.Lora, old.Capacity);
        return next;
    }
}
