using System.Text;
using Epp.Aot.Configuration;
using Epp.Native;
using Epp.Native.FlowControl;

namespace Epp.Aot.Tests.Configuration;

/// <summary>The four examples of contract §5.5: A and D load; B and C are checked whole, then refused for what is not built.</summary>
[Trait("Category", "Unit")]
public sealed class ExampleConfigTests
{
    private const string A = """
        apiVersion: inference.networking.x-k8s.io/v1alpha1
        kind: EndpointPickerConfig
        plugins:
        - type: queue-scorer
        - type: kv-cache-utilization-scorer
        - type: prefix-cache-scorer
          parameters: {lruCapacityPerServer: 20000}
        - type: lora-affinity-scorer
        - type: random-picker
          parameters: {maxNumOfEndpoints: 3}
        schedulingProfiles:
        - name: main
          plugins:
          - {pluginRef: queue-scorer, weight: 3}
          - {pluginRef: kv-cache-utilization-scorer, weight: 1}
          - {pluginRef: prefix-cache-scorer, weight: 2}
          - {pluginRef: lora-affinity-scorer}
          - {pluginRef: random-picker}
        """;

    private const string B = """
        apiVersion: llm-d.ai/v1alpha1
        kind: EndpointPickerConfig
        featureGates: ["flowControl=true"]
        plugins:
        - name: sat
          type: concurrency-detector
          parameters: {maxConcurrency: 64, headroom: 0.25}
        - type: round-robin-fairness-policy
        - type: active-request-scorer
        - name: scrape
          type: metrics-data-source
          parameters: {scheme: https, path: /internal/metrics, insecureSkipVerify: false}
        - name: extract
          type: core-metrics-extractor
          parameters:
            defaultEngine: sglang
            engineConfigs:
            - name: my-engine
              queuedRequestsSpec: "eng_waiting{tier=gpu}"
              runningRequestsSpec: eng_running
              kvUsageSpec: eng_kv_ratio
        dataLayer:
          injectDefaults: false
          sources:
          - pluginRef: scrape
            extractors: [{pluginRef: extract}]
        flowControl:
          maxRequests: 2k
          maxBytes: 512Mi
          defaultRequestTTL: 20s
          noEndpointRequestTTL: 5m
          saturationDetector: {pluginRef: sat}
          defaultNegativePriorityBand: {priority: -1, maxRequests: "50"}
          priorityBands:
          - {priority: 100, maxRequests: 1k, fairnessPolicyRef: round-robin-fairness-policy}
        schedulingProfiles:
        - name: default
          plugins: [{pluginRef: active-request-scorer, weight: 1.5}]
        """;

    private const string C = """
        apiVersion: llm-d.ai/v1alpha1
        kind: EndpointPickerConfig
        plugins:
        - type: prefill-filter
        - type: decode-filter
        - type: queue-scorer
        - type: prefix-cache-scorer
        - type: max-score-picker
        - type: prefix-based-pd-decider
          parameters: {nonCachedTokens: 128}
        - type: disagg-profile-handler
          parameters: {deciders: {prefill: prefix-based-pd-decider}}
        schedulingProfiles:
        - name: prefill
          plugins: [{pluginRef: prefill-filter}, {pluginRef: queue-scorer}, {pluginRef: max-score-picker}]
        - name: decode
          plugins: [{pluginRef: decode-filter}, {pluginRef: prefix-cache-scorer, weight: 4}, {pluginRef: queue-scorer}, {pluginRef: max-score-picker}]
        """;

    [Fact]
    public void ExampleA_Loads()
    {
        var config = Load(A).Config!;
        Assert.Equal(Dialect.Gaie, config.Dialect);
        Assert.Equal([3, 1, 2, 1], config.Profile.Scorers.Select(s => s.Weight));
        Assert.Equal(new PickerParameters(3), config.Profile.Picker.Parameters);
    }

    [Fact]
    public void ExampleB_TurnsFlowControlOn()
    {
        var config = Load(B).Config!;
        Assert.Equal("sat", config.Saturation.Detector!.Name);
        var flow = config.FlowControl!;
        Assert.Equal((2000L, 512L << 20, 20_000L, 300_000L), (flow.Settings.MaxRequests, flow.Settings.MaxBytes, flow.Settings.TtlMs, flow.Settings.NoEndpointTtlMs));
        Assert.Equal(new BandSettings(100, maxRequests: 1000, fairness: FlowFairness.RoundRobin).ToString(), Assert.Single(flow.Settings.Bands).ToString());
        Assert.Equal($"{new BandSettings(-1, maxRequests: 50)} {new BandSettings()}", $"{flow.Settings.NegativeBand} {flow.Settings.DefaultBand}");
        Assert.Equal((new FlowPolicyParameters(), false), (flow.Usage, flow.EnableEviction));
    }

    [Fact]
    public void ExampleB_WithoutTheGate_KeepsItsDetectorOnly()
    {
        var loaded = Load(B.Replace("featureGates: [\"flowControl=true\"]", "", StringComparison.Ordinal));
        Assert.Equal(("sat", null), (loaded.Config!.Saturation.Detector!.Name, loaded.Config.FlowControl));
        Assert.Contains("has no effect but for its saturationDetector", Assert.Single(loaded.Warnings).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ExampleB_WithMistakes_NamesThem() =>
        Assert.Equal(2, Load(B.Replace("maxRequests: 2k", "maxRequests: lots", StringComparison.Ordinal).Replace("{pluginRef: sat}", "{pluginRef: sad}", StringComparison.Ordinal)).Errors.Count);

    [Fact]
    public void ExampleC_IsRefusedForTheHandlerAndItsDecider() =>
        Assert.Contains(
            "plugin type 'prefix-based-pd-decider' (line 9), plugin type 'disagg-profile-handler' (line 11)",
            Assert.Single(Load(C).Errors).Message,
            StringComparison.Ordinal);

    private static ConfigLoadResult Load(string text) => EppConfigLoader.Load(Encoding.UTF8.GetBytes(text), "example");
}
