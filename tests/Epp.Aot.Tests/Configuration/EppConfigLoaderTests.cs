using System.Text;
using Epp.Aot.Configuration;
using Epp.Native;
using Epp.Native.Pool;
using Epp.Native.Prefix;
using Epp.Native.Scheduling.Saturation;

namespace Epp.Aot.Tests.Configuration;

[Trait("Category", "Unit")]
public partial class EppConfigLoaderTests
{
    private const string Head = "apiVersion: llm-d.ai/v1alpha1\nkind: EndpointPickerConfig\n";
    private const string GaieHead = "apiVersion: inference.networking.x-k8s.io/v1alpha1\nkind: EndpointPickerConfig\n";

    [Fact]
    public void Default_IsQueueKvPrefix_WithEverythingInjected()
    {
        var config = EppConfigLoader.Default();
        Assert.Equal(Dialect.LlmD, config.Dialect);
        Assert.Equal("default", config.Profile.Name);
        Assert.Equal(
            [("queue-scorer", 2.0), ("kv-cache-utilization-scorer", 2.0), ("prefix-cache-scorer", 3.0)],
            config.Profile.Scorers.Select(s => (s.Plugin.Name, s.Weight)));
        Assert.Equal("max-score-picker", config.Profile.Picker.Type);
        Assert.Null(config.DataLayer.Discovery);
        Assert.Equal("metrics-data-source", Assert.Single(config.DataLayer.Sources).Source.Name);
        Assert.Equal(["openai-parser", "anthropic-parser", "vllmhttp-parser", "passthrough-parser"], config.Parsers.Select(p => p.Type));
        Assert.Contains(config.Plugins, p => p.Type == "token-producer");
        Assert.Contains(config.Plugins, p => p.Type == "single-profile-handler");
        var producer = Assert.IsType<ApproxPrefixParameters>(config.Plugin("approx-prefix-cache-producer").Parameters).Config;
        Assert.Equal(new ApproxPrefixConfig(Dialect.LlmD, 16, true, 131072, 2048, 31250), producer);
    }

    [Fact]
    public void Load_OnlyPlugins_ProfileOfAllInOrder()
    {
        var config = Good("""
            plugins:
            - {type: random-picker, name: rnd, parameters: {maxNumOfEndpoints: -2}}
            - type: lora-affinity-scorer
            - type: running-requests-size-scorer
            - type: header-based-testing-filter
            """);
        Assert.Equal(["lora-affinity-scorer", "running-requests-size-scorer"], config.Profile.Scorers.Select(s => s.Plugin.Type));
        Assert.All(config.Profile.Scorers, s => Assert.Equal(1, s.Weight));
        Assert.Equal("header-based-testing-filter", Assert.Single(config.Profile.Filters).Type);
        Assert.Equal(("rnd", new PickerParameters(1)), (config.Profile.Picker.Name, config.Profile.Picker.Parameters));
        Assert.DoesNotContain(config.Plugins, p => p.Kind == PluginKind.Producer);
    }

    [Fact]
    public void Load_Json_WithTabs_IsAccepted()
    {
        var config = Good("{\n\t\"apiVersion\":\"llm-d.ai/v1alpha1\",\n\t\"kind\":\"EndpointPickerConfig\",\n\t\"plugins\":\t[\t{\"type\":\"queue-scorer\"}]\n}", "");
        Assert.Equal("queue-scorer", Assert.Single(config.Profile.Scorers).Plugin.Type);
    }

    [Fact]
    public void Load_ScorerAfterPickerWithoutWeight_CountsOne()
    {
        var config = Good("""
            plugins: [{type: max-score-picker}, {type: queue-scorer}]
            schedulingProfiles:
            - name: p
              plugins: [{pluginRef: max-score-picker}, {pluginRef: queue-scorer}]
            """, GaieHead);
        Assert.Equal(1, Assert.Single(config.Profile.Scorers).Weight);
    }

