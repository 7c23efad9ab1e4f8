using Epp.Aot.Telemetry;
using Epp.Native.Memory;

namespace Epp.Aot.Hosting;

/// <summary>
/// Gives memory back after a peak. Idle body segments are trimmed at every tick; once no stream is open and much was allocated or
/// trimmed, one full collection returns the rest to the system. The collector alone never does: an idle process allocates nothing that
/// would start it.
/// </summary>
internal sealed class Housekeeping : IDisposable
{
    /// <summary>Period of the ticks.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    private const long WorthCollecting = 16 << 20;

    private readonly StreamSeries _streams;
    private readonly ITimer _timer;
    private long _collectedAt;
    private long _trimmed;

    /// <param name="streams">Says whether a stream is open.</param>
    /// <param name="time">Clock of the timer.</param>
    public Housekeeping(StreamSeries streams, TimeProvider time)
    {
        _streams = streams;
        _timer = time.CreateTimer(static self => ((Housekeeping)self!).Tick(), this, Interval, Interval);
    }

    public void Dispose() => _timer.Dispose();

    private void Tick()
    {
        _trimmed += BodyBuffer.TrimIdleMemory();
        var allocated = GC.GetTotalAllocatedBytes();
        if (_streams.Open == 0 && (allocated - _collectedAt) + _trimmed >= WorthCollecting)
        {
            _collectedAt = allocated;
            _trimmed = 0;
            GC.Collect(2, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        }
    }
}
