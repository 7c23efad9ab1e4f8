using System.Net;
using System.Text.Json;
using Epp.Testing;

namespace Epp.Integration.Tests;

/// <summary>The pages under <c>/debug</c> of a running EPP.</summary>
[Trait("Category", "Integration")]
public sealed class DebugPagesTests(RunningEpp running) : IClassFixture<RunningEpp>
{
    private static readonly HttpClient Http = new() { Timeout = Wait.Limit };

    [Fact]
    public async Task Pages_AfterAPick_ShowPoolConfigurationAndThePickWithoutThePrompt()
    {
        Assert.Equal(0, (await PickAsync("debug-model", "a very private prompt")).Code);
        var pool = await JsonAsync("/debug/pool");
        Assert.Equal(3, pool.GetProperty("count").GetInt32());
        Assert.True(pool.GetProperty("endpoints")[0].GetProperty("live").GetBoolean());
        Assert.Equal(running.Workers[0].HostPort, pool.GetProperty("endpoints")[0].GetProperty("address").GetString());

        var config = await JsonAsync("/debug/config");
        Assert.Equal("pool", config.GetProperty("flags").GetProperty("pool-name").GetString());
        Assert.Contains("queue-scorer", config.GetProperty("plugins").EnumerateArray().Select(p => p.GetProperty("type").GetString()));
        Assert.Equal(1, config.GetProperty("profile").GetProperty("scorers").GetProperty("queue-scorer").GetDouble());

        var picks = await JsonAsync("/debug/picks");
        var pick = picks.GetProperty("picks").EnumerateArray().First(p => p.GetProperty("model").GetString() == "debug-model");
        Assert.Equal(3, pick.GetProperty("candidates").GetInt32());
        Assert.Equal(3, pick.GetProperty("scores").EnumerateObject().Count());
        Assert.Contains(pick.GetProperty("endpoint").GetString(), running.Workers.Select(w => w.HostPort));
        Assert.DoesNotContain("private", picks.GetRawText());

        var states = await JsonAsync("/debug/plugins/state");
        Assert.True(states.TryGetProperty("timestamp", out _));
        var prefix = states.GetProperty("plugins").EnumerateObject().Single(p => p.Value.GetProperty("type").GetString() == "approx-prefix-cache-producer");
        Assert.True(prefix.Value.GetProperty("state").GetProperty("blocks").GetDouble() >= 1);
        Assert.True(states.GetProperty("plugins").GetProperty("queue-scorer").TryGetProperty("message", out _));
        Assert.True((await JsonAsync("/debug")).TryGetProperty("pages", out _));
    }

    [Theory]
    [InlineData("POST", "/debug/plugins/state", HttpStatusCode.MethodNotAllowed)]
    [InlineData("DELETE", "/debug", HttpStatusCode.MethodNotAllowed)]
    [InlineData("GET", "/debug/pprof/heap", HttpStatusCode.NotImplemented)]
    [InlineData("GET", "/debug/pprof/", HttpStatusCode.NotImplemented)]
    [InlineData("GET", "/debug/none", HttpStatusCode.NotFound)]
    [InlineData("GET", "/debugger", HttpStatusCode.NotFound)]
    public async Task Others_AreRefused(string method, string path, HttpStatusCode expected)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), Url(path));
        using var answer = await Http.SendAsync(request);
        Assert.Equal(expected, answer.StatusCode);
        Assert.Equal(expected == HttpStatusCode.NotImplemented, (await answer.Content.ReadAsStringAsync()).Contains("/debug", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Configuration_AfterAReload_IsTheOneInForce()
    {
        await using var epp = await EppProcess.StartAsync(new EppOptions { Flags = ["--watch-config"] });
        File.WriteAllText(epp.ConfigFile, File.ReadAllText(epp.ConfigFile).Replace("{pluginRef: queue-scorer, weight: 1}", "{pluginRef: queue-scorer, weight: 7}", StringComparison.Ordinal));
        await Wait.UntilAsync(async () => JsonDocument.Parse(await Http.GetStringAsync($"http://127.0.0.1:{epp.MetricsPort}/debug/config"))
            .RootElement.GetProperty("profile").GetProperty("scorers").GetProperty("queue-scorer").GetDouble() == 7);
    }

    [Fact]
    public async Task Off_EveryPageIs404()
    {
        await using var epp = await EppProcess.StartAsync(new EppOptions { Flags = ["--enable-pprof=false"] });
        foreach (var path in (string[])["/debug", "/debug/pool", "/debug/pprof/heap"])
        {
            using var answer = await Http.GetAsync($"http://127.0.0.1:{epp.MetricsPort}{path}");
            Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        }
    }

    private async Task<GrpcEnd> PickAsync(string model, string prompt)
    {
        await using var stream = running.Epp.Open();
        await stream.SendAsync(Ask.Post());
        await stream.SendAsync(Ask.Body(Ask.ChatBody(model, prompt)));
        await stream.AnswerAsync();
        await stream.HalfCloseAsync();
        return await stream.EndAsync();
    }

    private async Task<JsonElement> JsonAsync(string path)
    {
        using var answer = await Http.GetAsync(Url(path));
        Assert.Equal((HttpStatusCode.OK, "application/json"), (answer.StatusCode, answer.Content.Headers.ContentType!.MediaType));
        return JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement;
    }

    private string Url(string path) => $"http://127.0.0.1:{running.Epp.MetricsPort}{path}";
}
