using System.Diagnostics;
using Epp.Aot.Telemetry;
using Epp.Native.Scheduling;

namespace Epp.Aot.ExtProc;

/// <summary>Hands the time of each plugin of a decision to <c>plugin_duration_seconds</c>.</summary>
internal sealed class PluginTimes(Scheduler scheduler, EppMetrics metrics)
{
    private static readonly double SecondsPerTick = 1.0 / Stopwatch.Frequency;

    private readonly Histogram[] _histograms = [.. scheduler.Plugins.Select(p => metrics.PluginDuration(p.Point.ToString(), p.Type, p.Name))];

    public void Observe(RoutingRequest routing)
    {
        for (var i = 0; i < _histograms.Length; i++)
        {
            if (routing.PluginTicks[i] >= 0)
            {
                _histograms[i].Observe(routing.PluginTicks[i] * SecondsPerTick);
            }
        }
    }
}
