namespace Epp.Aot.ExtProc;

/// <summary>Bytes of request bodies held by all streams together, against a hard limit. Thread-safe.</summary>
internal sealed class BodyBudget(long maxBytes)
{
    private long _used;

    /// <summary>Bytes held now.</summary>
    public long UsedBytes => Volatile.Read(ref _used);

    public long MaxBytes => maxBytes;

    /// <summary>Takes <paramref name="bytes"/>; false, and nothing taken, when the limit would be passed.</summary>
    public bool TryTake(int bytes)
    {
        if (Interlocked.Add(ref _used, bytes) <= maxBytes)
        {
            return true;
        }

        Interlocked.Add(ref _used, -bytes);
        return false;
    }

    public void Return(int bytes) => Interlocked.Add(ref _used, -bytes);
}
