using System.Diagnostics;
using Epp.Aot.KvEvents;
using Epp.Aot.KvEvents.Dynamo;
using Epp.Aot.KvEvents.Engines;
using Epp.Aot.KvEvents.Nats;
using Epp.Native.KvEvents;
using Epp.Native.Wire;
using Epp.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit.Abstractions;

namespace Epp.Integration.Tests.KvEvents;

/// <summary>
/// From the socket through the decoder to a target that does nothing, blocks per second and CPU of this process; the publishers are other processes.
/// Runs with EPP_BENCH=1 only.
/// </summary>
[Trait("Category", "Bench")]
public sealed class IntakeBench(ITestOutputHelper output)
{
    private const int BlocksPerEvent = 16;
    private const int TokensPerBlock = 16;
    private const int EventsPerBatch = 8;

    private long _allocated;

    [SkippableFact]
    public async Task Engine_OverZmq()
    {
        Skip.IfNot(Environment.GetEnvironmentVariable("EPP_BENCH") == "1", "set EPP_BENCH=1 to measure");
        var port = Ports.Free();
        var target = new CountingTarget();
        await using var engines = new EngineEventSubscriptions(new EngineEventOptions(port), target, TimeProvider.System, NullLogger.Instance, new KvEventSeries(), seed: 1);
        using var publisher = new ZmqEngines($"port={port}", "ring=0", "hwm=0");
        engines.Add(1, "127.0.0.1");
        await Wait.UntilAsync(() => { publisher.Do("raw " + Convert.ToHexString(EngineBatch())); return target.Blocks > 0; });
        var before = target.Blocks;
        var watch = Stopwatch.StartNew();
        var cpu = Process.GetCurrentProcess().TotalProcessorTime;
        _allocated = GC.GetTotalAllocatedBytes();
        const int Batches = 40_000;
        publisher.Do($"repeat {Batches} {Convert.ToHexString(EngineBatch())}");
        await Wait.UntilAsync(() => target.Blocks - before >= (long)Batches * EventsPerBatch * BlocksPerEvent, TimeSpan.FromSeconds(120));
        Report("ZMQ, engine batches", Batches, target.Blocks - before, watch, cpu, EngineBatch().Length);
    }

    [SkippableFact]
    public async Task Dynamo_OverNats()
    {
        Skip.IfNot(Environment.GetEnvironmentVariable("EPP_BENCH") == "1", "set EPP_BENCH=1 to measure");
        using var server = new NatsServer("write_deadline: \"60s\"\nmax_pending: 1000000000");
        var target = new CountingTarget();
        var series = new KvEventSeries();
        var options = new DynamoEventOptions("lab", "backend");
        await using var nats = new NatsConnection(new NatsOptions([server.Url]), TimeProvider.System, NullLogger.Instance, series, seed: 1);
        await using var intake = new DynamoEventIntake(options, target, null, TimeProvider.System, NullLogger.Instance, series, seed: 1);
        _ = new DynamoNatsSubscription(nats, intake, options);
        nats.Start();
        await Wait.UntilAsync(() => nats.IsConnected);
        Assert.Equal(503, (await nats.RequestAsync("nobody", default, TimeSpan.FromSeconds(5), default)).Status);
        const int Messages = 200_000;
        var file = Path.GetTempFileName();
        await File.WriteAllBytesAsync(file, NatsStream(Messages, out var messageBytes));
        var watch = Stopwatch.StartNew();
        var cpu = Process.GetCurrentProcess().TotalProcessorTime;
        _allocated = GC.GetTotalAllocatedBytes();
        using var publisher = ChildProcesses.Start(new ProcessStartInfo("/bin/bash", $"-c \"exec 3<>/dev/tcp/127.0.0.1/{server.Port}; cat {file} >&3; read -t 100 -u 3 x; read -t 100 -u 3 x; read -t 100 -u 3 x; sleep 30\""));
        await Wait.UntilAsync(() => target.Blocks >= (long)Messages * BlocksPerEvent, TimeSpan.FromSeconds(120));
        Report("NATS, Dynamo 1.6 messages", Messages, target.Blocks, watch, cpu, messageBytes);
        ChildProcesses.Kill(publisher);
        File.Delete(file);
    }

