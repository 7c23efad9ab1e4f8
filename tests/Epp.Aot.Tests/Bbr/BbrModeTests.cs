using System.Buffers;
using System.Text;
using Epp.Aot.Bbr;
using Epp.Aot.Grpc;
using Epp.Aot.Tests.ExtProc;
using Epp.Native.Bbr;
using Epp.Native.Wire;
using Epp.Testing;
using Google.Protobuf;
using static Epp.Aot.Tests.Bbr.BbrAnswers;
using Proto = Epp.Testing.Protos;
using Which = Epp.Testing.Protos.ProcessingResponse.ResponseOneofCase;

namespace Epp.Aot.Tests.Bbr;

/// <summary>Body modes that the gateway names, limits, plugins, and messages that no gateway sends (contract §9.3).</summary>
[Trait("Category", "Unit")]
[Collection("ext_proc")]
public sealed class BbrModeTests
{
    private static readonly BbrOptions Old = new(), Current = new(BbrDialect.Gaie15);

    [Fact]
    public void ProtocolConfig_OfTheGateway_CountsAndNotTheFlag()
    {
        using (var stream = new BbrRig(new BbrOptions(streaming: true)).Open())
        {
            Assert.Equal(Empty(Which.RequestHeaders), stream.Ask(Ask.Post().WithModes(Proto.BodySendMode.Buffered, Proto.BodySendMode.None)));
            Assert.Equal("m", stream.Ask(Ask.Body("""{"model":"m"}""", false)).Header(ModelHeader));
        }

        using (var stream = new BbrRig(Old).Open())
        {
            Assert.Empty(stream.Send(Ask.Post().WithModes(Proto.BodySendMode.FullDuplexStreamed, Proto.BodySendMode.None)));
            Assert.Equal(2, stream.Send(Ask.Body("""{"model":"m"}""")).Count);
        }

        using (var stream = new BbrRig(Current).Open())
        {
            stream.Ask(Ask.Post().WithModes(Proto.BodySendMode.Streamed, Proto.BodySendMode.None));
            Assert.Equal(Empty(Which.RequestBody), stream.Ask(Ask.Body("{\"mo", false)));
            Assert.Equal(Empty(Which.RequestBody), stream.Ask(Ask.Body("del\":1}")));
        }

        using (var stream = new BbrRig(Current).Open())
        {
            stream.Ask(Ask.Post().WithModes(Proto.BodySendMode.BufferedPartial, Proto.BodySendMode.None));
            Assert.Equal(Empty(Which.RequestBody), stream.Ask(Ask.Body("{\"model\":\"m\",", false)));
        }
    }

    [Fact]
    public void Limits_OfOneBodyAndOfAllTogether_AreRefusals()
    {
        var rig = new BbrRig(new BbrOptions(BbrDialect.Gaie15, streaming: true, maxBodyBytes: 100, maxBufferedBytes: 150));
        using var first = rig.Open();
        Assert.Empty(first.Send(Ask.Body(new string(' ', 90), false)));
        using (var second = rig.Open())
        {
            Assert.Equal(503, second.Ask(Ask.Body(new string(' ', 90), false)).ImmediateResponse.Status.Code);
        }

        var refusal = first.Ask(Ask.Body(new string(' ', 90), false)).ImmediateResponse;
        Assert.Equal(413, refusal.Status.Code);
        Assert.Contains("--max-request-body-bytes", refusal.Body.ToStringUtf8(), StringComparison.Ordinal);
        rig.AssertAtRest();
    }

    [Fact]
    public void Plugins_RunInTheirOrder_TheLastOfAHeaderCounts()
    {
        BbrPlugin[] plugins =
        [
            new(BbrPluginKind.BodyFieldToHeader, "a", "user", "X-Who"),
            BbrPlugin.BaseModel("b"),
            new(BbrPluginKind.BodyFieldToHeader, "c", "model", "x-who"),
            new(BbrPluginKind.BodyFieldToHeader, "d", "missing", "X-Who"),
            new(BbrPluginKind.BodyFieldToHeader, "e", "user", "content-length"),
        ];
        var rig = new BbrRig(new BbrOptions(BbrDialect.Gaie15, streaming: true, plugins));
        using var stream = rig.Open();
        var answer = stream.Send(Ask.Body("""{"user":"u","model":"sql"}"""))[0];
        Assert.Equal(Headers(true, (BaseHeader, "qwen"), ("x-who", "sql"), ("Content-Length", "26")), answer);
        Assert.Equal(1, rig.Metrics.Field("missing").NotFound.Value);
        Assert.Equal(1, rig.Metrics.PluginDuration("base-model-to-header", "b").Count);
    }

