using Epp.Native.KvEvents;

namespace Epp.Native.Tests.KvEvents;

[Trait("Category", "Unit")]
public sealed class KvEventFilterTests
{
    private static readonly KvRank Holder = new(1, 2);
    private readonly RecordingSink _seen = new();
    private readonly KvEventFilter _filter;

    public KvEventFilterTests() => _filter = new KvEventFilter(_seen);

    [Fact]
    public void Removed_OfAForeignGroup_IsDropped()
    {
        Store(new KvEventHead(Holder, 1, Group: 0), KvCacheKind.FullAttention);
        Store(new KvEventHead(Holder, 1, Group: 1), KvCacheKind.Other);
        Remove(new KvEventHead(Holder, 2, Group: 1));
        Remove(new KvEventHead(Holder, 2, Group: 0));
        Remove(new KvEventHead(Holder with { DpRank = 3 }, 2, Group: 1));
        Assert.Equal([("stored", 0), ("removed", 0), ("removed", 1)], _seen.Events.Select(static e => (e.Kind, e.Head.Group)));
        Assert.Equal(2, _filter.Dropped);
    }

    [Fact]
    public void Forget_Worker_ForgetsItsGroups()
    {
        Store(new KvEventHead(Holder, 1, Group: 1), KvCacheKind.Other);
        _filter.Forget(Holder.WorkerId);
        Remove(new KvEventHead(Holder, 2, Group: 1));
        Assert.Single(_seen.Events);
    }

    [Theory]
    [InlineData(KvTier.Device, KvLocality.Unsaid, KvResidency.Unsaid, true)]
    [InlineData(KvTier.Disk, KvLocality.Local, KvResidency.Worker, true)]
    [InlineData(KvTier.Unknown, KvLocality.Local, KvResidency.Worker, false)]
    [InlineData(KvTier.Device, KvLocality.Elsewhere, KvResidency.Worker, false)]
    [InlineData(KvTier.Device, KvLocality.Unsaid, KvResidency.CacheOwner, false)]
    public void Events_OfOtherPlaces_AreDropped(KvTier tier, KvLocality locality, KvResidency residency, bool passes)
    {
        var head = new KvEventHead(Holder, 1, tier, residency, -1, locality);
        Store(head, KvCacheKind.Unsaid);
        Remove(head);
        Assert.Equal(passes ? 2 : 0, _seen.Events.Count);
    }

    [Fact]
    public void Cleared_OfTheCacheOwner_IsDropped()
    {
        _filter.Cleared(new KvCleared(new KvEventHead(Holder, 1, Residency: KvResidency.CacheOwner), false));
        _filter.Cleared(new KvCleared(new KvEventHead(Holder, 1), false));
        Assert.Single(_seen.Events);
    }

    private void Store(KvEventHead head, KvCacheKind kind) => _filter.Stored(new KvStored { Head = head, CacheKind = kind, BlockHashes = [1] });

    private void Remove(KvEventHead head) => _filter.Removed(new KvRemoved { Head = head, BlockHashes = [1] });
}
