using System.Collections.Concurrent;

namespace Epp.Native.Memory;

/// <summary>
/// Byte arrays of one size that go round between streams. The shared array pool keeps 32 arrays a core and lets the rest become garbage:
/// 16 bodies of 450 KB in flight then allocate 85 MB a second. Thread-safe; at most <paramref name="maxKept"/> arrays rest here.
/// </summary>
internal sealed class SegmentPool(int bytes, int maxKept)
{
    private readonly ConcurrentQueue<byte[]> _idle = new();
    private int _kept;

    /// <summary>Bytes of every array.</summary>
    public int SegmentBytes => bytes;

    /// <summary>An array with old bytes in it.</summary>
    public byte[] Rent()
    {
        if (!_idle.TryDequeue(out var segment))
        {
            return GC.AllocateUninitializedArray<byte>(bytes);
        }

        Interlocked.Decrement(ref _kept);
        return segment;
    }

    /// <summary>Gives an array back; it must not be used afterwards.</summary>
    public void Return(byte[] segment)
    {
        if (Interlocked.Increment(ref _kept) <= maxKept)
        {
            _idle.Enqueue(segment);
        }
        else
        {
            Interlocked.Decrement(ref _kept);
        }
    }
}
