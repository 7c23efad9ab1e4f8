using System.Buffers;
using Epp.Aot.FlowControl;
using Epp.Aot.Telemetry;

namespace Epp.Aot.ExtProc;

/// <content>Eviction of a request in flight by flow control (contract §1.5, §2.6).</content>
internal sealed partial class ExtProcStream
{
    private InflightRequest? _inflight;

    /// <summary>True once flow control wants this stream to end: <see cref="WriteEviction"/> comes next, then its end with OK.</summary>
    public bool IsEvicted => _inflight is { Reason: not EvictionReason.None };

    /// <summary>Tells the proxy, unless the response is complete: then there is nothing left to end.</summary>
    public void WriteEviction(IBufferWriter<byte> output)
    {
        if (_response.IsComplete)
        {
            return;
        }

        var dialect = services.Options.Dialect;
        var failure = new RequestFailure(_inflight!.Reason == EvictionReason.Priority ? FailureKind.EvictedForPriority : FailureKind.Evicted);
        _series!.Error(failure.Code(dialect));
        _span?.Refused(_series, failure.StatusOf(dialect), failure.Code(dialect));
        _response.Evict();
        failure.Encode(Writer, dialect);
        output.Write(Writer.Written);
        HasOutput = true;
        Log.RequestRejected(services.Logger, failure.StatusOf(dialect), failure.Text(dialect));
        EndInflight(told: true);
    }

    private void EndInflight(bool told)
    {
        if (_inflight is { } inflight)
        {
            services.Inflight!.End(inflight, told);
            _inflight = told ? inflight : null;
        }
    }
}