    [Fact]
    public void Load_Gaie_PrefixScorerHasItsOwnIndex()
    {
        var config = Good("""
            plugins:
            - {type: prefix-cache-scorer, parameters: {lruCapacityPerServer: 20000, blockSize: 0, maxPrefixBlocksToMatch: 99, hashBlockSize: 5}}
            """, GaieHead);
        Assert.Equal(Dialect.Gaie, config.Dialect);
        var scorer = Assert.IsType<PrefixScorerParameters>(Assert.Single(config.Profile.Scorers).Plugin.Parameters);
        Assert.Equal(
            new ApproxPrefixParameters(new ApproxPrefixConfig(Dialect.Gaie, 64, true, 0, 99, 20000)),
            config.Plugin(scorer.Producer).Parameters);
        Assert.Empty(config.Parsers);
    }

    [Fact]
    public void Load_NamedProducer_IsUsed_AndDefaultIsNotAdded()
    {
        var config = Good("""
            plugins:
            - {name: mine, type: approx-prefix-cache-producer, parameters: {blockSizeTokens: 128, autoTune: false}}
            - {type: prefix-cache-scorer, parameters: {prefixMatchInfoProducerName: mine, matchLengthWeight: 0.5, matchLengthScaleTokens: 100}}
            """);
        Assert.Equal(new PrefixScorerParameters("mine", 0.5, 100), Assert.Single(config.Profile.Scorers).Plugin.Parameters);
        Assert.Equal("mine", Assert.Single(config.Plugins, p => p.Type == "approx-prefix-cache-producer").Name);
    }

    [Fact]
    public void Load_ExampleD_FileDiscoveryAndPassthrough()
    {
        var config = Good("""
            plugins:
            - name: static
              type: file-discovery
              parameters: {path: /etc/epp/endpoints.yaml, watchFile: true}
            - type: passthrough-parser
            - type: running-requests-size-scorer
            requestHandler: {parsers: [{pluginRef: passthrough-parser}]}
            dataLayer: {discovery: {pluginRef: static}}
            schedulingProfiles:
            - name: default
              plugins: [{pluginRef: running-requests-size-scorer}]
            """);
        Assert.Equal(new FileDiscoveryParameters("/etc/epp/endpoints.yaml", true), config.DataLayer.Discovery!.Parameters);
        Assert.Equal("passthrough-parser", Assert.Single(config.Parsers).Type);
    }

    [Fact]
    public void Load_MetricsSource_AllParameters()
    {
        var config = Good("""
            plugins:
            - name: scrape
              type: metrics-data-source
              parameters: {scheme: https, path: internal/metrics, port: 99, insecureSkipVerify: false, interval: 1m0.5s}
            - name: extract
              type: core-metrics-extractor
              parameters:
                defaultEngine: sglang
                engineConfigs:
                - {name: my-engine, queuedRequestsSpec: "eng_waiting{tier=gpu}", kvUsageSpec: eng_kv_ratio}
            dataLayer:
              injectDefaults: false
              sources: [{pluginRef: scrape, extractors: [{pluginRef: extract}]}]
            """);
        var source = Assert.Single(config.DataLayer.Sources);
        Assert.Equal(
            new MetricsSourceParameters("https", "/internal/metrics", 99, false, Interval: TimeSpan.FromSeconds(60.5)), source.Source.Parameters);
        var extractor = Assert.IsType<MetricsExtractorParameters>(Assert.Single(source.Extractors).Parameters);
        Assert.Equal(("sglang", "eng_waiting{tier=gpu}"), (extractor.DefaultEngine, Assert.Single(extractor.Engines!).QueuedRequestsSpec));
    }

    [Fact]
    public void Load_NoSourcesAndNoDefaults_NothingIsScraped() =>
        Assert.Empty(Good("plugins: [{type: queue-scorer}]\ndataLayer: {injectDefaults: false}").DataLayer.Sources);

