using Epp.Aot.Telemetry;
using Epp.Native.Objectives;
using Epp.Native.Pool;
using Epp.Native.Scheduling.Saturation;
using Microsoft.Extensions.Logging;

namespace Epp.Aot.FlowControl;

/// <summary>What the gate works with.</summary>
/// <param name="pool">Whose saturation gates dispatch.</param>
/// <param name="objectives">Whose priorities bring bands; null = one band takes every priority.</param>
/// <param name="saturation">The detector in force.</param>
/// <param name="metrics">Where its figures go.</param>
/// <param name="time">Clock and ticks.</param>
/// <param name="logger">Says what must not happen.</param>
internal sealed class FlowContext(Pool pool, ObjectiveStore? objectives, Func<ISaturationDetector> saturation, EppMetrics metrics, TimeProvider time, ILogger logger)
{
    public Pool Pool => pool;

    public ObjectiveStore? Objectives => objectives;

    public Func<ISaturationDetector> Saturation => saturation;

    public EppMetrics Metrics => metrics;

    public TimeProvider Time => time;

    public ILogger Logger => logger;
}
