using System.Net;
using System.Text.Json;
using Epp.Testing;

namespace Epp.E2E.Tests;

/// <summary>Every listener of the recorded Envoy configuration whose picker is built ends as its README says.</summary>
[Trait("Category", "E2E")]
[Collection(FixedPorts.Collection)]
public sealed class EnvoyListenerTests(EnvoyGateway gateway) : IClassFixture<EnvoyGateway>
{
    private const string Own = "127.0.0.2:18000", Third = "127.0.0.1:18002", Second = "127.0.0.1:18001";

    /// <summary>Full duplex, other body modes, routing by metadata, HTTP/2 workers, no request id.</summary>
    public static TheoryData<int> Serving { get; } = [21000, 21008, 21010, 21011, 21012, 21013, 21014, 21015, 21016, 21019, 21024, 21025, 21026, 21027];

    [SkippableTheory]
    [MemberData(nameof(Serving))]
    public async Task Listener_Json_Is200AtTheIdleWorker(int port)
    {
        await gateway.Require().PreferAsync(Third);
        var (sent, before) = (Ask.ChatBody(prompt: $"json {port}"), gateway.Workers[2].Received.Count);
        using var response = await gateway.PostAsync(port, sent);
        var body = await response.Content.ReadAsStringAsync();
        Assert.True(response.StatusCode == HttpStatusCode.OK, $"{(int)response.StatusCode} {body}\n{gateway.LogText}");
        Assert.Equal(Third, response.Headers.GetValues("x-worker").Single());
        using var json = JsonDocument.Parse(body);
        Assert.Equal("tok tok tok", json.RootElement.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString());
        var received = gateway.Workers[2].Received.Skip(before).Single();
        Assert.Equal(sent, received.BodyHead);
        Assert.Equal([Third], received.Values("x-gateway-destination-endpoint"));
        Assert.True(Guid.TryParse(Assert.Single(received.Values("x-request-id")), out _));
    }

    [SkippableTheory]
    [MemberData(nameof(Serving))]
    public async Task Listener_Sse_Is200WithEveryEvent(int port)
    {
        await gateway.Require().PreferAsync(Third);
        using var response = await gateway.PostAsync(port, Ask.ChatBody(prompt: $"sse {port}", stream: true));
        var body = await response.Content.ReadAsStringAsync();
        Assert.True(response.StatusCode == HttpStatusCode.OK, $"{(int)response.StatusCode} {body}\n{gateway.LogText}");
        Assert.Equal(Third, response.Headers.GetValues("x-worker").Single());
        Assert.Equal(7, body.Split("\n\n", StringSplitOptions.RemoveEmptyEntries).Length);
        Assert.EndsWith("data: [DONE]\n\n", body);
    }

    [SkippableTheory]
    [MemberData(nameof(Serving))]
    public async Task Listener_Get_Is200(int port)
    {
        await gateway.Require().PreferAsync(Third);
        using var response = await gateway.GetAsync(port);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [SkippableTheory]
    [InlineData(21000)]
    [InlineData(21010)]
    [InlineData(21011)]
    [InlineData(21014)]
    [InlineData(21015)]
    [InlineData(21016)]
    [InlineData(21019)]
    public async Task Rewrite_WhereTheBodyIsShown_ReachesTheWorkerAndTheAnswerIsWhole(int port)
    {
        await gateway.Require().PreferAsync(Third);
        var before = gateway.Workers[2].Received.Count;
        using var response = await gateway.PostAsync(port, Ask.ChatBody("client-name", $"rewrite {port}"), headers: ("x-llm-d-model-name-rewrite", "worker"));
        var body = await response.Content.ReadAsStringAsync();
        Assert.True(response.StatusCode == HttpStatusCode.OK, $"{(int)response.StatusCode} {body}\n{gateway.LogText}");
        Assert.Equal(Ask.ChatBody("worker", $"rewrite {port}"), gateway.Workers[2].Received.Skip(before).Single().BodyHead);
        using var json = JsonDocument.Parse(body);
        // Where the EPP is shown no response body, the worker's name stays.
        Assert.Equal(port is 21011 or 21014 or 21019 ? "worker" : "client-name", json.RootElement.GetProperty("model").GetString());
    }

    [SkippableTheory]
    // Hints match by address: with 127.0.0.1 in the list the idle 127.0.0.2 is out.
    [InlineData(21001, Second)]
    [InlineData(21005, Second)]
    [InlineData(21006, Second)]
    // A string is no list, hence no hint.
    [InlineData(21004, Own)]
    public async Task SubsetHint_OfTheGateway_IsObeyed(int port, string expected)
    {
        await gateway.Require().PreferAsync(Own, Second);
        using var response = await gateway.PostAsync(port, Ask.ChatBody(prompt: $"subset {port}"));
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(expected, response.Headers.GetValues("x-worker").Single());
    }

    [SkippableFact]
    public async Task SubsetHint_OtherPortOfAnAddress_MatchesTheAddress()
    {
        await gateway.Require().PreferAsync(Third);
        using var response = await gateway.PostAsync(21007, Ask.ChatBody());
        Assert.Equal(Own, response.Headers.GetValues("x-worker").Single());
    }

    [SkippableTheory]
    [InlineData(21002)]
    [InlineData(21003)]
    public async Task SubsetHint_NothingMatches_Is503FromTheEpp(int port)
    {
        gateway.Require();
        using var response = await gateway.PostAsync(port, Ask.ChatBody());
        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Equal("inference error: ServiceUnavailable - failed to find endpoint candidates for serving the request", await response.Content.ReadAsStringAsync());
        Assert.Equal("rejected-no-endpoints", response.Headers.GetValues("x-llm-d-request-dropped-reason").Single());
    }

    [SkippableTheory]
    [InlineData(21017)]
    [InlineData(21018)]
    public async Task EppAway_Post_Is500(int port)
    {
        gateway.Require();
        using var response = await gateway.PostAsync(port, Ask.ChatBody());
        Assert.Equal(HttpStatusCode.InternalServerError, response.StatusCode);
    }

    [SkippableFact]
    public async Task Scores_AreInTheDynamicMetadata()
    {
        await gateway.Require().PreferAsync(Third);
        using var request = new HttpRequestMessage(HttpMethod.Post, "http://127.0.0.1:21027/v1/chat/completions?scores") { Content = new StringContent(Ask.ChatBody()) };
        using var response = await gateway.Client.SendAsync(request);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var metadata = (await gateway.AccessLogAsync(21027, "/v1/chat/completions?scores")).GetProperty("envoy_lb_metadata");
        Assert.Equal(Third, metadata.GetProperty("x-gateway-destination-endpoint").GetString());
        var scores = metadata.GetProperty("x-gateway-destination-endpoint-scores").EnumerateObject().ToDictionary(p => p.Name, p => p.Value.GetDouble());
        Assert.Equal(EnvoyGateway.Endpoints.Order(), scores.Keys.Order());
        Assert.Equal(Third, scores.MaxBy(s => s.Value).Key);
    }

    [SkippableFact]
    public async Task SeveralDestinations_BreakOriginalDst_AsRecorded()
    {
        await gateway.Require().PreferAsync(Third);
        using var post = await gateway.PostAsync(21028, Ask.ChatBody());
        Assert.Equal(HttpStatusCode.ServiceUnavailable, post.StatusCode);
        Assert.Equal("no healthy upstream", await post.Content.ReadAsStringAsync());
        using var get = await gateway.GetAsync(21028);
        Assert.Equal(HttpStatusCode.OK, get.StatusCode);
    }
}
