using Epp.Testing;
using static Epp.Testing.Protos.ProcessingResponse.ResponseOneofCase;

namespace Epp.Integration.Tests;

/// <summary>Full-duplex exchanges, as the charts configure Envoy (contract §1.5-1.7).</summary>
[Trait("Category", "Integration")]
public sealed class ExchangeTests(RunningEpp running) : IClassFixture<RunningEpp>
{
    private EppProcess Epp => running.Epp;

    [Fact]
    public async Task Exchange_RequestAndResponse_IsAnsweredMessageByMessage()
    {
        await running.PreferAsync(1);
        await using var stream = Epp.Open();
        await stream.SendAsync(Ask.Post(more: [("x-request-id", "r1")]));
        await stream.SendAsync(Ask.Body(Ask.ChatBody(), endOfStream: false));
        await stream.SendAsync(Ask.Body(""));
        var answer = await stream.AnswerAsync();
        Assert.Equal(running.Workers[1].HostPort, answer.Endpoint);
        Assert.Equal(Ask.ChatBody(), answer.BodyText);
        Assert.True(answer.Headers!.RequestHeaders.Response.ClearRouteCache);
        Assert.Equal(Ask.ChatBody().Length.ToString(), answer.Headers.Header("Content-Length"));
        Assert.Null(answer.Headers.Header("x-request-id"));

        await stream.SendAsync(Ask.ResponseHeaders());
        var headers = await stream.ExpectAsync(ResponseHeaders);
        Assert.Equal("true", headers.Header("x-went-into-resp-headers"));
        Assert.False(headers.ResponseHeaders.Response.ClearRouteCache);
        await stream.SendAsync(Ask.ResponseBody("{}", endOfStream: false));
        await stream.SendAsync(Ask.ResponseBody(""));
        var body = "";
        for (var end = false; !end;)
        {
            var chunk = (await stream.ExpectAsync(ResponseBody)).ResponseBody.Response.BodyMutation.StreamedResponse;
            body += chunk.Body.ToStringUtf8();
            end = chunk.EndOfStream;
        }

        Assert.Equal("{}", body);
        await stream.HalfCloseAsync();
        Assert.Equal(0, (await stream.EndAsync()).Code);
    }

    [Fact]
    public async Task RequestHeaders_BeforeTheBody_AreNotAnsweredYet()
    {
        await using var stream = Epp.Open();
        await stream.SendAsync(Ask.Post());
        await Assert.ThrowsAsync<TimeoutException>(() => stream.ReceiveAsync(TimeSpan.FromMilliseconds(200)));
    }

    [Fact]
    public async Task RequestId_Absent_IsMade()
    {
        var answer = await Epp.PickAsync(Ask.ChatBody());
        Assert.True(Guid.TryParse(answer.Headers!.Header("x-request-id"), out var id));
        Assert.Equal(4, id.Version);
    }

    [Fact]
    public async Task Case09_GetWithEndOfStream_IsAnsweredAtOnceWithoutContentLength()
    {
        await using var stream = Epp.Open();
        await stream.SendAsync(Ask.Get());
        var answer = await stream.ExpectAsync(RequestHeaders);
        Assert.Contains(answer.Header("x-gateway-destination-endpoint"), running.Workers.Select(w => w.HostPort));
        Assert.Null(answer.Header("Content-Length"));
        await stream.HalfCloseAsync();
        Assert.Equal(0, (await stream.EndAsync()).Code);
    }

    [Fact]
    public async Task RequestTrailers_InsteadOfEndOfStream_EndTheBodyAndAreAnswered()
    {
        await using var stream = Epp.Open();
        await stream.SendAsync(Ask.Post());
        await stream.SendAsync(Ask.Body(Ask.ChatBody(), endOfStream: false));
        await stream.SendAsync(Ask.Trailers(("x-checksum", "1")));
        var answer = await stream.AnswerAsync(trailers: true);
        Assert.NotEmpty(answer.Endpoint);
        Assert.Equal(Ask.ChatBody(), answer.BodyText);
        Assert.All(answer.Chunks, c => Assert.False(c.RequestBody.Response.BodyMutation.StreamedResponse.EndOfStream));
        await stream.SendAsync(Ask.ResponseHeaders(endOfStream: true));
        await stream.ExpectAsync(ResponseHeaders);
    }

