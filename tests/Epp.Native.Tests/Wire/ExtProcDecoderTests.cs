using System.Text;
using Epp.Native.Requests;
using Epp.Native.Wire;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Proto = Epp.Testing.Protos;

namespace Epp.Native.Tests.Wire;

/// <summary>The decoder against Google's encoder: the same random messages, the same fields.</summary>
[Trait("Category", "Unit")]
public sealed class ExtProcDecoderTests
{
    private const int Seed = 20_260_101;

    [Fact]
    public void TryDecode_RandomMessages_FieldsAsGoogleProtobufWroteThem()
    {
        var random = new Random(Seed);
        for (var i = 0; i < 5_000; i++)
        {
            var expected = RandomRequest(random);
            var bytes = expected.ToByteArray();
            Assert.True(ProcessingRequest.TryDecode(bytes, out var actual), $"seed {Seed}, message {i}");
            AssertSame(expected, actual, i);
        }
    }

    [Fact]
    public void TryDecode_UnknownFields_AreSkipped()
    {
        // field 100 varint, field 101 fixed64, 102 bytes, 103 group holding a field, 104 fixed32, then a request body.
        var unknown = new MemoryStream();
        var output = new CodedOutputStream(unknown);
        output.WriteTag(100, WireFormat.WireType.Varint);
        output.WriteUInt64(ulong.MaxValue);
        output.WriteTag(101, WireFormat.WireType.Fixed64);
        output.WriteFixed64(7);
        output.WriteTag(102, WireFormat.WireType.LengthDelimited);
        output.WriteBytes(ByteString.CopyFromUtf8("skip me"));
        output.WriteTag(103, WireFormat.WireType.StartGroup);
        output.WriteTag(1, WireFormat.WireType.Varint);
        output.WriteUInt64(300);
        output.WriteTag(103, WireFormat.WireType.EndGroup);
        output.WriteTag(104, WireFormat.WireType.Fixed32);
        output.WriteFixed32(9);
        output.Flush();
        var body = new Proto.ProcessingRequest { RequestBody = new Proto.HttpBody { Body = ByteString.CopyFromUtf8("hello"), EndOfStream = true } };
        byte[] bytes = [.. unknown.ToArray(), .. body.ToByteArray()];

        Assert.True(ProcessingRequest.TryDecode(bytes, out var request));
        Assert.Equal(ProcessingKind.RequestBody, request.Kind);
        Assert.Equal("hello"u8.ToArray(), request.Body.ToArray());
        Assert.True(request.EndOfStream);
    }

    [Theory]
    [InlineData("0A")] // tag without length
    [InlineData("2205AA")] // body shorter than its length
    [InlineData("FFFFFFFFFFFFFFFFFFFFFF01")] // tag varint beyond 64 bits
    [InlineData("2005")] // request_body as a varint
    [InlineData("00")] // field number 0
    [InlineData("24")] // end of a group that never began
    [InlineData("2204080110FF")] // body as varint inside HttpBody
    public void TryDecode_Malformed_ReturnsFalse(string hex) => Assert.False(ProcessingRequest.TryDecode(Convert.FromHexString(hex), out _));

