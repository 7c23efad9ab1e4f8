using Epp.Native.Scheduling;

namespace Epp.Aot.KvEvents;

/// <summary>Waits between attempts: doubling from 100 ms, or another first one, to a cap, each shortened by chance to no less than half, so that replicas spread.</summary>
internal struct RetryDelay(ulong seed, TimeSpan cap, TimeSpan first = default)
{
    private readonly double _firstMs = first == default ? 100 : first.TotalMilliseconds;
    private RandomSource _random = new(seed);
    private int _failures;

    public void Reset() => _failures = 0;

    public TimeSpan Next()
    {
        var ceiling = double.Min(cap.TotalMilliseconds, _firstMs * (1L << int.Min(_failures++, 20)));
        return TimeSpan.FromMilliseconds(ceiling * (0.5 + (_random.NextDouble() / 2)));
    }
}
