using Epp.Native;
using Epp.Native.Pool;
using Epp.Native.Prefix;
using Epp.Native.Scheduling;
using Epp.Native.Scheduling.Pickers;
using Epp.Native.Scheduling.Scorers;

namespace Epp.Bench.Scheduling;

/// <summary>A pool of live endpoints under different load, the built-in profile over it, and requests of 256 known block hashes.</summary>
internal sealed class Decisions
{
    private const int Blocks = 256;
    private const int SystemPromptBlocks = 64;
    private const int ConversationBlocks = 224;

    private readonly Pool _pool = new();

    public Decisions(int endpoints, int blocksPerEndpoint = ApproxPrefixIndex.DefaultBlocksPerEndpoint)
    {
        _pool.Publish([.. Enumerable.Range(0, endpoints).Select(i => new Endpoint("default", $"e{i}", $"10.0.{i / 250}.{1 + (i % 250)}", 8000))]);
        for (var i = 0; i < endpoints; i++)
        {
            _pool.Update(_pool.Current[(ushort)i], new EndpointMetrics { Waiting = i * 7 % 13, Running = i % 5, KvUsage = i * 31 % 97 / 100.0 }, 1);
        }

        var producer = new ApproxPrefixProducer(
            ApproxPrefixProducer.PluginType,
            new ApproxPrefixConfig(Dialect.LlmD, BlocksPerEndpoint: blocksPerEndpoint),
            new ApproxPrefixIndex(7),
            _pool,
            static (_, _, _, _, _) => { });
        Scheduler = new Scheduler(
            new Profile(
                "default",
                [],
                [
                    new WeightedScorer(new QueueScorer("queue-scorer"), 2),
                    new WeightedScorer(new KvCacheUtilizationScorer("kv-cache-utilization-scorer"), 2),
                    new WeightedScorer(new PrefixCacheScorer("prefix-cache-scorer", 0), 3),
                ],
                new MaxScorePicker("max-score-picker")),
            [producer],
            1);
        HeldByAll = NewRequest(1, Blocks);
        Conversation = NewRequest(2, Blocks);
        Staggered = NewRequest(3, Blocks);
        Unknown = NewRequest(4, Blocks);
        for (var i = 0; i < endpoints; i++)
        {
            Hold(i, HeldByAll, Blocks);
            Hold(i, Conversation, i == endpoints / 2 ? ConversationBlocks : SystemPromptBlocks);
            Hold(i, Staggered, Blocks * (i + 1) / endpoints);
        }

        void Hold(int slot, RoutingRequest request, int blocks) =>
            producer.Index.Add((ushort)slot, blocksPerEndpoint, request.PrefixMatches[0].Hashes.All[..blocks]);
    }

    public Scheduler Scheduler { get; }

    public RoutingRequest HeldByAll { get; }

    public RoutingRequest Conversation { get; }

    public RoutingRequest Staggered { get; }

    public RoutingRequest Unknown { get; }

    public PickResult Pick(RoutingRequest request) => Scheduler.Pick(request, _pool.Current);

    /// <summary>A request with <paramref name="blocks"/> hashes that follow from <paramref name="chain"/>: splitmix64.</summary>
    public RoutingRequest NewRequest(ulong chain, int blocks)
    {
        var match = new PrefixMatch();
        for (var i = 0; i < blocks; i++)
        {
            var z = (chain << 32) + (ulong)i + 0x9E3779B97F4A7C15;
            z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
            z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
            match.Hashes.Add(z ^ (z >> 31));
        }

        match.Hashes.EndPrompt();
        return new RoutingRequest { PrefixMatches = [match] };
    }
}