    [Theory]
    [InlineData("noSuchField: 1", "3:1: noSuchField: unknown key")]
    [InlineData("plugin: []", "did you mean 'plugins'?")]
    [InlineData("plugins: [{type: queue-scorer, typo: 1}]", "plugins[0].typo: unknown key")]
    [InlineData("plugins: [{type: no-such}]", "3:18: plugins[0].type: unknown plugin type 'no-such'")]
    [InlineData("plugins: [{type: queue-scorers}]", "did you mean 'queue-scorer'?")]
    [InlineData("plugins: [{name: x}]", "plugins[0].type: is missing or empty")]
    [InlineData("plugins: [{type: queue-scorer}, {type: queue-scorer}]", "in line 3 is named 'queue-scorer' already")]
    [InlineData("plugins: {type: queue-scorer}", "plugins: found a map, expected a list")]
    [InlineData("plugins: [queue-scorer]", "plugins[0]: found 'queue-scorer', expected a map")]
    [InlineData("featureGates: [noSuch]", "featureGates[0]: found 'noSuch'")]
    [InlineData("featureGates: [dataLayer]", "featureGates[0]: found 'dataLayer'")]
    [InlineData("featureGates: [flowControl=maybe]", "expected true or false")]
    [InlineData("schedulingProfiles: [{name: p, plugins: [{pluginRef: nope}]}]", "schedulingProfiles[0].plugins[0].pluginRef: no plugin is named 'nope'")]
    [InlineData("plugins: [{type: queue-scorer}]\nschedulingProfiles: [{name: p, plugins: [{pluginRef: queue-scorrer}]}]", "did you mean 'queue-scorer'?")]
    [InlineData("plugins: [{type: single-profile-handler}, {name: b, type: single-profile-handler}]", "a second profile handler, 'b'")]
    [InlineData("plugins: [{type: single-profile-handler}]\nschedulingProfiles: [{name: a}, {name: b}]", "found 2 profiles")]
    [InlineData("schedulingProfiles: [{name: a}, {name: a}]", "a second profile is named 'a'")]
    [InlineData("plugins: [{type: max-score-picker}, {type: random-picker}]\nschedulingProfiles: [{name: a, plugins: [{pluginRef: max-score-picker}, {pluginRef: random-picker}]}]", "a second picker")]
    public void Case42_BadDocument_IsAnErrorWithItsPlace(string text, string expected) => AssertError(Head + text, expected);

