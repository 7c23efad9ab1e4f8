using System.Text;
using Epp.Native.FlowControl;

namespace Epp.Native.Tests.FlowControl;

/// <summary>Flow control as its specification reads, over one list: the model that the controller must equal.</summary>
internal sealed class NaiveFlowControl(FlowSettings settings, Func<double, IReadOnlyList<int>, IReadOnlyList<double>> ceilings)
{
    private readonly List<Waiting> _waiting = [];
    private readonly Dictionary<int, byte[]> _servedLast = [];
    private readonly SortedDictionary<int, (BandSettings Band, bool Configured)> _bands = new(settings.Bands.Append(settings.DefaultBand.Of(0))
        .DistinctBy(b => b.Priority).ToDictionary(b => b.Priority, b => (b, true)));
    private bool _empty;
    private long _changedMs;
    private int _arrivals;

    public int Count => _waiting.Count;

    public long Bytes => _waiting.Sum(w => w.Item.SizeBytes);

    public IEnumerable<int> Bands => _bands.Keys.Reverse();

    public FlowOutcome Enqueue(FlowItem item, long nowMs, bool empty)
    {
        See(empty, nowMs);
        var band = _bands.ContainsKey(item.Priority) ? item.Priority : 0;
        var inBand = _waiting.Where(w => w.Band == band).ToList();
        var full = (settings.MaxRequests > 0 && Count + 1 > settings.MaxRequests)
            || (settings.MaxBytes > 0 && Bytes + item.SizeBytes > settings.MaxBytes)
            || inBand.Count + 1 > _bands[band].Band.MaxRequests
            || inBand.Sum(w => w.Item.SizeBytes) + item.SizeBytes > _bands[band].Band.MaxBytes;
        if (full)
        {
            return empty ? FlowOutcome.RejectedNoEndpoints : FlowOutcome.RejectedCapacity;
        }

        _waiting.Add(new Waiting(item, band, nowMs, _arrivals++));
        return FlowOutcome.NotYetFinalized;
    }

    public FlowItem? Dispatch(long nowMs, double saturation, bool empty, out int? blocked)
    {
        See(empty, nowMs);
        blocked = null;
        if (empty || _waiting.Count == 0)
        {
            return null;
        }

        var priorities = Bands.ToList();
        var limits = ceilings(saturation, priorities);
        var (priority, limit) = priorities.Zip(limits).First(p => _waiting.Any(w => w.Band == p.First));
        if (saturation >= limit)
        {
            blocked = priority;
            return null;
        }

        var band = _bands[priority].Band;
        var flows = _waiting.Where(w => w.Band == priority).GroupBy(w => Encoding.UTF8.GetString(w.Item.FairnessId)).Select(g => g.OrderBy(w => Rank(w, band)).First());
        var picked = band.Fairness == FlowFairness.RoundRobin ? Next(flows, priority) : flows.OrderBy(w => Rank(w, band)).First();
        _servedLast[priority] = picked.Item.FairnessId.ToArray();
        _waiting.Remove(picked);
        return picked.Item;
    }

    public bool Cancel(FlowItem item) => _waiting.RemoveAll(w => w.Item == item) == 1;

    public HashSet<FlowItem> Expire(long nowMs, bool empty)
    {
        See(empty, nowMs);
        var ttl = empty ? settings.NoEndpointTtlMs : settings.TtlMs;
        var expired = _waiting.Where(w => ttl > 0 && nowMs - Math.Max(w.AtMs, _changedMs) >= ttl).ToList();
        expired.ForEach(w => _waiting.Remove(w));
        return [.. expired.Select(w => w.Item)];
    }

    public void Provision(int[] wanted)
    {
        foreach (var gone in _bands.Where(b => !b.Value.Configured && !wanted.Contains(b.Key) && _waiting.TrueForAll(w => w.Band != b.Key)).ToList())
        {
            _bands.Remove(gone.Key);
            _servedLast.Remove(gone.Key);
        }

        foreach (var priority in wanted)
        {
            _bands.TryAdd(priority, ((priority < 0 ? settings.NegativeBand : settings.DefaultBand).Of(priority), false));
        }
    }

    private static (long, long, int) Rank(Waiting w, BandSettings band) => band.Ordering switch
    {
        FlowOrdering.SloDeadline => (w.Item.SloMs < 0 ? long.MaxValue : w.Item.ReceivedMs + w.Item.SloMs, w.Item.ReceivedMs, w.Arrival),
        // One time to live holds for all: the earliest deadline is the earliest arrival.
        _ => (w.AtMs, 0, w.Arrival),
    };

    private Waiting Next(IEnumerable<Waiting> flows, int priority)
    {
        var sorted = flows.OrderBy(w => w.Item.FairnessId.ToArray(), Comparer<byte[]>.Create((a, b) => a.AsSpan().SequenceCompareTo(b))).ToList();
        var after = _servedLast.TryGetValue(priority, out var last) ? sorted.Find(w => w.Item.FairnessId.SequenceCompareTo(last) > 0) : null;
        return after ?? sorted[0];
    }

    private void See(bool empty, long nowMs)
    {
        if (empty != _empty)
        {
            (_empty, _changedMs) = (empty, nowMs);
        }
    }

    private sealed record Waiting(FlowItem Item, int Band, long AtMs, int Arrival);
}
