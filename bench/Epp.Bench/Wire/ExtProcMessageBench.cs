using BenchmarkDotNet.Attributes;
using Epp.Native.Requests;
using Epp.Native.Wire;

namespace Epp.Bench.Wire;

/// <summary>ext_proc messages in and out.</summary>
public class ExtProcMessageBench : IDisposable
{
    private readonly byte[] _headers = Messages.RequestHeaders();
    private readonly byte[] _event = Messages.Body(ProcessingKind.ResponseBody, Bodies.ChatEvent(7), endOfStream: false);
    private readonly byte[] _chunk = Messages.Body(ProcessingKind.RequestBody, Bodies.Chat(62_000), endOfStream: true);
    private readonly ProtoWriter _writer = new();
    private readonly HeaderTable _table = new();

    [GlobalCleanup]
    public void Dispose() => _table.Dispose();

    /// <summary>16 headers, decoded and put into the table.</summary>
    [Benchmark]
    public int ProcessingRequest_RequestHeaders_16()
    {
        _table.Dispose();
        ProcessingRequest.TryDecode(_headers, out var request);
        ProcessingRequest.TryReadHeaders(request.HeaderMap, _table);
        return _table.Count;
    }

    [Benchmark]
    public int ProcessingRequest_ResponseBody_SseEvent()
    {
        ProcessingRequest.TryDecode(_event, out var request);
        return request.Body.Length;
    }

    [Benchmark]
    public int ProcessingRequest_RequestBody_62KB()
    {
        ProcessingRequest.TryDecode(_chunk, out var request);
        return request.Body.Length;
    }

    /// <summary>Everything in front of a passed-on chunk's bytes.</summary>
    [Benchmark]
    public int StreamedChunkHead_SseEvent()
    {
        ExtProcEncoder.StreamedChunkHead(_writer, ProcessingKind.ResponseBody, 240, endOfStream: false);
        return _writer.Length;
    }
}
