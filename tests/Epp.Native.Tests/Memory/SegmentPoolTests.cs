using Epp.Native.Memory;

namespace Epp.Native.Tests.Memory;

[Trait("Category", "Unit")]
public sealed class SegmentPoolTests
{
    [Fact]
    public void Rent_AfterReturn_GivesTheSameArray()
    {
        var pool = new SegmentPool(64, 2);
        var first = pool.Rent();
        pool.Return(first);
        Assert.Same(first, pool.Rent());
        Assert.Equal(64, first.Length);
    }

    [Fact]
    public void Return_BeyondTheLimit_IsDropped()
    {
        var pool = new SegmentPool(64, 2);
        for (var i = 0; i < 5; i++)
        {
            pool.Return(new byte[64]);
        }

        Assert.Equal(2, pool.Kept);
    }

    [Fact]
    public void Trim_DropsHalfOfWhatNobodyNeeded()
    {
        var pool = new SegmentPool(64, 100);
        for (var i = 0; i < 16; i++)
        {
            pool.Return(new byte[64]);
        }

        Assert.Equal(0, pool.Trim());
        Assert.Equal(8, pool.Trim());
        var rented = Enumerable.Range(0, 6).Select(_ => pool.Rent()).ToList();
        rented.ForEach(pool.Return);

        // Six of the eight were needed, so half of the other two go.
        Assert.Equal(1, pool.Trim());
        Assert.Equal(7, pool.Kept);
        Assert.Equal(4, pool.Trim());
        Assert.Equal(2, pool.Trim());
        Assert.Equal(1, pool.Trim());
        Assert.Equal(0, pool.Trim());
    }
}
