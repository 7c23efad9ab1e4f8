using Epp.Aot.Configuration;
using Epp.Aot.FlowControl;
using Epp.Native.FlowControl;
using Epp.Native.Scheduling.Saturation;

namespace Epp.Aot.Hosting;

/// <summary>Flow control as a configuration asks for it.</summary>
internal sealed class FlowControlMode : IDisposable
{
    /// <summary>Detectors that count requests themselves see the end of one at once.</summary>
    private const long CountedGraceMs = 10;

    /// <summary>A refusal is one write; the process ends right after.</summary>
    private static readonly TimeSpan RefusalTime = TimeSpan.FromMilliseconds(200);

    /// <summary>Beyond the age that metrics may have (plugins §12.2).</summary>
    private static readonly TimeSpan MetricsSlack = TimeSpan.FromMilliseconds(250);

    private FlowControlMode(FlowGate gate, InflightRequests? inflight)
    {
        (Gate, Inflight) = (gate, inflight);
    }

    /// <summary>Where requests wait.</summary>
    public FlowGate Gate { get; }

    /// <summary>Requests that may be evicted; null = none may.</summary>
    public InflightRequests? Inflight { get; }

    /// <summary>Null where the gate <c>flowControl</c> is off.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="context">What the gate works with.</param>
    /// <param name="metricsAge">How old metrics may be that saturation is judged by.</param>
    public static FlowControlMode? Create(EppConfig config, FlowContext context, TimeSpan metricsAge)
    {
        if (config.FlowControl is not { } flow)
        {
            return null;
        }

        var controller = new FlowController(flow.Settings, FlowPolicies.UsageLimit(flow.Usage));
        if (!flow.EnableEviction)
        {
            return new FlowControlMode(new FlowGate(controller, context), null);
        }

        var inflight = new InflightRequests();
        var grace = config.Saturation.Detector?.Type == ConcurrencyDetector.PluginType ? CountedGraceMs : (long)(metricsAge + MetricsSlack).TotalMilliseconds;
        return new FlowControlMode(new FlowGate(controller, context, new FlowEviction(inflight, new EvictionPacer(grace), context.Time)), inflight);
    }

    /// <summary>Refuses whoever waits; ends once the refusals had time to go out.</summary>
    public Task ShutdownAsync()
    {
        var waiting = Gate.Waiting;
        Gate.Shutdown();
        return waiting > 0 ? Task.Delay(RefusalTime) : Task.CompletedTask;
    }

    public void Dispose() => Gate.Dispose();
}
