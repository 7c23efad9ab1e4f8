using Epp.Native.Pool;
using Epp.Native.Scheduling;
using Epp.Native.Scheduling.Filters;
using Epp.Native.Scheduling.Saturation;

namespace Epp.Native.FlowControl;

/// <summary>
/// The saturation that gates dispatch (plugins §12.2): of the endpoints that prefill and of those that decode, by their role label, the
/// higher of the two. Interleaved roles count in both, endpoints without a role decode, encoders and unknown roles count in none; where
/// neither stage has an endpoint the whole pool counts. Not thread-safe.
/// </summary>
public sealed class PoolStages
{
    private readonly RoutingRequest _request = new();
    private PoolSnapshot? _of;
    private ushort[] _prefill = [];
    private ushort[] _decode = [];

    /// <summary>Of the prefill stage at the latest reading; NaN = the stage has no endpoint.</summary>
    public double Prefill { get; private set; } = double.NaN;

    /// <summary>Of the decode stage; NaN = it has no endpoint.</summary>
    public double Decode { get; private set; } = double.NaN;

    /// <summary>Endpoints without fresh metrics, of the stage looked at last; −1 = the detector does not look.</summary>
    public int StaleEndpoints { get; private set; } = -1;

    /// <summary>Reads the saturation of the pool.</summary>
    /// <param name="pool">The snapshot.</param>
    /// <param name="detector">Rates each stage.</param>
    /// <param name="nowMs">Monotonic milliseconds.</param>
    /// <param name="dispatched">Requests whose turn has come and that no endpoint counts yet.</param>
    public double Read(PoolSnapshot pool, ISaturationDetector detector, long nowMs, int dispatched)
    {
        if (!ReferenceEquals(_of, pool))
        {
            Split(pool);
        }

        _request.NowMs = nowMs;
        _request.DispatchedRequests = dispatched;
        Prefill = _prefill.Length == 0 ? double.NaN : Rate(pool, detector, _prefill);
        Decode = _decode.Length == 0 ? double.NaN : Rate(pool, detector, _decode);
        if (double.IsNaN(Prefill))
        {
            return double.IsNaN(Decode) ? Rate(pool, detector, pool.Indexes) : Decode;
        }

        return double.IsNaN(Decode) ? Prefill : Math.Max(Prefill, Decode);
    }

    private double Rate(PoolSnapshot pool, ISaturationDetector detector, ReadOnlySpan<ushort> stage)
    {
        var reading = detector.Saturation(_request, new Candidates(pool, stage));
        StaleEndpoints = reading.StaleEndpoints;
        return reading.Value;
    }

    private void Split(PoolSnapshot pool)
    {
        var (prefill, prefills) = (new ushort[pool.Count], 0);
        var (decode, decodes) = (new ushort[pool.Count], 0);
        foreach (var slot in pool.Indexes)
        {
            var labels = pool[slot].Labels;
            if (LabelFilter.Prefill[0].Matches(labels))
            {
                prefill[prefills++] = slot;
            }

            if (LabelFilter.Decode[0].Matches(labels))
            {
                decode[decodes++] = slot;
            }
        }

        (_of, _prefill, _decode) = (pool, prefill.AsSpan(0, prefills).ToArray(), decode.AsSpan(0, decodes).ToArray());
    }
}
