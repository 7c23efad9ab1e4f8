using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Epp.Testing;

namespace Epp.E2E.Tests;

/// <summary>Traffic through the listener that the charts configure: streaming, aborts, resets, large bodies, repeated headers, trailers.</summary>
[Trait("Category", "E2E")]
[Collection(FixedPorts.Collection)]
public sealed class EnvoyTrafficTests(EnvoyGateway gateway) : IClassFixture<EnvoyGateway>
{
    private const string Third = "127.0.0.1:18002";
    private const int Main = 21000, Http2Workers = 21025;

    private FakeWorker Worker => gateway.Workers[2];

    [SkippableTheory]
    [InlineData(Main)]
    [InlineData(21012)]
    [InlineData(21016)]
    public async Task Sse_FirstEvent_ArrivesBeforeTheWorkerGoesOn(int port)
    {
        await gateway.Require().PreferAsync(Third);
        Worker.Hold();
        using var response = await gateway.PostAsync(port, Ask.ChatBody(stream: true), completion: HttpCompletionOption.ResponseHeadersRead);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        Assert.Contains("tok0", await reader.ReadLineAsync().WaitAsync(Wait.Limit));
        Worker.Release();
        Assert.EndsWith("data: [DONE]\n\n", await reader.ReadToEndAsync().WaitAsync(Wait.Limit));
    }

    [SkippableFact]
    public async Task ClientAbort_InTheMiddle_ReachesTheWorkerAndCountsOnce()
    {
        await gateway.Require().PreferAsync(Third);
        Worker.Hold();
        using (var response = await gateway.PostAsync(Main, Ask.ChatBody("client-abort", stream: true), completion: HttpCompletionOption.ResponseHeadersRead))
        {
            using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
            Assert.Contains("tok0", await reader.ReadLineAsync().WaitAsync(Wait.Limit));
            await gateway.Default.WaitForMetricAsync("inference_objective_running_requests", 1, ("model_name", "client-abort"));
        }

        await Worker.Received.Last().Aborted.WaitAsync(Wait.Limit);
        Worker.Release();
        await AssertCountedOnceAsync("client-abort");
    }

    [SkippableFact]
    public async Task ClientAbort_BeforeTheResponse_CountsOnce()
    {
        await gateway.Require().PreferAsync(Third);
        Worker.Mode = WorkerMode.Hold;
        Worker.Hold();
        var seen = Worker.Received.Count;
        using var source = new CancellationTokenSource();
        var call = gateway.Client.PostAsync(new Uri($"http://127.0.0.1:{Main}/v1/chat/completions"), new StringContent(Ask.ChatBody("abort-early")), source.Token);
        await Wait.UntilAsync(() => Worker.Received.Count > seen);
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        await Worker.Received.Last().Aborted.WaitAsync(Wait.Limit);
        Worker.Release();
        await AssertCountedOnceAsync("abort-early");
    }

    [SkippableTheory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task WorkerReset_InTheMiddle_ReachesTheClientAndCountsOnce(bool stream)
    {
        await gateway.Require().PreferAsync(Third);
        Worker.Mode = WorkerMode.ResetMidStream;
        Worker.Hold();
        var model = $"worker-reset-{stream}";
        using var response = await gateway.PostAsync(Main, Ask.ChatBody(model, stream: stream), completion: HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Worker.Release();
        await Assert.ThrowsAnyAsync<Exception>(() => response.Content.ReadAsStringAsync());
        await AssertCountedOnceAsync(model);
    }

    [SkippableFact]
    public async Task Worker500_PassesThroughAndIsCounted()
    {
        await gateway.Require().PreferAsync(Third);
        Worker.Mode = WorkerMode.Error500;
        using var response = await gateway.PostAsync(Main, Ask.ChatBody("worker-500", stream: true));
        Assert.Equal(HttpStatusCode.InternalServerError, response.StatusCode);
        Assert.Contains("EngineCore", await response.Content.ReadAsStringAsync());
        await gateway.Default.WaitForMetricAsync("inference_objective_request_error_total", 1, ("model_name", "worker-500"), ("error_code", "ModelServerError"));
        await AssertCountedOnceAsync("worker-500");
    }

    [SkippableTheory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Upload_SixMegabytes_ArrivesUnchanged(bool http2)
    {
        await gateway.Require().PreferAsync(Third);
        var body = Ask.ChatBody(prompt: RandomText(6 << 20));
        using var response = await gateway.PostAsync(Main, body, http2);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var received = gateway.Workers.Single(w => w.HostPort == response.Headers.GetValues("x-worker").Single()).Received.Last();
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(body))), received.Sha256);
    }

    [SkippableFact]
    public async Task Download_SixMegabytes_ArrivesUnchanged()
    {
        await gateway.Require().PreferAsync(Third);
        Worker.ResponseTextBytes = 6 << 20;
        using var response = await gateway.PostAsync(Main, Ask.ChatBody());
        Assert.Contains(new string('t', 6 << 20), await response.Content.ReadAsStringAsync());
    }

