using Epp.Native;
using Epp.Native.Prefix;

namespace Epp.Aot.Configuration;

/// <content>Parameters of the precise prefix producer (plugins §5.3).</content>
internal sealed partial class PluginParametersReader
{
    private static readonly string[] HashAlgorithms = ["", "cbor-fnv", "xxh64"];

    private PrecisePrefixParameters Precise(MapReader map, bool isScorer)
    {
        var (deviceWeight, hostWeight, budget) = Indexer(map.Map("indexerConfig"), isScorer);
        var speculative = map.Bool("speculativeIndexing", false);
        var ttl = map.Duration("speculativeTTL") ?? TimeSpan.FromSeconds(2);
        if (ttl <= TimeSpan.Zero)
        {
            map.Problems.Error(map.Value("speculativeTTL"), map.PathOf("speculativeTTL"), "found no time, expected a duration above 0 such as 2s");
        }

        return new PrecisePrefixParameters(
            new PrecisePrefixConfig(TokenProcessor(map.Map("tokenProcessorConfig")), deviceWeight, hostWeight, speculative, ttl),
            Events(map.Map("kvEventsConfig")),
            budget);
    }

    /// <summary>Keys never leave the process, so algorithm and seed change nothing that anyone can see: they are checked only.</summary>
    private int TokenProcessor(MapReader? map)
    {
        if (map is null)
        {
            return DefaultBlockTokens;
        }

        var tokens = map.Int("blockSizeTokens", DefaultBlockTokens, 1, PromptShape.MaxBlockTokens);
        if (map.Value("blockSize") is { } deprecated)
        {
            map.Problems.Warn(deprecated, map.PathOf("blockSize"), "is deprecated; use blockSizeTokens");
            var size = map.Int("blockSize", DefaultBlockTokens, 1, PromptShape.MaxBlockTokens);
            tokens = map.Value("blockSizeTokens") is null ? size : tokens;
        }

        map.Text("hashSeed");
        var algorithm = map.Text("hashAlgorithm") ?? "";
        if (!HashAlgorithms.Contains(algorithm))
        {
            map.Problems.Error(map.Value("hashAlgorithm"), map.PathOf("hashAlgorithm"), $"found '{algorithm}', expected cbor-fnv or xxh64");
        }

        map.End(dialect == Dialect.LlmD);
        return tokens;
    }

    private (double Device, double Host, long? Budget) Indexer(MapReader? map, bool isScorer)
    {
        var weights = (Device: 1.0, Host: 0.8);
        if (map is null)
        {
            return (weights.Device, weights.Host, null);
        }

        foreach (var backend in map.Maps("kvCacheBackendConfigs"))
        {
            var name = backend.RequiredText("name", "gpu or cpu") ?? "";
            var weight = backend.Number("weight", 1, 0, 1e6);
            backend.End(dialect == Dialect.LlmD);
            weights = name switch
            {
                "gpu" => (weight, weights.Host),
                "cpu" => (weights.Device, weight),
                _ => weights,
            };
            if (name is not ("gpu" or "cpu" or ""))
            {
                map.Problems.Warn(backend.Value("name"), backend.PathOf("name"), $"engines name no tier '{name}'; gpu and cpu are known");
            }
        }

        if (map.Value("tokenizersPoolConfig") is { } pool)
        {
            Action<YamlNode?, string, string> report = isScorer ? map.Problems.Warn : map.Problems.Error;
            report(pool, map.PathOf("tokenizersPoolConfig"), "has no effect here; tokens come from a plugin of type token-producer");
        }

        var budget = BlockIndex(map.Map("kvBlockIndexConfig"));
        map.End(dialect == Dialect.LlmD);
        return (weights.Device, weights.Host, budget);
    }

