using Epp.Testing;
using static Epp.Testing.Protos.ProcessingResponse.ResponseOneofCase;
using Mode = Epp.Testing.Protos.BodySendMode;

namespace Epp.Integration.Tests;

/// <summary>Body modes other than full duplex: every message that the proxy waits for is answered (contract §0a).</summary>
[Trait("Category", "Integration")]
public sealed class BodyModeTests(RunningEpp running) : IClassFixture<RunningEpp>
{
    private EppProcess Epp => running.Epp;

    [Theory]
    [InlineData(Mode.Buffered)]
    [InlineData(Mode.BufferedPartial)]
    public async Task RequestBuffered_HeadersThenWholeBody_BothAnswered(Mode mode)
    {
        await running.PreferAsync(1);
        await using var stream = Epp.Open();
        await stream.SendAsync(Ask.Post().WithModes(mode, Mode.None));
        await stream.ExpectAsync(RequestHeaders);
        await stream.SendAsync(Ask.Body(Ask.ChatBody()));
        var answer = await stream.ExpectAsync(RequestBody);
        Assert.Equal(running.Workers[1].HostPort, answer.Header("x-gateway-destination-endpoint"));
        Assert.Equal(running.Workers[1].HostPort, answer.Destination());
        Assert.True(answer.RequestBody.Response.ClearRouteCache);
        Assert.Null(answer.RequestBody.Response.BodyMutation);
        Assert.Null(answer.Header("content-length"));
    }

    [Fact]
    public async Task RequestBuffered_TrailersWithoutBody_AreRefused()
    {
        await using var stream = Epp.Open();
        await stream.SendAsync(Ask.Post().WithModes(Mode.Buffered, Mode.None));
        await stream.ExpectAsync(RequestHeaders);
        await stream.SendAsync(Ask.Trailers(("a", "b")));
        Assert.Equal(400, (int)(await stream.ExpectAsync(ImmediateResponse)).ImmediateResponse.Status.Code);
    }

    [Fact]
    public async Task RequestBuffered_Rewrite_ReplacesTheWholeBody()
    {
        await using var stream = Epp.Open();
        await stream.SendAsync(Ask.Post(more: ("x-llm-d-model-name-rewrite", "other")).WithModes(Mode.Buffered, Mode.None));
        await stream.ExpectAsync(RequestHeaders);
        await stream.SendAsync(Ask.Body(Ask.ChatBody()));
        var answer = await stream.ExpectAsync(RequestBody);
        Assert.Equal(Ask.ChatBody("other"), answer.RequestBody.Response.BodyMutation.Body.ToStringUtf8());
        Assert.Equal(Ask.ChatBody("other").Length.ToString(), answer.Header("content-length"));
    }

    [Fact]
    public async Task RequestBufferedPartial_BodyCutOff_IsRoutedByLoad()
    {
        await running.PreferAsync(2);
        await using var stream = Epp.Open();
        await stream.SendAsync(Ask.Post().WithModes(Mode.BufferedPartial, Mode.None));
        await stream.ExpectAsync(RequestHeaders);
        await stream.SendAsync(Ask.Body("{\"model\":\"m\",\"messages\":[{\"ro", endOfStream: false));
        Assert.Equal(running.Workers[2].HostPort, (await stream.ExpectAsync(RequestBody)).Header("x-gateway-destination-endpoint"));
    }

    [Fact]
    public async Task RequestStreamed_HeadersDecideAndEveryChunkIsAnswered()
    {
        await running.PreferAsync(0);
        await using var stream = Epp.Open();
        await stream.SendAsync(Ask.Post().WithModes(Mode.Streamed, Mode.Streamed));
        Assert.Equal(running.Workers[0].HostPort, (await stream.ExpectAsync(RequestHeaders)).Header("x-gateway-destination-endpoint"));
        foreach (var part in new[] { (Ask.ChatBody()[..10], false), (Ask.ChatBody()[10..], false), ("", true) })
        {
            await stream.SendAsync(Ask.Body(part.Item1, part.Item2));
            Assert.Null((await stream.ExpectAsync(RequestBody)).RequestBody.Response?.BodyMutation?.StreamedResponse);
        }
    }

