using System.Buffers;
using Epp.Aot.FlowControl;
using Epp.Aot.Telemetry;

namespace Epp.Aot.ExtProc;

/// <content>Eviction of a request in flight by flow control (contract §1.5, §2.6).</content>
internal sealed partial class ExtProcStream
{
    // One reference for all of it: most streams never meet flow control.
    private FlowPart? _flow;

    /// <summary>True once flow control wants this stream to end: <see cref="WriteEviction"/> comes next, then its end with OK.</summary>
    public bool IsEvicted => _flow?.Inflight is { Reason: not EvictionReason.None };

    /// <summary>Lets the stream be evicted.</summary>
    /// <param name="wake">Ends a wait for the next message, from any thread.</param>
    public void AllowEviction(Action wake) => (_flow ??= new FlowPart()).Wake = wake;

    /// <summary>Tells the proxy, unless the response is complete: then there is nothing left to end.</summary>
    public void WriteEviction(IBufferWriter<byte> output)
    {
        if (_response.IsComplete)
        {
            return;
        }

        var dialect = services.Options.Dialect;
        var failure = new RequestFailure(_flow!.Inflight!.Reason == EvictionReason.Priority ? FailureKind.EvictedForPriority : FailureKind.Evicted);
        _series!.Error(failure.Code(dialect));
        _span?.Refused(_series, failure.StatusOf(dialect), failure.Code(dialect));
        _response.Evict();
        failure.Encode(Writer, dialect);
        output.Write(Writer.Written);
        HasOutput = true;
        Log.RequestRejected(services.Logger, failure.StatusOf(dialect), failure.Text(dialect));
        EndInflight(told: true);
    }

    private void TrackInflight(int priority)
    {
        if (_flow is { Wake: { } wake } flow)
        {
            flow.Inflight = services.Inflight!.Track(priority, EppMetrics.MonotonicMs(services.Time), wake);
        }
    }

    private void EndInflight(bool told)
    {
        if (_flow is { Inflight: { } inflight } flow)
        {
            services.Inflight!.End(inflight, told);
            flow.Inflight = told ? inflight : null;
        }
    }

    /// <summary>What only a stream under flow control has.</summary>
    private sealed class FlowPart
    {
        public Action? Wake { get; set; }

        /// <summary>The request in flight; null = it cannot be evicted.</summary>
        public InflightRequest? Inflight { get; set; }

        /// <summary>Cancels the turn when the client goes away.</summary>
        public CancellationTokenRegistration Aborted { get; set; }

        /// <summary>The turn whose response flow control wants to know the cost of; null = it does not.</summary>
        public WaitingRequest? Counted { get; set; }
    }
}
