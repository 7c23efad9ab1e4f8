namespace Epp.Aot.Kubernetes;

/// <summary>Waits between attempts: doubling from 100 ms, shortened by chance so that replicas spread, never above the cap. Not thread-safe.</summary>
internal sealed class Backoff(Random random, TimeSpan cap)
{
    private static readonly TimeSpan First = TimeSpan.FromMilliseconds(100);

    private int _failures;

    public void Reset() => _failures = 0;

    /// <summary>How long after the start of the failed attempt the next one begins: between half and all of the doubled time.</summary>
    public TimeSpan Next()
    {
        var ceiling = Math.Min(cap.TotalMilliseconds, First.TotalMilliseconds * Math.Pow(2, Math.Min(_failures++, 20)));
        return TimeSpan.FromMilliseconds(ceiling * (0.5 + (random.NextDouble() / 2)));
    }
}
