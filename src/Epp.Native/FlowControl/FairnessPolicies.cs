namespace Epp.Native.FlowControl;

/// <summary>Chooses the flow of a band that is served next (plugins §12.2). One instance for each band.</summary>
internal interface IFairnessPolicy
{
    /// <summary>One of the band's flows, of which there is at least one.</summary>
    FlowQueue Pick(FlowBand band, long nowMs);

    /// <summary>A request of a flow was served.</summary>
    void Served(ReadOnlySpan<byte> fairnessId, double service, long nowMs)
    {
    }
}

/// <summary><c>global-strict-fairness-policy</c>: the best first request of all flows, so a band is one queue.</summary>
internal sealed class GlobalStrictFairness : IFairnessPolicy
{
    public FlowQueue Pick(FlowBand band, long nowMs)
    {
        var flows = band.Flows;
        var best = flows[0];
        foreach (var flow in flows[1..])
        {
            best = flow.Head.IsBefore(best.Head) ? flow : best;
        }

        return best;
    }
}

/// <summary><c>round-robin-fairness-policy</c>: the flow with the next greater id than the one served last, in byte order, around.</summary>
internal sealed class RoundRobinFairness : IFairnessPolicy
{
    private byte[] _last = [];
    private int _lastLength = -1;

    public FlowQueue Pick(FlowBand band, long nowMs)
    {
        FlowQueue? next = null;
        FlowQueue? first = null;
        foreach (var flow in band.Flows)
        {
            if (first is null || flow.Id.SequenceCompareTo(first.Id) < 0)
            {
                first = flow;
            }

            if (_lastLength >= 0 && flow.Id.SequenceCompareTo(_last.AsSpan(0, _lastLength)) > 0 && (next is null || flow.Id.SequenceCompareTo(next.Id) < 0))
            {
                next = flow;
            }
        }

        var picked = next ?? first!;
        if (_last.Length < picked.Id.Length)
        {
            _last = new byte[picked.Id.Length];
        }

        picked.Id.CopyTo(_last);
        _lastLength = picked.Id.Length;
        return picked;
    }
}
