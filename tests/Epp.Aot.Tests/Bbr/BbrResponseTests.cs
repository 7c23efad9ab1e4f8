using Epp.Aot.Bbr;
using Epp.Aot.ExtProc;
using Epp.Aot.Grpc;
using Epp.Native.Bbr;
using Epp.Testing;
using Proto = Epp.Testing.Protos;
using Which = Epp.Testing.Protos.ProcessingResponse.ResponseOneofCase;

namespace Epp.Aot.Tests.Bbr;

/// <summary>The response half of the table of contract §9.3.</summary>
[Trait("Category", "Unit")]
[Collection("ext_proc")]
public sealed class BbrResponseTests
{
    [Theory]
    [InlineData(BbrDialect.Gaie12, false)]
    [InlineData(BbrDialect.Gaie12, true)]
    [InlineData(BbrDialect.Gaie15, false)]
    public void Response_IsAnsweredWithNothing(BbrDialect dialect, bool streaming)
    {
        using var stream = new BbrRig(new BbrOptions(dialect, streaming)).Open();
        Assert.Equal(BbrAnswers.Empty(Which.ResponseHeaders), stream.Ask(Ask.ResponseHeaders()));
        Assert.Equal(BbrAnswers.Empty(Which.ResponseBody), stream.Ask(Ask.ResponseBody("a", false)));
        Assert.Equal(BbrAnswers.Empty(Which.ResponseBody), stream.Ask(Ask.ResponseBody("b")));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Trailers_V12_EndTheStreamWithUnknown_V15_AreAnswered(bool streaming)
    {
        using (var old = new BbrRig(new BbrOptions(BbrDialect.Gaie12, streaming)).Open())
        {
            Assert.Empty(old.Send(Ask.ResponseTrailers()));
            Assert.Equal(new GrpcStatus(GrpcCode.Unknown, "unknown request type"), old.Status);
        }

        using var stream = new BbrRig(new BbrOptions(BbrDialect.Gaie15, streaming)).Open();
        Assert.Equal(BbrAnswers.Empty(Which.ResponseTrailers), stream.Ask(Ask.ResponseTrailers()));
    }

    [Fact]
    public void Streaming_V15_WaitsForTheEndOfTheBody()
    {
        var rig = Streaming();
        using var stream = rig.Open();
        var half = new string('a', 62_000);
        Assert.Empty(stream.Send(Ask.ResponseHeaders()));
        Assert.Empty(stream.Send(Ask.ResponseBody(half, false)));
        var answers = stream.Send(Ask.ResponseBody("b"));
        Assert.Equal(BbrAnswers.Empty(Which.ResponseHeaders), answers[0]);
        Assert.Equal([(half, false), ("b", true)], answers.Skip(1).Select(Chunk));
        Assert.Empty(stream.Send(Ask.ResponseBody("late")));
        rig.AssertAtRest();
    }

    [Fact]
    public void Streaming_V15_HeadersOnly_AreAnsweredAtOnce()
    {
        using var stream = Streaming().Open();
        Assert.Equal(BbrAnswers.Empty(Which.ResponseHeaders), stream.Ask(Ask.ResponseHeaders(endOfStream: true)));
    }

    [Fact]
    public void Streaming_V15_EventStream_IsPassedOnAsItComes()
    {
        var rig = Streaming();
        using var stream = rig.Open();
        Assert.Equal(BbrAnswers.Empty(Which.ResponseHeaders), stream.Ask(Ask.ResponseHeaders(false, (":status", "200"), ("content-type", "text/event-stream; charset=utf-8"))));
        Assert.Equal(("data: 1\n\n", false), Chunk(stream.Ask(Ask.ResponseBody("data: 1\n\n", false))));
        Assert.Equal(("", true), Chunk(stream.Ask(Ask.ResponseBody("", true))));
        rig.AssertAtRest();
    }

    [Fact]
    public void Streaming_V15_BodyTooLongToHold_IsPassedOn()
    {
        var rig = Streaming();
        using var stream = rig.Open();
        stream.Send(Ask.ResponseHeaders());
        Assert.Empty(stream.Send(Ask.ResponseBody(new string('a', ResponsePhase.MaxHeldBytes), false)));
        var answers = stream.Send(Ask.ResponseBody("b", false));
        Assert.Equal(Which.ResponseHeaders, answers[0].ResponseCase);
        Assert.Equal(ResponsePhase.MaxHeldBytes + 1, answers.Skip(1).Sum(a => Chunk(a).Body.Length));
        Assert.All(answers.Skip(1), a => Assert.False(Chunk(a).End));
        Assert.Equal(("c", true), Chunk(stream.Ask(Ask.ResponseBody("c"))));
        rig.AssertAtRest();
    }

    [Fact]
    public void Streaming_V15_TrailersEndTheBody()
    {
        var rig = Streaming();
        using var stream = rig.Open();
        stream.Send(Ask.ResponseHeaders());
        stream.Send(Ask.ResponseBody("a", false));
        var answers = stream.Send(Ask.ResponseTrailers());
        Assert.Equal([Which.ResponseHeaders, Which.ResponseBody, Which.ResponseTrailers], answers.Select(a => a.ResponseCase));
        Assert.Equal(("a", false), Chunk(answers[1]));
        rig.AssertAtRest();
    }

    private static BbrRig Streaming() => new(new BbrOptions(BbrDialect.Gaie15, streaming: true));

    private static (string Body, bool End) Chunk(Proto.ProcessingResponse answer)
    {
        var chunk = answer.ResponseBody.Response.BodyMutation.StreamedResponse;
        return (chunk.Body.ToStringUtf8(), chunk.EndOfStream);
    }
}
