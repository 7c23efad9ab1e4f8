using System.Globalization;
using Epp.Lab.Workers.Events;

namespace Epp.Lab.Demo;

/// <summary>Configurations of the EPP under the lab's workers.</summary>
internal static class EppConfig
{
    /// <summary>Stands for the path of the endpoints file.</summary>
    public const string Endpoints = "@ENDPOINTS@";

    /// <summary>Prefixes as remembered by the EPP itself.</summary>
    public const string Approximate = """
        apiVersion: llm-d.ai/v1alpha1
        kind: EndpointPickerConfig
        plugins:
        - name: workers
          type: file-discovery
          parameters:
            path: @ENDPOINTS@
            watchFile: true
        - type: queue-scorer
        - type: kv-cache-utilization-scorer
        - type: prefix-cache-scorer
        - type: max-score-picker
        schedulingProfiles:
        - name: default
          plugins:
          - {pluginRef: queue-scorer, weight: 2}
          - {pluginRef: kv-cache-utilization-scorer, weight: 2}
          - {pluginRef: prefix-cache-scorer, weight: 3}
          - {pluginRef: max-score-picker}
        dataLayer:
          discovery:
            pluginRef: workers

        """;

    const string Precise = """
        apiVersion: llm-d.ai/v1alpha1
        kind: EndpointPickerConfig
        plugins:
        - name: workers
          type: file-discovery
          parameters:
            path: @ENDPOINTS@
            watchFile: true
        - type: token-producer
          parameters:
            modelName: @MODEL@
            backend: local
            local: {path: @DIRECTORY@, prefixCacheBytes: 16Mi}
        - name: held
          type: precise-prefix-cache-producer
          parameters:
            speculativeIndexing: @SPECULATIVE@
            kvEventsConfig:
              @SOURCE@
        - type: queue-scorer
        - type: kv-cache-utilization-scorer
        - type: prefix-cache-scorer
          parameters: {prefixMatchInfoProducerName: held}
        - type: max-score-picker
        - type: weighted-random-picker
        schedulingProfiles:
        - name: default
          plugins:
        @PROFILE@
        dataLayer:
          discovery:
            pluginRef: workers

        """;

    const string Balanced = """
          - {pluginRef: queue-scorer, weight: 2}
          - {pluginRef: kv-cache-utilization-scorer, weight: 2}
          - {pluginRef: prefix-cache-scorer, weight: 3}
          - {pluginRef: max-score-picker}
        """;

    const string PrefixOnly = """
          - {pluginRef: prefix-cache-scorer, weight: 1}
          - {pluginRef: weighted-random-picker}
        """;

    /// <summary>
    /// <see cref="Approximate"/> told what it cannot learn: the EPP takes four bytes for a token, a worker whose tokens are bytes reports four
    /// times the blocks that it could hold at that size.
    /// </summary>
    public static string ApproximateFor(int cacheBytes) => Approximate.Replace(
        "- type: prefix-cache-scorer",
        string.Create(CultureInfo.InvariantCulture, $$"""
            - name: sent
              type: approx-prefix-cache-producer
              parameters: {autoTune: false, blockSizeTokens: 64, lruCapacityPerServer: {{cacheBytes / 256}}}
            - type: prefix-cache-scorer
              parameters: {prefixMatchInfoProducerName: sent}
            """),
        StringComparison.Ordinal);

    /// <summary>Prefixes as told by the workers, beside load; what was just sent counts until the worker tells.</summary>
    public static string PreciseFor(WorkerSet workers) => Fill(workers, speculative: true, Balanced);

    /// <summary>Nothing but prefixes as told by the workers, so that a score is the share of blocks held; picks in proportion to it.</summary>
    public static string PrefixOnlyFor(WorkerSet workers) => Fill(workers, speculative: false, PrefixOnly);

    static string Fill(WorkerSet workers, bool speculative, string profile) => Precise
        .Replace("@MODEL@", workers.Model, StringComparison.Ordinal)
        .Replace("@DIRECTORY@", workers.ModelFolder, StringComparison.Ordinal)
        .Replace("@SPECULATIVE@", speculative ? "true" : "false", StringComparison.Ordinal)
        .Replace(
            "@SOURCE@",
            workers.Nats.Length > 0 ? $"dynamo: {{namespace: {DynamoEvents.Namespace}, component: {DynamoEvents.Component}}}" : string.Create(
                CultureInfo.InvariantCulture, $"podDiscoveryConfig: {{socketPort: {workers.EventsPort}, replaySocketPort: {workers.ReplayPort}}}"),
            StringComparison.Ordinal)
        .Replace("@PROFILE@", profile, StringComparison.Ordinal);
}