    /// <summary>The reference has three stores; ours is one, in memory, with a budget in bytes.</summary>
    private long? BlockIndex(MapReader? map)
    {
        if (map is null)
        {
            return null;
        }

        var bytes = default(long?);
        if (map.Value("costAwareMemoryConfig") is not null && map.Map("costAwareMemoryConfig") is { } costAware)
        {
            var size = costAware.Text("size") ?? "2GiB";
            if (!Cli.ByteQuantity.TryParse(size, out var quantity) || quantity <= 0)
            {
                costAware.Problems.Error(costAware.Value("size"), costAware.PathOf("size"), $"found '{size}', expected a size such as 512MiB or 2GiB");
            }

            bytes = quantity;
            costAware.End(dialect == Dialect.LlmD);
        }

        if (map.Value("inMemoryConfig") is not null && map.Map("inMemoryConfig") is { } inMemory)
        {
            foreach (var key in (string[])["size", "podCacheSize"])
            {
                if (inMemory.Value(key) is { } given)
                {
                    inMemory.Int(key, 1, 1);
                    inMemory.Problems.Warn(given, inMemory.PathOf(key), "has no effect; the index is limited in bytes, by --kv-index-memory or costAwareMemoryConfig.size");
                }
            }

            inMemory.End(dialect == Dialect.LlmD);
        }

        foreach (var store in (string[])["redisConfig", "valkeyConfig"])
        {
            if (map.Value(store) is { } node)
            {
                map.Problems.Error(node, map.PathOf(store), "is known to llm-d but not built into this version; each replica keeps its own index and learns it from the events");
            }
        }

        map.Bool("enableMetrics", false);
        map.Duration("metricsLoggingInterval");
        map.End(dialect == Dialect.LlmD);
        return bytes;
    }

    private KvEventsConfig Events(MapReader? map)
    {
        if (map is null)
        {
            return new KvEventsConfig();
        }

        var listen = ListenPort(map);
        var topic = map.Text("topicFilter") ?? "kv@";
        map.Int("concurrency", 4, 1);
        var engine = map.Text("engineType") ?? "vllm";
        if (engine is not ("vllm" or "sglang"))
        {
            map.Problems.Error(map.Value("engineType"), map.PathOf("engineType"), $"found '{engine}', expected vllm or sglang");
        }

        var discover = map.Bool("discoverPods", true);
        var (port, replay) = (5557, 0);
        if (map.Map("podDiscoveryConfig") is { } pods)
        {
            foreach (var key in (string[])["podLabelSelector", "podNamespace"])
            {
                if (pods.Value(key) is { } given)
                {
                    pods.Problems.Warn(given, pods.PathOf(key), "has no effect; every endpoint of the pool is subscribed to");
                }
            }

            port = pods.Int("socketPort", 5557, 1, 65535);
            replay = pods.Int("replaySocketPort", 0, 0, 65535);
            pods.End(dialect == Dialect.LlmD);
        }

        var dynamo = map.Value("dynamo") is null ? null : Dynamo(map.Map("dynamo"));
        if (!discover && listen == 0 && dynamo is null)
        {
            map.Problems.Error(map.Value("discoverPods"), map.PathOf("discoverPods"), "is false and zmqEndpoint is empty: no event would ever arrive; set one of them");
        }

        map.End(dialect == Dialect.LlmD);
        return new KvEventsConfig(listen, topic, port, replay, dynamo);
    }

    private DynamoEventsConfig? Dynamo(MapReader? map)
    {
        if (map is null)
        {
            return null;
        }

        var scope = map.RequiredText("namespace", "Dynamo's namespace of the workers") ?? "";
        var component = map.Text("component") is { Length: > 0 } text ? text : null;
        var durable = map.Bool("durable", false);
        if (durable && component is null)
        {
            map.Problems.Error(map.Node, map.PathOf("component"), "is missing; the durable mode has one stream for each component");
        }

        var endpoints = new List<string>();
        foreach (var (node, path) in map.List("zmqEndpoints"))
        {
            if (node.Kind != YamlKind.Scalar || !node.Text.StartsWith("tcp://", StringComparison.Ordinal))
            {
                map.Problems.Error(node, path, $"found {node.Describe()}, expected tcp://HOST:PORT");
            }

            endpoints.Add(node.Text);
        }

        map.End(dialect == Dialect.LlmD);
        return new DynamoEventsConfig(scope, component, durable, endpoints);
    }

    /// <summary>The port of <c>zmqEndpoint</c>, where engines connect to us; 0 where it is empty.</summary>
    private static int ListenPort(MapReader map)
    {
        var endpoint = map.Text("zmqEndpoint") ?? "";
        if (endpoint.Length == 0)
        {
            return 0;
        }

        var colon = endpoint.LastIndexOf(':');
        if (endpoint.StartsWith("tcp://", StringComparison.Ordinal)
            && int.TryParse(endpoint.AsSpan(colon + 1), System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out var port)
            && port is > 0 and <= 65535)
        {
            return port;
        }

        map.Problems.Error(map.Value("zmqEndpoint"), map.PathOf("zmqEndpoint"), $"found '{endpoint}', expected tcp://*:PORT");
        return 0;
    }
}
