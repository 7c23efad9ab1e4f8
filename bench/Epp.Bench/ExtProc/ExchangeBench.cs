using BenchmarkDotNet.Attributes;
using Epp.Bench.Wire;
using Epp.Native.Wire;

namespace Epp.Bench.ExtProc;

/// <summary>
/// Whole exchanges through the state machine, without network: request headers, a 4 KB chat body, the answer, response headers, 100
/// events of one token, the counts at the end. All decisions go through the built-in profile over 10 endpoints.
/// </summary>
public class ExchangeBench
{
    private const int Events = 100;

    private readonly Exchange _exchange = new(endpoints: 10);
    private readonly byte[] _headers = Messages.RequestHeaders();
    private readonly byte[] _body = Messages.Body(ProcessingKind.RequestBody, Bodies.Chat(4096), endOfStream: true);
    private readonly byte[] _responseHeaders = Messages.ResponseHeaders();
    private readonly byte[] _last = Messages.Body(ProcessingKind.ResponseBody, Bodies.LastEvents(), endOfStream: true);
    private readonly byte[][] _events = [.. Enumerable.Range(0, Events).Select(i => Messages.Body(ProcessingKind.ResponseBody, Bodies.ChatEvent(i), endOfStream: false))];

    /// <summary>Request half only: headers, body, pick, answer.</summary>
    [Benchmark]
    public int Exchange_4KBChat_RequestOnly()
    {
        _exchange.Begin();
        _exchange.Send(_headers);
        _exchange.Send(_body);
        return _exchange.End();
    }

    [Benchmark]
    public int Exchange_4KBChat_100SseEvents()
    {
        _exchange.Begin();
        _exchange.Send(_headers);
        _exchange.Send(_body);
        _exchange.Send(_responseHeaders);
        foreach (var message in _events)
        {
            _exchange.Send(message);
        }

        _exchange.Send(_last);
        return _exchange.End();
    }
}