    [Theory]
    [InlineData("{type: max-score-picker, parameters: {maxNumOfEndpoints: two}}", "3:68: plugins[0].parameters.maxNumOfEndpoints: found 'two', expected a whole number")]
    [InlineData("{type: max-score-picker, parameters: {maxNumOfEndpoints: '2'}}", "expected a whole number")]
    [InlineData("{type: queue-scorer, parameters: {x: 1}}", "plugins[0].parameters.x: unknown key; no keys are expected here")]
    [InlineData("{type: queue-scorer, parameters: []}", "found a list, expected a map")]
    [InlineData("{type: prefix-cache-scorer, parameters: {lruCapacityPerServer: 3}}", "llm-d has it on a plugin of type 'approx-prefix-cache-producer'")]
    [InlineData("{type: prefix-cache-scorer, parameters: {matchLengthWeight: 1.5}}", "expected a number from 0 to 1")]
    [InlineData("{type: prefix-cache-scorer, parameters: {matchLengthWeight: .nan}}", "expected a number")]
    [InlineData("{type: prefix-cache-scorer, parameters: {matchLengthWeight: 1, matchLengthScaleTokens: 0}}", "expected more than 0")]
    [InlineData("{type: prefix-cache-scorer, parameters: {prefixMatchInfoProducerName: x}}", "'x' is no prefix producer")]
    [InlineData("{type: approx-prefix-cache-producer, parameters: {maxPrefixTokensToMatch: -1}}", "expected a whole number of at least 0")]
    [InlineData("{type: file-discovery}", "plugins[0].parameters.path: is missing or empty")]
    [InlineData("{type: metrics-data-source, parameters: {scheme: ftp}}", "expected http or https")]
    [InlineData("{type: metrics-data-source, parameters: {interval: 5}}", "expected a duration")]
    [InlineData("{type: metrics-data-source, parameters: {port: 70000}}", "expected a whole number from 0 to 65535")]
    [InlineData("{type: metrics-data-source, parameters: {insecureSkipVerify: maybe}}", "expected true or false")]
    [InlineData("{type: core-metrics-extractor, parameters: {engineConfigs: [{name: default}]}}", "'default' is reserved")]
    [InlineData("{type: core-metrics-extractor, parameters: {engineConfigs: [{name: e, kvUsageSpec: 'a{b'}]}}", "expected a metric name")]
    [InlineData("{type: token-producer, parameters: {vllm: {url: x}, modelName: m}}", "parameters.vllm.url: found 'x', expected http://HOST:PORT")]
    [InlineData("{type: token-producer, parameters: {vllm: {}}}", "parameters.modelName: is missing")]
    [InlineData("{type: token-producer, parameters: {backend: local}}", "parameters.local.path: is missing or empty")]
    [InlineData("{type: token-producer, parameters: {backend: lokal}}", "found 'lokal', expected local, vllm or estimate")]
    [InlineData("{type: token-producer, parameters: {local: {path: x, engine: sglang}}}", "parameters.local.engine: found 'sglang'")]
    [InlineData("{type: token-producer, parameters: {estimate: {}, local: {path: x}}}", "expected one backend")]
    [InlineData("{type: token-producer, parameters: {local: {path: x, enableAutoToolChoice: maybe}}}", "parameters.local.enableAutoToolChoice: found 'maybe', expected true or false")]
    [InlineData("{type: token-producer, parameters: {local: {path: x, chatTemplateContentFormat: text}}}", "parameters.local.chatTemplateContentFormat: found 'text', expected auto, string or openai")]
    [InlineData("{type: token-producer, parameters: {local: {path: x, defaultChatTemplateKwargs: '{a'}}}", "parameters.local.defaultChatTemplateKwargs: found '{a', expected a map or a JSON object")]
    [InlineData("{type: token-producer, parameters: {local: {path: x, defaultChatTemplateKwargs: [1]}}}", "parameters.local.defaultChatTemplateKwargs: found a list, expected a map or a JSON object")]
    [InlineData("{type: token-producer, parameters: {local: {path: x, maxModelLen: -1}}}", "parameters.local.maxModelLen: found '-1', expected a whole number of at least 0")]
    [InlineData("{type: token-producer, parameters: {local: {path: x, prefixCacheBytes: much}}}", "parameters.local.prefixCacheBytes: found 'much', expected a quantity")]
    [InlineData("{type: token-producer, parameters: {local: {path: x, compareTraffic: 2}}}", "parameters.local.compareTraffic: found '2', expected true or false")]
    [InlineData("{type: token-producer, parameters: {local: {path: x, chatTemplate: ''}}}", "parameters.local.chatTemplate: is empty")]
    [InlineData("{type: token-producer, parameters: {local: {path: x, engine: dynamo-1.6, trustRequestChatTemplate: true}}}", "parameters.local.trustRequestChatTemplate: stands for a flag of vLLM's, which dynamo-1.6 does not have")]
    [InlineData("{type: precise-prefix-cache-producer, parameters: {indexerConfig: {tokenizersPoolConfig: {}}}}", "tokens come from a plugin of type token-producer")]
    [InlineData("{type: precise-prefix-cache-producer, parameters: {indexerConfig: {kvBlockIndexConfig: {redisConfig: {}}}}}", "redisConfig: is known to llm-d but not built")]
    [InlineData("{type: precise-prefix-cache-producer, parameters: {kvEventsConfig: {zmqEndpoint: 'tcp://*'}}}", "expected tcp://*:PORT")]
    [InlineData("{type: precise-prefix-cache-producer, parameters: {kvEventsConfig: {discoverPods: false}}}", "no event would ever arrive")]
    [InlineData("{type: precise-prefix-cache-producer, parameters: {tokenProcessorConfig: {hashAlgorithm: md5}}}", "expected cbor-fnv or xxh64")]
    [InlineData("{name: max-score-picker, type: queue-scorer}", "rename it")]
    public void Case42_BadPlugin_IsAnErrorWithItsPlace(string plugin, string expected) => AssertError($"{Head}plugins: [{plugin}]", expected);

