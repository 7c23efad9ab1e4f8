using System.Buffers;
using System.Text;
using Epp.Aot.Configuration;
using Epp.Aot.ExtProc;
using Epp.Native.Wire;
using Epp.Testing;
using Google.Protobuf;
using Xunit.Abstractions;

namespace Epp.Aot.Tests.ExtProc;

/// <summary>What the exchange itself allocates; the transport below it is not part of it.</summary>
[Collection("ext_proc")]
[Trait("Category", "Unit")]
public sealed class AllocationTests(ITestOutputHelper log)
{
    /// <summary>Bound of one whole exchange, stated in docs/architecture.md; measured 1,104 bytes on .NET 10, x64.</summary>
    private const int StreamBytes = 2048;

    private static readonly (string, string)[] EventStream = [(":status", "200"), ("content-type", "text/event-stream")];

    internal static void Send(ExtProcStream stream, byte[] message, ArrayBufferWriter<byte> output)
    {
        output.ResetWrittenCount();
        Assert.True(ProcessingRequest.TryDecode(message, out var request));
        stream.Handle(in request, output);
        while (stream.HasReply)
        {
            stream.WriteReply(output);
        }

        stream.HasOutput = false;
        stream.AfterAnswer();
    }

    [Theory]
    [InlineData("data: {\"choices\":[{\"delta\":{\"content\":\"word\"}}]}\n\n")]
    [InlineData("data: {\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":5,\"total_tokens\":12}}\n\n")]
    [InlineData("half a line without an end, held until the next chunk")]
    public void ResponseChunk_PassedThrough_AllocatesNothing(string text)
    {
        var rig = new Rig();
        var stream = new ExtProcStream(rig.Services);
        var output = new ArrayBufferWriter<byte>(1 << 16);
        Send(stream, Ask.Post().ToByteArray(), output);
        Send(stream, Ask.Body(Ask.ChatBody(stream: true)).ToByteArray(), output);
        Send(stream, Ask.ResponseHeaders(headers: EventStream).ToByteArray(), output);
        var chunk = Ask.ResponseBody(text, endOfStream: false).ToByteArray();
        for (var i = 0; i < 1000; i++)
        {
            Send(stream, chunk, output);
        }

        Assert.Equal(0, Allocated.Least(() =>
        {
            for (var i = 0; i < 1000; i++)
            {
                Send(stream, chunk, output);
            }
        }));
        stream.Finish();
    }

    [Theory]
    [InlineData("", "")]
    [InlineData("kind: ", "featureGates: [flowControl]\nkind: ")]
    public void Stream_Whole_StaysBelowItsBound(string from, string to)
    {
        var builtIn = Encoding.UTF8.GetString(EppConfigLoader.BuiltIn);
        var rig = new Rig(config: from.Length == 0 ? builtIn : builtIn.Replace(from, to, StringComparison.Ordinal), endpoints: 4);
        Assert.Equal(from.Length > 0, rig.Flow is not null);
        foreach (var slot in rig.Pool.Current.Indexes)
        {
            rig.Pool.Update(rig.Pool.Current[slot], Epp.Native.Pool.EndpointMetrics.None with { Waiting = 0, KvUsage = 0 }, Aot.Telemetry.EppMetrics.MonotonicMs(rig.Time));
        }

        var output = new ArrayBufferWriter<byte>(1 << 16);
        byte[][] messages =
        [
            Ask.Post(more: ("x-request-id", "r")).ToByteArray(),
            Ask.Body(Ask.ChatBody(prompt: new string('p', 3000), stream: true)).ToByteArray(),
            Ask.ResponseHeaders(headers: EventStream).ToByteArray(),
            Ask.ResponseBody("data: {\"choices\":[]}\n\n", endOfStream: false).ToByteArray(),
            Ask.ResponseBody("data: [DONE]\n\n").ToByteArray(),
        ];
        const int Streams = 200;
        long before = 0;
        for (var i = -Streams; i < Streams; i++)
        {
            before = i == 0 ? GC.GetAllocatedBytesForCurrentThread() : before;
            var stream = new ExtProcStream(rig.Services);
            foreach (var message in messages)
            {
                Send(stream, message, output);
            }

            stream.Finish();
        }

        var bytes = (GC.GetAllocatedBytesForCurrentThread() - before) / Streams;
        log.WriteLine($"{bytes} bytes per stream");
        Assert.InRange(bytes, 0, StreamBytes);
        Assert.Equal(0, rig.Flow?.Gate.Waiting ?? 0);
    }
}
