using Epp.Native.Memory;
using Epp.Native.Pool;
using Epp.Native.Prefix;
using Epp.Native.Requests;
using Epp.Native.Scheduling;
using Epp.Native.Scheduling.Pickers;
using Epp.Native.Scheduling.Scorers;

namespace Epp.Native.Tests;

/// <summary>Pools, requests and schedulers for tests.</summary>
internal static class TestPool
{
    /// <summary>A pool of live endpoints 192.168.x.y:8000, each with the given queue and KV use (the fixture of contract §10).</summary>
    public static Epp.Native.Pool.Pool Of(params (double Queue, double Kv)[] states)
    {
        var pool = WithEndpoints(states.Length);
        for (var i = 0; i < states.Length; i++)
        {
            Update(pool, i, states[i].Queue, states[i].Kv);
        }

        return pool;
    }

    /// <summary>A pool of endpoints that were never scraped.</summary>
    public static Epp.Native.Pool.Pool WithEndpoints(int count)
    {
        var pool = new Epp.Native.Pool.Pool();
        pool.Publish([.. Enumerable.Range(0, count).Select(i => new Endpoint("default", $"e{i}", Address(i), 8000))]);
        return pool;
    }

    public static string Address(int i) => $"192.168.{1 + ((i + 1) / 256)}.{(i + 1) % 256}";

    public static void Update(Epp.Native.Pool.Pool pool, int i, double queue, double kv, LoraState? lora = null, double running = 0, int blockTokens = 0, int blocks = 0) =>
        pool.Update(
            pool.Current[(ushort)i],
            new EndpointMetrics { Waiting = queue, Running = running, KvUsage = kv, Lora = lora, CacheBlockTokens = blockTokens, CacheBlocks = blocks },
            1);

    public static LoraState Lora(int max, string[] running, params string[] waiting) =>
        new([.. running.Select(System.Text.Encoding.UTF8.GetBytes)], [.. waiting.Select(System.Text.Encoding.UTF8.GetBytes)], max);

    public static HeaderTable Headers(string key, string value)
    {
        var headers = new HeaderTable();
        headers.Add(System.Text.Encoding.UTF8.GetBytes(key), System.Text.Encoding.UTF8.GetBytes(value));
        return headers;
    }

    public static SubsetHint Subset(params string[] addresses)
    {
        var hint = new SubsetHint { Present = true };
        foreach (var address in addresses)
        {
            hint.Add(System.Text.Encoding.UTF8.GetBytes(address));
        }

        return hint;
    }

    /// <summary>The built-in default: queue 2, KV 2, prefix 3, best total.</summary>
    public static Scheduler Default(Epp.Native.Pool.Pool pool, int maxEndpoints = 1, ulong seed = 1) => new(
        new Profile(
            "default",
            [],
            [
                new WeightedScorer(new QueueScorer("queue-scorer"), 2),
                new WeightedScorer(new KvCacheUtilizationScorer("kv-cache-utilization-scorer"), 2),
                new WeightedScorer(new PrefixCacheScorer("prefix-cache-scorer", 0), 3),
            ],
            new MaxScorePicker("max-score-picker", maxEndpoints)),
        [Producer(pool)],
        seed);

    public static ApproxPrefixProducer Producer(Epp.Native.Pool.Pool pool, ApproxPrefixConfig? config = null, BlockHashing? hashing = null) => new(
        ApproxPrefixProducer.PluginType,
        config ?? new ApproxPrefixConfig(Dialect.LlmD),
        new ApproxPrefixIndex(7),
        pool,
        hashing ?? (static (_, _, _, _, _) => { }));

    /// <summary>A request whose prefix hashes are known already: a chain of <paramref name="blocks"/> hashes.</summary>
    public static RoutingRequest WithHashes(Scheduler scheduler, ulong chain, int blocks)
    {
        var request = new RoutingRequest { PrefixMatches = [new PrefixMatch()] };
        SetHashes(request, chain, blocks);
        return request;
    }

    public static void SetHashes(RoutingRequest request, ulong chain, int blocks)
    {
        var hashes = request.PrefixMatches[0].Hashes;
        hashes.Clear();
        for (var i = 0; i < blocks; i++)
        {
            hashes.Add(Hash(chain, i));
        }

        hashes.EndPrompt();
    }

    /// <summary>A hash of block i of a chain: splitmix64.</summary>
    public static ulong Hash(ulong chain, int i)
    {
        var z = (chain << 32) + (ulong)i + 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }

    public static double[] Scores(IScorer scorer, Epp.Native.Pool.Pool pool, RoutingRequest? request = null)
    {
        var scores = new double[pool.Current.Count];
        scorer.Score(request ?? new RoutingRequest(), new Candidates(pool.Current, pool.Current.Indexes), scores);
        return scores;
    }
}
