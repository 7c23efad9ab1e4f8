using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Proto = Epp.Testing.Protos;

namespace Epp.Testing;

/// <summary>Builds the messages that a proxy sends.</summary>
public static class Ask
{
    /// <summary>Path of chat completions, the default of <see cref="Post"/>.</summary>
    public const string Chat = "/v1/chat/completions";

    public static Proto.ProcessingRequest Headers(bool endOfStream, params (string Key, string Value)[] headers) =>
        new() { RequestHeaders = Map(endOfStream, headers) };

    /// <summary>Headers of a POST with a body, and more of them.</summary>
    public static Proto.ProcessingRequest Post(string path = Chat, params (string Key, string Value)[] more) =>
        Headers(false, [(":method", "POST"), (":path", path), (":scheme", "http"), (":authority", "gateway.test"), ("content-type", "application/json"), .. more]);

    public static Proto.ProcessingRequest Get(string path = "/v1/models", params (string Key, string Value)[] more) =>
        Headers(true, [(":method", "GET"), (":path", path), (":scheme", "http"), (":authority", "gateway.test"), .. more]);

    public static Proto.ProcessingRequest Body(string body, bool endOfStream = true) => Body(System.Text.Encoding.UTF8.GetBytes(body), endOfStream);

    public static Proto.ProcessingRequest Body(ReadOnlySpan<byte> body, bool endOfStream = true) =>
        new() { RequestBody = new Proto.HttpBody { Body = ByteString.CopyFrom(body), EndOfStream = endOfStream } };

    public static Proto.ProcessingRequest Trailers(params (string Key, string Value)[] trailers) =>
        new() { RequestTrailers = new Proto.HttpTrailers { Trailers = Map(false, trailers).Headers } };

    public static Proto.ProcessingRequest ResponseHeaders(bool endOfStream = false, params (string Key, string Value)[] headers) =>
        new() { ResponseHeaders = Map(endOfStream, headers.Length > 0 ? headers : [(":status", "200"), ("content-type", "application/json")]) };

    public static Proto.ProcessingRequest ResponseBody(string body, bool endOfStream = true) =>
        new() { ResponseBody = new Proto.HttpBody { Body = ByteString.CopyFromUtf8(body), EndOfStream = endOfStream } };

    public static Proto.ProcessingRequest ResponseBody(ReadOnlySpan<byte> body, bool endOfStream) =>
        new() { ResponseBody = new Proto.HttpBody { Body = ByteString.CopyFrom(body), EndOfStream = endOfStream } };

    public static Proto.ProcessingRequest ResponseTrailers(params (string Key, string Value)[] trailers) =>
        new() { ResponseTrailers = new Proto.HttpTrailers { Trailers = Map(false, trailers).Headers } };

    /// <summary>Says the body modes, as Envoy does on the first message of a stream.</summary>
    public static Proto.ProcessingRequest WithModes(this Proto.ProcessingRequest message, Proto.BodySendMode request, Proto.BodySendMode response)
    {
        message.ProtocolConfig = new Proto.ProtocolConfiguration { RequestBodyMode = request, ResponseBodyMode = response };
        return message;
    }

    /// <summary>Adds the subset hint as a list of strings.</summary>
    public static Proto.ProcessingRequest WithSubset(this Proto.ProcessingRequest message, params string[] endpoints) =>
        message.WithSubsetValue(Value.ForList([.. endpoints.Select(Value.ForString)]));

    /// <summary>Adds the subset hint as any value.</summary>
    public static Proto.ProcessingRequest WithSubsetValue(this Proto.ProcessingRequest message, Value value)
    {
        message.MetadataContext = new Proto.Metadata();
        message.MetadataContext.FilterMetadata["envoy.lb.subset_hint"] = new Struct { Fields = { ["x-gateway-destination-endpoint-subset"] = value } };
        return message;
    }

    /// <summary>A small chat request. Even a prompt this short is one prefix block: where that must not matter, take a new prompt.</summary>
    public static string ChatBody(string model = "m", string prompt = "hi", bool stream = false) =>
        $$"""{"model":"{{model}}","messages":[{"role":"user","content":"{{prompt}}"}],"max_tokens":5{{(stream ? ",\"stream\":true" : "")}}}""";

    private static Proto.HttpHeaders Map(bool endOfStream, (string Key, string Value)[] headers)
    {
        var map = new Proto.HttpHeaders { Headers = new Proto.HeaderMap(), EndOfStream = endOfStream };
        foreach (var (key, value) in headers)
        {
            map.Headers.Headers.Add(new Proto.HeaderValue { Key = key, RawValue = ByteString.CopyFromUtf8(value) });
        }

        return map;
    }
}
