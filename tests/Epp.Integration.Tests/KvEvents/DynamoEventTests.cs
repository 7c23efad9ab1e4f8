using System.Text;
using Epp.Aot.KvEvents;
using Epp.Aot.KvEvents.Dynamo;
using Epp.Aot.KvEvents.Nats;
using Epp.Native.KvEvents;
using Epp.Native.KvEvents.Dynamo;
using Epp.Testing;

namespace Epp.Integration.Tests.KvEvents;

/// <summary>Dynamo's event plane over a real nats-server and real libzmq, with workers that answer recovery queries as recorded.</summary>
[Trait("Category", "Integration")]
public sealed class DynamoEventTests
{
    private const string Subject = "namespace.lab.component.backend.endpoint.generate.kv-events";

    [SkippableFact]
    public async Task Gap_StartAndOutage_AreRepaired()
    {
        using var server = new NatsServer();
        await using var rig = new Rig(server);
        rig.Publish(5);
        await rig.HoldsAsync(5);
        rig.Publish(3, lost: true);
        // What came before the endpoint was known: fetched whole.
        rig.Discover();
        await rig.HoldsAsync(8);
        rig.Publish(4, lost: true);
        rig.Publish(1);
        await rig.HoldsAsync(13);
        Assert.Equal((1, 2), (rig.Series.Gaps, rig.Series.Repairs));
        server.Kill();
        await Wait.UntilAsync(() => !rig.Nats.IsConnected && !rig.Sender.IsConnected);
        rig.Publish(50, lost: true);
        server.Start();
        // Nothing new is published: the reconnect alone asks.
        await rig.HoldsAsync(63);
        await Wait.UntilAsync(() => rig.Sender.IsConnected);
        rig.Publish(2000, lost: true);
        rig.Publish(1);
        await rig.HoldsAsync(2064);
        Assert.Equal("", rig.Target.Overlap);
    }

    [SkippableFact]
    public async Task Worker_ThatDoesNotAnswer_IsFollowedFromEmpty_AndAskedAgain()
    {
        using var server = new NatsServer();
        await using var rig = new Rig(server, o => o with { Attempts = 2, QueryTimeout = TimeSpan.FromMilliseconds(200), FirstPause = TimeSpan.FromMilliseconds(10), RetryFailed = TimeSpan.FromMilliseconds(500) });
        rig.Worker.Refuses = true;
        rig.Publish(3, lost: true);
        rig.Discover();
        await Wait.UntilAsync(() => rig.Series.FailedRepairs == 1);
        rig.Publish(2);
        await Wait.UntilAsync(() => rig.Target.Total == 2);
        rig.Worker.Refuses = false;
        await rig.HoldsAsync(5);
    }

    [SkippableFact]
    public async Task Worker_Removed_LosesItsBlocksAtOnce()
    {
        using var server = new NatsServer();
        await using var rig = new Rig(server);
        rig.Discover();
        rig.Publish(5);
        await rig.HoldsAsync(5);
        rig.Intake.RemoveWorker(rig.Worker.Id);
        Assert.Equal(0, rig.Target.Total);
        Assert.Equal($"worker {rig.Worker.Id}", rig.Target.Drops[^1]);
    }

    [SkippableFact]
    public async Task Load_ReachesTheSink()
    {
        using var server = new NatsServer();
        await using var rig = new Rig(server);
        foreach (var subject in (string[])["namespace.lab.kv_metrics", "namespace.lab.component.backend.endpoint.generate.kv_metrics"])
        {
            rig.Sender.Publish(Encoding.ASCII.GetBytes(subject), default, rig.Worker.Load(77));
        }

        await Wait.UntilAsync(() => rig.Loads.Count == 2);
        Assert.All(rig.Loads, l => Assert.Equal(new DynamoLoad(new KvRank(rig.Worker.Id, 0), -1, -1, 77), l));
        rig.Sender.Publish("namespace.lab.component.backend.endpoint.generate.forward-pass-metrics"u8.ToArray(), default, rig.Worker.Pass(2, 5, 3));
        await Wait.UntilAsync(() => rig.Loads.Contains(new DynamoLoad(new KvRank(rig.Worker.Id, 2), -1, -1, -1, 5, 3)), what: "the forward pass report arrives");
    }

