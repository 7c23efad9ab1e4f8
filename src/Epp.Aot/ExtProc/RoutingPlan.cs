using Epp.Aot.Configuration;
using Epp.Aot.Telemetry;
using Epp.Native.Requests;
using Epp.Native.Scheduling;
using Epp.Native.Scheduling.Saturation;

namespace Epp.Aot.ExtProc;

/// <summary>
/// What a configuration decides about a pick: swapped whole when the configuration is reloaded, so that one decision never mixes two of
/// them. Immutable; safe to share.
/// </summary>
internal sealed class RoutingPlan(EppConfig config, Scheduler scheduler, ISaturationDetector saturation, EppMetrics metrics)
{
    /// <summary>What it was made of.</summary>
    public EppConfig Config => config;

    public Scheduler Scheduler => scheduler;

    public ISaturationDetector Saturation => saturation;

    public PluginTimes Plugins { get; } = new(scheduler, metrics);

    public PrefixMetrics Prefix { get; } = new(scheduler, metrics);

    /// <summary>Whose session a request belongs to; null = nobody asks.</summary>
    public AgentIdentity? Identity { get; } = IdentityOf(config);

    /// <summary>What is told about the usage of a response; null = nothing.</summary>
    public UsageReports? Reports { get; } = UsageReports.Create(config, metrics);

    /// <summary>Whether the client is told which endpoint served it, for conformance tests (contract §2.4).</summary>
    public bool ReportsServed { get; } = config.Plugins.Any(static p => p.Type == PluginCatalog.ServedReporter);

    /// <summary>The plan of a checked configuration; producers that <paramref name="previous"/> has alike are kept with their history.</summary>
    public static RoutingPlan Create(EppConfig config, SchedulerContext context, EppMetrics metrics, RoutingPlan? previous = null) => new(
        config,
        SchedulerFactory.Create(config, context, previous?.Scheduler),
        SchedulerFactory.CreateDetector(config),
        metrics);

    private static AgentIdentity? IdentityOf(EppConfig config)
    {
        List<string>? headers = null;
        foreach (var plugin in config.Plugins)
        {
            if (plugin.Parameters is AgentIdentityParameters identity)
            {
                (headers ??= []).AddRange(identity.Headers);
            }
        }

        return headers is null ? null : new AgentIdentity(headers);
    }
}
