namespace Epp.Native.FlowControl;

/// <summary>
/// How many requests in flight a blocked band may evict now (plugins §12.2): as many as bring the saturation below its ceiling, at most
/// two, and none before the last victims have ended and their end had time to show in the saturation. Not thread-safe.
/// </summary>
/// <param name="graceMs">From the last confirmed end to the next decision.</param>
public sealed class EvictionPacer(long graceMs)
{
    /// <summary>Victims of one decision.</summary>
    public const int MostVictims = 2;

    /// <summary>After which a victim's end is no longer waited for.</summary>
    public const long ConfirmTimeoutMs = 10_000;

    private int _pending;
    private double _share;
    private long _issuedMs;
    private long _quietUntilMs;

    /// <summary>Victims whose end is not confirmed.</summary>
    public int Pending => _pending;

    /// <summary>What these would take from the saturation.</summary>
    public double PendingReclaim { get; private set; }

    /// <summary>How much the latest decision had to take from the saturation.</summary>
    public double ReclaimTarget { get; private set; }

    /// <summary>Victims wanted now.</summary>
    /// <param name="nowMs">Monotonic milliseconds.</param>
    /// <param name="saturation">Of the pool.</param>
    /// <param name="ceiling">Of the blocked band.</param>
    /// <param name="inflight">Requests in flight of the whole pool.</param>
    public int Victims(long nowMs, double saturation, double ceiling, int inflight)
    {
        if (inflight <= 0 || nowMs < _quietUntilMs || (_pending > 0 && nowMs - _issuedMs < ConfirmTimeoutMs))
        {
            return 0;
        }

        // One request's share of the saturation, where all weigh the same.
        _share = saturation / inflight;
        PendingReclaim = _pending * _share;
        ReclaimTarget = Math.Max(0, saturation - ceiling);
        var wanted = Math.Ceiling((ReclaimTarget - PendingReclaim) / _share);
        return (int)Math.Min(MostVictims, Math.Max(1, double.IsNaN(wanted) ? 1 : wanted));
    }

    /// <summary>Victims were told to end.</summary>
    public void Issued(int victims, long nowMs)
    {
        _pending += victims;
        PendingReclaim = _pending * _share;
        _issuedMs = nowMs;
    }

    /// <summary>One of them has ended.</summary>
    public void Confirmed(long nowMs)
    {
        if (_pending > 0 && --_pending == 0)
        {
            _quietUntilMs = nowMs + graceMs;
        }

        PendingReclaim = _pending * _share;
    }
}
