using Epp.Integration.Tests.KvEvents;
using Epp.Testing;
using static Epp.Testing.Protos.ProcessingResponse.ResponseOneofCase;

namespace Epp.Integration.Tests.Tokens;

/// <summary>A running EPP that tokenizes, and an engine on the real libzmq that says which ids it stored.</summary>
[Trait("Category", "Integration")]
public sealed class TrafficParityTests : IDisposable
{
    private readonly string _model = Directory.CreateTempSubdirectory("epp-model-").FullName;
    private ulong _nextHash = 1;

    public void Dispose() => Directory.Delete(_model, recursive: true);

    [SkippableFact]
    public async Task Requests_AreComparedWithWhatTheEngineStores_DifferencesTurnExactMatchingOff()
    {
        ByteTokenizer.Write(_model);
        var port = Ports.Free();
        using var engine = new ZmqEngines($"port={port}", "topics=kv@pod@m");
        await using var worker = await FakeWorker.StartAsync();
        await using var epp = await EppProcess.StartAsync(new EppOptions { Endpoints = [worker.HostPort], Config = Config(port) });
        await epp.WaitForMetricAsync("epp_tokens_models_loaded", 1);
        await Wait.UntilAsync(() =>
        {
            engine.Do("raw " + Stored("something else entirely, long enough", 0));
            return epp.MetricsAsync().Result.Sum("epp_kv_messages_total") > 0;
        });

        await ExchangeAsync(epp, engine, "What the engine stores is what was rendered here.", shift: 0);
        await epp.WaitForMetricAsync("epp_tokens_traffic_equal_total", 1);
        Assert.Equal(0, (await epp.MetricsAsync()).Sum("epp_tokens_traffic_different_total"));

        for (var i = 0; i < 3; i++)
        {
            // As an engine with another vocabulary; the first id that differs is the first of all.
            await Task.Delay(600);
            await ExchangeAsync(epp, engine, $"{i}: another vocabulary than ours has the engine.", shift: 1);
        }

        await epp.WaitForMetricAsync("epp_tokens_traffic_different_total", 3);
        Assert.Contains("id 0 is 117, e0 stored 118", epp.LogText, StringComparison.Ordinal);
        await Wait.UntilAsync(() => epp.LogText.Contains("exact matching is off", StringComparison.Ordinal));
        var before = await epp.MetricsAsync();
        await epp.PickAsync(Ask.ChatBody(prompt: "and one more, which is matched by its bytes"));
        var after = await epp.MetricsAsync();
        Assert.Equal(before.Sum("epp_tokens_exact_total"), after.Sum("epp_tokens_exact_total"));
        Assert.Equal(before.Sum("epp_tokens_unknown_total") + 1, after.Sum("epp_tokens_unknown_total"));
    }

    private async Task ExchangeAsync(EppProcess epp, ZmqEngines engine, string prompt, int shift)
    {
        await using var stream = epp.Open();
        await stream.SendAsync(Ask.Post());
        await stream.SendAsync(Ask.Body(Ask.ChatBody(prompt: prompt)));
        await stream.AnswerAsync();
        engine.Do("raw " + Stored($"user:{prompt};", shift));
        await stream.SendAsync(Ask.ResponseHeaders());
        await stream.ExpectAsync(ResponseHeaders);
    }

    private string Stored(string text, int shift)
    {
        var first = _nextHash;
        _nextHash += 100;
        return StoredEvents.Hex([.. text.Select(c => c + shift)], first);
    }

    private string Config(int port) => $$"""
        apiVersion: llm-d.ai/v1alpha1
        kind: EndpointPickerConfig
        plugins:
        - {name: file-disc, type: file-discovery, parameters: {path: @ENDPOINTS@} }
        - {type: token-producer, parameters: {modelName: m, local: {path: '{{_model}}'} } }
        - {name: held, type: precise-prefix-cache-producer, parameters: {kvEventsConfig: {podDiscoveryConfig: {socketPort: {{port}} } } } }
        - {type: prefix-cache-scorer, parameters: {prefixMatchInfoProducerName: held} }
        dataLayer: {discovery: {pluginRef: file-disc} }
        """;
}