    [Fact]
    public async Task RequestNone_HeadersDecide()
    {
        await running.PreferAsync(1);
        await using var stream = Epp.Open();
        await stream.SendAsync(Ask.Post().WithModes(Mode.None, Mode.None));
        Assert.Equal(running.Workers[1].HostPort, (await stream.ExpectAsync(RequestHeaders)).Header("x-gateway-destination-endpoint"));
        await stream.SendAsync(Ask.ResponseHeaders());
        await stream.ExpectAsync(ResponseHeaders);
    }

    [Theory]
    [InlineData(Mode.Streamed)]
    [InlineData(Mode.None)]
    public async Task RequestWithoutShownBody_ContentLength_IsNotTouched(Mode mode)
    {
        await using var stream = Epp.Open();
        await stream.SendAsync(Ask.Post(more: ("content-length", "81")).WithModes(mode, Mode.None));
        var answer = await stream.ExpectAsync(RequestHeaders);
        Assert.Null(answer.Header("content-length"));
        Assert.DoesNotContain("content-length", answer.Removed());
    }

    [Fact]
    public async Task RequestTrailers_InStreamedMode_AreAnswered()
    {
        await using var stream = Epp.Open();
        await stream.SendAsync(Ask.Post().WithModes(Mode.Streamed, Mode.Streamed));
        await stream.ExpectAsync(RequestHeaders);
        await stream.SendAsync(Ask.Body(Ask.ChatBody(), endOfStream: false));
        await stream.ExpectAsync(RequestBody);
        await stream.SendAsync(Ask.Trailers(("a", "b")));
        await stream.ExpectAsync(RequestTrailers);
    }

    [Theory]
    [InlineData(Mode.Streamed)]
    [InlineData(Mode.Buffered)]
    public async Task Response_StreamedOrBuffered_EachMessageIsAnsweredWithoutStreamedResponse(Mode mode)
    {
        await using var stream = Epp.Open();
        await stream.SendAsync(Ask.Post().WithModes(Mode.FullDuplexStreamed, mode));
        await stream.SendAsync(Ask.Body(Ask.ChatBody()));
        await stream.AnswerAsync();
        await stream.SendAsync(Ask.ResponseHeaders());
        await stream.ExpectAsync(ResponseHeaders);
        var parts = mode == Mode.Buffered ? new[] { "{\"model\":\"m\"}" } : ["{\"model\"", ":\"m\"}"];
        for (var i = 0; i < parts.Length; i++)
        {
            await stream.SendAsync(Ask.ResponseBody(parts[i], endOfStream: i == parts.Length - 1));
            var mutation = (await stream.ExpectAsync(ResponseBody)).ResponseBody.Response?.BodyMutation;
            Assert.Null(mutation?.StreamedResponse);
        }
    }

    [Fact]
    public async Task ResponseBuffered_RewrittenModel_IsRestoredInTheBodyAndLengthIsDropped()
    {
        await using var stream = Epp.Open();
        await stream.SendAsync(Ask.Post(more: ("x-llm-d-model-name-rewrite", "target")).WithModes(Mode.FullDuplexStreamed, Mode.Buffered));
        await stream.SendAsync(Ask.Body(Ask.ChatBody("alias")));
        await stream.AnswerAsync();
        await stream.SendAsync(Ask.ResponseHeaders(headers: [(":status", "200"), ("content-type", "application/json"), ("content-length", "20")]));
        Assert.Contains("content-length", (await stream.ExpectAsync(ResponseHeaders)).Removed());
        await stream.SendAsync(Ask.ResponseBody("""{"model":"target"}"""));
        Assert.Equal("""{"model":"alias"}""", (await stream.ExpectAsync(ResponseBody)).ResponseBody.Response.BodyMutation.Body.ToStringUtf8());
    }

    [Fact]
    public async Task ResponseNone_HeadersEndTheAccounting()
    {
        var before = (await Epp.MetricsAsync()).Sum("inference_objective_running_requests");
        await using (var stream = Epp.Open())
        {
            await stream.SendAsync(Ask.Post().WithModes(Mode.FullDuplexStreamed, Mode.None));
            await stream.SendAsync(Ask.Body(Ask.ChatBody()));
            await stream.AnswerAsync();
            await stream.SendAsync(Ask.ResponseHeaders());
            await stream.ExpectAsync(ResponseHeaders);
            await stream.HalfCloseAsync();
            Assert.Equal(0, (await stream.EndAsync()).Code);
        }

        await Epp.WaitForMetricAsync("inference_objective_running_requests", before);
    }
}
