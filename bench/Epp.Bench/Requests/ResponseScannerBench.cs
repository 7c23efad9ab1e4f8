using BenchmarkDotNet.Attributes;
using Epp.Native.Requests;

namespace Epp.Bench.Requests;

/// <summary>Token counts out of a streamed answer.</summary>
public class ResponseScannerBench
{
    private readonly ResponseScanner _scanner = new();
    private readonly byte[] _event = Bodies.ChatEvent(7);
    private readonly byte[] _last = Bodies.LastEvents();

    [GlobalSetup]
    public void Setup() => _scanner.Reset(RequestApi.ChatCompletions, isStream: true);

    /// <summary>One event of one token, about 240 bytes, that holds no counts.</summary>
    [Benchmark]
    public int ResponseScanner_OneSseEvent()
    {
        _scanner.Feed(_event);
        return _scanner.Events;
    }

    /// <summary>Counts and end mark, the scanner's reset included.</summary>
    [Benchmark]
    public bool ResponseScanner_UsageAndDone()
    {
        _scanner.Reset(RequestApi.ChatCompletions, isStream: true);
        _scanner.Feed(_last);
        return _scanner.IsDone;
    }
}
