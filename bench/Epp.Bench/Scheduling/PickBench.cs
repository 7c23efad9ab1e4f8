using BenchmarkDotNet.Attributes;
using Epp.Native.Scheduling;

namespace Epp.Bench.Scheduling;

/// <summary>
/// The decision after the end of stream: built-in profile (queue 2, KV use 2, prefix 3, highest total) over a request whose 256 block
/// hashes are known. Without a suffix every endpoint holds every block, the most a match can count.
/// </summary>
public class PickBench
{
    private readonly Decisions _ten = new(10);
    private readonly Decisions _hundred = new(100);
    private readonly Decisions _thousand = new(1000);

    [Benchmark]
    public PickResult Pick_10Endpoints_256Blocks() => _ten.Pick(_ten.HeldByAll);

    [Benchmark]
    public PickResult Pick_100Endpoints_256Blocks() => _hundred.Pick(_hundred.HeldByAll);

    [Benchmark]
    public PickResult Pick_1000Endpoints_256Blocks() => _thousand.Pick(_thousand.HeldByAll);

    /// <summary>64 blocks of system prompt on every endpoint, 160 of the conversation on one, 32 new.</summary>
    [Benchmark]
    public PickResult Pick_10Endpoints_256Blocks_SharedSystemPrompt() => _ten.Pick(_ten.Conversation);

    [Benchmark]
    public PickResult Pick_100Endpoints_256Blocks_SharedSystemPrompt() => _hundred.Pick(_hundred.Conversation);

    [Benchmark]
    public PickResult Pick_1000Endpoints_256Blocks_SharedSystemPrompt() => _thousand.Pick(_thousand.Conversation);

    /// <summary>Endpoint i of n holds the first 256 · (i + 1) / n blocks: the holders change with nearly every block.</summary>
    [Benchmark]
    public PickResult Pick_100Endpoints_256Blocks_EachHoldsADifferentLength() => _hundred.Pick(_hundred.Staggered);

    [Benchmark]
    public PickResult Pick_100Endpoints_256Blocks_NobodyHoldsAny() => _hundred.Pick(_hundred.Unknown);
}