    [Theory]
    [InlineData("plugins: [{type: token-load-scorer}]", "not built into this version: plugin type 'token-load-scorer' (line 3); remove")]
    [InlineData("plugins: [{type: session-affinity-scorer}]", "plugin type 'session-affinity-scorer', experimental (line 3)")]
    [InlineData("featureGates: [haPopulateNonLeaderDatastore=false]", "feature gate 'haPopulateNonLeaderDatastore=false' (line 3)")]
    [InlineData("plugins: [{type: local-syncer}]\ndataLayer: {crossReplicaSyncerPluginRef: local-syncer, crossReplicaSyncInterval: 1s}", "plugin type 'local-syncer' (line 3), dataLayer.crossReplicaSyncerPluginRef (line 4)")]
    [InlineData("plugins: [{type: concurrency-detector, parameters: {concurrencyMode: tokens}}]", "'tokens' is known to llm-d but not built")]
    public void Load_KnownButNotBuilt_IsRefusedInOneList(string text, string expected)
    {
        AssertError(Head + text, expected);
        Assert.Single(Load(Head + text).Errors);
    }

    [Theory]
    [InlineData("dataLayer: {peerDiscovery: {pluginRef: x}}", "dataLayer.peerDiscovery.pluginRef: no plugin is named 'x'")]
    [InlineData("saturationDetector: {pluginRef: x}", "saturationDetector.pluginRef: no plugin is named 'x'")]
    [InlineData("plugins: [{type: queue-scorer}]\nsaturationDetector: {pluginRef: queue-scorer}", "has type 'queue-scorer', expected a saturation detector")]
    [InlineData("flowControl: {saturationDetector: {pluginRef: x}}", "flowControl.saturationDetector.pluginRef: no plugin is named 'x'")]
    [InlineData("saturationDetector: {queueDepthThreshold: 5}", "saturationDetector.queueDepthThreshold: unknown key (thresholds are parameters")]
    [InlineData("flowControl: {maxBytes: many}", "flowControl.maxBytes: found 'many', expected a quantity such as 50, 2k or 512Mi")]
    [InlineData("flowControl: {maxRequest: 1}", "did you mean 'maxRequests'?")]
    [InlineData("flowControl: {defaultRequestTTL: 5}", "flowControl.defaultRequestTTL: found '5', expected a duration")]
    [InlineData("flowControl: {enableEviction: maybe}", "expected true or false")]
    [InlineData("flowControl: {priorityBands: [{maxBytes: 1}]}", "flowControl.priorityBands[0].priority: is missing")]
    [InlineData("flowControl: {priorityBands: [{priority: 1}, {priority: 1}]}", "flowControl.priorityBands[1].priority: a second band has priority 1")]
    [InlineData("flowControl: {priorityBands: [{priority: 1, fairnessPolicyRef: nope}]}", "no plugin is named 'nope'")]
    [InlineData("plugins: [{type: queue-scorer}]\nflowControl: {usageLimitPolicyPluginRef: queue-scorer}", "expected a usage limit policy")]
    [InlineData("plugins: [{type: priority-holdback-policy}]", "parameters.minCeiling: is missing")]
    [InlineData("plugins: [{type: priority-holdback-policy, parameters: {minCeiling: 0.5, maxCeiling: 0.2}}]", "expected minCeiling (0.5) or more")]
    [InlineData("plugins: [{type: priority-holdback-policy, parameters: {minCeiling: 0.5, domain: name}}]", "expected rank or value")]
    [InlineData("plugins: [{type: program-aware-fairness, parameters: {strategy: fifo}}]", "found 'fifo', expected las")]
    [InlineData("plugins: [{type: static-usage-limit-policy, parameters: {treshold: 1}}]", "did you mean 'threshold'?")]
    [InlineData("plugins: [{type: edf-ordering-policy}]\nflowControl: {priorityBands: [{priority: 1, fairnessPolicyRef: edf-ordering-policy}]}", "expected a fairness policy")]
    [InlineData("plugins: [{type: disagg-profile-handler, parameters: {decider: {}}}]", "did you mean 'deciders'?")]
    [InlineData("plugins: [{type: load-aware-scorer, parameters: {threshold: x}}]", "expected a whole number")]
    [InlineData("plugins: [{type: utilization-detector, parameters: {queueDepthThreshold: 0}}]", "expected a whole number of at least 1")]
    [InlineData("plugins: [{type: utilization-detector, parameters: {kvCacheUtilThreshold: 0}}]", "expected more than 0")]
    [InlineData("plugins: [{type: concurrency-detector, parameters: {maxConcurrency: 0}}]", "expected a whole number of at least 1")]
    [InlineData("plugins: [{type: concurrency-detector, parameters: {concurrencyMode: x}}]", "expected requests, tokens or hybrid")]
    [InlineData("plugins: [{type: label-selector-filter, parameters: {matchExpressions: [{key: a, operator: Is}]}}]", "expected In, NotIn, Exists or DoesNotExist")]
    [InlineData("plugins: [{type: label-selector-filter, parameters: {matchExpressions: [{key: a, operator: In}]}}]", "expect at least one value")]
    [InlineData("plugins: [{type: by-label, parameters: {label: a}}]", "or allowsNoLabel: true")]
    public void Case42_BadSection_IsAnErrorWithItsPlace(string text, string expected) => AssertError(Head + text, expected);

