using System.Net;
using System.Net.Sockets;
using Epp.Aot.KvEvents;
using Epp.Aot.KvEvents.Engines;
using Epp.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace Epp.Integration.Tests.KvEvents;

/// <summary>Subscriptions to engines on the real libzmq: loss, replay in both forms, restarts, binding and connecting publishers.</summary>
[Trait("Category", "Integration")]
public sealed class EngineEventTests
{
    [SkippableTheory]
    [InlineData("old")]
    [InlineData("new")]
    public async Task Gap_WithReplay_IsFilledInOrder(string form)
    {
        await using var rig = new Rig(replay: true);
        using var engine = rig.Engine($"form={form}");
        engine.Do("send 5");
        rig.Add(1);
        // Published before we came: fetched at once.
        await rig.HoldsAsync(1, Hashes(1, 0, 5));
        engine.Do("send 5");
        await rig.HoldsAsync(1, Hashes(1, 0, 10));
        engine.Do("lose 7");
        engine.Do("send 1");
        await rig.HoldsAsync(1, Hashes(1, 0, 18));
        Assert.Equal((1, 2), (rig.Series.Gaps, rig.Series.Repairs));
        Assert.Empty(rig.Target.Drops);
    }

    [SkippableFact]
    public async Task Gap_BeyondTheRing_DropsWhatCannotBeKnown()
    {
        await using var rig = new Rig(replay: true);
        using var engine = rig.Engine("ring=10");
        engine.Do("send 5");
        rig.Add(1);
        await rig.HoldsAsync(1, Hashes(1, 0, 5));
        engine.Do("lose 30");
        engine.Do("send 1");
        await rig.HoldsAsync(1, Hashes(1, 26, 10));
        Assert.Contains("rank 1/0", rig.Target.Drops);
    }

    [SkippableFact]
    public async Task Restart_WithLowerNumbers_DropsAndReplays()
    {
        await using var rig = new Rig(replay: true);
        using (var engine = rig.Engine())
        {
            engine.Do("send 9");
            rig.Add(1);
            await rig.HoldsAsync(1, Hashes(1, 0, 9));
        }

        using var second = rig.Engine("epoch=2");
        second.Do("send 3");
        await rig.HoldsAsync(1, Hashes(2, 0, 3));
        Assert.Equal(1, rig.Series.Restarts);
    }

    [SkippableFact]
    public async Task Restart_PastTheKnownNumber_IsRecognisedByItsBytes()
    {
        await using var rig = new Rig(replay: true);
        using (var engine = rig.Engine())
        {
            engine.Do("send 4");
            rig.Add(1);
            await rig.HoldsAsync(1, Hashes(1, 0, 4));
        }

        using var second = rig.Engine("epoch=2");
        second.Do("send 20");
        await rig.HoldsAsync(1, Hashes(2, 0, 20));
        second.Do("send 1");
        await rig.HoldsAsync(1, Hashes(2, 0, 21));
        second.Do("reset");
        second.Do("send 2");
        await rig.HoldsAsync(1, Hashes(3, 0, 2));
        Assert.Equal(2, rig.Series.Restarts);
    }

    [SkippableFact]
    public async Task Restart_BehindAProxy_PastTheKnownNumber_IsRecognisedByItsBytesAlone()
    {
        var port = Ports.Free();
        await using var rig = new Rig(replay: true, o => o with { Port = port });
        // The proxy goes on listening while the engine is away, so that no refused connection tells of its end.
        using var proxy = new TcpProxy(port, rig.Port);
        var sent = 4;
        using (var engine = rig.Engine())
        {
            engine.Do("send 4");
            rig.Add(1);
            await rig.HoldsAsync(1, Hashes(1, 0, 4));
            proxy.Cut();
            await rig.ReconnectedAsync();
            // The same engine: nothing is dropped, and what was published before the subscription reached it is repeated.
            await Wait.UntilAsync(() => { engine.Do("send 1"); sent++; return rig.Target.Blocks(1).Length > 4; }, what: "events arrive");
            await rig.HoldsAsync(1, Hashes(1, 0, sent));
            Assert.Empty(rig.Target.Drops);
        }

        using var second = rig.Engine("epoch=2");
        second.Do($"send {sent + 15}");
        await rig.HoldsAsync(1, Hashes(2, 0, sent + 15));
        Assert.Equal(1, rig.Series.Restarts);
    }

