using Epp.Native.Kernels;

namespace Epp.Native.Tests.Kernels;

/// <summary>What asks for memory changes none: arrays are zeroed, prefetches read nothing, whatever the size and place.</summary>
public sealed class MemoryKernelsTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(100_000)]
    [InlineData((4 << 20) - 1)]
    [InlineData(5_000_001)]
    public void HugePages_Allocate_IsAZeroedArray(int length)
    {
        var array = HugePages.Allocate<byte>(length);
        Assert.Equal(length, array.Length);
        Assert.Equal(-1, array.AsSpan().IndexOfAnyExcept((byte)0));
        array.AsSpan().Fill(1);
    }

    [Fact]
    public void Prefetch_BeforeTheStartOfAnArray_IsHarmless()
    {
        var array = new long[3];
        Prefetch.Before(ref array[0], 1000);
        Prefetch.Before(ref array[2], 0);
        Assert.Equal([0, 0, 0], array);
    }
}
