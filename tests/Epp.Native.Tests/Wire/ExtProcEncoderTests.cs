using Epp.Native.Wire;
using Google.Protobuf;
using Proto = Epp.Testing.Protos;

namespace Epp.Native.Tests.Wire;

/// <summary>The encoder's bytes, read by Google's decoder.</summary>
[Trait("Category", "Unit")]
public sealed class ExtProcEncoderTests
{
    private readonly ProtoWriter _writer = new();

    [Theory]
    [InlineData(ProcessingKind.RequestBody, 0, true)]
    [InlineData(ProcessingKind.RequestBody, 127, false)]
    [InlineData(ProcessingKind.ResponseBody, 128, true)]
    [InlineData(ProcessingKind.ResponseBody, 62_000, false)]
    [InlineData(ProcessingKind.ResponseBody, 62_000, true)]
    [InlineData(ProcessingKind.ResponseBody, 0, false)]
    public void StreamedChunkHead_FollowedByBytes_IsTheMessage(ProcessingKind kind, int bytes, bool endOfStream)
    {
        var body = new byte[bytes];
        new Random(1).NextBytes(body);
        ExtProcEncoder.StreamedChunkHead(_writer, kind, bytes, endOfStream);
        var response = Parse([.. _writer.Written, .. body, .. endOfStream ? ExtProcEncoder.EndOfStreamField : default]);

        var chunk = (kind == ProcessingKind.RequestBody ? response.RequestBody : response.ResponseBody).Response.BodyMutation.StreamedResponse;
        Assert.Equal(body, chunk.Body.ToByteArray());
        Assert.Equal(endOfStream, chunk.EndOfStream);
    }

    [Fact]
    public void HeadersResponse_SetsRemovalsMetadata_ReadBack()
    {
        _writer.Clear();
        ExtProcEncoder.ClearRouteCache(_writer);
        var mark = _writer.Length;
        ExtProcEncoder.RemoveHeader(_writer, "x-gone"u8);
        ExtProcEncoder.SetHeader(_writer, "second"u8, "2"u8);
        ExtProcEncoder.SetHeader(_writer, "first"u8, "1"u8);
        ExtProcEncoder.EndResponse(_writer, ProcessingKind.RequestHeaders, mark, 0);
        mark = _writer.Length;
        ExtProcEncoder.StructNumber(_writer, "n"u8, 4.6);
        ExtProcEncoder.EndStructStruct(_writer, "inner"u8, mark);
        ExtProcEncoder.StructString(_writer, "s"u8, "text"u8);
        ExtProcEncoder.EndStructStruct(_writer, "envoy.lb"u8, mark);
        ExtProcEncoder.EndDynamicMetadata(_writer, mark);
        _writer.PrependGrpcPrefix();

        var response = Parse(_writer.Written.ToArray());
        var common = response.RequestHeaders.Response;
        Assert.True(common.ClearRouteCache);
        Assert.Equal(["first", "second"], common.HeaderMutation.SetHeaders.Select(h => h.Header.Key));
        Assert.Equal(["1", "2"], common.HeaderMutation.SetHeaders.Select(h => h.Header.RawValue.ToStringUtf8()));
        Assert.Equal(["x-gone"], common.HeaderMutation.RemoveHeaders);
        var lb = response.DynamicMetadata.Fields["envoy.lb"].StructValue;
        Assert.Equal("text", lb.Fields["s"].StringValue);
        Assert.Equal(4.6, lb.Fields["inner"].StructValue.Fields["n"].NumberValue);
    }

    [Fact]
    public void BufferedBody_HeadersAndReplacedBytes_ReadBack()
    {
        _writer.Clear();
        var behind = ExtProcEncoder.BodyMutation(_writer, 5, streamed: false, endOfStream: false);
        var mark = _writer.Length;
        ExtProcEncoder.SetHeader(_writer, "k"u8, "v"u8);
        ExtProcEncoder.EndResponse(_writer, ProcessingKind.RequestBody, mark, behind);
        _writer.PrependGrpcPrefix(behind);

        var common = Parse([.. _writer.Written, .. "hello"u8]).RequestBody.Response;
        Assert.Equal("hello", common.BodyMutation.Body.ToStringUtf8());
        Assert.Equal("k", Assert.Single(common.HeaderMutation.SetHeaders).Header.Key);
    }

    [Fact]
    public void ImmediateResponse_StatusHeaderBody_ReadBack()
    {
        ExtProcEncoder.ImmediateResponse(_writer, 503, "x-reason"u8, "because"u8, "text"u8);
        var response = Parse(_writer.Written.ToArray()).ImmediateResponse;
        Assert.Equal(503, response.Status.Code);
        Assert.Equal("text", response.Body.ToStringUtf8());
        Assert.Equal("because", Assert.Single(response.Headers.SetHeaders).Header.RawValue.ToStringUtf8());
    }

    [Theory]
    [InlineData(ProcessingKind.RequestHeaders, Proto.ProcessingResponse.ResponseOneofCase.RequestHeaders)]
    [InlineData(ProcessingKind.ResponseHeaders, Proto.ProcessingResponse.ResponseOneofCase.ResponseHeaders)]
    [InlineData(ProcessingKind.RequestBody, Proto.ProcessingResponse.ResponseOneofCase.RequestBody)]
    [InlineData(ProcessingKind.ResponseBody, Proto.ProcessingResponse.ResponseOneofCase.ResponseBody)]
    [InlineData(ProcessingKind.RequestTrailers, Proto.ProcessingResponse.ResponseOneofCase.RequestTrailers)]
    [InlineData(ProcessingKind.ResponseTrailers, Proto.ProcessingResponse.ResponseOneofCase.ResponseTrailers)]
    public void Continue_EachKind_AnswersTheSameKind(ProcessingKind kind, Proto.ProcessingResponse.ResponseOneofCase expected)
    {
        ExtProcEncoder.Continue(_writer, kind);
        Assert.Equal(expected, Parse(_writer.Written.ToArray()).ResponseCase);
    }

    [Fact]
    public void Writer_LongerThanItsBuffer_Grows()
    {
        _writer.Clear();
        for (var i = 0; i < 500; i++)
        {
            ExtProcEncoder.SetHeader(_writer, "some-key"u8, "some-value"u8);
        }

        ExtProcEncoder.EndResponse(_writer, ProcessingKind.RequestHeaders, 0, 0);
        _writer.PrependGrpcPrefix();
        Assert.Equal(500, Parse(_writer.Written.ToArray()).RequestHeaders.Response.HeaderMutation.SetHeaders.Count);
    }

    private static Proto.ProcessingResponse Parse(byte[] framed)
    {
        Assert.Equal(0, framed[0]);
        Assert.Equal(framed.Length - 5, System.Buffers.Binary.BinaryPrimitives.ReadInt32BigEndian(framed.AsSpan(1)));
        return Proto.ProcessingResponse.Parser.ParseFrom(framed, 5, framed.Length - 5);
    }
}