    [SkippableFact]
    public async Task NoReplaySocket_GapIsCounted_RestartDrops()
    {
        await using var rig = new Rig(replay: false);
        using (var engine = rig.Engine())
        {
            rig.Add(1);
            await rig.FlowsAsync(engine, 1);
            engine.Do("lose 3");
            var next = engine.Do("send 2");
            await Wait.UntilAsync(() => (rig.Target.Blocks(1)[^1] & 0xffff) == (ulong)next - 1);
            Assert.Equal(1, rig.Series.Gaps);
            Assert.Empty(rig.Target.Drops);
        }

        using var second = rig.Engine("epoch=2");
        await rig.FlowsAsync(second, 1, epoch: 2);
        Assert.Equal(["rank 1/0"], rig.Target.Drops);
        Assert.DoesNotContain(rig.Target.Blocks(1), static h => h >> 32 == 1);
    }

    [SkippableFact]
    public async Task ReplaySocket_ThatIsSilent_CostsTheBlocksAndALittleTime()
    {
        await using var rig = new Rig(replay: true, o => o with { ReplayIdle = TimeSpan.FromMilliseconds(300) });
        using var silent = new TcpListener(IPAddress.Any, rig.ReplayPort);
        silent.Start();
        using var engine = new ZmqEngines($"port={rig.Port}");
        rig.Add(1);
        await rig.FlowsAsync(engine, 1);
        Assert.Equal(1, rig.Series.FailedRepairs);
        engine.Do("lose 1");
        engine.Do("send 1");
        // Within the cooldown nothing is asked; what came before the gap may be gone and is dropped.
        await Wait.UntilAsync(() => rig.Target.Blocks(1).Length == 1);
        Assert.Equal(1, rig.Series.FailedRepairs);
    }

    [SkippableFact]
    public async Task ReplayWithoutEnd_IsGivenUpAfterSilence_AndTriedAgain()
    {
        await using var rig = new Rig(replay: true, o => o with { ReplayIdle = TimeSpan.FromMilliseconds(400), ReplayCooldown = TimeSpan.FromMilliseconds(200) });
        using (var engine = rig.Engine("no_end=1"))
        {
            engine.Do("send 2");
            rig.Add(1);
            await Wait.UntilAsync(() => rig.Series.FailedRepairs > 0);
            Assert.Equal(0, rig.Series.Repairs);
        }

        using var second = rig.Engine("epoch=2");
        second.Do("send 6");
        await rig.HoldsAsync(1, Hashes(2, 0, 6));
    }

    [SkippableFact]
    public async Task SixtyFourEngines_AllBlocksArrive_OneGoesAtOnce()
    {
        const int Engines = 64;
        await using var rig = new Rig(replay: true, ports: Engines);
        using var engines = rig.Engine($"engines={Engines}", "heartbeat=3000");
        for (var i = 0; i < Engines; i++)
        {
            rig.Subscriptions.Add((ulong)i + 1, "127.0.0.1", firstRank: (uint)i);
        }

        for (var round = 0; round < 10; round++)
        {
            engines.Do("send 20");
            engines.Do("lose 3");
        }

        engines.Do("send 1");
        await Wait.UntilAsync(() => rig.Target.Total == Engines * 231, TimeSpan.FromSeconds(60));
        await Wait.UntilAsync(() => rig.Series.Connected == Engines);
        rig.Subscriptions.Remove(7);
        Assert.Equal(("worker 7", 0), (rig.Target.Drops[^1], rig.Target.Blocks(7, 6).Length + rig.Target.Blocks(7).Length));
        engines.Do("send 1");
        await Wait.UntilAsync(() => rig.Target.Total == (Engines - 1) * 232);
        Assert.Equal("", rig.Target.Overlap);
    }

    [SkippableFact]
    public async Task SlowConsumer_BeyondTheEnginesHighWaterMark_LosesNothingInTheEnd()
    {
        await using var rig = new Rig(replay: true);
        using var engine = rig.Engine("hwm=50", "ring=100000");
        rig.Add(1);
        await rig.FlowsAsync(engine, 1);
        rig.Target.SlowMs = 20;
        // Enough bytes to fill both kernels' buffers, then libzmq drops.
        engine.Do("send 90000");
        rig.Target.SlowMs = 0;
        await Task.Delay(200);
        engine.Do("send 1");
        await Wait.UntilAsync(() => rig.Target.Blocks(1).Length >= 90_001 && rig.Target.Blocks(1)[0] == 1UL << 32, TimeSpan.FromSeconds(60));
        var blocks = rig.Target.Blocks(1);
        Assert.Equal((ulong)blocks.Length - 1, blocks[^1] & 0xffffffff);
        Assert.True(rig.Series.Gaps > 0, "the high-water mark was never reached: the test tests nothing");
    }

