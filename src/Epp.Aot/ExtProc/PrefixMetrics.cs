using Epp.Aot.Telemetry;
using Epp.Native.Scheduling;

namespace Epp.Aot.ExtProc;

/// <summary>Hands each pick's prefix match to <c>prefix_indexer_*</c>: the picked endpoint's share and bytes, as the references count.</summary>
internal sealed class PrefixMetrics
{
    /// <summary>Bytes of one token in the references' estimate.</summary>
    private const int BytesPerToken = 4;

    private readonly PrefixSeries[] _series;

    public PrefixMetrics(Scheduler scheduler, EppMetrics metrics)
    {
        _series = [.. scheduler.Producers.Select(p => metrics.PrefixIndexer(p.Type, p.Name))];
        for (var i = 0; i < _series.Length; i++)
        {
            var producer = scheduler.Producers[i];
            _series[i].Size = () => producer.Blocks;
        }
    }

    public void Observe(RoutingRequest routing)
    {
        for (var i = 0; i < _series.Length; i++)
        {
            var match = routing.PrefixMatches[i];
            if (match.TotalBlocks > 0)
            {
                var blocks = match.MatchBlocks[routing.Picked[0]!.Index.Value];
                _series[i].Observe((double)blocks / match.TotalBlocks, (double)blocks * match.BlockTokens * BytesPerToken);
            }
        }
    }
}
