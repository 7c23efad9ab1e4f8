using System.Collections.Frozen;
using Epp.Native.Prefix;
using Epp.Native.Scheduling.Filters;
using Epp.Native.Scheduling.Pickers;
using Epp.Native.Scheduling.Scorers;

namespace Epp.Aot.Configuration;

/// <summary>Every plugin type a configuration may name: the ones built here, and the peers' others, which are refused by name.</summary>
public static class PluginCatalog
{
    public const string SingleProfileHandler = "single-profile-handler";
    public const string TokenProducer = "token-producer";
    public const string FileDiscovery = "file-discovery";
    public const string MetricsDataSource = "metrics-data-source";
    public const string CoreMetricsExtractor = "core-metrics-extractor";
    public const string PassthroughParser = "passthrough-parser";
    public const string UtilizationDetector = "utilization-detector";

    /// <summary>Kind of each type that is built.</summary>
    public static FrozenDictionary<string, PluginKind> Built { get; } = new Dictionary<string, PluginKind>
    {
        [HeaderTestingFilter.PluginType] = PluginKind.Filter,
        [QueueScorer.PluginType] = PluginKind.Scorer,
        [KvCacheUtilizationScorer.PluginType] = PluginKind.Scorer,
        [RunningRequestsScorer.PluginType] = PluginKind.Scorer,
        [LoraAffinityScorer.PluginType] = PluginKind.Scorer,
        [PrefixCacheScorer.PluginType] = PluginKind.Scorer,
        [MaxScorePicker.PluginType] = PluginKind.Picker,
        [RandomPicker.PluginType] = PluginKind.Picker,
        [WeightedRandomPicker.PluginType] = PluginKind.Picker,
        [SingleProfileHandler] = PluginKind.ProfileHandler,
        [ApproxPrefixProducer.PluginType] = PluginKind.Producer,
        [TokenProducer] = PluginKind.Producer,
        [FileDiscovery] = PluginKind.Discovery,
        [MetricsDataSource] = PluginKind.DataSource,
        [CoreMetricsExtractor] = PluginKind.Extractor,
        ["openai-parser"] = PluginKind.Parser,
        ["anthropic-parser"] = PluginKind.Parser,
        ["vllmhttp-parser"] = PluginKind.Parser,
        ["sglanghttp-parser"] = PluginKind.Parser,
        [PassthroughParser] = PluginKind.Parser,
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>Parsers without a <c>requestHandler</c> section.</summary>
    public static IReadOnlyList<string> DefaultParsers { get; } = ["openai-parser", "anthropic-parser", "vllmhttp-parser", PassthroughParser];

    /// <summary>Deprecated names of built types.</summary>
    public static FrozenDictionary<string, string> Aliases { get; } =
        new Dictionary<string, string> { ["tokenizer"] = TokenProducer }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>Types of llm-d (the last five: of GAIE's tree too) that this version does not build.</summary>
    public static FrozenSet<string> KnownElsewhere { get; } = new[]
    {
        "label-selector-filter", "by-label-selector", "by-label", "decode-filter", "prefill-filter", "encode-filter",
        "prefix-cache-affinity-filter", "slo-headroom-tier-filter", "session-affinity-filter", "endpoint-attribute-filter",
        "topology-affinity-filter", "utilization-filter", "precise-prefix-cache-scorer", "load-aware-scorer", "context-length-aware",
        "token-load-scorer", "no-hit-lru-scorer", "active-request-scorer", "mm-embeddings-cache-scorer", "latency-scorer",
        "session-affinity-scorer", "header-label-affinity-scorer", "endpoint-attribute-scorer", "topology-affinity-scorer",
        "multicluster-session-affinity-filter", "multicluster-queue-scorer", "multicluster-kv-cache-utilization-scorer",
        "multicluster-prefix-cache-scorer", "multicluster-approx-prefix-cache-producer", "multicluster-metrics-data-source",
        "multicluster-metrics-extractor", "multicluster-file-discovery", "disagg-profile-handler", "data-parallel-profile-handler",
        "pd-profile-handler", "header-profile-handler", "disagg-headers-handler", "prefill-header-handler",
        "always-disagg-pd-decider", "prefix-based-pd-decider", "always-disagg-multimodal-decider", "models-data-source",
        "models-data-extractor", "k8s-notification-source", "endpoint-notification-source", "topology-extractor", "dcgm-data-source",
        "dcgm-extractor", "inflight-load-producer", "predicted-latency-producer", "session-id-producer",
        "mm-embeddings-cache-producer", "precise-prefix-cache-producer", "burst-prefix-cache-producer", "p2p-source-producer",
        "global-strict-fairness-policy", "round-robin-fairness-policy", "program-aware-fairness", "fcfs-ordering-policy",
        "edf-ordering-policy", "slo-deadline-ordering-policy", "static-usage-limit-policy", "priority-holdback-policy",
        "soft-reflective-ceiling-policy", "sheddable-eviction-filter", "priority-then-time-eviction-order-policy",
        UtilizationDetector, "concurrency-detector", "vllmgrpc-parser", "vertexai-parser", "latency-slo-admitter",
        "probabilistic-admitter", "request-attribute-reporter", "agent-identity", "disaggregatedset-rollout-screener",
        "local-syncer", "destination-endpoint-served-verifier", "slo-aware-profile-handler",
    }.ToFrozenSet(StringComparer.Ordinal);
}