    [SkippableFact]
    public async Task RepeatedHeaders_BothWays_Survive()
    {
        await gateway.Require().PreferAsync(Third);
        Worker.ResponseHeaders = [("set-cookie", "a=1; Path=/"), ("set-cookie", "b=2; Path=/"), ("x-multi", "one"), ("x-multi", "two")];
        var body = Ask.ChatBody();
        var answer = await RawAsync($"POST /v1/chat/completions HTTP/1.1\r\nhost: gateway\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {body.Length}\r\ncookie: c=3\r\ncookie: d=4\r\nx-multi: three\r\nx-multi: four\r\n\r\n{body}");
        Assert.StartsWith("HTTP/1.1 200", answer);
        foreach (var line in new[] { "set-cookie: a=1; Path=/", "set-cookie: b=2; Path=/", "x-multi: one", "x-multi: two", "x-went-into-resp-headers: true" })
        {
            Assert.Single(answer.Split("\r\n"), l => l.Equals(line, StringComparison.OrdinalIgnoreCase));
        }

        var received = Worker.Received.Last();
        Assert.Equal(["three", "four"], received.Values("x-multi").SelectMany(v => v.Split(',')).Select(v => v.Trim()));
        Assert.Equal(["c=3", "d=4"], received.Values("cookie").SelectMany(v => v.Split(';')).Select(v => v.Trim()));
    }

    [SkippableFact]
    public async Task ControlHeadersOfTheClient_DoNotReachTheWorker()
    {
        await gateway.Require().PreferAsync(Third);
        string[] names = ["x-prefiller-host-port", "x-data-parallel-host-port", "x-encoder-hosts-ports", "x-kv-cache-source-host-port"];
        using var response = await gateway.PostAsync(Main, Ask.ChatBody(), headers: [("x-gateway-destination-endpoint", "127.0.0.1:18000"), .. names.Select(n => (n, "10.0.0.1:1"))]);
        Assert.Equal(Third, response.Headers.GetValues("x-worker").Single());
        Assert.All(names, n => Assert.Empty(Worker.Received.Last().Values(n)));
    }

    [SkippableTheory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Http2Worker_ResponseTrailers_ReachAnHttp2Client(bool stream)
    {
        await gateway.Require().PreferAsync(Third);
        Worker.SendTrailers = true;
        using var response = await gateway.PostAsync(Http2Workers, Ask.ChatBody(stream: stream), http2: true);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Contains("tok", await response.Content.ReadAsStringAsync());
        Assert.Equal("HTTP/2", Worker.Received.Last().Protocol);
        Assert.Equal("done", response.TrailingHeaders.GetValues("x-worker-trailer").Single());
    }

    [SkippableFact]
    public async Task RequestTrailers_OverHttp2_ReachTheWorker()
    {
        await gateway.Require().PreferAsync(Third);
        var seen = Worker.Received.Count;
        await using var client = await RawHttp2.ConnectAsync(Http2Workers);
        await client.OpenAsync();
        await client.TrySendAsync(RawHttp2.Frame(RawHttp2.Headers, RawHttp2.EndHeaders, 1, RawHttp2.HeaderBlock(
            (":method", "POST"), (":scheme", "http"), (":path", "/v1/chat/completions"), (":authority", "gateway"), ("content-type", "application/json"), ("te", "trailers"))));
        await client.TrySendAsync(RawHttp2.Frame(RawHttp2.Data, 0, 1, Encoding.UTF8.GetBytes(Ask.ChatBody())));
        await client.TrySendAsync(RawHttp2.Frame(RawHttp2.Headers, RawHttp2.EndHeaders | RawHttp2.EndStream, 1, RawHttp2.HeaderBlock(("x-checksum", "abc123"))));
        await Wait.UntilAsync(() => Worker.Received.Count > seen);
        Assert.Equal(Ask.ChatBody(), Worker.Received.Last().BodyHead);
        Assert.Contains(("x-checksum", "abc123"), Worker.Received.Last().Trailers);
    }

    private async Task AssertCountedOnceAsync(string model)
    {
        await gateway.Default.WaitForMetricAsync("inference_objective_running_requests", 0, ("model_name", model));
        var metrics = await gateway.Default.MetricsAsync();
        Assert.Equal(1, metrics.Sum("inference_objective_request_total", ("model_name", model)));
        Assert.Equal(0, metrics.Sum("epp_accounting_anomalies_total"));
    }

    private static string RandomText(int length)
    {
        var random = new Random(1);
        return string.Create(length, random, (span, r) =>
        {
            for (var i = 0; i < span.Length; i++)
            {
                span[i] = (char)r.Next('a', 'z' + 1);
            }
        });
    }

    private static async Task<string> RawAsync(string request)
    {
        using var client = new TcpClient();
        await client.ConnectAsync("127.0.0.1", Main);
        var stream = client.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes(request));
        using var reader = new StreamReader(stream, Encoding.ASCII);
        return await reader.ReadToEndAsync().WaitAsync(Wait.Limit);
    }
}