    [Fact]
    public void Load_SaturationDetector_InBothShapes()
    {
        Assert.Equal(
            new UtilizationThresholds(6, 0.5, 1000),
            Good("saturationDetector: {queueDepthThreshold: 6, kvCacheUtilThreshold: 0.5, metricsStalenessThreshold: 1s}", GaieHead).Saturation.AnyCapacity);
        Assert.Null(Good("", GaieHead).Saturation.Detector);
        Assert.Equal(new UtilizationThresholds(), Good("", GaieHead).Saturation.AnyCapacity);
        Assert.Equal(
            new UtilizationParameters(new UtilizationThresholds(5, 0.8, 200, 0)), Good("plugins: [{type: queue-scorer}]").Saturation.Detector!.Parameters);
        const string Own = "plugins: [{type: queue-scorer}, {name: sat, type: concurrency-detector, parameters: {maxConcurrency: 64, headroom: 0.25}}]\n"
            + "schedulingProfiles: [{name: p, plugins: [{pluginRef: queue-scorer}]}]\n";
        foreach (var shape in (string[])["saturationDetector: {pluginRef: sat}", "flowControl: {saturationDetector: {pluginRef: sat}}"])
        {
            Assert.Equal(new ConcurrencyParameters(64, 0.25), Good(Own + shape).Saturation.Detector!.Parameters);
            Assert.Equal("sat", Good(Own + shape, GaieHead).Saturation.Detector!.Name);
        }

        Assert.Equal("utilization-detector", Good(Own + "saturationDetector: {pluginRef: sat}\nflowControl: {saturationDetector: {}}").Saturation.Detector!.Name);
    }

    [Fact]
    public void Load_Environment_OverridesGaieOnly()
    {
        var set = new Dictionary<string, string>
        {
            ["SD_QUEUE_DEPTH_THRESHOLD"] = "9", ["SD_KV_CACHE_UTIL_THRESHOLD"] = "no", ["SD_METRICS_STALENESS_THRESHOLD"] = "3s", ["ENABLE_EXPERIMENTAL_DATALAYER_V2"] = "true",
        };
        var text = Encoding.UTF8.GetBytes(GaieHead + "saturationDetector: {queueDepthThreshold: 6, kvCacheUtilThreshold: 0.5}");
        var gaie = EppConfigLoader.Load(text, "test", new ConfigOverrides(set.GetValueOrDefault));
        Assert.Equal(new UtilizationThresholds(9, 0.8, 3000), gaie.Config!.Saturation.AnyCapacity);
        Assert.Contains("SD_KV_CACHE_UTIL_THRESHOLD is 'no', expected a number between 0 and 1; the default is used", Assert.Single(gaie.Warnings).Message);
        var llmd = EppConfigLoader.Load(EppConfigLoader.BuiltIn, "test", new ConfigOverrides(set.GetValueOrDefault));
        Assert.Contains("are ignored", Assert.Single(llmd.Warnings).Message);

        set["ENABLE_EXPERIMENTAL_FLOW_CONTROL_LAYER"] = "1";
        var controlled = EppConfigLoader.Load(text, "test", new ConfigOverrides(set.GetValueOrDefault)).Config!.FlowControl!;
        Assert.Equal((0, 0, long.MaxValue), (controlled.Settings.TtlMs, controlled.Settings.NoEndpointTtlMs, Assert.Single(controlled.Settings.Bands).MaxRequests));
        set["ENABLE_EXPERIMENTAL_FLOW_CONTROL_LAYER"] = "false";
        var gated = Encoding.UTF8.GetBytes(GaieHead + "featureGates: [flowControl]");
        Assert.Null(EppConfigLoader.Load(gated, "test", new ConfigOverrides(set.GetValueOrDefault)).Config!.FlowControl);
    }