    [Theory]
    [InlineData("")]
    [InlineData("more")]
    public async Task EndOfStream_Twice_IsIgnored(string behind)
    {
        var before = (await Epp.MetricsAsync()).Sum("inference_objective_request_total");
        await using var stream = Epp.Open();
        await stream.SendAsync(Ask.Post());
        await stream.SendAsync(Ask.Body(Ask.ChatBody()));
        await stream.AnswerAsync();
        await stream.SendAsync(Ask.Body(behind));
        await stream.SendAsync(Ask.ResponseHeaders());
        await stream.ExpectAsync(ResponseHeaders);
        Assert.Equal(before + 1, (await Epp.MetricsAsync()).Sum("inference_objective_request_total"));
    }

    [Theory]
    [InlineData("""{"id":"x","model":"m"}""")]
    [InlineData("no healthy upstream")]
    public async Task Case14_15_StreamStartsAtResponseHeaders_BodyPassesUnchanged(string body)
    {
        await using var stream = Epp.Open();
        await stream.SendAsync(Ask.ResponseHeaders());
        Assert.Equal("true", (await stream.ExpectAsync(ResponseHeaders)).Header("x-went-into-resp-headers"));
        await stream.SendAsync(Ask.ResponseBody(body[..5], endOfStream: false));
        await stream.SendAsync(Ask.ResponseBody(body[5..]));
        Assert.Equal(body, await ReceiveBodyAsync(stream));
    }

    [Fact]
    public async Task Case16_BodyThenEmptyEndOfStream_IsOneBodyWithEndOfStream()
    {
        await using var stream = Epp.Open();
        await stream.SendAsync(Ask.Post());
        await stream.SendAsync(Ask.Body(Ask.ChatBody(), endOfStream: false));
        await stream.SendAsync(Ask.Body(""));
        var answer = await stream.AnswerAsync();
        var chunk = Assert.Single(answer.Chunks);
        Assert.True(chunk.RequestBody.Response.BodyMutation.StreamedResponse.EndOfStream);
        Assert.Equal(Ask.ChatBody(), answer.BodyText);
    }

    [Fact]
    public async Task Case17_Sse_EveryChunkIsEchoedAtOnceAndUsageIsCounted()
    {
        var before = await Epp.MetricsAsync();
        await using var stream = Epp.Open();
        await stream.SendAsync(Ask.Post());
        await stream.SendAsync(Ask.Body(Ask.ChatBody("case17", stream: true)));
        await stream.AnswerAsync();
        await stream.SendAsync(Ask.ResponseHeaders(headers: [(":status", "200"), ("content-type", "text/event-stream")]));
        await stream.ExpectAsync(ResponseHeaders);
        string[] events =
        [
            "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n",
            "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":10,\"total_tokens\":17}}\n\ndata: [DONE]\n\n",
            "",
        ];
        for (var i = 0; i < events.Length; i++)
        {
            await stream.SendAsync(Ask.ResponseBody(events[i], endOfStream: i == events.Length - 1));
            var chunk = (await stream.ExpectAsync(ResponseBody)).ResponseBody.Response.BodyMutation.StreamedResponse;
            Assert.Equal(events[i], chunk.Body.ToStringUtf8());
            Assert.Equal(i == events.Length - 1, chunk.EndOfStream);
        }

        var after = await Epp.MetricsAsync();
        Assert.Equal(7, Delta("inference_objective_input_tokens_sum"));
        Assert.Equal(10, Delta("inference_objective_output_tokens_sum"));
        Assert.Equal(1, Delta("inference_objective_request_duration_seconds_count"));
        double Delta(string name) => after.Sum(name, ("model_name", "case17")) - before.Sum(name, ("model_name", "case17"));
    }

    [Fact]
    public async Task ResponseTrailers_BehindABodyWithoutEnd_AreAnswered()
    {
        await using var stream = Epp.Open();
        await stream.SendAsync(Ask.ResponseHeaders());
        await stream.ExpectAsync(ResponseHeaders);
        await stream.SendAsync(Ask.ResponseBody("{}", endOfStream: false));
        await stream.SendAsync(Ask.ResponseTrailers(("x-t", "1")));
        var chunk = (await stream.ExpectAsync(ResponseBody)).ResponseBody.Response.BodyMutation.StreamedResponse;
        Assert.Equal("{}", chunk.Body.ToStringUtf8());
        Assert.False(chunk.EndOfStream);
        await stream.ExpectAsync(ResponseTrailers);
    }

