using System.Text;
using Epp.Aot.Configuration;
using Epp.Native;
using Epp.Native.Pool;
using Epp.Native.Prefix;

namespace Epp.Aot.Tests.Configuration;

[Trait("Category", "Unit")]
public class EppConfigLoaderTests
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
    [InlineData("{type: token-producer, parameters: {vllm: {url: x}, modelName: m}}", "parameters.vllm: is known to llm-d but not built")]
    [InlineData("{name: max-score-picker, type: queue-scorer}", "rename it")]
    public void Case42_BadPlugin_IsAnErrorWithItsPlace(string plugin, string expected) => AssertError($"{Head}plugins: [{plugin}]", expected);

    [Theory]
    [InlineData("plugins: [{type: decode-filter}]", "type 'decode-filter' is known to llm-d but not built into this version")]
    [InlineData("plugins: [{type: session-affinity-scorer}]", "known to llm-d but not built")]
    [InlineData("featureGates: [flowControl]", "'flowControl=true' is known to llm-d but not built")]
    [InlineData("featureGates: [haPopulateNonLeaderDatastore=false]", "not built")]
    [InlineData("dataLayer: {peerDiscovery: {pluginRef: x}}", "dataLayer.peerDiscovery: is known to llm-d but not built")]
    [InlineData("saturationDetector: {pluginRef: x}", "saturation detector other than the default")]
    [InlineData("flowControl: {saturationDetector: {pluginRef: x}}", "saturation detector other than the default")]
    [InlineData("saturationDetector: {queueDepthThreshold: 5}", "saturationDetector.queueDepthThreshold: unknown key")]
    public void Load_KnownButNotBuilt_IsRefusedAndSaysSo(string text, string expected) => AssertError(Head + text, expected);

    [Fact]
    public void Load_GaieSaturationDetector_DefaultsAccepted_OthersRefused()
    {
        Good("saturationDetector: {queueDepthThreshold: 5, kvCacheUtilThreshold: 0.8, metricsStalenessThreshold: 200ms}", GaieHead);
        AssertError(GaieHead + "saturationDetector: {queueDepthThreshold: 6}", "not built");
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
            - {type: decode-filter}
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
        foreach (var (type, kind) in PluginCatalog.Built.Where(p => p.Value is PluginKind.Filter or PluginKind.Scorer or PluginKind.Picker))
        {
            foreach (var head in (string[])[Head, GaieHead])
            {
                var config = Good($"plugins: [{{name: x, type: {type}}}]", head);
                var scheduler = SchedulerFactory.Create(config, new Pool(), 1, static (_, _, _, _, _) => { });
                Assert.Contains(scheduler.Plugins, p => p.Type == type && p.Name == "x");
                Assert.Equal(type == "prefix-cache-scorer" ? 1 : 0, scheduler.Producers.Count);
            }
        }
    }

    [Fact]
    public void SchedulerFactory_Default_KeepsWeightsAndOrder()
    {
        var scheduler = SchedulerFactory.Create(EppConfigLoader.Default(), new Pool(), 1, static (_, _, _, _, _) => { });
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