    [Fact]
    public void TryDecode_MutatedBytes_NeverThrows()
    {
        var random = new Random(Seed);
        var table = new HeaderTable();
        var hint = new SubsetHint();
        for (var i = 0; i < 50_000; i++)
        {
            var bytes = RandomRequest(random).ToByteArray();
            for (var m = random.Next(1, 6); m > 0 && bytes.Length > 0; m--)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }

            bytes = bytes[..random.Next(bytes.Length + 1)];
            if (ProcessingRequest.TryDecode(bytes, out var request))
            {
                ProcessingRequest.TryReadHeaders(request.HeaderMap, table);
                MetadataReader.TryReadSubset(request.Metadata, hint);
                MetadataReader.TryReadServedEndpoint(request.Metadata, out _, out _);
                table.Dispose();
            }
        }
    }

    [Fact]
    public void Case21_HeaderValue_RawValueWinsUnlessEmptyAndLookupIgnoresCase()
    {
        var map = new Proto.HeaderMap
        {
            Headers =
            {
                new Proto.HeaderValue { Key = "Both", Value = "value", RawValue = ByteString.CopyFromUtf8("raw") },
                new Proto.HeaderValue { Key = "only-value", Value = "v" },
            },
        };
        var table = new HeaderTable();
        Assert.True(ProcessingRequest.TryReadHeaders(map.ToByteArray(), table));
        Assert.True(table.TryGet("both"u8, out var both));
        Assert.Equal("raw", Encoding.UTF8.GetString(both));
        Assert.True(table.TryGet("only-value"u8, out var only));
        Assert.Equal("v", Encoding.UTF8.GetString(only));
    }

    [Fact]
    public void TryReadHeaders_TooMany_ReturnsFalse()
    {
        var map = new Proto.HeaderMap();
        for (var i = 0; i <= HeaderTable.MaxHeaders; i++)
        {
            map.Headers.Add(new Proto.HeaderValue { Key = $"h{i}", Value = "x" });
        }

        Assert.False(ProcessingRequest.TryReadHeaders(map.ToByteArray(), new HeaderTable()));
    }

    private static void AssertSame(Proto.ProcessingRequest expected, ProcessingRequest actual, int i)
    {
        Assert.Equal((int)expected.RequestCase, (int)actual.Kind);
        Assert.Equal(expected.ProtocolConfig is not null, actual.HasProtocolConfig);
        Assert.Equal((int)(expected.ProtocolConfig?.RequestBodyMode ?? 0), (int)actual.RequestBodyMode);
        Assert.Equal((int)(expected.ProtocolConfig?.ResponseBodyMode ?? 0), (int)actual.ResponseBodyMode);
        var body = expected.RequestBody ?? expected.ResponseBody;
        var headers = expected.RequestHeaders ?? expected.ResponseHeaders;
        Assert.Equal(body?.Body.ToByteArray() ?? [], actual.Body.ToArray());
        Assert.Equal(body?.EndOfStream ?? headers?.EndOfStream ?? false, actual.EndOfStream);
        var map = headers?.Headers ?? expected.RequestTrailers?.Trailers ?? expected.ResponseTrailers?.Trailers;
        var table = new HeaderTable();
        Assert.True(ProcessingRequest.TryReadHeaders(actual.HeaderMap, table));
        Assert.Equal(map?.Headers.Count ?? 0, table.Count);
        for (var h = 0; h < table.Count; h++)
        {
            var header = map!.Headers[h];
            Assert.Equal(header.Key.ToLowerInvariant(), Encoding.UTF8.GetString(table.Key(h)));
            Assert.Equal(header.RawValue.IsEmpty ? header.Value : header.RawValue.ToStringUtf8(), Encoding.UTF8.GetString(table.Value(h)));
        }

        var hint = new SubsetHint();
        MetadataReader.TryReadSubset(actual.Metadata, hint);
        var list = Find(expected, "envoy.lb.subset_hint", "x-gateway-destination-endpoint-subset")?.ListValue;
        Assert.Equal(list is not null, hint.Present);
        Assert.Equal(list?.Values.Count(v => v.KindCase == Value.KindOneofCase.StringValue) ?? 0, hint.Count);
        var served = Find(expected, "envoy.lb", "x-gateway-destination-endpoint-served");
        Assert.Equal(served?.StringValue ?? "", MetadataReader.TryReadServedEndpoint(actual.Metadata, out var endpoint, out _) ? Encoding.UTF8.GetString(endpoint) : "");
        _ = i;
    }

    private static Value? Find(Proto.ProcessingRequest request, string ns, string key) =>
        request.MetadataContext?.FilterMetadata.TryGetValue(ns, out var s) == true && s.Fields.TryGetValue(key, out var v) ? v : null;

    private static Proto.ProcessingRequest RandomRequest(Random random)
    {
        var request = new Proto.ProcessingRequest();
        switch (random.Next(7))
        {
            case 0: request.RequestHeaders = new Proto.HttpHeaders { Headers = RandomHeaders(random), EndOfStream = random.Next(2) == 0 }; break;
            case 1: request.ResponseHeaders = new Proto.HttpHeaders { Headers = RandomHeaders(random), EndOfStream = random.Next(2) == 0 }; break;
            case 2: request.RequestBody = RandomBody(random); break;
            case 3: request.ResponseBody = RandomBody(random); break;
            case 4: request.RequestTrailers = new Proto.HttpTrailers { Trailers = RandomHeaders(random) }; break;
            case 5: request.ResponseTrailers = new Proto.HttpTrailers { Trailers = RandomHeaders(random) }; break;
        }

        if (random.Next(2) == 0)
        {
            request.ProtocolConfig = new Proto.ProtocolConfiguration
            {
                RequestBodyMode = (Proto.BodySendMode)random.Next(6),
                ResponseBodyMode = (Proto.BodySendMode)random.Next(6),
                SendBodyWithoutWaitingForHeaderResponse = random.Next(2) == 0,
            };
        }

        if (random.Next(2) == 0)
        {
            request.MetadataContext = RandomMetadata(random);
        }

        request.ObservabilityMode = random.Next(4) == 0;
        request.Attributes["a"] = new Struct { Fields = { ["x"] = Value.ForNumber(1) } };
        return request;
    }

    private static Proto.Metadata RandomMetadata(Random random)
    {
        var metadata = new Proto.Metadata();
        metadata.FilterMetadata["other"] = new Struct { Fields = { ["y"] = Value.ForBool(true) } };
        if (random.Next(2) == 0)
        {
            var items = Enumerable.Range(0, random.Next(4)).Select(n => random.Next(4) == 0 ? Value.ForNumber(n) : Value.ForString($"10.0.0.{n}:80")).ToArray();
            metadata.FilterMetadata["envoy.lb.subset_hint"] = new Struct
            {
                Fields = { ["x-gateway-destination-endpoint-subset"] = random.Next(5) == 0 ? Value.ForString("10.0.0.1:80") : Value.ForList(items) },
            };
        }

        if (random.Next(2) == 0)
        {
            metadata.FilterMetadata["envoy.lb"] = new Struct { Fields = { ["x-gateway-destination-endpoint-served"] = Value.ForString("10.0.0.9:8000") } };
        }

        return metadata;
    }

    private static Proto.HttpBody RandomBody(Random random)
    {
        var bytes = new byte[random.Next(300)];
        random.NextBytes(bytes);
        return new Proto.HttpBody { Body = ByteString.CopyFrom(bytes), EndOfStream = random.Next(2) == 0 };
    }

    private static Proto.HeaderMap RandomHeaders(Random random)
    {
        var map = new Proto.HeaderMap();
        for (var i = random.Next(6); i > 0; i--)
        {
            var header = new Proto.HeaderValue { Key = $"X-Header-{random.Next(10)}" };
            if (random.Next(2) == 0)
            {
                header.Value = $"v{random.Next(1000)}";
            }

            if (random.Next(2) == 0)
            {
                header.RawValue = ByteString.CopyFromUtf8(new string('r', random.Next(200)));
            }

            map.Headers.Add(header);
        }

        return map;
    }
}
