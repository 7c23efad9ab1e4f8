using Epp.Aot.Bbr;
using Epp.Aot.Grpc;
using Epp.Native.Bbr;
using Epp.Testing;
using static Epp.Aot.Tests.Bbr.BbrAnswers;
using Which = Epp.Testing.Protos.ProcessingResponse.ResponseOneofCase;

namespace Epp.Aot.Tests.Bbr;

/// <summary>The request half of the table of contract §9.3, row by row, in both dialects and both modes.</summary>
[Trait("Category", "Unit")]
[Collection("ext_proc")]
public sealed class BbrRequestTests
{
    private static readonly BbrOptions Old = new(), Current = new(BbrDialect.Gaie15);

    public static TheoryData<BbrDialect> Dialects => [BbrDialect.Gaie12, BbrDialect.Gaie15];

    [Theory]
    [MemberData(nameof(Dialects))]
    public void Headers_Streaming_WaitForTheBody_OtherwiseAreAnsweredWithNothing(BbrDialect dialect)
    {
        var streaming = new BbrRig(new BbrOptions(dialect, streaming: true));
        using (var stream = streaming.Open())
        {
            Assert.Empty(stream.Send(Ask.Post()));
        }

        using (var stream = streaming.Open())
        {
            Assert.Equal(Empty(Which.RequestHeaders), stream.Ask(Ask.Get()));
        }

        using (var stream = new BbrRig(new BbrOptions(dialect)).Open())
        {
            Assert.Equal(Empty(Which.RequestHeaders), stream.Ask(Ask.Post()));
        }

        streaming.AssertAtRest();
    }

    [Fact]
    public void Unary_Model_V12_SetsOneHeader()
    {
        var rig = new BbrRig(Old);
        using var stream = rig.Open();
        stream.Ask(Ask.Post());
        var answer = stream.Ask(Ask.Body(Ask.ChatBody("llama")));
        Assert.Equal(Body(clearRoute: true, (ModelHeader, "llama")), answer);
        Assert.Equal(Empty(Which.RequestBody), stream.Ask(Ask.Body("", true)));
        Assert.Equal((1, 0, 0), Counts(rig));
        rig.AssertAtRest();
    }

    [Theory]
    [InlineData("sql", "qwen")]
    [InlineData("qwen", "qwen")]
    [InlineData("unknown", "")]
    public void Unary_Model_V15_SetsModelAndBaseModel(string model, string baseModel)
    {
        var rig = new BbrRig(Current);
        using var stream = rig.Open();
        Assert.Equal(Body(clearRoute: true, (ModelHeader, model), (BaseHeader, baseModel)), stream.Ask(Ask.Body(Ask.ChatBody(model))));
        Assert.Equal(1, rig.Metrics.Success.Value);
        rig.AssertAtRest();
    }

    [Theory]
    [InlineData("""{"prompt":"p"}""")]
    [InlineData("""{"model":""}""")]
    [InlineData("null")]
    public void Unary_NoModel_V12_AnswersWithNothing(string body)
    {
        var rig = new BbrRig(Old);
        using var stream = rig.Open();
        Assert.Equal(Empty(Which.RequestBody), stream.Ask(Ask.Body(body)));
        Assert.Equal((0, 1, 0), Counts(rig));
    }

    [Theory]
    [InlineData("""{"prompt":"p"}""", false, 1, 0)]
    [InlineData("""{"model":""}""", true, 0, 1)]
    public void Unary_NoModel_V15_StillAsksForANewRoute(string body, bool hasBase, int notFound, int empty)
    {
        var rig = new BbrRig(Current);
        using var stream = rig.Open();
        var answer = stream.Ask(Ask.Body(body));
        Assert.Equal(hasBase ? Body(clearRoute: true, (BaseHeader, "")) : Body(clearRoute: true), answer);
        Assert.NotNull(answer.RequestBody.Response.HeaderMutation);
        Assert.Equal((notFound, empty, 1), (rig.Metrics.Field("model").NotFound.Value, rig.Metrics.Field("model").Empty.Value, rig.Metrics.Success.Value));
    }