    [Fact]
    public void Load_Labels_BecomeConditions()
    {
        var config = Good("""
            plugins:
            - type: by-label-selector
              parameters:
                matchLabels: {a: b}
                matchExpressions:
                - {key: c, operator: NotIn, values: [d, e]}
                - {key: f, operator: Exists}
                - {key: g, operator: DoesNotExist}
            - {type: by-label, parameters: {label: h, validValues: [i], allowsNoLabel: true}}
            - {type: active-request-scorer, parameters: {requestTimeout: 2m, idleThreshold: -1, maxBusyScore: 2}}
            """);
        Assert.Equal(
            ["a in (b) and c not in (d,e) and f present and g not present", "h in (i) or absent"], config.Profile.Filters.Select(f => f.Parameters.ToString()));
        Assert.Equal(new ActiveRequestParameters(), Assert.Single(config.Profile.Scorers).Plugin.Parameters);
    }

    [Theory]
    [InlineData("", "apiVersion: is missing")]
    [InlineData("apiVersion: v1\nkind: EndpointPickerConfig", "1:13: apiVersion: found 'v1'")]
    [InlineData("apiVersion: llm-d.ai/v1alpha1\nkind: Pod", "2:7: kind: found 'Pod'")]
    [InlineData("- a", "found a list, expected a map")]
    [InlineData("a: b: c", "test:1:")]
    [InlineData("a: 1\na: 2", "2:1: duplicate key 'a', first set in line 1")]
    [InlineData("a: &x [1]\nb: *y", "names no anchor")]
    [InlineData("a: &x [*x]", "names no anchor")]
    [InlineData("a: 1\n---\nb: 2", "second document")]
    [InlineData("[[1]]: 2", "key must be a word")]
    public void Load_BadEnvelope_IsAnErrorWithItsPlace(string text, string expected) => AssertError(text, expected);

