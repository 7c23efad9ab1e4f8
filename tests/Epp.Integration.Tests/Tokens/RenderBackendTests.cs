using System.Diagnostics;
using Epp.Integration.Tests.KvEvents;
using Epp.Testing;

namespace Epp.Integration.Tests.Tokens;

/// <summary>
/// The backend <c>vllm</c> of token-producer, through the server: a request's ids come from an endpoint that renders, and the pick goes by
/// what engines said they hold of them. What it refuses or does not answer is matched by its bytes.
/// </summary>
[Trait("Category", "Integration")]
public sealed class RenderBackendTests
{
    private static readonly int[] Held = [.. Enumerable.Range(1000, 48)];

    [SkippableFact]
    public async Task Ids_OfTheRenderer_FindTheEngineThatHoldsThem()
    {
        await using var rig = await Rig.StartAsync();
        rig.Renderer.Answer = body => body.Contains("held prompt", StringComparison.Ordinal) ? Rendering.Ids(Held) : Rendering.Ids(7, 8, 9);
        for (var i = 0; i < 5; i++)
        {
            // Each text is another one: bytes tell nothing.
            Assert.Equal(rig.Workers[1].HostPort, (await rig.PickAsync($"{i} is a held prompt")).Endpoint);
        }

        Assert.Equal(5, (await rig.Epp.MetricsAsync()).Sum("epp_tokens_exact_total"));
        Assert.Equal(0, (await rig.Epp.MetricsAsync()).Sum("epp_tokens_unknown_total"));
        var (path, body) = rig.Renderer.Asked.First();
        Assert.Equal("/v1/chat/completions/render", path);
        Assert.Equal(Ask.ChatBody("the-model", "0 is a held prompt"), body);

        // Completions have a path and a shape of their own.
        rig.Renderer.Answer = static _ => new Rendering(200, $"[{{\"prompt_token_ids\":[{string.Join(',', Held)}]}}]");
        var completion = await rig.Epp.PickAsync("""{"model":"m","prompt":"something","max_tokens":5}""", path: "/v1/completions");
        Assert.Equal(rig.Workers[1].HostPort, completion.Endpoint);
        Assert.Equal("/v1/completions/render", rig.Renderer.Asked.Last().Path);
    }

    [SkippableFact]
    public async Task Refusal_IsMatchedByItsBytes_AndSaysWhy()
    {
        await using var rig = await Rig.StartAsync();
        rig.Renderer.Answer = static _ => new Rendering(400, """{"error":{"message":"image input is not supported","code":400}}""");
        var text = string.Concat(Enumerable.Repeat("the same long prompt, twice; ", 40));
        var first = await rig.PickAsync(text);
        Assert.Equal(first.Endpoint, (await rig.PickAsync(text)).Endpoint);
        Assert.Equal((0, 2), await rig.FiguresAsync());
        await rig.LogsAsync("refuses a request");
        Assert.Contains("HTTP 400: ", rig.Epp.LogText, StringComparison.Ordinal);
        Assert.Contains("image input is not supported", rig.Epp.LogText, StringComparison.Ordinal);
        Assert.Single(rig.Epp.LogText.Split('\n'), static l => l.Contains("refuses a request", StringComparison.Ordinal));

        // It goes on being asked, and a request that it takes is exact.
        rig.Renderer.Answer = static _ => Rendering.Ids(Held);
        for (var i = 0; i < 5; i++)
        {
            Assert.Equal(rig.Workers[1].HostPort, (await rig.PickAsync($"{i} is taken")).Endpoint);
        }

        Assert.Equal((5, 2), await rig.FiguresAsync());
    }