    [SkippableFact]
    public async Task ConnectingPublisher_LosesItsFirstMessage_ReplayBringsIt()
    {
        await using var rig = new Rig(replay: true, o => o with { ListenPort = o.Port });
        rig.Add(1);
        rig.Subscriptions.Add(2, "127.0.0.1");
        using var engine = rig.Engine("mode=connect", "topics=kv@pod-1@m");
        engine.Do("send 3");
        await rig.ArrivesAsync(engine);
        var seen = rig.Target.Blocks(1);
        Assert.Equal(Hashes(1, 0, seen.Length), seen);
        Assert.True(rig.Series.Repairs > 0);
        using var stranger = new ZmqEngines($"port={rig.Port}", "mode=connect", "topics=kv@nobody@m");
        await Wait.UntilAsync(() => { stranger.Do("send 1"); return rig.Series.Dropped > 0; });
        Assert.Empty(rig.Target.Blocks(2));
    }

    [SkippableFact]
    public async Task ConnectingPublishers_OfOneEngine_AreToldApartByRank()
    {
        await using var rig = new Rig(replay: false, o => o with { ListenPort = o.Port });
        rig.Add(1);
        using var zero = new ZmqEngines($"port={rig.Port}", "mode=connect", "topics=kv@pod-1@m");
        using var three = new ZmqEngines($"port={rig.Port}", "mode=connect", "topics=kv@pod-1@m", "epoch=3");
        three.Do("rank 3");
        await Wait.UntilAsync(() =>
        {
            zero.Do("send 1");
            three.Do("send 1");
            return rig.Target.Blocks(1).Length > 2 && rig.Target.Blocks(1, 3).Length > 2;
        });
        Assert.All(rig.Target.Blocks(1), static h => Assert.Equal(1UL, h >> 32));
        Assert.All(rig.Target.Blocks(1, 3), static h => Assert.Equal(3UL, h >> 32));
        Assert.Equal((0, 0), (rig.Series.Gaps, rig.Series.Restarts));
    }

    [SkippableTheory]
    [InlineData("secret", true)]
    [InlineData("wrong", false)]
    public async Task Plain_PasswordDecides(string password, bool admitted)
    {
        await using var rig = new Rig(replay: true, o => o with { User = "epp", Password = password });
        using var engine = rig.Engine("plain=epp:secret");
        engine.Do("send 3");
        rig.Add(1);
        if (admitted)
        {
            await rig.HoldsAsync(1, Hashes(1, 0, 3));
        }
        else
        {
            await Task.Delay(1500);
            Assert.Equal((0, 0), (rig.Target.Total, rig.Series.Connected));
        }
    }

    [SkippableFact]
    public async Task UndecodableBatch_IsCounted_AndTheNextOnesApply()
    {
        await using var rig = new Rig(replay: true);
        using var engine = rig.Engine();
        engine.Do("send 1");
        engine.Do("raw c1c1");
        engine.Do("raw 93cb00000000000000009293a5426c6f636bc0c094ac426c6f636b52656d6f766564c0c0c000");
        engine.Do("send 1");
        rig.Add(1);
        await rig.HoldsAsync(1, [1UL << 32, (1UL << 32) | 3]);
        Assert.True(rig.Series.UndecodableMessages > 0);
        Assert.True(rig.Series.UndecodableEvents + rig.Series.UnknownEvents > 0);
    }

    [SkippableFact]
    public async Task TopicFilter_KeepsOthersAway()
    {
        await using var rig = new Rig(replay: false, o => o with { TopicFilter = "kv@pod-1@" }, ports: 2);
        using var engines = rig.Engine("engines=2", "topics=kv@pod-1@m,kv@pod-2@m");
        rig.Subscriptions.Add(1, "127.0.0.1");
        rig.Subscriptions.Add(2, "127.0.0.1", firstRank: 1);
        await rig.FlowsAsync(engines, 1);
        Assert.Equal(rig.Target.Blocks(1).Length, rig.Target.Total);
    }

    private static ulong[] Hashes(ulong epoch, int first, int count) => [.. Enumerable.Range(first, count).Select(i => (epoch << 32) | (uint)i)];

