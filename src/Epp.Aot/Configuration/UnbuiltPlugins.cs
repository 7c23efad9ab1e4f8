using System.Collections.Frozen;

namespace Epp.Aot.Configuration;

/// <summary>A plugin type of the peers that this version does not build.</summary>
/// <param name="Kind">What it is for, so that references to it can be checked.</param>
/// <param name="Parameters">Its parameters; null = not checked.</param>
/// <param name="IsExperimental">llm-d loads it with <c>--allow-experimental-plugins</c> only.</param>
public sealed record UnbuiltPlugin(PluginKind Kind, IReadOnlyList<string>? Parameters, bool IsExperimental);

/// <summary>Every plugin type of the peers that is not built: a configuration that names one is checked whole, then refused with a list.</summary>
public static class UnbuiltPlugins
{
    private const string Session = "strategy encodedEndpointHeaderConfig sessionIdConfig profileName";
    private const string Disagg =
        "stageOrder profiles deciders decodeProfile prefillProfile encodeProfile prefillDeciderPluginName deciderPluginName encodeDeciderPluginName";
    private const string Source = "scheme path port insecureSkipVerify caCertPath clientCertPath clientKeyPath interval";

    private static readonly FrozenSet<string> Experimental = new[]
    {
        "disaggregatedset-rollout-screener", "session-affinity-filter", "session-affinity-scorer", "endpoint-attribute-filter",
        "endpoint-attribute-scorer", "topology-affinity-filter", "topology-affinity-scorer", "utilization-filter",
        "header-label-affinity-scorer", "topology-extractor", "dcgm-data-source", "dcgm-extractor", "header-profile-handler",
        "burst-prefix-cache-producer", "p2p-source-producer", "multicluster-session-affinity-filter", "multicluster-queue-scorer",
        "multicluster-kv-cache-utilization-scorer", "multicluster-prefix-cache-scorer", "multicluster-approx-prefix-cache-producer",
        "multicluster-metrics-data-source", "multicluster-metrics-extractor", "multicluster-file-discovery", "sheddable-eviction-filter",
        "priority-then-time-eviction-order-policy", "priority-holdback-policy", "soft-reflective-ceiling-policy", "agent-identity",
    }.ToFrozenSet(StringComparer.Ordinal);

    /// <summary>By type.</summary>
    public static FrozenDictionary<string, UnbuiltPlugin> All { get; } = new Dictionary<string, UnbuiltPlugin>(
        [
            .. Of(PluginKind.Filter, null, "prefix-cache-affinity-filter", "slo-headroom-tier-filter", "topology-affinity-filter", "multicluster-session-affinity-filter"),
            .. Of(PluginKind.Filter, Session, "session-affinity-filter"),
            .. Of(PluginKind.Filter, "attribute producer onMissing fallbackOnEmpty algorithm", "endpoint-attribute-filter"),
            .. Of(PluginKind.Filter, "conditions fallbackOnEmpty inFlightLoadProducerName", "utilization-filter"),
            .. Of(PluginKind.Scorer, null, "topology-affinity-scorer", "latency-scorer", "multicluster-prefix-cache-scorer"),
            .. Of(PluginKind.Scorer, "", "multicluster-queue-scorer", "multicluster-kv-cache-utilization-scorer"),
            .. Of(PluginKind.Scorer, "label enableFiltering", "context-length-aware"),
            .. Of(PluginKind.Scorer, "queueThresholdTokens inFlightLoadProducerName", "token-load-scorer"),
            .. Of(PluginKind.Scorer, "lruSize prefixMatchInfoProducerName prefixPluginType prefixPluginName", "no-hit-lru-scorer"),
            .. Of(PluginKind.Scorer, "producerName", "mm-embeddings-cache-scorer"),
            .. Of(PluginKind.Scorer, Session, "session-affinity-scorer"),
            .. Of(PluginKind.Scorer, "headerName labelKey", "header-label-affinity-scorer"),
            .. Of(PluginKind.Scorer, "attributeKey producer algorithm normalization", "endpoint-attribute-scorer"),
            .. Of(PluginKind.ProfileHandler, Disagg, "disagg-profile-handler"),
            .. Of(PluginKind.ProfileHandler, "primaryPort", "data-parallel-profile-handler"),
            .. Of(PluginKind.ProfileHandler, null, "pd-profile-handler", "slo-aware-profile-handler"),
            .. Of(PluginKind.ProfileHandler, "headerName defaultProfile", "header-profile-handler"),
            .. Of(PluginKind.PreRequest, "prefillProfile encodeProfile", "disagg-headers-handler", "prefill-header-handler"),
            .. Of(PluginKind.Decider, "", "always-disagg-pd-decider", "always-disagg-multimodal-decider"),
            .. Of(PluginKind.Decider, "nonCachedTokens promptTokens", "prefix-based-pd-decider"),
            .. Of(PluginKind.DataSource, Source, "models-data-source", "multicluster-metrics-data-source"),
            .. Of(PluginKind.DataSource, null, "k8s-notification-source", "endpoint-notification-source", "dcgm-data-source"),
            .. Of(PluginKind.Extractor, null, "models-data-extractor", "topology-extractor", "dcgm-extractor", "multicluster-metrics-extractor"),
            .. Of(PluginKind.Discovery, null, "multicluster-file-discovery"),
            .. Of(PluginKind.Producer, "addEstimatedOutputTokens outputRatio maxEstimatedOutputTokens prefixMatchInfoProducerName syncCrossReplicaState", "inflight-load-producer"),
            .. Of(PluginKind.Producer, "headerName cookieName", "session-id-producer"),
            .. Of(PluginKind.Producer, "cacheSizeInMBPerServer", "mm-embeddings-cache-producer"),
            .. Of(PluginKind.Producer, "windowDurationMs maxPerReplica blockSizeTokens maxPrefixTokensToMatch minColocateBlocks maxBatchSize balanceBy", "burst-prefix-cache-producer"),
            .. Of(PluginKind.Producer, "prefixMatchInfoProducerName minCachedTokenDelta prefillProfileName", "p2p-source-producer"),
            .. Of(PluginKind.Producer, null, "predicted-latency-producer", "multicluster-approx-prefix-cache-producer"),
            .. Of(PluginKind.Parser, "", "vertexai-parser"),
            .. Of(PluginKind.Admitter, null, "latency-slo-admitter"),
            .. Of(PluginKind.Admitter, "queueDepthThreshold kvCacheUtilThreshold power k", "probabilistic-admitter"),
            .. Of(PluginKind.Screener, "scope headerSelectors revisionGating", "disaggregatedset-rollout-screener"),
            .. Of(PluginKind.CrossReplicaSyncer, null, "local-syncer"),
        ]).ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>True for types that llm-d loads with <c>--allow-experimental-plugins</c> only, built or not.</summary>
    public static bool IsExperimental(string type) => Experimental.Contains(type);

    private static KeyValuePair<string, UnbuiltPlugin>[] Of(PluginKind kind, string? parameters, params string[] types) =>
        Array.ConvertAll(types, t => KeyValuePair.Create(
            t, new UnbuiltPlugin(kind, parameters?.Split(' ', StringSplitOptions.RemoveEmptyEntries), Experimental.Contains(t))));
}