    [SkippableFact]
    public async Task NoAnswer_CostsTheTimeoutAFewTimes_ThenHardlyAnything()
    {
        await using var rig = await Rig.StartAsync();
        rig.Renderer.Answer = static _ => new Rendering(200, "{}", TimeSpan.FromMinutes(1));
        for (var i = 0; i < 3; i++)
        {
            var watch = Stopwatch.StartNew();
            Assert.NotNull((await rig.PickAsync($"prompt {i}")).Endpoint);
            Assert.InRange(watch.Elapsed, TimeSpan.FromMilliseconds(380), TimeSpan.FromSeconds(5));
        }

        await rig.LogsAsync("does not answer");
        Assert.Contains("no answer within 0.4 s", rig.Epp.LogText, StringComparison.Ordinal);
        var asked = rig.Renderer.Asked.Count;
        for (var i = 0; i < 20; i++)
        {
            Assert.NotNull((await rig.PickAsync($"later prompt {i}")).Endpoint);
        }

        Assert.InRange(rig.Renderer.Asked.Count - asked, 0, 3);
        Assert.Equal((0, 23), await rig.FiguresAsync());

        rig.Renderer.Answer = static _ => Rendering.Ids(Held);
        await Wait.UntilAsync(() => rig.PickAsync("held").Result.Endpoint is not null && rig.FiguresAsync().Result.Exact > 0);
        await rig.LogsAsync("answers again");
        Assert.Equal(rig.Workers[1].HostPort, (await rig.PickAsync("held")).Endpoint);
    }

    /// <summary>Two workers; the second one's engine holds <see cref="Held"/>.</summary>
    private sealed class Rig : IAsyncDisposable
    {
        private readonly ZmqEngines _engine;

        private Rig(FakeRenderer renderer, FakeWorker[] workers, EppProcess epp, ZmqEngines engine) => (Renderer, Workers, Epp, _engine) = (renderer, workers, epp, engine);

        public FakeRenderer Renderer { get; }

        public FakeWorker[] Workers { get; }

        public EppProcess Epp { get; }

        public static async Task<Rig> StartAsync()
        {
            var port = Ports.Free();
            var engine = new ZmqEngines($"port={port}", "host=127.0.0.2", "topics=kv@pod@m");
            var renderer = await FakeRenderer.StartAsync();
            var workers = await FakeWorker.StartPoolAsync(2);
            var epp = await EppProcess.StartAsync(new EppOptions { Endpoints = [.. workers.Select(static w => w.HostPort)], Config = Config(port, renderer.Url) });
            await Wait.UntilAsync(() =>
            {
                engine.Do("raw " + StoredEvents.Hex(Held, firstHash: 1));
                return epp.MetricsAsync().Result.Sum("epp_kv_index_blocks") > 0;
            });
            return new Rig(renderer, workers, epp, engine);
        }

        public Task<Answer> PickAsync(string prompt) => Epp.PickAsync(Ask.ChatBody(prompt: prompt));

        /// <summary>Requests with exact ids, and without.</summary>
        public async Task<(double Exact, double Unknown)> FiguresAsync()
        {
            var metrics = await Epp.MetricsAsync();
            return (metrics.Sum("epp_tokens_exact_total"), metrics.Sum("epp_tokens_unknown_total"));
        }

        public Task LogsAsync(string text) => Wait.UntilAsync(() => Epp.LogText.Contains(text, StringComparison.Ordinal), what: text);

        public async ValueTask DisposeAsync()
        {
            await Epp.DisposeAsync();
            await Renderer.DisposeAsync();
            _engine.Dispose();
            foreach (var worker in Workers)
            {
                await worker.DisposeAsync();
            }
        }

        private static string Config(int port, string url) => $$"""
            apiVersion: llm-d.ai/v1alpha1
            kind: EndpointPickerConfig
            plugins:
            - {name: file-disc, type: file-discovery, parameters: {path: @ENDPOINTS@} }
            - {type: token-producer, parameters: {modelName: the-model, vllm: {url: '{{url}}', timeout: 400ms} } }
            - {name: held, type: precise-prefix-cache-producer, parameters: {kvEventsConfig: {podDiscoveryConfig: {socketPort: {{port}} } } } }
            - {type: prefix-cache-scorer, parameters: {prefixMatchInfoProducerName: held} }
            dataLayer: {discovery: {pluginRef: file-disc} }
            """;
    }
}
