using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Threading.Channels;
using Epp.Aot.Telemetry;
using Epp.Native.Requests;
using Epp.Native.Scheduling;

namespace Epp.Aot.Tracing;

/// <summary>
/// Decides which exchanges are traced, gives each its ids and hands finished spans to the exporter (contract §2.5, §4.2). Sampling looks at
/// the trace id as every OpenTelemetry SDK does, so that all services keep the same traces. Thread-safe; exists only where tracing is on.
/// </summary>
internal sealed class Tracer
{
    [ThreadStatic]
    private static RandomSource t_random;

    private readonly TraceSettings _settings;
    private readonly EppMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly Channel<TraceSpan> _finished;
    private readonly ConcurrentQueue<TraceSpan> _idle = new();
    private readonly ulong _keepBelow;

    public Tracer(TraceSettings settings, EppMetrics metrics, TimeProvider time)
    {
        _settings = settings;
        _metrics = metrics;
        _time = time;
        _finished = Channel.CreateBounded<TraceSpan>(new BoundedChannelOptions(settings.QueueSpans) { SingleReader = true });
        // A ratio of the 63 bits that the sampler compares; 1 keeps all.
        _keepBelow = settings.Ratio >= 1 ? 1UL << 63 : (ulong)(settings.Ratio * (1UL << 63));
    }

    /// <summary>Finished spans, for the exporter.</summary>
    public ChannelReader<TraceSpan> Finished => _finished.Reader;

    /// <summary>Starts the span of an exchange, null where it is not sampled.</summary>
    /// <param name="headers">The request's.</param>
    /// <param name="outgoing">Gets the header that the worker gets; untouched where the client's says enough.</param>
    public TraceSpan? Begin(HeaderTable headers, TraceHeader outgoing)
    {
        var known = headers.TryGet(TraceHeader.Name, out var text) & TraceParent.TryParse(text, out var parent);
        ref var random = ref Random();
        var (high, low) = known ? (parent.TraceHigh, parent.TraceLow) : (random.Next(), random.Next() | 1);
        var sampled = known && _settings.ParentBased ? parent.Sampled : low >> 1 < _keepBelow;
        if (!sampled && known && !parent.Sampled)
        {
            // The client's header says all there is to say.
            return null;
        }

        var context = new TraceParent(high, low, random.Next() | 1, sampled);
        outgoing.Set(context);
        if (!sampled)
        {
            return null;
        }

        if (!_idle.TryDequeue(out var span))
        {
            span = new TraceSpan();
        }

        headers.TryGet("x-request-id"u8, out var requestId);
        var now = (ulong)(_time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks * 100;
        span.Begin(context, known ? parent.Span : 0, now, _time.GetTimestamp(), requestId);
        return span;
    }

    /// <summary>Ends a span and queues it; a full queue drops it.</summary>
    public void End(TraceSpan? span)
    {
        if (span is null)
        {
            return;
        }

        span.End(_time.GetElapsedTime(span.StartTimestamp));
        if (!_finished.Writer.TryWrite(span))
        {
            _metrics.TraceSpansDropped.Add();
            Return(span);
        }
    }

    /// <summary>Gives a span back for reuse.</summary>
    public void Return(TraceSpan span)
    {
        if (_idle.Count < _settings.QueueSpans)
        {
            _idle.Enqueue(span);
        }
    }

    private static ref RandomSource Random()
    {
        if (!t_random.IsSeeded)
        {
            t_random = new RandomSource(BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(8)));
        }

        return ref t_random;
    }
}
