using System.Buffers;
using Epp.Aot.Configuration;
using Epp.Aot.ExtProc;
using Epp.Aot.Telemetry;
using Epp.Native.Objectives;
using Epp.Native.Pool;
using Epp.Native.Requests;
using Epp.Native.Wire;
using Microsoft.Extensions.Logging.Abstractions;

namespace Epp.Bench.ExtProc;

/// <summary>The server's state machine wired as in the program, with a buffer in place of the connection.</summary>
internal sealed class Exchange
{
    private readonly StreamServices _services;
    private readonly ArrayBufferWriter<byte> _output = new(1 << 20);
    private ExtProcStream? _stream;

    public Exchange(int endpoints)
    {
        var config = EppConfigLoader.Default();
        var pool = new Pool();
        pool.Publish([.. Enumerable.Range(0, endpoints).Select(i => new Endpoint("default", $"e{i}", $"10.0.{i / 250}.{1 + (i % 250)}", 8000))]);
        for (var i = 0; i < endpoints; i++)
        {
            pool.Update(pool.Current[(ushort)i], new EndpointMetrics { Waiting = i * 7 % 13, Running = i % 5, KvUsage = i * 31 % 97 / 100.0 }, 1);
        }

        var metrics = new EppMetrics(new EppMetricsOptions(), pool, TimeProvider.System);
        var context = new SchedulerContext(
            pool,
            Seed: 1,
            static (request, rules, blockSize, maxBlocks, into) =>
                ApproxPrefixHasher.Hash(request.Scan!, request.Body!, request.TargetModel, request.CacheSalt, rules, blockSize, maxBlocks, into));
        var options = new ExtProcOptions();
        var director = new Director(
            pool, RoutingPlan.Create(config, context, metrics), new ObjectiveStore(), metrics, options, TimeProvider.System, new PickLog(NullLogger.Instance));
        _services = new StreamServices(
            pool, director, metrics, options, new ParserSet(config), new BodyBudget(options.MaxBufferedBytes), TimeProvider.System, NullLogger.Instance);
    }

    /// <summary>Opens a stream.</summary>
    public void Begin()
    {
        _output.ResetWrittenCount();
        _stream = new ExtProcStream(_services);
    }

    /// <summary>Handles one message, and everything it sets off.</summary>
    public void Send(byte[] message)
    {
        if (!ProcessingRequest.TryDecode(message, out var request) || _stream!.Handle(in request, _output) is not null)
        {
            throw new InvalidOperationException("the exchange was refused");
        }

        while (_stream.HasReply)
        {
            _stream.WriteReply(_output);
        }

        _stream.AfterAnswer();
    }

    /// <summary>Closes the stream; returns the bytes that were answered.</summary>
    public int End()
    {
        _stream!.Finish();
        return _output.WrittenCount;
    }
}