    [Theory]
    [InlineData(100, 1)]
    [InlineData(62_000, 1)]
    [InlineData(62_001, 2)]
    [InlineData(125_000, 3)]
    public async Task Case20_RequestBody_IsCutAt62000Bytes(int bytes, int chunks)
    {
        var body = Ask.ChatBody(prompt: new string('x', bytes - Ask.ChatBody(prompt: "").Length));
        Assert.Equal(bytes, body.Length);
        var answer = await Epp.PickAsync(body);
        Assert.Equal(chunks, answer.Chunks.Count);
        Assert.Equal(body, answer.BodyText);
        Assert.Equal(bytes.ToString(), answer.Headers!.Header("Content-Length"));
        Assert.All(answer.Chunks.SkipLast(1), c => Assert.False(c.RequestBody.Response.BodyMutation.StreamedResponse.EndOfStream));
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(62_000, 1)]
    [InlineData(62_001, 2)]
    public async Task Case20_ResponseBody_IsCutAt62000Bytes(int bytes, int chunks)
    {
        await using var stream = Epp.Open();
        await stream.SendAsync(Ask.ResponseHeaders());
        await stream.ExpectAsync(ResponseHeaders);
        await stream.SendAsync(Ask.ResponseBody(new string('x', bytes)));
        for (var i = 1; i <= chunks; i++)
        {
            var chunk = (await stream.ExpectAsync(ResponseBody)).ResponseBody.Response.BodyMutation.StreamedResponse;
            Assert.Equal(i == chunks, chunk.EndOfStream);
        }
    }

    [Fact]
    public async Task Case21_HeaderInValueOrRawValue_RawValueWinsAndKeysAreCaseInsensitive()
    {
        var message = Ask.Post();
        message.RequestHeaders.Headers.Headers.Add(new Testing.Protos.HeaderValue { Key = "X-LLM-D-Model-Name-Rewrite", Value = "loser", RawValue = Google.Protobuf.ByteString.CopyFromUtf8("winner") });
        Assert.Contains("\"winner\"", (await RoundAsync(message)).BodyText);
        message = Ask.Post();
        message.RequestHeaders.Headers.Headers.Add(new Testing.Protos.HeaderValue { Key = "x-llm-d-model-name-rewrite", Value = "winner" });
        Assert.Contains("\"winner\"", (await RoundAsync(message)).BodyText);

        async Task<Answer> RoundAsync(Testing.Protos.ProcessingRequest headers)
        {
            await using var stream = Epp.Open();
            await stream.SendAsync(headers);
            await stream.SendAsync(Ask.Body(Ask.ChatBody()));
            return await stream.AnswerAsync();
        }
    }

    [Fact]
    public async Task Case37_ControlHeadersOfTheClient_AreReplacedOrRemoved()
    {
        await running.PreferAsync(2);
        string[] dangerous = ["x-prefiller-host-port", "x-data-parallel-host-port", "x-encoder-hosts-ports", "x-kv-cache-source-host-port"];
        var answer = await Epp.PickAsync(
            Ask.ChatBody(),
            headers: [("content-length", "7"), ("x-gateway-destination-endpoint", "10.0.0.1:80"), .. dangerous.Select(d => (d, "10.0.0.1:80"))]);
        Assert.Equal(running.Workers[2].HostPort, answer.Endpoint);
        Assert.Equal(Ask.ChatBody().Length.ToString(), answer.Headers!.Header("Content-Length"));
        Assert.Superset(dangerous.ToHashSet(), answer.Headers!.Removed().ToHashSet());
    }

    private static async Task<string> ReceiveBodyAsync(GrpcStream stream)
    {
        var body = "";
        while (true)
        {
            var chunk = (await stream.ExpectAsync(ResponseBody)).ResponseBody.Response.BodyMutation.StreamedResponse;
            body += chunk.Body.ToStringUtf8();
            if (chunk.EndOfStream)
            {
                return body;
            }
        }
    }
}
