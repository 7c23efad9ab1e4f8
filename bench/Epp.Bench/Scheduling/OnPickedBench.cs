using BenchmarkDotNet.Attributes;
using Epp.Native.Scheduling;

namespace Epp.Bench.Scheduling;

/// <summary>What follows a pick, after the answer is on its way: the endpoint's prefix history.</summary>
public class OnPickedBench
{
    private readonly Decisions _decisions = new(100);
    private readonly Decisions _small = new(100, blocksPerEndpoint: 512);
    private readonly RoutingRequest[] _rotating = new RoutingRequest[64];
    private int _next;

    [GlobalSetup]
    public void Setup()
    {
        _decisions.Pick(_decisions.HeldByAll);
        for (var i = 0; i < _rotating.Length; i++)
        {
            _rotating[i] = _small.NewRequest((ulong)(1000 + i), 256);
            _small.Pick(_rotating[i]);
        }

        // Until every history is full and every table has its size.
        for (var i = 0; i < 2000; i++)
        {
            OnPicked_256NewBlocks_FullHistory();
        }
    }

    /// <summary>The endpoint holds the blocks already: each only becomes its newest.</summary>
    [Benchmark]
    public void OnPicked_256BlocksHeld() => _decisions.Scheduler.OnPicked(_decisions.HeldByAll);

    /// <summary>256 blocks the endpoint forgot push out 256 others.</summary>
    [Benchmark]
    public void OnPicked_256NewBlocks_FullHistory() => _small.Scheduler.OnPicked(_rotating[_next++ & 63]);
}
