using System.Text.Json.Serialization;
using Epp.Aot.Telemetry;

namespace Epp.Aot.Debugging;

/// <summary><c>/debug</c>: what there is to see.</summary>
internal sealed record DebugIndex(string Version, string InstructionSet, DateTimeOffset Timestamp, double UptimeSeconds, IReadOnlyDictionary<string, string> Pages);

/// <summary><c>/debug/pool</c>.</summary>
internal sealed record DebugPool(string Name, bool Synced, long Generation, int Count, IReadOnlyList<DebugEndpoint> Endpoints);

/// <summary>One endpoint and its last figures; null where none were reported.</summary>
internal sealed record DebugEndpoint(
    string Namespace, string Name, string Address, IReadOnlyDictionary<string, string> Labels, bool Live, double? AgeSeconds, double Waiting, double Running,
    double? KvUsage, int InflightRequests, int CacheBlockTokens, int CacheBlocks, IReadOnlyList<string> RunningAdapters, IReadOnlyList<string> WaitingAdapters);

/// <summary><c>/debug/config</c>: what is in force, without secrets.</summary>
internal sealed record DebugConfig(
    string Dialect, IReadOnlyDictionary<string, string> Flags, IReadOnlyList<string> FlagsGiven, IReadOnlyList<DebugPlugin> Plugins, DebugProfile Profile,
    string? Discovery, IReadOnlyList<string> Sources, IReadOnlyList<string> Parsers);

/// <summary>One plugin instance; its parameters as text.</summary>
internal sealed record DebugPlugin(string Name, string Type, string Kind, string Parameters);

/// <summary>A scheduling profile.</summary>
internal sealed record DebugProfile(string Name, IReadOnlyList<string> Filters, IReadOnlyDictionary<string, double> Scorers, string Picker);

/// <summary><c>/debug/picks</c>, newest first.</summary>
internal sealed record DebugPicks(long Total, IReadOnlyList<RecentPick> Picks);

/// <summary><c>/debug/plugins/state</c>, in the references' shape.</summary>
internal sealed record DebugStates(DateTimeOffset Timestamp, IReadOnlyDictionary<string, DebugState> Plugins);

/// <summary>State of one plugin, or a message where it has none.</summary>
internal sealed record DebugState(string Name, string Type, IReadOnlyDictionary<string, double>? State = null, string? Message = null);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, WriteIndented = true)]
[JsonSerializable(typeof(DebugIndex))]
[JsonSerializable(typeof(DebugPool))]
[JsonSerializable(typeof(DebugConfig))]
[JsonSerializable(typeof(DebugPicks))]
[JsonSerializable(typeof(DebugStates))]
internal sealed partial class DebugJson : JsonSerializerContext;
