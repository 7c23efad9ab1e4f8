using System.Buffers;
using Epp.Aot.ExtProc;
using Epp.Native.Wire;
using Epp.Testing;
using Google.Protobuf;

namespace Epp.Aot.Tests.ExtProc;

/// <summary>Whatever ends a stream, at whatever message: everything is given back and counted exactly once.</summary>
[Collection("ext_proc")]
[Trait("Category", "Unit")]
public sealed class StreamEndTests
{
    private static readonly Testing.Protos.ProcessingRequest[] Messages =
    [
        Ask.Post(more: ("x-llm-d-model-name-rewrite", "target")),
        Ask.Body(Ask.ChatBody()[..10], endOfStream: false),
        Ask.Body(Ask.ChatBody()[10..]),
        Ask.ResponseHeaders(),
        Ask.ResponseBody("{\"a\"", endOfStream: false),
        Ask.ResponseBody(":1}"),
        Ask.ResponseTrailers(("a", "b")),
    ];

    public static TheoryData<int> Cuts => [.. Enumerable.Range(0, Messages.Length + 1)];

    [Theory]
    [MemberData(nameof(Cuts))]
    public void Stream_CutAfterAnyMessage_IsAtRestAndCountedOnce(int messages)
    {
        var rig = new Rig();
        var exchange = rig.Open();
        for (var i = 0; i < messages; i++)
        {
            rig.Time.Advance(0.25);
            exchange.Send(Messages[i]);
            Assert.Equal(i >= 2 ? 1 : 0, rig.Pool.Current[0].InflightRequests);
        }

        exchange.Dispose();
        exchange.Dispose();
        rig.AssertAtRest();
        var series = rig.Metrics.Requests("m"u8, "target"u8, default, 0);
        Assert.Equal(messages > 2 ? 1 : 0, series.Requests);
        Assert.Equal(messages > 2 ? 0 : null, series.RunningNow);
        Assert.Equal(messages > 5 ? 1 : 0, series.Duration?.Count ?? 0);
    }

    [Fact]
    public void Stream_CutInsideALongAnswer_IsAtRest()
    {
        var rig = new Rig();
        var stream = new ExtProcStream(rig.Services);
        var output = new ArrayBufferWriter<byte>();
        foreach (var message in new[] { Ask.Post("/upload"), Ask.Body(new byte[200_000]) })
        {
            Assert.True(ProcessingRequest.TryDecode(message.ToByteArray(), out var request));
            Assert.Null(stream.Handle(in request, output));
        }

        Assert.True(stream.HasReply);
        stream.WriteReply(output);
        stream.Finish();
        rig.AssertAtRest();
    }

    [Fact]
    public void Endpoint_ReplacedWhileTheStreamIsOpen_IsReleasedOnItsOwnObject()
    {
        var rig = new Rig();
        var old = rig.Pool.Current[0];
        var exchange = rig.Open();
        exchange.Send(Ask.Post());
        exchange.Send(Ask.Body(Ask.ChatBody()));
        rig.Publish(0);
        rig.Publish(1);
        Assert.NotSame(old, rig.Pool.Current[0]);
        exchange.Dispose();
        Assert.Equal(0, old.InflightRequests);
        rig.AssertAtRest();
    }

    [Theory]
    [InlineData(":status", "500", 1)]
    [InlineData(":status", "404", 0)]
    [InlineData("status", "404", 1)]
    public void WorkerStatus_Error_CountsOnce(string header, string value, int errors)
    {
        var rig = new Rig();
        var exchange = rig.Open();
        exchange.Send(Ask.Post());
        exchange.Send(Ask.Body(Ask.ChatBody()));
        exchange.Send(Ask.ResponseHeaders(headers: [(header, value), ("content-type", "application/json")]));
        exchange.Send(Ask.ResponseBody("{}"));
        exchange.Dispose();
        Assert.Equal(errors, rig.Exposition().Split('\n').Count(l => l.StartsWith("llm_d_epp_request_error_total{error_code=\"ModelServerError\"", StringComparison.Ordinal) && l.EndsWith(" 1", StringComparison.Ordinal)));
    }
}
