using System.Collections.Frozen;
using Epp.Native.FlowControl;
using Epp.Native.Prefix;
using Epp.Native.Requests;
using Epp.Native.Scheduling.Filters;
using Epp.Native.Scheduling.Pickers;
using Epp.Native.Scheduling.Saturation;
using Epp.Native.Scheduling.Scorers;

namespace Epp.Aot.Configuration;

/// <summary>Every plugin type that is built; the peers' others are in <see cref="UnbuiltPlugins"/>.</summary>
public static class PluginCatalog
{
    public const string SingleProfileHandler = "single-profile-handler";
    public const string TokenProducer = "token-producer";
    public const string PreciseScorer = "precise-prefix-cache-scorer";
    public const string FileDiscovery = "file-discovery";
    public const string MetricsDataSource = "metrics-data-source";
    public const string CoreMetricsExtractor = "core-metrics-extractor";
    public const string PassthroughParser = "passthrough-parser";
    public const string UsageReporter = "request-attribute-reporter";
    public const string ServedReporter = "destination-endpoint-served-verifier";

    /// <summary>Kind of each type that is built.</summary>
    public static FrozenDictionary<string, PluginKind> Built { get; } = new Dictionary<string, PluginKind>
    {
        [HeaderTestingFilter.PluginType] = PluginKind.Filter,
        [LabelFilter.SelectorType] = PluginKind.Filter,
        [LabelFilter.ByLabelType] = PluginKind.Filter,
        [LabelFilter.DecodeType] = PluginKind.Filter,
        [LabelFilter.PrefillType] = PluginKind.Filter,
        [LabelFilter.EncodeType] = PluginKind.Filter,
        [QueueScorer.PluginType] = PluginKind.Scorer,
        [KvCacheUtilizationScorer.PluginType] = PluginKind.Scorer,
        [RunningRequestsScorer.PluginType] = PluginKind.Scorer,
        [LoraAffinityScorer.PluginType] = PluginKind.Scorer,
        [LoadAwareScorer.PluginType] = PluginKind.Scorer,
        [ActiveRequestScorer.PluginType] = PluginKind.Scorer,
        [PrefixCacheScorer.PluginType] = PluginKind.Scorer,
        [PreciseScorer] = PluginKind.Scorer,
        [MaxScorePicker.PluginType] = PluginKind.Picker,
        [RandomPicker.PluginType] = PluginKind.Picker,
        [WeightedRandomPicker.PluginType] = PluginKind.Picker,
        [SingleProfileHandler] = PluginKind.ProfileHandler,
        [ApproxPrefixProducer.PluginType] = PluginKind.Producer,
        [PrecisePrefixProducer.PluginType] = PluginKind.Producer,
        [TokenProducer] = PluginKind.Producer,
        [FileDiscovery] = PluginKind.Discovery,
        [MetricsDataSource] = PluginKind.DataSource,
        [CoreMetricsExtractor] = PluginKind.Extractor,
        [UtilizationDetector.PluginType] = PluginKind.SaturationDetector,
        [ConcurrencyDetector.PluginType] = PluginKind.SaturationDetector,
        [FlowPolicies.GlobalStrict] = PluginKind.FairnessPolicy,
        [FlowPolicies.RoundRobin] = PluginKind.FairnessPolicy,
        [FlowPolicies.ProgramAware] = PluginKind.FairnessPolicy,
        [FlowPolicies.FirstCome] = PluginKind.OrderingPolicy,
        [FlowPolicies.EarliestDeadline] = PluginKind.OrderingPolicy,
        [FlowPolicies.SloDeadline] = PluginKind.OrderingPolicy,
        [StaticUsageLimit.PluginType] = PluginKind.UsageLimitPolicy,
        [PriorityHoldback.PluginType] = PluginKind.UsageLimitPolicy,
        [SoftReflectiveCeiling.PluginType] = PluginKind.UsageLimitPolicy,
        [EvictionQueue.FilterType] = PluginKind.EvictionPolicy,
        [EvictionQueue.OrderType] = PluginKind.EvictionPolicy,
        ["openai-parser"] = PluginKind.Parser,
        ["anthropic-parser"] = PluginKind.Parser,
        ["vllmhttp-parser"] = PluginKind.Parser,
        ["sglanghttp-parser"] = PluginKind.Parser,
        ["vllmgrpc-parser"] = PluginKind.Parser,
        [PassthroughParser] = PluginKind.Parser,
        [AgentIdentity.PluginType] = PluginKind.RequestProcessor,
        [UsageReporter] = PluginKind.Reporter,
        [ServedReporter] = PluginKind.Reporter,
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>Parsers without a <c>requestHandler</c> section.</summary>
    public static IReadOnlyList<string> DefaultParsers { get; } = ["openai-parser", "anthropic-parser", "vllmhttp-parser", PassthroughParser];

    /// <summary>Policies of flow control that a section may name without declaring them.</summary>
    public static FrozenSet<string> DefaultPolicies { get; } =
        new[] { FlowPolicies.FirstCome, FlowPolicies.GlobalStrict, StaticUsageLimit.PluginType }.ToFrozenSet(StringComparer.Ordinal);

    /// <summary>Deprecated names of built types.</summary>
    public static FrozenDictionary<string, string> Aliases { get; } = new Dictionary<string, string>
    {
        ["tokenizer"] = TokenProducer,
        ["by-label-selector"] = LabelFilter.SelectorType,
    }.ToFrozenDictionary(StringComparer.Ordinal);
}