    private sealed class Rig : IAsyncDisposable
    {
        private readonly bool _replay;

        public Rig(bool replay, Func<EngineEventOptions, EngineEventOptions>? change = null, int ports = 1)
        {
            _replay = replay;
            Port = FreeRun(ports);
            ReplayPort = FreeRun(ports);
            var options = new EngineEventOptions(Port, replay ? ReplayPort : 0) { RetryCap = TimeSpan.FromMilliseconds(200) };
            Subscriptions = new EngineEventSubscriptions(change?.Invoke(options) ?? options, Target, TimeProvider.System, NullLogger.Instance, Series, seed: 1, Name);
        }

        public int Port { get; }

        public int ReplayPort { get; }

        public RecordingTarget Target { get; } = new();

        public KvEventSeries Series { get; } = new();

        public EngineEventSubscriptions Subscriptions { get; }

        public ZmqEngines Engine(params string[] more) => new([$"port={Port}", $"replay={(_replay ? ReplayPort : 0)}", .. more]);

        public void Add(ulong worker) => Subscriptions.Add(worker, "127.0.0.1");

        public Task HoldsAsync(ulong worker, ulong[] blocks) =>
            Wait.UntilAsync(() => Target.Blocks(worker).SequenceEqual(blocks), what: $"worker {worker} holds {blocks.Length} blocks");

        public async Task ReconnectedAsync()
        {
            await Wait.UntilAsync(() => Series.Reconnects > 0);
            await Wait.UntilAsync(() => Series.Connected == 1);
        }

        /// <summary>Publishes until something arrives: a subscription takes a moment to reach the publisher.</summary>
        public Task FlowsAsync(ZmqEngines engine, ulong worker, ulong epoch = 1) =>
            Wait.UntilAsync(() => { engine.Do("send 1"); return Target.Blocks(worker).Any(h => h >> 32 == epoch); }, what: "events arrive");

        public Task ArrivesAsync(ZmqEngines engine) => Wait.UntilAsync(() => { engine.Do("send 1"); return Target.Total > 0; }, what: "events arrive");

        public async ValueTask DisposeAsync()
        {
            await Subscriptions.DisposeAsync();
            Assert.Equal("", Target.Overlap);
        }

        private static bool Name(ReadOnlySpan<byte> pod, ReadOnlySpan<byte> model, out ulong worker)
        {
            worker = pod.SequenceEqual("pod-1"u8) && model.SequenceEqual("m"u8) ? 1UL : 0;
            return worker != 0;
        }

        private static int FreeRun(int count)
        {
            while (true)
            {
                var first = Ports.Free();
                if (Enumerable.Range(1, count - 1).All(i => Ports.Free() == first + i))
                {
                    return first;
                }
            }
        }
    }

    /// <summary>Passes bytes on between a port and another one; a connection to nobody is accepted and closed.</summary>
    private sealed class TcpProxy : IDisposable
    {
        private readonly System.Collections.Concurrent.ConcurrentBag<TcpClient> _clients = [];
        private readonly TcpListener _listener;

        public TcpProxy(int port, int target)
        {
            _listener = new TcpListener(IPAddress.Any, port);
            _listener.Start();
            _ = AcceptAsync(target);
        }

        /// <summary>Ends every connection.</summary>
        public void Cut()
        {
            foreach (var client in _clients)
            {
                client.Dispose();
            }
        }

        public void Dispose()
        {
            _listener.Dispose();
            Cut();
        }

        private static async Task PassAsync(TcpClient from, TcpClient to)
        {
            try
            {
                await from.GetStream().CopyToAsync(to.GetStream());
            }
            catch (Exception e) when (e is IOException or InvalidOperationException)
            {
                // One side ended; so does the other.
            }

            from.Dispose();
            to.Dispose();
        }

        private async Task AcceptAsync(int target)
        {
            while (true)
            {
                try
                {
                    var client = await _listener.AcceptTcpClientAsync();
                    var engine = new TcpClient();
                    _clients.Add(client);
                    _clients.Add(engine);
                    try
                    {
                        await engine.ConnectAsync(IPAddress.Loopback, target);
                    }
                    catch (SocketException)
                    {
                        client.Dispose();
                        continue;
                    }

                    _ = PassAsync(client, engine);
                    _ = PassAsync(engine, client);
                }
                catch (Exception e) when (e is SocketException or ObjectDisposedException or InvalidOperationException)
                {
                    return;
                }
            }
        }
    }
}
