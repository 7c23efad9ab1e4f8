using System.Net;
using System.Security.Cryptography;
using System.Text;
using Epp.Testing;

namespace Epp.E2E.Tests;

/// <summary>Traffic through a real Envoy whose routes choose by the header that <c>epp bbr</c> sets (contract §9.3).</summary>
[Trait("Category", "E2E")]
public sealed class BodyRouterTrafficTests(BodyRouterGateway gateway) : IClassFixture<BodyRouterGateway>
{
    public static TheoryData<string> Listeners => ["v1.2 streamed", "v1.5 streamed", "v1.2 buffered", "v1.5 buffered"];

    [SkippableTheory]
    [MemberData(nameof(Listeners))]
    public async Task Model_ChoosesTheRoute_AndTheBodyArrivesUnchanged(string listener)
    {
        var (known, other) = (gateway.Require().Workers[0], gateway.Workers[1]);
        Assert.Equal(known.HostPort, await PostAsync(listener, Ask.ChatBody("llama")));
        Assert.Equal(["llama"], known.Received.Last().Values("x-gateway-model-name"));
        Assert.Equal(other.HostPort, await PostAsync(listener, Ask.ChatBody("mistral")));
        Assert.Equal(["mistral"], other.Received.Last().Values("x-gateway-model-name"));

        Assert.Equal(other.HostPort, await PostAsync(listener, """{"prompt":"no model"}"""));
        Assert.Empty(other.Received.Last().Values("x-gateway-model-name"));

        // Envoy's own buffer ends at 1 MiB.
        var large = Ask.ChatBody("llama", new string('x', listener.EndsWith("buffered", StringComparison.Ordinal) ? 900_000 : 6_000_000));
        Assert.Equal(known.HostPort, await PostAsync(listener, large));
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(large))), known.Received.Last().Sha256);
    }

    [SkippableTheory]
    [InlineData("v1.2 streamed", 500)]
    [InlineData("v1.2 buffered", 500)]
    [InlineData("v1.5 streamed", 400)]
    [InlineData("v1.5 buffered", 400)]
    public async Task NoJson_IsRefused(string listener, int status)
    {
        using var response = await gateway.Require().Client.PostAsync(gateway.Url(listener), new StringContent("no healthy upstream"));
        Assert.Equal(status, (int)response.StatusCode);
        Assert.Equal(status == 400, (await response.Content.ReadAsStringAsync()).Contains("failed to parse request body", StringComparison.Ordinal));
    }

    [SkippableTheory]
    [InlineData("v1.2 streamed")]
    [InlineData("v1.5 streamed")]
    public async Task EventStream_ItsFirstEvent_ArrivesBeforeTheWorkerGoesOn(string listener)
    {
        var worker = gateway.Require().Workers[0];
        worker.Hold();
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, gateway.Url(listener)) { Content = new StringContent(Ask.ChatBody("llama", stream: true)) };
            using var response = await gateway.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
            using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
            Assert.Contains("tok0", await reader.ReadLineAsync().WaitAsync(Wait.Limit), StringComparison.Ordinal);
            worker.Release();
            Assert.EndsWith("data: [DONE]\n\n", await reader.ReadToEndAsync().WaitAsync(Wait.Limit), StringComparison.Ordinal);
        }
        finally
        {
            worker.Release();
        }
    }

    [SkippableFact]
    public async Task LongAnswer_ArrivesWhole()
    {
        var worker = gateway.Require().Workers[0];
        worker.ResponseTextBytes = 3 << 20;
        try
        {
            using var response = await gateway.Client.PostAsync(gateway.Url("v1.5 streamed"), new StringContent(Ask.ChatBody("llama")));
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            Assert.InRange((await response.Content.ReadAsByteArrayAsync()).Length, 3 << 20, 4 << 20);
        }
        finally
        {
            worker.ResponseTextBytes = 0;
        }
    }

    private async Task<string> PostAsync(string listener, string body)
    {
        using var response = await gateway.Client.PostAsync(gateway.Url(listener), new StringContent(body, Encoding.UTF8, "application/json"));
        Assert.True(response.IsSuccessStatusCode, $"{(int)response.StatusCode} {await response.Content.ReadAsStringAsync()}\n{gateway.LogText}");
        return response.Headers.GetValues("x-worker").Single();
    }
}