    [Theory]
    [InlineData("42", "42")]
    [InlineData("null", "<nil>")]
    [InlineData("""["sql",1]""", "[sql 1]")]
    public void Unary_ModelThatIsNoText_V15_IsPrintedAsGoDoes(string value, string expected)
    {
        using var stream = new BbrRig(Current).Open();
        Assert.Equal(expected, stream.Ask(Ask.Body($$"""{"model":{{value}}}""")).Header(ModelHeader));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void NoJson_V12_EndsTheStreamWithUnknown(bool streaming)
    {
        var rig = new BbrRig(new BbrOptions(streaming: streaming));
        using var stream = rig.Open();
        stream.Send(Ask.Post());
        Assert.Empty(stream.Send(Ask.Body("no healthy upstream")));
        Assert.Equal(new GrpcStatus(GrpcCode.Unknown, "failed to handle request: invalid character 'o' in literal null (expecting 'u')"), stream.Status);
        Assert.Equal((0, 0, 1), Counts(rig));
        rig.AssertAtRest();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void NoJson_V15_Is400(bool streaming)
    {
        var rig = new BbrRig(new BbrOptions(BbrDialect.Gaie15, streaming));
        using var stream = rig.Open();
        stream.Send(Ask.Post());
        var refusal = stream.Ask(Ask.Body("no healthy upstream")).ImmediateResponse;
        Assert.Equal((400, "inference error: BadRequest - failed to parse request body: invalid character 'o' in literal null (expecting 'u')"), (refusal.Status.Code, refusal.Body.ToStringUtf8()));
        Assert.Equal(GrpcStatus.Ok, stream.Status);
        Assert.Equal(0, rig.Metrics.Success.Value);
        rig.AssertAtRest();
    }

    [Theory]
    [MemberData(nameof(Dialects))]
    public void Streaming_SplitBody_IsAnsweredAtItsEnd_HeadersFirst(BbrDialect dialect)
    {
        var rig = new BbrRig(new BbrOptions(dialect, streaming: true));
        using var stream = rig.Open();
        const string body = """{"max_tokens":100,"model":"sql","prompt":"test","temperature":0}""";
        Assert.Empty(stream.Send(Ask.Post()));
        Assert.Empty(stream.Send(Ask.Body(body[..29], false)));
        var answers = stream.Send(Ask.Body(body[29..]));
        var headers = dialect == BbrDialect.Gaie12
            ? Headers(true, (ModelHeader, "sql"))
            : Headers(true, (ModelHeader, "sql"), (BaseHeader, "qwen"), ("Content-Length", "64"));
        Assert.Equal([headers, Chunk(body, true)], answers);
        Assert.Empty(stream.Send(Ask.Body("", true)));
        rig.AssertAtRest();
    }

    [Fact]
    public void Streaming_NoModel_TheBodyGoesOn()
    {
        const string body = """{"prompt":"test"}""";
        var old = new BbrRig(new BbrOptions(streaming: true));
        using (var stream = old.Open())
        {
            stream.Send(Ask.Post());
            Assert.Empty(stream.Send(Ask.Body(body, false)));
            Assert.Equal([Empty(Which.RequestHeaders), Chunk(body, true)], stream.Send(Ask.Body("")));
            Assert.Equal((0, 1, 0), Counts(old));
        }

        using (var stream = new BbrRig(new BbrOptions(BbrDialect.Gaie15, streaming: true)).Open())
        {
            stream.Send(Ask.Post());
            Assert.Equal([Headers(true, ("Content-Length", "17")), Chunk(body, true)], stream.Send(Ask.Body(body)));
        }
    }

    [Theory]
    [InlineData(62_000, 1)]
    [InlineData(62_001, 2)]
    [InlineData(125_000, 3)]
    [InlineData(300_000, 5)]
    public void Streaming_LongBody_V12OneMessage_V15Chunks(int bytes, int chunks)
    {
        var body = $$"""{"model":"sql","p":"{{new string('x', bytes - 22)}}"}""";
        foreach (var dialect in Enum.GetValues<BbrDialect>())
        {
            var rig = new BbrRig(new BbrOptions(dialect, streaming: true));
            using var stream = rig.Open();
            stream.Send(Ask.Post());
            var messages = stream.Send(Ask.Body(body)).Skip(1).Select(m => m.RequestBody.Response.BodyMutation.StreamedResponse).ToList();
            Assert.Equal(dialect == BbrDialect.Gaie12 ? 1 : chunks, messages.Count);
            Assert.Equal(body, string.Concat(messages.Select(m => m.Body.ToStringUtf8())));
            Assert.All(messages, (m, i) => Assert.Equal(i == messages.Count - 1, m.EndOfStream));
            Assert.Equal(bytes, body.Length);
            rig.AssertAtRest();
        }
    }

    [Theory]
    [MemberData(nameof(Dialects))]
    public void Trailers_AreAnsweredWithNothing_AndEndAStreamedBody(BbrDialect dialect)
    {
        using (var stream = new BbrRig(new BbrOptions(dialect)).Open())
        {
            Assert.Equal(Empty(Which.RequestTrailers), stream.Ask(Ask.Trailers(("x", "y"))));
        }

        var rig = new BbrRig(new BbrOptions(dialect, streaming: true));
        using (var stream = rig.Open())
        {
            Assert.Equal(Empty(Which.RequestTrailers), stream.Ask(Ask.Trailers(("x", "y"))));
        }

        using (var stream = rig.Open())
        {
            stream.Send(Ask.Post());
            Assert.Empty(stream.Send(Ask.Body("""{"model":"sql"}""", false)));
            var answers = stream.Send(Ask.Trailers(("x", "y")));
            Assert.Equal("sql", answers[0].Header(ModelHeader));
            Assert.Equal([Chunk("""{"model":"sql"}""", false), Empty(Which.RequestTrailers)], answers.Skip(1));
        }

        using (var stream = rig.Open())
        {
            stream.Send(Ask.Post());
            Assert.Equal([Empty(Which.RequestHeaders), Empty(Which.RequestTrailers)], stream.Send(Ask.Trailers(("x", "y"))));
        }

        rig.AssertAtRest();
    }

    private static (long Success, long NotInBody, long NotParsed) Counts(BbrRig rig) =>
        (rig.Metrics.Success.Value, rig.Metrics.ModelNotInBody.Value, rig.Metrics.ModelNotParsed.Value);
}
