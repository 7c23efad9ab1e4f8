using Epp.Testing;
using Xunit.Abstractions;

namespace Epp.Integration.Tests;

/// <summary>
/// Hostile or broken proxies, in bounded amounts: the process lives, goes on serving, closes every stream, and its memory does not grow
/// from one round to the next.
/// </summary>
[Trait("Category", "Integration")]
public sealed class AbuseTests(AbuseTests.Limited running, ITestOutputHelper output) : IClassFixture<AbuseTests.Limited>
{
    /// <summary>Resident memory that may remain over the baseline: what the runtime and pools keep for the next peak.</summary>
    private const long KeptBytes = 48L << 20;

    private EppProcess Epp => running.Epp;

    /// <summary>1 MiB a body, 8 MiB for all streams together.</summary>
    public sealed class Limited : RunningEpp
    {
        protected override IReadOnlyList<string> Flags => ["--max-request-body-bytes=1MiB", "--max-buffered-bytes=8MiB"];
    }

    [Fact]
    public async Task TenThousandStreams_OnOneConnection_AreServedAndForgotten()
    {
        const int Streams = 10_000;
        await AbuseAsync(rounds: 2, async () =>
        {
            using var channel = new GrpcChannel(Epp.GrpcPort);
            var streams = new List<GrpcStream>(Streams);
            try
            {
                for (var i = 0; i < Streams; i++)
                {
                    streams.Add(channel.Open(GrpcStream.ProcessPath));
                    await streams[i].SendAsync(Ask.Post());
                }

                await Epp.WaitForMetricAsync("llm_d_epp_extproc_streams_inflight", Streams);
                Note("10,000 streams open");
                Assert.NotEmpty((await Epp.PickAsync(Ask.ChatBody())).Endpoint);
                foreach (var stream in streams)
                {
                    await stream.SendAsync(Ask.Body(Ask.ChatBody("ten-thousand")));
                }

                foreach (var stream in streams)
                {
                    Assert.NotEmpty((await stream.AnswerAsync()).Endpoint);
                }

                await Epp.WaitForMetricAsync("inference_objective_running_requests", Streams, ("model_name", "ten-thousand"));
                Note("10,000 streams answered");
            }
            finally
            {
                foreach (var stream in streams)
                {
                    await stream.DisposeAsync();
                }
            }
        });
        await Epp.WaitForMetricAsync("inference_objective_running_requests", 0, ("model_name", "ten-thousand"));
    }

    [Fact]
    public async Task SlowDrip_OneByteAMessage_IsServed()
    {
        var body = Ask.ChatBody();
        await AbuseAsync(rounds: 2, async () =>
        {
            var streams = Enumerable.Range(0, 200).Select(_ => Epp.Open()).ToList();
            foreach (var stream in streams)
            {
                await stream.SendAsync(Ask.Post());
            }

            for (var i = 0; i < body.Length; i++)
            {
                foreach (var stream in streams)
                {
                    await stream.SendAsync(Ask.Body(body[i..(i + 1)], endOfStream: i == body.Length - 1));
                }
            }

            foreach (var stream in streams)
            {
                Assert.Equal(body, (await stream.AnswerAsync()).BodyText);
                await stream.DisposeAsync();
            }
        });
    }

    [Fact]
    public Task NeverEndingBodies_AreCutAtTheirLimits() => AbuseAsync(rounds: 3, async () =>
    {
        var statuses = await Task.WhenAll(Enumerable.Range(0, 32).Select(async _ =>
        {
            await using var stream = Epp.Open();
            await stream.SendAsync(Ask.Post());
            var part = Ask.Body(new string(' ', 40_000), endOfStream: false);
            var answer = stream.ReceiveAsync(TimeSpan.FromSeconds(60));
            for (var i = 0; i < 200 && !answer.IsCompleted; i++)
            {
                try
                {
                    await stream.SendAsync(part);
                }
                catch (Exception e) when (e is IOException or HttpRequestException)
                {
                    // The server has ended the stream while this message was on its way.
                    break;
                }
            }

            return (await answer)!.ImmediateResponse.Status.Code;
        }));
        Note($"never-ending bodies: {statuses.Count(s => s == 413)} x 413, {statuses.Count(s => s == 503)} x 503");
        Assert.All(statuses, s => Assert.Contains(s, new[] { 413, 503 }));
    });

    [Fact]
    public Task HeaderFlood_InMessages_IsRefused() => AbuseAsync(rounds: 2, async () =>
    {
        var flood = Ask.Post(more: [.. Enumerable.Range(0, 20_000).Select(i => ($"x-flood-{i}", "value of some length"))]);
        for (var i = 0; i < 50; i++)
        {
            await using var stream = Epp.Open();
            await stream.SendAsync(flood);
            Assert.Equal(431, (await stream.AnswerAsync()).Immediate!.Status.Code);
        }
    });

    [Fact]
    public Task HeaderFlood_InContinuationFrames_EndsTheConnection() => AbuseAsync(rounds: 2, async () =>
    {
        await using var raw = await RawHttp2.ConnectAsync(Epp.GrpcPort);
        await raw.OpenAsync();
        await raw.TrySendAsync(RawHttp2.Frame(RawHttp2.Headers, 0, 1, RawHttp2.ProcessHeaders()));
        var block = RawHttp2.ProcessHeaders([.. Enumerable.Range(0, 100).Select(i => ($"x-{i}", new string('v', 100)))]).AsSpan(100).ToArray();
        var open = true;
        for (var i = 0; i < 2_000 && open; i++)
        {
            open = await raw.TrySendAsync(RawHttp2.Frame(RawHttp2.Continuation, 0, 1, block));
        }

        Assert.False(open, "24 MB of headers were accepted.");
    });