    [Fact]
    public void Load_Bombs_AreRefused()
    {
        var aliases = new StringBuilder("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
        for (var i = 1; i < 12; i++)
        {
            aliases.Append(string.Create(null, $"a{i}: &a{i} [*a{i - 1},*a{i - 1},*a{i - 1},*a{i - 1},*a{i - 1},*a{i - 1},*a{i - 1},*a{i - 1},*a{i - 1},*a{i - 1}]\n"));
        }

        AssertError(aliases.ToString(), "more than 500000 values");
        AssertError("a: " + new string('[', 100_000), "nested deeper than 32 levels");
        AssertError(new string('x', (1 << 20) + 1), "the limit is 1048576");
        var result = EppConfigLoader.Load([0xFF, 0xFE], "test");
        Assert.Contains("not valid UTF-8", Assert.Single(result.Errors).Message);
    }

    [Fact]
    public void Load_SeveralErrors_AllAtOnce()
    {
        var result = Load(Head + """
            plugins:
            - {type: no-such}
            - {type: token-load-scorer}
            - {type: max-score-picker, parameters: {maxNumOfEndpoints: x, y: 1}}
            schedulingProfiles:
            - name: p
              plugins: [{pluginRef: nope}, {pluginRef: no-such}]
            extra: 1
            """);
        Assert.Null(result.Config);
        Assert.Equal([4, 5, 6, 6, 9, 10], result.Errors.Select(e => e.Line).Order());
        Assert.All(result.Errors, e => Assert.Matches(@"^test:\d+:\d+: ", e.ToString()));
    }

    [Fact]
    public void Load_Warnings_DoNotStopIt()
    {
        var result = Load(Head + """
            plugins:
            - {type: tokenizer}
            - {type: approx-prefix-cache-producer, parameters: {blockSize: 32, lruCapacityPerServer: 0}}
            parser: {pluginRef: openai-parser}
            flowControl: {maxRequests: 2k}
            schedulingProfiles: [{name: p, plugins: [{pluginRef: tokenizer}]}]
            """);
        Assert.NotNull(result.Config);
        Assert.Equal("openai-parser", Assert.Single(result.Config.Parsers).Type);
        var text = string.Join('\n', result.Warnings);
        foreach (var expected in (string[])["'tokenizer' is deprecated", "use blockSizeTokens", "32 is raised to 64", "0 is not positive", "use requestHandler.parsers", "gate flowControl is off", "no effect in a profile"])
        {
            Assert.Contains(expected, text);
        }
    }

    [Fact]
    public void SchedulerFactory_EveryBuiltPolicy_IsMapped()
    {
        foreach (var (type, kind) in PluginCatalog.Built.Where(p => p.Value is PluginKind.Filter or PluginKind.Scorer or PluginKind.Picker or PluginKind.SaturationDetector))
        {
            foreach (var head in (string[])[Head, GaieHead])
            {
                var parameters = type == "by-label" ? ", parameters: {label: a, validValues: [b]}" : "";
                var config = Good($"plugins: [{{name: x, type: {type}{parameters}}}]", head);
                var scheduler = SchedulerFactory.Create(config, new SchedulerContext(new Pool(), 1, static (_, _, _, _, _) => { }));
                Assert.Contains(scheduler.Plugins, p => p.Type == type && p.Name == "x");
                Assert.Equal(type is "prefix-cache-scorer" or "precise-prefix-cache-scorer" ? 1 : 0, scheduler.Producers.Count);
            }
        }
    }

    [Fact]
    public void SchedulerFactory_Default_KeepsWeightsAndOrder()
    {
        var scheduler = SchedulerFactory.Create(EppConfigLoader.Default(), new SchedulerContext(new Pool(), 1, static (_, _, _, _, _) => { }));
        Assert.Equal(
            ["DataProducer approx-prefix-cache-producer", "Scorer queue-scorer", "Scorer kv-cache-utilization-scorer", "Scorer prefix-cache-scorer", "Picker max-score-picker", "PreRequest approx-prefix-cache-producer"],
            scheduler.Plugins.Select(p => $"{p.Point} {p.Name}"));
        Assert.Equal([2, 2, 3], scheduler.Profile.Scorers.ToArray().Select(s => s.Weight));
    }

    [Fact]
    public void Load_MutatedText_NeverThrows()
    {
        const int Seed = 71;
        var random = new Random(Seed);
        string[] seeds =
        [
            Head + "plugins:\n- {type: queue-scorer}\n- name: p\n  type: prefix-cache-scorer\n  parameters: {matchLengthWeight: 0.5}\nschedulingProfiles:\n- name: d\n  plugins:\n  - {pluginRef: p, weight: 2}\nfeatureGates: [flowControl=false]\ndataLayer:\n  sources: &s []\n  injectDefaults: true\n",
            Head + "plugins:\n- {type: agent-identity, parameters: {additionalSessionHeaders: [a]}}\n- type: request-attribute-reporter\n  parameters:\n    attributes:\n    - key: {namespace: n, name: c}\n      expression: usage.prompt_tokens * 2 + (has(usage.total_tokens) ? 1 : 0)\n      condition: usage.prompt_tokens > 0\n",
            "{\"apiVersion\": \"llm-d.ai/v1alpha1\", \"kind\": \"EndpointPickerConfig\", \"plugins\": [{\"type\": \"max-score-picker\", \"parameters\": {\"maxNumOfEndpoints\": 3}}]}",
        ];
        for (var i = 0; i < 4000; i++)
        {
            Fuzz.Mutate(random, Encoding.UTF8.GetBytes(seeds[i % seeds.Length]), bytes =>
            {
                var result = EppConfigLoader.Load(bytes, "fuzz");
                Assert.True(result.Config is null == result.Errors.Count > 0, $"seed {Seed}, round {i}");
            });
        }
    }

    private static EppConfig Good(string text, string head = Head)
    {
        var result = Load(head + text);
        Assert.Empty(result.Errors);
        return result.Config!;
    }

    private static void AssertError(string text, string expected)
    {
        var result = Load(text);
        Assert.Null(result.Config);
        Assert.Contains(expected, string.Join('\n', result.Errors));
    }

    private static ConfigLoadResult Load(string text) => EppConfigLoader.Load(Encoding.UTF8.GetBytes(text), "test");
}
