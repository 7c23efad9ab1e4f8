namespace Epp.Native.KvEvents;

/// <summary>
/// Passes on what a prefix index is about (kv-routing §2.2): blocks of the worker itself, on a known tier, of the groups with full
/// attention. A removal names only its group, so the kind of each group is remembered per holder. Not thread-safe.
/// </summary>
/// <param name="next">Takes what is left.</param>
public sealed class KvEventFilter(IKvEventSink next) : IKvEventSink
{
    /// <summary>Groups remembered at most; a model has a handful, a pool some thousand.</summary>
    private const int MaxGroups = 1 << 16;

    private readonly Dictionary<(KvRank Holder, int Group), bool> _foreignGroups = [];

    /// <summary>Events left out.</summary>
    public long Dropped { get; private set; }

    /// <inheritdoc/>
    public void Stored(in KvStored stored)
    {
        if (stored.CacheKind != KvCacheKind.Unsaid && stored.Head.Group >= 0)
        {
            Remember(stored.Head, stored.CacheKind == KvCacheKind.Other);
        }

        if (stored.CacheKind == KvCacheKind.Other || !Passes(stored.Head))
        {
            Dropped++;
            return;
        }

        next.Stored(stored);
    }

    /// <inheritdoc/>
    public void Removed(in KvRemoved removed)
    {
        if (Passes(removed.Head))
        {
            next.Removed(removed);
            return;
        }

        Dropped++;
    }

    /// <inheritdoc/>
    public void Cleared(in KvCleared cleared)
    {
        if (cleared.Head.Residency == KvResidency.CacheOwner)
        {
            Dropped++;
            return;
        }

        next.Cleared(cleared);
    }

    /// <summary>Forgets the groups of a worker that is gone.</summary>
    public void Forget(ulong workerId)
    {
        foreach (var key in _foreignGroups.Keys)
        {
            if (key.Holder.WorkerId == workerId)
            {
                _foreignGroups.Remove(key);
            }
        }
    }

    private bool Passes(in KvEventHead head) =>
        head.Tier != KvTier.Unknown
        && head.Residency != KvResidency.CacheOwner
        && head.Locality != KvLocality.Elsewhere
        && !(head.Group >= 0 && _foreignGroups.TryGetValue((head.Holder, head.Group), out var foreign) && foreign);

    private void Remember(in KvEventHead head, bool foreign)
    {
        if (_foreignGroups.Count < MaxGroups || _foreignGroups.ContainsKey((head.Holder, head.Group)))
        {
            _foreignGroups[(head.Holder, head.Group)] = foreign;
        }
    }
}