    [Fact]
    public Task RstStorm_StreamsOpenedAndReset_LeavesNothing() => AbuseAsync(rounds: 3, async () =>
    {
        await using var raw = await RawHttp2.ConnectAsync(Epp.GrpcPort);
        await raw.OpenAsync();
        var headers = RawHttp2.ProcessHeaders();
        var open = true;
        for (var i = 0; i < 20_000 && open; i++)
        {
            var id = (2 * i) + 1;
            open = await raw.TrySendAsync(
                RawHttp2.Frame(RawHttp2.Headers, RawHttp2.EndHeaders, id, headers).Concat(RawHttp2.Frame(RawHttp2.RstStream, 0, id, [0, 0, 0, 8])).ToArray());
        }

        Note($"RST storm: the connection is {(open ? "still open" : "closed by the server")}");
    });

    [Fact]
    public Task Floods_OfSettingsAndPings_AreSurvived() => AbuseAsync(rounds: 2, async () =>
    {
        await using var raw = await RawHttp2.ConnectAsync(Epp.GrpcPort);
        await raw.OpenAsync();
        var open = true;
        for (var i = 0; i < 50_000 && open; i++)
        {
            open = await raw.TrySendAsync(i % 2 == 0 ? RawHttp2.Frame(RawHttp2.Settings, 0, 0, []) : RawHttp2.Frame(RawHttp2.Ping, 0, 0, new byte[8]));
        }
    });

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public Task Garbage_OnEveryPort_IsSurvived(int seed) => AbuseAsync(rounds: 2, async () =>
    {
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        foreach (var port in new[] { Epp.GrpcPort, Epp.HealthPort, Epp.MetricsPort })
        {
            for (var i = 0; i < 100; i++)
            {
                await using var raw = await RawHttp2.ConnectAsync(port);
                await raw.TrySendAsync(Garbage(random, i));
            }
        }
    });

    [Fact]
    public Task GarbageInMessages_EndsOnlyItsStream() => AbuseAsync(rounds: 2, async () =>
    {
        var random = new Random(7);
        await using var bystander = Epp.Open();
        await bystander.SendAsync(Ask.Post());
        for (var i = 0; i < 500; i++)
        {
            var bytes = new byte[random.Next(1, 300)];
            random.NextBytes(bytes);
            await using var stream = Epp.Open();
            await stream.SendRawAsync(i % 2 == 0 ? GrpcChannel.Frame(bytes) : bytes);
            await stream.HalfCloseAsync();
            Assert.InRange((await stream.EndAsync()).Code, 0, 16);
        }

        await bystander.SendAsync(Ask.Body(Ask.ChatBody()));
        Assert.NotEmpty((await bystander.AnswerAsync()).Endpoint);
    });

    private static byte[] Garbage(Random random, int kind)
    {
        var bytes = new byte[random.Next(1, 4_000)];
        random.NextBytes(bytes);
        var open = RawHttp2.Preface.ToArray().Concat(RawHttp2.Frame(RawHttp2.Settings, 0, 0, []));
        return (kind % 6) switch
        {
            0 => bytes,
            1 => [.. RawHttp2.Preface, .. bytes],
            2 => [.. open, .. RawHttp2.Frame((byte)random.Next(256), (byte)random.Next(256), random.Next(), bytes)],
            3 => [.. open, .. RawHttp2.Frame(RawHttp2.Headers, RawHttp2.EndHeaders, 1, bytes)],
            // Half a frame, half a message.
            4 => [.. open, .. RawHttp2.Frame(RawHttp2.Headers, RawHttp2.EndHeaders, 1, RawHttp2.ProcessHeaders())[..random.Next(9, 60)]],
            _ =>
            [
                .. open, .. RawHttp2.Frame(RawHttp2.Headers, RawHttp2.EndHeaders, 1, RawHttp2.ProcessHeaders()),
                .. RawHttp2.Frame(RawHttp2.Data, 0, 1, [0, 0, 0, 1, 0, .. bytes.AsSpan(0, bytes.Length / 2)]),
            ],
        };
    }

    // After the last round memory must come back near the baseline under ordinary traffic, which is what runs the collector.
    private async Task AbuseAsync(int rounds, Func<Task> abuse)
    {
        await OrdinaryTrafficAsync();
        var baseline = Epp.ResidentBytes;
        Note("baseline");
        for (var round = 0; round < rounds; round++)
        {
            await abuse();
            Assert.False(Epp.HasExited, $"The EPP died:\n{Epp.LogText}");
            await Epp.WaitForMetricAsync("llm_d_epp_extproc_streams_inflight", 0);
            Assert.NotEmpty((await Epp.PickAsync(Ask.ChatBody())).Endpoint);
            Note($"round {round + 1}");
        }

        var metrics = await Epp.MetricsAsync();
        Assert.Equal(0, metrics.Sum("epp_accounting_anomalies_total"));
        Assert.DoesNotContain("failed inside the EPP", Epp.LogText);
        var requests = 0;
        await Wait.UntilAsync(
            async () =>
            {
                if (Epp.ResidentBytes <= baseline + KeptBytes)
                {
                    return true;
                }

                requests += await OrdinaryTrafficAsync();
                return false;
            },
            TimeSpan.FromSeconds(60),
            $"resident memory is back near {baseline >> 20} MiB");
        Note($"after {requests} ordinary requests");
    }

    private async Task<int> OrdinaryTrafficAsync()
    {
        const int Requests = 200;
        for (var i = 0; i < Requests; i++)
        {
            await Epp.PickAsync(Ask.ChatBody());
        }

        await Epp.WaitForMetricAsync("llm_d_epp_extproc_streams_inflight", 0);
        return Requests;
    }

    private void Note(string what) => output.WriteLine($"{what}: {Epp.ResidentBytes >> 20} MiB resident");
}
