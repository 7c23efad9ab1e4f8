using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Epp.Aot.Scraping;
using Epp.Aot.Telemetry;
using Epp.Aot.Tests.Telemetry;
using Epp.Native.Pool;
using Epp.Testing;
using Microsoft.Extensions.Logging;

namespace Epp.Aot.Tests.Scraping;

[CollectionDefinition("Scraper", DisableParallelization = true)]
public sealed class ScraperCollection;

[Trait("Category", "Unit")]
[Collection("Scraper")]
public sealed class ModelServerScraperTests
{
    private const string Load = "vllm:num_requests_waiting 3\nvllm:num_requests_running 4\nvllm:kv_cache_usage_perc 0.5\n";

    [Fact]
    public void Scrape_HealthyWorker_FillsTheColumns()
    {
        using var worker = FakeWorker.Always(FakeWorker.Ok(Load));
        using var lab = new Lab([worker.Port]);
        lab.Until(() => worker.Requests >= 5);
        Assert.Equal((3d, 4d, 0.5, true), (lab.Columns.Waiting[0], lab.Columns.Running[0], lab.Columns.KvUsage[0], lab.Columns.Live[0]));
        Assert.Equal((1, 0L), (worker.Connections, lab.Metrics.PollErrors.Value));
        Assert.Empty(lab.Log.Lines);
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1b\r\nvllm:num_requests_waiting 3\r\n1\r\n\n\r\n0\r\nX: y\r\n\r\n", 1, true)]
    [InlineData("HTTP/1.1 200 OK\r\ncontent-length: 28\r\n\r\nvllm:num_requests_waiting 3\n", 1, true)]
    [InlineData("HTTP/1.1 200 OK\r\n\r\nvllm:num_requests_waiting 3\n", 0, false)]
    [InlineData("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 28\r\n\r\nvllm:num_requests_waiting 3\n", 0, false)]
    [InlineData("HTTP/1.0 200 OK\r\nContent-Length: 28\r\n\r\nvllm:num_requests_waiting 3\n", 0, false)]
    [InlineData("HTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 28\r\n\r\nvllm:num_requests_waiting 3\n", 1, true)]
    public void Scrape_EveryFraming_AlsoInPieces_IsRead(string answer, int connections, bool keepAlive)
    {
        foreach (var piece in new[] { int.MaxValue, 7 })
        {
            using var worker = new FakeWorker((socket, _) =>
            {
                for (var at = 0; at < answer.Length; at += Math.Min(piece, answer.Length))
                {
                    socket.Send(Encoding.ASCII.GetBytes(answer, at, Math.Min(piece, answer.Length - at)));
                    Thread.Sleep(piece == 7 ? 1 : 0);
                }

                return keepAlive;
            });
            using var lab = new Lab([worker.Port]);
            lab.Until(() => worker.Requests >= 3 && lab.Columns.Live[0]);
            Assert.Equal(3, lab.Columns.Waiting[0]);
            Assert.Equal(0, lab.Metrics.PollErrors.Value);
            Assert.True(connections == 0 || worker.Connections == connections);
        }
    }

    [Fact]
    public void Scrape_IdleConnectionClosed_IsReopenedWithoutAnError()
    {
        using var worker = FakeWorker.Always(FakeWorker.Ok(Load));
        using var lab = new Lab([worker.Port]);
        for (var round = 1; round <= 5; round++)
        {
            var seen = worker.Requests;
            lab.Until(() => worker.Requests > seen && lab.Columns.Live[0]);
            worker.CloseConnections();
        }

        lab.Until(() => worker.Connections >= 5);
        Assert.Equal(0, lab.Metrics.PollErrors.Value);
        Assert.Empty(lab.Log.Lines);
    }

    [Fact]
    public void Scrape_WorkerGoesAndComes_IsLoggedOncePerChange()
    {
        var worker = FakeWorker.Always(FakeWorker.Ok(Load));
        using var lab = new Lab([worker.Port]);
        lab.Until(() => lab.Columns.Live[0]);
        worker.Dispose();
        lab.Until(() => lab.Metrics.PollErrors.Value >= 3);
        Assert.False(lab.Columns.Live[0]);
        Assert.Equal(3, lab.Columns.Waiting[0]);
        using var again = new FakeWorker((s, _) => s.Send(FakeWorker.Ok(Load)) > 0, worker.Port);
        lab.Until(() => lab.Columns.Live[0]);
        Assert.Equal([3101, 3102], lab.Log.Lines.Select(l => l.Id));
    }

    [Fact]
    public void Scrape_SilentAndDeadWorkers_DelayNobody()
    {
        using var silent = new FakeWorker((_, _) => true);
        using var good = FakeWorker.Always(FakeWorker.Ok(Load));
        using var lab = new Lab([silent.Port, 1, good.Port], timeoutSeconds: 1);
        var watch = Stopwatch.StartNew();
        lab.Until(() => good.Requests >= 40);
        Assert.True(lab.Columns.Live[2]);
        Assert.False(lab.Columns.Live[0] || lab.Columns.Live[1]);
        lab.Until(() => lab.Log.Lines.Count >= 2);
        Assert.Contains(lab.Log.Lines, l => l.Text.Contains("deadline", StringComparison.Ordinal));
        Assert.Contains(lab.Log.Lines, l => l.Text.Contains("Refused", StringComparison.Ordinal));
        Assert.True(silent.Requests <= 5, "a silent worker is asked again only after its deadline");
        Assert.InRange(watch.Elapsed.TotalSeconds, 0, 20);
    }

    [Theory]
    [InlineData("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", "500")]
    [InlineData("HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno", "404")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{\"a\":\"b\"}", "not Prometheus text")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nother 1\n", "engine 'vllm'")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n", "too large")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx", "not HTTP/1.1")]
    [InlineData("SSH-2.0-OpenSSH\r\n\r\n", "not HTTP/1.1")]
    public void Scrape_UselessAnswer_FailsTheEndpoint(string answer, string reason)
    {
        using var worker = FakeWorker.Always(Encoding.ASCII.GetBytes(answer));
        using var lab = new Lab([worker.Port]);
        lab.Until(() => lab.Metrics.PollErrors.Value >= 2);
        Assert.False(lab.Columns.Live[0]);
        Assert.Contains(reason, Assert.Single(lab.Log.Lines).Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Scrape_EndlessAnswer_IsCutOff()
    {
        var piece = new byte[1 << 20];
        piece.AsSpan().Fill((byte)'a');
        using var worker = new FakeWorker((socket, _) =>
        {
            socket.Send("HTTP/1.1 200 OK\r\n\r\n"u8);
            for (var i = 0; i < 64; i++)
            {
                socket.Send(piece);
            }

            return false;
        });
        using var lab = new Lab([worker.Port]);
        lab.Until(() => lab.Metrics.PollErrors.Value >= 1);
        Assert.Contains("exceeds", Assert.Single(lab.Log.Lines).Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Scrape_TrtllmServe_FindsTheOtherPath()
    {
        using var worker = new FakeWorker((socket, request) =>
        {
            socket.Send(request.StartsWith("GET /prometheus/metrics ", StringComparison.Ordinal) ? FakeWorker.Ok("trtllm_num_requests_waiting 8\n") : FakeWorker.Ok("[{}]"));
            return true;
        });
        using var lab = new Lab([worker.Port], labels: new() { ["llm-d.ai/engine-type"] = "trtllm-serve" });
        lab.Until(() => lab.Columns.Waiting[0] == 8 && worker.Requests >= 5);
        Assert.Equal(0, lab.Metrics.PollErrors.Value);
    }

    [Fact]
    public void Scrape_LegacyEngineLabel_IsRead()
    {
        using var worker = FakeWorker.Always(FakeWorker.Ok("sglang:num_queue_reqs 6\nvllm:num_requests_waiting 1\n"));
        using var lab = new Lab([worker.Port], labels: new() { ["inference.networking.k8s.io/engine-type"] = "sglang" });
        lab.Until(() => lab.Columns.Live[0]);
        Assert.Equal(6, lab.Columns.Waiting[0]);
    }

    [Fact]
    public void Scrape_OtherKvName_IsSaidOnce()
    {
        using var worker = FakeWorker.Always(FakeWorker.Ok("vllm:gpu_cache_usage_perc 0.25\n"));
        using var lab = new Lab([worker.Port, worker.Port]);
        lab.Until(() => worker.Requests >= 6);
        Assert.Equal(0.25, lab.Columns.KvUsage[1]);
        Assert.Equal(3103, Assert.Single(lab.Log.Lines).Id);
    }

    [Fact]
    public void Scrape_HundredEndpoints_AreSpreadOverTheInterval()
    {
        using var worker = FakeWorker.Always(FakeWorker.Ok(Load));
        using var lab = new Lab([.. Enumerable.Repeat(worker.Port, 100)]);
        lab.Until(() => worker.Requests >= 200);
        var moments = lab.Scraper.Connections.GroupBy(c => c.DueMs % 50).Select(g => g.Count()).ToList();
        Assert.Equal(5, moments.Count);
        Assert.InRange(moments.Max(), 20, 35);
    }

    [Fact]
    public void Scrape_SteadyState_AllocatesNothing()
    {
        var text = new StringBuilder(Load);
        while (text.Length < 72_000)
        {
            text.Append("vllm:e2e_request_latency_seconds_bucket{engine=\"0\",le=\"0.3\",model_name=\"m\"} 12.0\n");
        }

        using var worker = FakeWorker.Always(FakeWorker.Ok(text.ToString()));
        using var lab = new Lab([worker.Port]);
        lab.Until(() => worker.Requests >= 50);
        Assert.Equal(0, Allocated.Least(() =>
        {
            var requests = worker.Requests;
            while (worker.Requests < requests + 500)
            {
                lab.Step();
            }
        }));
    }

    [Fact]
    public void Start_RealThread_FollowsThePool()
    {
        using var worker = FakeWorker.Always(FakeWorker.Ok(Load));
        var pool = new Pool();
        var metrics = new EppMetrics(new EppMetricsOptions(), pool, TimeProvider.System);
        using (var scraper = new ModelServerScraper(pool, new ScraperOptions(), TimeProvider.System, metrics, new ListLogger()))
        {
            scraper.Start();
            pool.Publish([new Endpoint("d", "e", "127.0.0.1", worker.Port)]);
            Assert.True(SpinWait.SpinUntil(() => pool.Current.Columns.Live[0] && worker.Requests > 3, TimeSpan.FromSeconds(20)));
            pool.Publish([]);
            Thread.Sleep(200);
            var seen = worker.Requests;
            Thread.Sleep(300);
            Assert.Equal(seen, worker.Requests);
        }
    }

    /// <summary>A scraper stepped by the test: each step is one tick of 10 ms in its own time.</summary>
    private sealed class Lab : IDisposable
    {
        private readonly ManualTime _time = new();

        /// <param name="timeoutSeconds">In the lab's time, which runs up to ten times faster than the workers' threads.</param>
        public Lab(int[] ports, Dictionary<string, string>? labels = null, int timeoutSeconds = 60)
        {
            Pool.Publish([.. ports.Select((p, i) => new Endpoint("d", "e" + i.ToString(CultureInfo.InvariantCulture), "127.0.0.1", p, labels))]);
            Metrics = new EppMetrics(new EppMetricsOptions(), Pool, _time);
            Scraper = new ModelServerScraper(Pool, new ScraperOptions(Timeout: TimeSpan.FromSeconds(timeoutSeconds)), _time, Metrics, Log);
        }

        public Pool Pool { get; } = new();

        public EppMetrics Metrics { get; }

        public ListLogger Log { get; } = new();

        public EndpointColumns Columns => Pool.Current.Columns;

        public ModelServerScraper Scraper { get; }

        public void Step()
        {
            Scraper.Tick();
            Thread.Sleep(1);
            _time.Advance(TimeSpan.FromMilliseconds(10));
        }

        public void Until(Func<bool> done)
        {
            var watch = Stopwatch.StartNew();
            while (!done())
            {
                Assert.True(watch.Elapsed < TimeSpan.FromSeconds(30), "nothing came of it within 30 s; log: " + string.Join("; ", Log.Lines));
                Step();
            }

            Step();
            Step();
        }

        public void Dispose() => Scraper.Dispose();
    }
}

/// <summary>Keeps what was logged.</summary>
internal sealed class ListLogger : ILogger
{
    private readonly ConcurrentQueue<(int, string)> _lines = new();

    public List<(int Id, string Text)> Lines => [.. _lines];

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        _lines.Enqueue((eventId.Id, formatter(state, exception) + exception));
}
