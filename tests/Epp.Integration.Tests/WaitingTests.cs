using Epp.Testing;
using static Epp.Testing.Protos.ProcessingResponse.ResponseOneofCase;

namespace Epp.Integration.Tests;

/// <summary>Flow control in a whole process, over HTTP/2: requests that wait, and what ends the wait.</summary>
[Trait("Category", "Integration")]
public sealed class WaitingTests : IAsyncLifetime
{
    private static readonly string Config = EppProcess.DefaultConfig
        .Replace("kind:", "featureGates: [flowControl]\nkind:", StringComparison.Ordinal)
        .Replace("- type: queue-scorer", "- {type: concurrency-detector, parameters: {maxConcurrency: 1}}\n- type: queue-scorer", StringComparison.Ordinal)
        + "flowControl: {saturationDetector: {pluginRef: concurrency-detector}, defaultRequestTTL: WAIT}\n";

    private FakeWorker[] _workers = [];

    public async Task InitializeAsync() => _workers = await FakeWorker.StartPoolAsync(1);

    public async Task DisposeAsync()
    {
        foreach (var worker in _workers)
        {
            await worker.DisposeAsync();
        }
    }

    private Task<EppProcess> StartAsync(string ttl = "60s") => EppProcess.StartAsync(new EppOptions
    {
        Endpoints = [_workers[0].HostPort],
        Config = Config.Replace("WAIT", ttl, StringComparison.Ordinal),
        Flags = ["--drain-timeout=1s"],
    });

    private static async Task<GrpcStream> OpenAsync(EppProcess epp)
    {
        var stream = epp.Open();
        await stream.SendAsync(Ask.Post());
        await stream.SendAsync(Ask.Body(Ask.ChatBody()));
        return stream;
    }

    [Fact]
    public async Task Waiting_EndsWithATurn_AResetOrItsTtl()
    {
        await using var epp = await StartAsync("2s");
        await using var running = await OpenAsync(epp);
        await running.AnswerAsync();
        await using (var leaving = await OpenAsync(epp))
        {
            await epp.WaitForMetricAsync("llm_d_epp_flow_control_queue_size", 1);
            leaving.Reset();
            await epp.WaitForMetricAsync("llm_d_epp_flow_control_requests_total", 1, ("outcome", "EvictedContextCancelled"));
        }

        await using var late = await OpenAsync(epp);
        Assert.Equal("rejected-ttl-expired", (await late.AnswerAsync()).Immediate!.Header("x-llm-d-request-dropped-reason"));
        await using var next = await OpenAsync(epp);
        await epp.WaitForMetricAsync("llm_d_epp_flow_control_queue_size", 1);
        running.Reset();
        Assert.Equal(_workers[0].HostPort, (await next.AnswerAsync()).Endpoint);
        await epp.WaitForMetricAsync("llm_d_epp_flow_control_requests_total", 2, ("outcome", "Dispatched"));
        await epp.WaitForMetricAsync("inference_objective_running_requests", 1);
    }

    [Fact]
    public async Task Sigterm_WithARequestWaiting_RefusesItAndExitsZero()
    {
        await using var epp = await StartAsync();
        await using var running = await OpenAsync(epp);
        await running.AnswerAsync();
        await using var waiting = await OpenAsync(epp);
        await epp.WaitForMetricAsync("llm_d_epp_flow_control_queue_size", 1);
        epp.Signal("TERM");
        var refusal = (await waiting.AnswerAsync()).Immediate!;
        Assert.Equal((503, "rejected-shutting-down"), ((int)refusal.Status.Code, refusal.Header("x-llm-d-request-dropped-reason")));
        await Wait.UntilAsync(() => epp.HasExited);
        Assert.Equal(0, epp.ExitCode);
    }

    /// <summary>Far more requests wait than there are threads to wait on.</summary>
    [Fact]
    public async Task ManyWaiting_HoldNoThreads()
    {
        const int Many = 200;
        await using var epp = await StartAsync();
        var running = await OpenAsync(epp);
        await running.AnswerAsync();
        var waiting = new List<GrpcStream>();
        for (var i = 0; i < Many; i++)
        {
            waiting.Add(await OpenAsync(epp));
        }

        await epp.WaitForMetricAsync("llm_d_epp_flow_control_queue_size", Many);
        var threads = int.Parse(File.ReadLines($"/proc/{epp.Id}/status").First(l => l.StartsWith("Threads:", StringComparison.Ordinal)).AsSpan(8), System.Globalization.CultureInfo.InvariantCulture);
        Assert.InRange(threads, 1, 100);
        // Streams of one connection reach the queue in any order.
        var turns = waiting.ConvertAll(async stream =>
        {
            await using (stream)
            {
                return (await stream.AnswerAsync()).Endpoint;
            }
        });
        await running.DisposeAsync();
        Assert.All(await Task.WhenAll(turns), e => Assert.Equal(_workers[0].HostPort, e));
        await epp.WaitForMetricAsync("inference_objective_running_requests", 0);
    }
}