    [SkippableFact]
    public async Task SlowConsumer_IsDisconnectedByTheServer_AndLosesNothingInTheEnd()
    {
        using var server = new NatsServer("write_deadline: \"200ms\"\nmax_pending: 300000\nmax_payload: 200000");
        await using var rig = new Rig(server);
        rig.Discover();
        rig.Publish(1);
        await rig.HoldsAsync(1);
        rig.Target.SlowMs = 1;
        bool CalledSlow() => server.Log.Any(static line => line.Contains("Slow Consumer", StringComparison.Ordinal));
        for (var i = 0; i < 200 && !CalledSlow(); i++)
        {
            rig.Publish(2000);
            await Task.Delay(20);
        }

        rig.Target.SlowMs = 0;
        Assert.True(CalledSlow(), "the server never called us slow: the test tests nothing");
        await Wait.UntilAsync(() => rig.Series.Reconnects > 0);
        await Wait.UntilAsync(() => rig.Nats.IsConnected);
        rig.Publish(1);
        await rig.HoldsAsync(rig.Published, TimeSpan.FromSeconds(60));
    }

    [SkippableFact]
    public async Task OneMillionEvents_WithTheServerKilledOnTheWay_NothingIsLost()
    {
        const int Events = 1_000_000;
        using var server = new NatsServer();
        await using var rig = new Rig(server);
        rig.Worker.Ring = 100_000;
        rig.Discover();
        var killed = false;
        while (rig.Published < Events)
        {
            rig.Publish(5000);
            if (rig.Published >= Events / 2 && !killed)
            {
                killed = true;
                await rig.RestartAsync(server);
            }

            // The worker keeps a ring of 100,000: no faster than that is followed.
            await Wait.UntilAsync(() => rig.Target.Total > rig.Published - 50_000 || !rig.Nats.IsConnected, TimeSpan.FromSeconds(60));
        }

        rig.Publish(1);
        await rig.HoldsAsync(Events + 1, TimeSpan.FromSeconds(60));
        Assert.True(rig.Series.Reconnects > 0);
        Assert.Equal(0, rig.Series.FailedRepairs);
    }

    [SkippableFact]
    public async Task ZmqPlane_FourFrames_AndRestartOfThePublisher()
    {
        using var server = new NatsServer();
        await using var rig = new Rig(server);
        var port = Ports.Free();
        using var plane = new DynamoZmqSubscriptions(rig.Intake, rig.Options, TimeProvider.System, rig.Log, seed: 3);
        Assert.False(plane.Add("nonsense"));
        Assert.True(plane.Add($"tcp://127.0.0.1:{port}"));
        rig.Discover();
        using (var publisher = new ZmqEngines($"port={port}"))
        {
            await Wait.UntilAsync(() => { publisher.Do(rig.Frames()); return rig.Series.Messages > 3; });
            await rig.HoldsAsync(rig.Published);
        }

        rig.Publish(7, lost: true);
        using var second = new ZmqEngines($"port={port}");
        await rig.HoldsAsync(rig.Published);
        second.Do("frames 6b762d6576656e7473 00 00 0200000000");
        second.Do("frames 6b762d6576656e7473 00 00");
        second.Do(rig.Frames());
        await Wait.UntilAsync(() => rig.Series.UndecodableMessages >= 2);
        await rig.HoldsAsync(rig.Published);
    }

    [SkippableFact]
    public async Task Durable_SnapshotStreamAndRestarts_InOrder()
    {
        using var server = new NatsServer();
        await using var rig = new Rig(server);
        var stream = JetStreamNames.Stream("lab_ns", "back-End");
        Assert.Equal("namespace-lab-ns-component-back-end-kv-events", stream);
        Assert.Equal("namespace-lab-ns-component-back-end-radix-bucket", JetStreamNames.Bucket("lab_ns", "back-End"));
        await rig.AskAsync($"$JS.API.STREAM.CREATE.{stream}", $"{{\"name\":\"{stream}\",\"subjects\":[\"{stream}.*\"],\"retention\":\"limits\",\"storage\":\"file\"}}");
        await rig.PutSnapshotAsync(JetStreamNames.Bucket("lab_ns", "back-End"));
        await rig.PublishDurableAsync(stream, 1, 2500);
        var target = new RecordingTarget();
        await using var durable = new DynamoDurableSubscription(rig.Nats, rig.Options with { Namespace = "lab_ns", Component = "back-End" }, "4711", target, TimeProvider.System, rig.Log);
        await Wait.UntilAsync(() => target.Total == 2502, what: "snapshot and stream: " + rig.Log.Text);
        await rig.PublishDurableAsync(stream, 2501, 10);
        await Wait.UntilAsync(() => target.Total == 2512);
        for (var round = 0; round < 3; round++)
        {
            await rig.RestartAsync(server);
            await rig.PublishDurableAsync(stream, 2511 + (round * 300), 300);
        }

        await Wait.UntilAsync(() => target.Total == 3412, TimeSpan.FromSeconds(30));
        Assert.Equal("", target.Overlap);
        durable.RemoveWorker(7);
        Assert.Equal(2, target.Total);
    }

