namespace Epp.Aot.Telemetry;

/// <summary>ext_proc streams: open now, ended by gRPC status, seconds open. Lock-free; safe to share.</summary>
public sealed class StreamSeries
{
    /// <summary>gRPC status names by code, as the reference labels them.</summary>
    private static readonly string[] Codes =
    [
        "OK", "Canceled", "Unknown", "InvalidArgument", "DeadlineExceeded", "NotFound", "AlreadyExists", "PermissionDenied", "ResourceExhausted",
        "FailedPrecondition", "Aborted", "OutOfRange", "Unimplemented", "Internal", "Unavailable", "DataLoss", "Unauthenticated",
    ];

    private readonly Counter[] _ended = [.. Codes.Select(_ => new Counter())];
    private long _open;

    internal long Open => Volatile.Read(ref _open);

    internal Histogram Seconds { get; } = new(Buckets.StreamSeconds);

    public void Opened() => Interlocked.Increment(ref _open);

    /// <summary>Ends what <see cref="Opened"/> began.</summary>
    /// <param name="seconds">How long the stream was open.</param>
    /// <param name="status">gRPC status code; values outside 0 … 16 count as Unknown.</param>
    public void Ended(double seconds, int status)
    {
        Interlocked.Decrement(ref _open);
        _ended[(uint)status < (uint)_ended.Length ? status : 2].Add();
        Seconds.Observe(seconds);
    }

    internal IEnumerable<(string Code, long Count)> Ends()
    {
        for (var i = 0; i < Codes.Length; i++)
        {
            if (_ended[i].Value is > 0 and var count)
            {
                yield return (Codes[i], count);
            }
        }
    }
}