    private void Report(string what, long messages, long blocks, Stopwatch watch, TimeSpan cpuBefore, int messageBytes)
    {
        var seconds = watch.Elapsed.TotalSeconds;
        var cpu = (Process.GetCurrentProcess().TotalProcessorTime - cpuBefore).TotalSeconds;
        output.WriteLine($"{what} of {messageBytes} bytes: {blocks / seconds / 1e6:0.00} M blocks/s over {seconds:0.0} s, {cpu / seconds:0.00} cores, {blocks / cpu / 1e6:0.00} M blocks per CPU second, {(GC.GetTotalAllocatedBytes() - _allocated) / (double)messages:0} bytes allocated per message");
    }

    private static byte[] EngineBatch()
    {
        var writer = new MsgPackWriter();
        writer.BeginArray(3);
        writer.WriteDouble(1.5);
        writer.BeginArray(EventsPerBatch);
        for (var e = 0; e < EventsPerBatch; e++)
        {
            writer.BeginArray(7);
            writer.WriteText("BlockStored"u8);
            writer.BeginArray(BlocksPerEvent);
            for (var b = 0; b < BlocksPerEvent; b++)
            {
                writer.WriteUInt64(0x9e3779b97f4a7c15UL * (ulong)((e * BlocksPerEvent) + b + 1));
            }

            writer.WriteNil();
            writer.BeginArray(BlocksPerEvent * TokensPerBlock);
            for (var t = 0; t < BlocksPerEvent * TokensPerBlock; t++)
            {
                writer.WriteUInt64((ulong)(t * 7919 % 151_936));
            }

            writer.WriteUInt64(TokensPerBlock);
            writer.WriteNil();
            writer.WriteText("GPU"u8);
        }

        writer.WriteUInt64(0);
        return writer.Written.ToArray();
    }

    private static byte[] NatsStream(int messages, out int messageBytes)
    {
        using var stream = new MemoryStream();
        stream.Write("CONNECT {\"verbose\":false,\"pedantic\":false}\r\n"u8);
        var payload = new MsgPackWriter();
        var envelope = new MsgPackWriter();
        messageBytes = 0;
        for (var m = 0; m < messages; m++)
        {
            payload.Clear();
            WriteEvent(payload, (ulong)m + 1);
            envelope.Clear();
            envelope.BeginMap(2);
            envelope.WriteText("topic"u8);
            envelope.WriteText("kv-events"u8);
            envelope.WriteText("payload"u8);
            envelope.WriteBinary(payload.Written);
            messageBytes = envelope.Length;
            stream.Write(System.Text.Encoding.ASCII.GetBytes($"PUB namespace.lab.component.backend.endpoint.generate.kv-events {envelope.Length}\r\n"));
            stream.Write(envelope.Written);
            stream.Write("\r\n"u8);
        }

        return stream.ToArray();
    }

    private static void WriteEvent(MsgPackWriter writer, ulong id)
    {
        writer.BeginArray(1);
        writer.BeginMap(2);
        writer.WriteText("worker_id"u8);
        writer.WriteUInt64(7);
        writer.WriteText("event"u8);
        writer.BeginMap(3);
        writer.WriteText("event_id"u8);
        writer.WriteUInt64(id);
        writer.WriteText("data"u8);
        writer.BeginMap(1);
        writer.WriteText("stored"u8);
        writer.BeginMap(2);
        writer.WriteText("parent_hash"u8);
        writer.WriteNil();
        writer.WriteText("blocks"u8);
        writer.BeginArray(BlocksPerEvent);
        for (var b = 0UL; b < BlocksPerEvent; b++)
        {
            writer.BeginMap(3);
            writer.WriteText("block_hash"u8);
            writer.WriteUInt64(0x9e3779b97f4a7c15UL * (id + b));
            writer.WriteText("tokens_hash"u8);
            writer.WriteUInt64(0xc2b2ae3d27d4eb4fUL * (id + b));
            writer.WriteText("mm_extra_info"u8);
            writer.WriteNil();
        }

        writer.WriteText("dp_rank"u8);
        writer.WriteUInt64(0);
    }

    private sealed class CountingTarget : IKvEventTarget
    {
        private long _blocks;

        public long Blocks => Interlocked.Read(ref _blocks);

        public void Stored(in KvStored stored) => Interlocked.Add(ref _blocks, stored.BlockHashes.Length);

        public void Removed(in KvRemoved removed)
        {
        }

        public void Cleared(in KvCleared cleared)
        {
        }

        public void DropWorker(ulong workerId)
        {
        }

        public void DropRank(KvRank rank)
        {
        }
    }
}