    [SkippableFact]
    public async Task Durable_AcknowledgedEvents_SurviveKills()
    {
        const int Events = 200_000;
        using var server = new NatsServer();
        await using var rig = new Rig(server);
        var stream = JetStreamNames.Stream("lab", "backend");
        await rig.AskAsync($"$JS.API.STREAM.CREATE.{stream}", $"{{\"name\":\"{stream}\",\"subjects\":[\"{stream}.*\"],\"retention\":\"limits\",\"storage\":\"file\"}}");
        var target = new RecordingTarget();
        await using var durable = new DynamoDurableSubscription(rig.Nats, rig.Options, "4711", target, TimeProvider.System, rig.Log);
        for (var published = 0; published < Events; published += 2000)
        {
            await rig.PublishDurableAsync(stream, published, 2000);
            if (published is Events / 4 or Events / 2)
            {
                await rig.RestartAsync(server);
            }
        }

        await Wait.UntilAsync(() => target.Total == Events, TimeSpan.FromSeconds(60), "every acknowledged event: " + rig.Log.Text);
    }

    [SkippableFact]
    public async Task Worker_RemovedAndLate_StaysAway_UntilItIsBack()
    {
        using var server = new NatsServer();
        await using var rig = new Rig(server);
        rig.Publish(2);
        await rig.HoldsAsync(2);
        rig.Intake.RemoveWorker(rig.Worker.Id);
        rig.Publish(2);
        await Wait.UntilAsync(() => rig.Series.Messages == 4 + 1);
        Assert.Equal(0, rig.Target.Total);
        rig.Discover();
        await rig.HoldsAsync(4);
    }

    private sealed class Rig : IAsyncDisposable, IDynamoLoadSink
    {
        public Rig(NatsServer server, Func<DynamoEventOptions, DynamoEventOptions>? change = null)
        {
            Options = new DynamoEventOptions("lab", "backend", "127.0.0.1") { RetryCap = TimeSpan.FromMilliseconds(200) };
            Options = change?.Invoke(Options) ?? Options;
            var nats = new NatsOptions([server.Url]) { RetryCap = TimeSpan.FromMilliseconds(200), MaxPendingBytes = 512 << 20 };
            Nats = new NatsConnection(nats, TimeProvider.System, Log, Series, seed: 1);
            Sender = new NatsConnection(nats, TimeProvider.System, Log, new KvEventSeries(), seed: 2);
            Intake = new DynamoEventIntake(Options, Target, this, TimeProvider.System, Log, Series, seed: 3);
            _ = new DynamoNatsSubscription(Nats, Intake, Options);
            Nats.Start();
            Sender.Start();
            Wait.UntilAsync(() => Nats.IsConnected && Sender.IsConnected).GetAwaiter().GetResult();
            Assert.Equal(503, Nats.RequestAsync("nobody", default, TimeSpan.FromSeconds(5), default).GetAwaiter().GetResult().Status);
        }

        public DynamoEventOptions Options { get; }

        public TextLogger Log { get; } = new();

        public KvEventSeries Series { get; } = new();

        public RecordingTarget Target { get; } = new();

        public NatsConnection Nats { get; }

        public NatsConnection Sender { get; }

        public DynamoEventIntake Intake { get; }

        public FakeDynamoWorker Worker { get; } = new(7);

        public System.Collections.Concurrent.ConcurrentBag<DynamoLoad> Loads { get; } = [];

        public int Published { get; private set; }

        public void OnLoad(in DynamoLoad load) => Loads.Add(load);

        public void Discover() => Intake.SetQueryTarget(new KvRank(Worker.Id, 0), DynamoQueryTarget.Parse(Worker.Tcp, msgPack: true)!);

        public void Publish(int count, bool lost = false)
        {
            Published += count;
            for (var i = 0; i < count; i++)
            {
                var message = Worker.Next();
                if (!lost)
                {
                    Sender.Publish(Encoding.ASCII.GetBytes(Subject), default, message);
                }
            }
        }