    [Theory]
    [InlineData(BbrDialect.Gaie12)]
    [InlineData(BbrDialect.Gaie15)]
    public void UnknownMessage_EndsTheStreamWithUnknown(BbrDialect dialect)
    {
        using var stream = new BbrRig(new BbrOptions(dialect)).Open();
        Assert.Empty(stream.Send(new Proto.ProcessingRequest()));
        Assert.Equal(new GrpcStatus(GrpcCode.Unknown, "unknown request type"), stream.Status);
    }

    [Fact]
    public void HostileMessages_InAnyOrder_NeverThrowAndHoldNothing()
    {
        const int seed = 99;
        var random = new Random(seed);
        var rigs = Enum.GetValues<BbrDialect>().SelectMany(d => new[] { true, false }.Select(s => new BbrRig(new BbrOptions(d, s, maxBodyBytes: 4000)))).ToList();
        for (var round = 0; round < 3000; round++)
        {
            using var stream = rigs[random.Next(rigs.Count)].Open();
            for (var n = 0; n < 8 && stream.Status is null; n++)
            {
                stream.Send(Any(random));
            }
        }

        rigs.ForEach(r => r.AssertAtRest());
    }

    /// <summary>A stream and its response half, whatever the body: 112 bytes measured on .NET 10, x64.</summary>
    [Theory]
    [InlineData(BbrDialect.Gaie12)]
    [InlineData(BbrDialect.Gaie15)]
    public void Exchange_AllocatesItsStreamOnly(BbrDialect dialect)
    {
        var rig = new BbrRig(new BbrOptions(dialect, streaming: true));
        var output = new ArrayBufferWriter<byte>(1 << 20);
        byte[][] messages = [Ask.Post().ToByteArray(), Ask.Body(Ask.ChatBody("sql", new string('x', 100_000)), false).ToByteArray(), Ask.Body(" ").ToByteArray()];
        long least = long.MaxValue;
        for (var i = 0; i < 200; i++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            Run(rig, output, messages);
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.InRange(least, 1, 256);
        rig.AssertAtRest();
    }

    private static void Run(BbrRig rig, ArrayBufferWriter<byte> output, byte[][] messages)
    {
        var stream = new BbrStream(rig.Services);
        output.ResetWrittenCount();
        foreach (var message in messages)
        {
            ProcessingRequest.TryDecode(message, out var request);
            stream.Handle(in request, output);
            while (stream.HasReply)
            {
                stream.WriteReply(output);
            }
        }

        Assert.True(output.WrittenCount > 100_000);
        stream.Finish();
    }

    private static Proto.ProcessingRequest Any(Random random)
    {
        var message = random.Next(8) switch
        {
            0 => Ask.Post(),
            1 => Ask.Get(),
            2 or 3 => Body(random),
            4 => Ask.Trailers(),
            5 => Ask.ResponseHeaders(random.Next(4) == 0),
            6 => Ask.ResponseBody(new string('r', random.Next(70_000)), random.Next(3) == 0),
            _ => Ask.ResponseTrailers(),
        };
        return random.Next(4) == 0 ? message.WithModes((Proto.BodySendMode)random.Next(8), (Proto.BodySendMode)random.Next(8)) : message;
    }

    private static Proto.ProcessingRequest Body(Random random)
    {
        byte[] bytes = [];
        Fuzz.Mutate(random, Encoding.UTF8.GetBytes(Ask.ChatBody()), b => bytes = b);
        return Ask.Body(random.Next(3) == 0 ? bytes : Encoding.UTF8.GetBytes(Ask.ChatBody()), random.Next(2) == 0);
    }
}
