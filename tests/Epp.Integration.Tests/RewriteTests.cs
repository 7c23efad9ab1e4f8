using Epp.Testing;
using static Epp.Testing.Protos.ProcessingResponse.ResponseOneofCase;

namespace Epp.Integration.Tests;

/// <summary>The model's name on its way to the worker and back (contract §3.4, §0a).</summary>
[Trait("Category", "Integration")]
public sealed class RewriteTests(RunningEpp running) : IClassFixture<RunningEpp>
{
    private const string Odd = """{ "temperature" : -0.0,"big":12345678901234567890, "messages":[{"content":"hi","role":"user"}] , "model" : "al\u0069as", "z":1 }""";

    private EppProcess Epp => running.Epp;

    [Theory]
    [InlineData("x-llm-d-model-name-rewrite")]
    [InlineData("x-gateway-model-name-rewrite")]
    public async Task RewriteHeader_OddFormatting_OnlyTheModelChanges(string header)
    {
        var answer = await Epp.PickAsync(Odd, headers: [(header, "target")]);
        Assert.Equal(Odd.Replace("al\\u0069as", "target"), answer.BodyText);
        Assert.Equal(answer.Body.Length.ToString(), answer.Headers!.Header("Content-Length"));
    }

    [Fact]
    public async Task Case22_BothRewriteHeaders_TheNewNameWins()
    {
        var answer = await Epp.PickAsync(Ask.ChatBody(), headers: [("x-gateway-model-name-rewrite", "old"), ("x-llm-d-model-name-rewrite", "new")]);
        Assert.Equal(Ask.ChatBody("new"), answer.BodyText);
    }

    [Fact]
    public async Task RewriteHeader_NoModelInTheBody_InsertsIt()
    {
        var answer = await Epp.PickAsync("""{"messages":[{"role":"user","content":"hi"}]}""", headers: [("x-llm-d-model-name-rewrite", "target")]);
        using var json = System.Text.Json.JsonDocument.Parse(answer.Body);
        Assert.Equal("target", json.RootElement.GetProperty("model").GetString());
        Assert.Equal("hi", json.RootElement.GetProperty("messages")[0].GetProperty("content").GetString());
    }

    [Fact]
    public async Task RewriteHeader_SameName_ChangesNothing() =>
        Assert.Equal(Odd, (await Epp.PickAsync(Odd, headers: [("x-llm-d-model-name-rewrite", "alias")])).BodyText);

    [Fact]
    public async Task RewriteHeader_NeedsEscapes_StaysValidJson()
    {
        var answer = await Epp.PickAsync(Ask.ChatBody(), headers: [("x-llm-d-model-name-rewrite", "a\"b\\c")]);
        using var json = System.Text.Json.JsonDocument.Parse(answer.Body);
        Assert.Equal("a\"b\\c", json.RootElement.GetProperty("model").GetString());
    }

    [Fact]
    public async Task RewriteHeader_LargeBody_IsSplicedAcrossChunks()
    {
        var body = Ask.ChatBody(prompt: new string('x', 300_000));
        Assert.Equal(body.Replace("\"m\"", "\"a-much-longer-name\""), (await Epp.PickAsync(body, headers: [("x-llm-d-model-name-rewrite", "a-much-longer-name")])).BodyText);
    }

    [Theory]
    [InlineData("""{"id":"x","model":"vllm-backend-01","a":1}""", """{"id":"x","model":"gpt-4-proxy","a":1}""")]
    [InlineData("""{"id":"x","model": "vllm-backend-01","a":1}""", """{"id":"x","model": "gpt-4-proxy","a":1}""")]
    [InlineData("""{"id":"x","model":"someone-else"}""", """{"id":"x","model":"someone-else"}""")]
    [InlineData("""{"id":"x"}""", """{"id":"x"}""")]
    [InlineData("data: {\"model\":\"vllm-backend-01\"}\n\ndata: [DONE]\n\n", "data: {\"model\":\"gpt-4-proxy\"}\n\ndata: [DONE]\n\n")]
    public async Task Case25_ResponseModel_IsRestoredHoweverTheBodyIsCut(string worker, string client)
    {
        for (var cut = 1; cut < worker.Length; cut += 3)
        {
            await using var stream = Epp.Open();
            await stream.SendAsync(Ask.Post(more: ("x-llm-d-model-name-rewrite", "vllm-backend-01")));
            await stream.SendAsync(Ask.Body(Ask.ChatBody("gpt-4-proxy")));
            await stream.AnswerAsync();
            await stream.SendAsync(Ask.ResponseHeaders());
            await stream.ExpectAsync(ResponseHeaders);
            await stream.SendAsync(Ask.ResponseBody(worker[..cut], endOfStream: false));
            await stream.SendAsync(Ask.ResponseBody(worker[cut..]));
            var body = "";
            for (var end = false; !end;)
            {
                var chunk = (await stream.ExpectAsync(ResponseBody)).ResponseBody.Response.BodyMutation.StreamedResponse;
                body += chunk.Body.ToStringUtf8();
                end = chunk.EndOfStream;
            }

            Assert.Equal(client, body);
        }
    }
}