        /// <summary>kill -9 and a new start, noticed by both connections.</summary>
        public async Task RestartAsync(NatsServer server)
        {
            server.Kill();
            await Wait.UntilAsync(() => !Nats.IsConnected && !Sender.IsConnected);
            server.Start();
            await Wait.UntilAsync(() => Nats.IsConnected && Sender.IsConnected);
        }

        /// <summary>The next event as the command that sends its four frames.</summary>
        public string Frames()
        {
            Published++;
            var envelope = Worker.Next();
            return $"frames 6b762d6576656e7473 {1UL:x16} {0UL:x16} 01{envelope.Length:x8}{Convert.ToHexString(envelope)}";
        }

        public Task HoldsAsync(int count, TimeSpan? limit = null) => Wait.UntilAsync(() => Target.Total == count, limit, $"{count} blocks");

        public async Task AskAsync(string subject, string json)
        {
            var answer = await Sender.RequestAsync(subject, Encoding.UTF8.GetBytes(json), TimeSpan.FromSeconds(5), default);
            Assert.DoesNotContain("\"error\"", Encoding.UTF8.GetString(answer.Payload ?? []), StringComparison.Ordinal);
            Assert.Equal("", answer.Failure);
        }

        /// <summary>Events as bare JSON, as durable mode has them; each acknowledged by the server.</summary>
        public async Task PublishDurableAsync(string stream, int first, int count)
        {
            var acknowledged = new List<Task<NatsAnswer>>();
            for (var id = first; id < first + count; id++)
            {
                var json = $"{{\"worker_id\":7,\"storage_tier\":\"device\",\"event\":{{\"event_id\":{id},\"data\":{{\"stored\":{{\"parent_hash\":null,\"blocks\":[{{\"block_hash\":{id + 100},\"tokens_hash\":{id}}}]}}}},\"dp_rank\":0}}}}";
                acknowledged.Add(Sender.RequestAsync($"{stream}.kv-events", Encoding.ASCII.GetBytes(json), TimeSpan.FromSeconds(10), default));
            }

            Assert.All(await Task.WhenAll(acknowledged), static a => Assert.Contains("\"seq\"", Encoding.UTF8.GetString(a.Payload ?? []), StringComparison.Ordinal));
        }

        /// <summary>Two blocks of worker 8, as bincode, in two chunks.</summary>
        public async Task PutSnapshotAsync(string bucket)
        {
            await AskAsync($"$JS.API.STREAM.CREATE.OBJ_{bucket}", $"{{\"name\":\"OBJ_{bucket}\",\"subjects\":[\"$O.{bucket}.C.>\",\"$O.{bucket}.M.>\"],\"retention\":\"limits\",\"storage\":\"file\",\"discard\":\"new\",\"allow_rollup_hdrs\":true}}");
            var bytes = new List<byte>();
            bytes.AddRange(BitConverter.GetBytes(1UL));
            bytes.AddRange(BitConverter.GetBytes(8UL));
            bytes.AddRange(BitConverter.GetBytes(0u));
            bytes.AddRange(BitConverter.GetBytes(0UL));
            bytes.AddRange(BitConverter.GetBytes(0u));
            bytes.AddRange([0, 0]);
            bytes.AddRange(BitConverter.GetBytes(2UL));
            foreach (var hash in (ulong[])[1, 2])
            {
                bytes.AddRange(BitConverter.GetBytes(hash));
                bytes.AddRange(BitConverter.GetBytes(hash));
                bytes.Add(0);
            }

            bytes.AddRange(BitConverter.GetBytes(0u));
            foreach (var chunk in bytes.Chunk(40))
            {
                var stored = await Sender.RequestAsync($"$O.{bucket}.C.nuid1", chunk, TimeSpan.FromSeconds(5), default);
                Assert.Contains("\"seq\"", Encoding.UTF8.GetString(stored.Payload!), StringComparison.Ordinal);
            }

            await AskAsync($"$O.{bucket}.M.cmFkaXgtc3RhdGU=", $"{{\"name\":\"radix-state\",\"bucket\":\"{bucket}\",\"nuid\":\"nuid1\",\"size\":{bytes.Count},\"chunks\":2}}");
        }

        public async ValueTask DisposeAsync()
        {
            await Intake.DisposeAsync();
            await Nats.DisposeAsync();
            await Sender.DisposeAsync();
            Worker.Dispose();
        }
    }
}
