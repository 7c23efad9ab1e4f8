using Epp.Testing;
using static Epp.Testing.Protos.ProcessingResponse.ResponseOneofCase;
using Mode = Epp.Testing.Protos.BodySendMode;

namespace Epp.Aot.Tests.ExtProc;

/// <summary>Every body mode in both directions: whatever the proxy waits for is answered (contract §0a).</summary>
[Collection("ext_proc")]
[Trait("Category", "Unit")]
public sealed class BodyModeTests
{
    private const string Destination = "x-gateway-destination-endpoint";

    public static TheoryData<Mode> AllModes => [.. Enum.GetValues<Mode>().Where(m => m != Mode.Grpc)];

    [Theory]
    [InlineData(Mode.Buffered)]
    [InlineData(Mode.BufferedPartial)]
    public void Buffered_HeadersGoOn_TheBodyMessageCarriesThePick(Mode mode)
    {
        using var exchange = new Rig().Open();
        var headers = exchange.Ask(Ask.Post().WithModes(mode, Mode.None));
        Assert.Equal(RequestHeaders, headers.ResponseCase);
        Assert.Null(headers.Mutation());
        var body = exchange.Ask(Ask.Body(Ask.ChatBody()));
        Assert.Equal("10.0.0.1:8000", body.Header(Destination));
        Assert.Equal("10.0.0.1:8000", body.Destination());
        Assert.True(body.RequestBody.Response.ClearRouteCache);
        Assert.Null(body.RequestBody.Response.BodyMutation);
        Assert.Null(body.Header("Content-Length"));
    }

    [Fact]
    public void Buffered_Rewrite_ReplacesTheWholeBody()
    {
        using var exchange = new Rig().Open();
        exchange.Send(Ask.Post(more: ("x-llm-d-model-name-rewrite", "other")).WithModes(Mode.Buffered, Mode.None));
        Assert.Equal(Ask.ChatBody("other"), exchange.Ask(Ask.Body(Ask.ChatBody())).RequestBody.Response.BodyMutation.Body.ToStringUtf8());
    }

    [Fact]
    public void Buffered_InvalidBody_IsRefused()
    {
        using var exchange = new Rig().Open();
        exchange.Send(Ask.Post().WithModes(Mode.Buffered, Mode.None));
        Assert.Equal(400, exchange.Refused(Ask.Body("{")).Status.Code);
    }

    [Fact]
    public void BufferedPartial_CutOffBody_IsRoutedByLoad()
    {
        using var exchange = new Rig(endpoints: 2).Open();
        exchange.Send(Ask.Post().WithModes(Mode.BufferedPartial, Mode.None));
        Assert.Equal("10.0.0.1:8000", exchange.Ask(Ask.Body("{\"model\":", endOfStream: false)).Header(Destination));
    }

    [Fact]
    public void Streamed_TheHeadersCarryThePick_EveryChunkPasses()
    {
        var rig = new Rig();
        using (var exchange = rig.Open())
        {
            Assert.Equal("10.0.0.1:8000", exchange.Ask(Ask.Post().WithModes(Mode.Streamed, Mode.Streamed)).Header(Destination));
            Assert.Null(exchange.Ask(Ask.Body("{", endOfStream: false)).RequestBody.Response);
            Assert.Null(exchange.Ask(Ask.Body("}")).RequestBody.Response);
            Assert.Equal(RequestTrailers, exchange.Ask(Ask.Trailers(("a", "b"))).ResponseCase);
        }

        rig.AssertAtRest();
    }

    [Fact]
    public void None_TheHeadersCarryThePick()
    {
        using var exchange = new Rig().Open();
        var answer = exchange.Ask(Ask.Post().WithModes(Mode.None, Mode.None));
        Assert.Equal("10.0.0.1:8000", answer.Header(Destination));
        Assert.Null(answer.Header("Content-Length"));
    }

    [Theory]
    [MemberData(nameof(AllModes))]
    public void Response_AnyMode_EveryMessageIsAnsweredOnceAndUnchanged(Mode mode)
    {
        var rig = new Rig();
        using (var exchange = rig.Open())
        {
            exchange.Send(Ask.Post().WithModes(Mode.FullDuplexStreamed, mode));
            exchange.Send(Ask.Body(Ask.ChatBody(stream: true)));
            Assert.Equal("true", exchange.Ask(Ask.ResponseHeaders(headers: [(":status", "200"), ("content-type", "text/event-stream")])).Header("x-went-into-resp-headers"));
            if (mode != Mode.None)
            {
                var first = exchange.Ask(Ask.ResponseBody("data: 1\n\n", endOfStream: false)).ResponseBody.Response;
                var last = exchange.Ask(Ask.ResponseBody("data: [DONE]\n\n")).ResponseBody.Response;
                Assert.Equal(mode == Mode.FullDuplexStreamed ? "data: 1\n\n" : null, first?.BodyMutation.StreamedResponse.Body.ToStringUtf8());
                Assert.Equal(mode == Mode.FullDuplexStreamed ? true : null, last?.BodyMutation.StreamedResponse.EndOfStream);
            }
        }

        rig.AssertAtRest();
    }

    [Theory]
    [InlineData(Mode.Buffered)]
    [InlineData(Mode.BufferedPartial)]
    [InlineData(Mode.Streamed)]
    public void Response_RestoredModel_ReplacesTheBytesAndDropsTheLength(Mode mode)
    {
        using var exchange = new Rig().Open();
        exchange.Send(Ask.Post(more: ("x-llm-d-model-name-rewrite", "target")).WithModes(Mode.FullDuplexStreamed, mode));
        exchange.Send(Ask.Body(Ask.ChatBody("client")));
        Assert.Equal(["content-length"], exchange.Ask(Ask.ResponseHeaders()).Removed());
        var answer = exchange.Ask(Ask.ResponseBody("""{"model": "target","x":"target"}"""));
        Assert.Equal("""{"model": "client","x":"target"}""", answer.ResponseBody.Response.BodyMutation.Body.ToStringUtf8());
    }

    [Fact]
    public void Response_BufferedAndEndedByTrailers_LosesNoByteOfARestoredBody()
    {
        // The body ends in what could begin a model member; no end of stream follows, but the message is the whole body.
        using var exchange = new Rig().Open();
        exchange.Send(Ask.Post(more: ("x-llm-d-model-name-rewrite", "target")).WithModes(Mode.FullDuplexStreamed, Mode.Buffered));
        exchange.Send(Ask.Body(Ask.ChatBody("client")));
        exchange.Send(Ask.ResponseHeaders());
        var answer = exchange.Ask(Ask.ResponseBody("\"text\"", endOfStream: false));
        Assert.Equal("\"text\"", answer.ResponseBody.Response.BodyMutation.Body.ToStringUtf8());
        Assert.Equal(ResponseTrailers, exchange.Ask(Ask.ResponseTrailers(("a", "b"))).ResponseCase);
    }
}
