using Epp.Aot.Telemetry;
using Epp.Native.Pool;

namespace Epp.Aot.Tracing;

/// <summary>The span <c>gateway.request</c> of one sampled exchange. Reused; written by the stream, then read by the exporter.</summary>
internal sealed class TraceSpan
{
    private readonly byte[] _requestId = new byte[64];
    private int _requestIdBytes;

    public TraceParent Context { get; private set; }

    /// <summary>The client's span; 0 = none.</summary>
    public ulong Parent { get; private set; }

    public ulong StartUnixNanoseconds { get; private set; }

    public ulong EndUnixNanoseconds { get; private set; }

    public long StartTimestamp { get; private set; }

    public RequestSeries? Series { get; private set; }

    public Endpoint? Endpoint { get; private set; }

    public bool Streaming { get; private set; }

    /// <summary>HTTP status of a refusal; 0 = none.</summary>
    public int RefusedWith { get; private set; }

    /// <summary>Canonical code of a refusal; empty = none.</summary>
    public string ErrorCode { get; private set; } = "";

    public ReadOnlySpan<byte> RequestId => _requestId.AsSpan(0, _requestIdBytes);

    public void Begin(in TraceParent context, ulong parent, ulong unixNanoseconds, long timestamp, ReadOnlySpan<byte> requestId)
    {
        Context = context;
        Parent = parent;
        StartUnixNanoseconds = unixNanoseconds;
        EndUnixNanoseconds = 0;
        StartTimestamp = timestamp;
        Series = null;
        Endpoint = null;
        Streaming = false;
        RefusedWith = 0;
        ErrorCode = "";
        _requestIdBytes = Math.Min(requestId.Length, _requestId.Length);
        requestId[.._requestIdBytes].CopyTo(_requestId);
    }

    /// <summary>An endpoint was picked.</summary>
    public void Picked(RequestSeries series, Endpoint? endpoint, bool streaming)
    {
        Series = series;
        Endpoint = endpoint;
        Streaming = streaming;
    }

    /// <summary>The request was refused.</summary>
    public void Refused(RequestSeries series, int status, string code)
    {
        Series = series;
        RefusedWith = status;
        ErrorCode = code;
    }

    public void End(TimeSpan duration) => EndUnixNanoseconds = StartUnixNanoseconds + (ulong)Math.Max(0, duration.Ticks * 100);
}
