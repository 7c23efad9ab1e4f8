namespace Epp.Native.Scheduling;

/// <summary>Where a plugin runs, as the label <c>extension_point</c> spells it.</summary>
public enum ExtensionPoint
{
    DataProducer = 0,
    Filter,
    Scorer,
    Picker,
    PreRequest,
}

/// <summary>One timed step of a decision; its ordinal in <see cref="Scheduler.Plugins"/> indexes <see cref="RoutingRequest.PluginTicks"/>.</summary>
/// <param name="Point">Extension point.</param>
/// <param name="Type">Plugin type.</param>
/// <param name="Name">Plugin name.</param>
public sealed record PluginDescriptor(ExtensionPoint Point, string Type, string Name);
