using System.Globalization;
using System.Text;
using Epp.Aot.Telemetry;
using Epp.Native.Pool;
using Epp.Native.Scheduling;
using Microsoft.Extensions.Logging;

namespace Epp.Aot.ExtProc;

/// <summary>
/// Keeps each pick for the debug page, and writes one line per pick with every score, at debug level only: building it costs more than
/// the pick.
/// </summary>
internal sealed class PickLog(ILogger logger, PickRing? ring = null)
{
    public void Write(RoutingRequest routing, PoolSnapshot pool)
    {
        if (ring is not null)
        {
            ring.Add(routing, routing.Headers is { } all && all.TryGet(WellKnownHeaders.RequestId, out var requestId) ? requestId : default, pool);
        }

        if (!logger.IsEnabled(LogLevel.Debug))
        {
            return;
        }

        var id = routing.Headers is { } headers && headers.TryGet(WellKnownHeaders.RequestId, out var value) ? Encoding.UTF8.GetString(value) : "";
        var scores = new StringBuilder();
        for (var i = 0; i < routing.ScoredCount; i++)
        {
            scores.Append(i == 0 ? "" : " ")
                .Append(pool.ByIndex[routing.ScoredIndexes[i]]?.HostPort)
                .Append('=')
                .Append(routing.ScoredTotals[i].ToString("0.####", CultureInfo.InvariantCulture));
        }

        Log.Picked(logger, id, Encoding.UTF8.GetString(routing.TargetModel), routing.Picked[0]!.HostPort, scores.ToString());
    }
}
