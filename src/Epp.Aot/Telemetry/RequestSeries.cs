using System.Globalization;

namespace Epp.Aot.Telemetry;

/// <summary>
/// Every request instrument of one label set (model, target model, fairness id, priority). Recorded once here; the deprecated families are
/// sums over these series, formed when somebody reads them. Lock-free; no allocation after the first observation of each kind.
/// </summary>
public sealed class RequestSeries
{
    /// <summary>Error codes are a closed set of about a dozen; the limit guards against a caller that passes free text.</summary>
    private const int MaxErrorCodes = 32;

    private long _requests;
    private long _running;
    private int _runningSeen;
    private ErrorNode? _errors;
    private Histogram? _requestBytes;
    private Histogram? _responseBytes;
    private Histogram? _duration;
    private Histogram? _inputTokens;
    private Histogram? _outputTokens;
    private Histogram? _cachedTokens;
    private Histogram? _perToken;
    private Histogram? _firstToken;
    private Histogram? _firstTokenStreaming;
    private Histogram? _streamingPerToken;
    private Histogram? _interToken;
    private FlowSeries? _flow;

    internal RequestSeries(string model, string target, string fairnessId, int priority)
    {
        Model = model;
        Target = target;
        FairnessId = fairnessId;
        Priority = priority.ToString(CultureInfo.InvariantCulture);
    }

    internal string Model { get; }

    internal string Target { get; }

    internal string FairnessId { get; }

    internal string Priority { get; }

    /// <summary>Its instruments of flow control.</summary>
    public FlowSeries Flow => KnownFlow ?? Interlocked.CompareExchange(ref _flow, new FlowSeries(), null) ?? _flow!;

    /// <summary>The same, null before the first request that flow control saw.</summary>
    internal FlowSeries? KnownFlow => Volatile.Read(ref _flow);

    internal long Requests => Volatile.Read(ref _requests);

    /// <summary>Null until the first request ran: the reference shows no gauge before.</summary>
    internal long? RunningNow => Volatile.Read(ref _runningSeen) == 0 ? null : Volatile.Read(ref _running);

    internal Histogram? RequestBytes => Volatile.Read(ref _requestBytes);

    internal Histogram? ResponseBytes => Volatile.Read(ref _responseBytes);

    internal Histogram? Duration => Volatile.Read(ref _duration);

    internal Histogram? InputTokens => Volatile.Read(ref _inputTokens);

    internal Histogram? OutputTokens => Volatile.Read(ref _outputTokens);

    internal Histogram? CachedTokens => Volatile.Read(ref _cachedTokens);

    internal Histogram? PerToken => Volatile.Read(ref _perToken);

    internal Histogram? StreamingPerToken => Volatile.Read(ref _streamingPerToken);

    internal Histogram? InterToken => Volatile.Read(ref _interToken);

    /// <summary>A request was scheduled (end of its body).</summary>
    /// <param name="requestBytes">Bytes of the request body.</param>
    public void Picked(long requestBytes)
    {
        Interlocked.Increment(ref _requests);
        Of(ref _requestBytes, Buckets.RequestBytes).Observe(requestBytes);
    }

    /// <summary>+1 after the body was handed on, −1 when that stream ended; requests without body do neither.</summary>
    public void Running(int change)
    {
        Volatile.Write(ref _runningSeen, 1);
        Interlocked.Add(ref _running, change);
    }

    /// <summary>The stream ended in an error; at most one call per stream.</summary>
    /// <param name="code"><c>ModelServerError</c> or a canonical error code; a constant, not client text.</param>
    public void Error(string code)
    {
        var codes = 0;
        var head = Volatile.Read(ref _errors);
        for (var node = head; node is not null; node = node.Next, codes++)
        {
            if (node.Code == code)
            {
                node.Count.Add();
                return;
            }
        }

        if (codes >= MaxErrorCodes)
        {
            head!.Count.Add();
            return;
        }

        var added = new ErrorNode(code, new Counter(), head);
        if (Interlocked.CompareExchange(ref _errors, added, head) != head)
        {
            Error(code);
            return;
        }

        added.Count.Add();
    }

    /// <summary>The response ended. Counts nothing where its duration is not positive (contract §7.3).</summary>
    /// <param name="seconds">From request received to response complete.</param>
    /// <param name="responseBytes">Bytes of the response body.</param>
    /// <param name="inputTokens">0 = not reported.</param>
    /// <param name="outputTokens">0 = not reported.</param>
    /// <param name="cachedTokens">Negative = not reported; 0 counts.</param>
    public void Completed(double seconds, long responseBytes, long inputTokens, long outputTokens, long cachedTokens)
    {
        Of(ref _responseBytes, Buckets.ResponseBytes).Observe(responseBytes);
        if (seconds > 0)
        {
            Of(ref _duration, Buckets.Latency).Observe(seconds);
        }

        if (inputTokens > 0)
        {
            Of(ref _inputTokens, Buckets.InputTokens).Observe(inputTokens);
        }

        if (outputTokens > 0)
        {
            Of(ref _outputTokens, Buckets.OutputTokens).Observe(outputTokens);
            if (seconds > 0)
            {
                Of(ref _perToken, Buckets.TimePerToken).Observe(seconds / outputTokens);
            }
        }

        if (cachedTokens >= 0)
        {
            Of(ref _cachedTokens, Buckets.InputTokens).Observe(cachedTokens);
        }
    }

    /// <summary>The first byte of the response body arrived; for a response that is no stream this is its whole duration.</summary>
    public void FirstToken(double seconds, bool streaming)
    {
        if (seconds > 0)
        {
            (streaming ? Of(ref _firstTokenStreaming, Buckets.FirstToken) : Of(ref _firstToken, Buckets.FirstToken)).Observe(seconds);
        }
    }

    /// <summary>(duration − time to first token) / (output tokens − 1) of a streamed response.</summary>
    public void StreamingTpot(double seconds) => Of(ref _streamingPerToken, Buckets.StreamingTimePerToken).Observe(seconds);

    /// <summary>Time between two response body chunks of a stream.</summary>
    public void StreamingItl(double seconds) => Of(ref _interToken, Buckets.InterToken).Observe(seconds);

    internal Histogram? FirstTokens(bool streaming) => streaming ? Volatile.Read(ref _firstTokenStreaming) : Volatile.Read(ref _firstToken);

    internal IEnumerable<(string Code, long Count)> Errors()
    {
        for (var node = Volatile.Read(ref _errors); node is not null; node = node.Next)
        {
            yield return (node.Code, node.Count.Value);
        }
    }

    private static Histogram Of(ref Histogram? slot, double[] buckets)
    {
        if (Volatile.Read(ref slot) is { } present)
        {
            return present;
        }

        var added = new Histogram(buckets);
        return Interlocked.CompareExchange(ref slot, added, null) ?? added;
    }

    private sealed record ErrorNode(string Code, Counter Count, ErrorNode? Next);
}
