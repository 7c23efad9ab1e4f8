using System.Text;
using Xunit;
using Proto = Epp.Testing.Protos;

namespace Epp.Testing;

/// <summary>What a stream answered to a request: the header message, the body that goes on, or an immediate response.</summary>
/// <param name="Headers">The message that carries the header mutation; null when the request was refused.</param>
/// <param name="Body">Bytes of the streamed body chunks together.</param>
/// <param name="Chunks">Body messages as they came.</param>
/// <param name="Immediate">The refusal.</param>
public sealed record Answer(
    Proto.ProcessingResponse? Headers, byte[] Body, IReadOnlyList<Proto.ProcessingResponse> Chunks, Proto.ImmediateResponse? Immediate)
{
    public string BodyText => Encoding.UTF8.GetString(Body);

    /// <summary>The endpoint named by the header, which must agree with the dynamic metadata.</summary>
    public string Endpoint
    {
        get
        {
            Assert.True(Headers is not null, $"No header answer; refused with {Immediate?.Status?.Code}: {Immediate?.Body.ToStringUtf8()}");
            var endpoint = Headers.Header("x-gateway-destination-endpoint");
            Assert.NotNull(endpoint);
            Assert.Equal(endpoint, Headers.Destination());
            return endpoint;
        }
    }
}

/// <summary>Reads the messages of an EPP.</summary>
public static class Answers
{
    /// <summary>Value of a header that a message sets; null when it does not. A header is set at most once.</summary>
    public static string? Header(this Proto.ProcessingResponse message, string name) => message.Mutation()?.SetHeaders
        .SingleOrDefault(h => h.Header.Key.Equals(name, StringComparison.OrdinalIgnoreCase))?.Header.RawValue.ToStringUtf8();

    /// <summary>Names of the headers that a message removes.</summary>
    public static IReadOnlyList<string> Removed(this Proto.ProcessingResponse message) => [.. message.Mutation()?.RemoveHeaders ?? []];

    public static Proto.HeaderMutation? Mutation(this Proto.ProcessingResponse message) => message.ResponseCase switch
    {
        Proto.ProcessingResponse.ResponseOneofCase.RequestHeaders => message.RequestHeaders.Response?.HeaderMutation,
        Proto.ProcessingResponse.ResponseOneofCase.ResponseHeaders => message.ResponseHeaders.Response?.HeaderMutation,
        Proto.ProcessingResponse.ResponseOneofCase.RequestBody => message.RequestBody.Response?.HeaderMutation,
        Proto.ProcessingResponse.ResponseOneofCase.ResponseBody => message.ResponseBody.Response?.HeaderMutation,
        Proto.ProcessingResponse.ResponseOneofCase.ImmediateResponse => message.ImmediateResponse.Headers,
        _ => null,
    };

    /// <summary>The endpoint in the dynamic metadata.</summary>
    public static string? Destination(this Proto.ProcessingResponse message) =>
        message.DynamicMetadata?.Fields["envoy.lb"].StructValue.Fields["x-gateway-destination-endpoint"].StringValue;

    /// <summary>Header of an immediate response.</summary>
    public static string? Header(this Proto.ImmediateResponse message, string name) =>
        message.Headers?.SetHeaders.SingleOrDefault(h => h.Header.Key == name)?.Header.RawValue.ToStringUtf8();

    /// <summary>Receives a message and checks which one it is.</summary>
    public static async Task<Proto.ProcessingResponse> ExpectAsync(this GrpcStream stream, Proto.ProcessingResponse.ResponseOneofCase kind)
    {
        var message = await stream.ReceiveAsync();
        Assert.True(message is not null, "The stream ended where a message was expected.");
        Assert.True(message.ResponseCase == kind, $"Expected {kind}, got {message}");
        return message;
    }

    /// <summary>Receives the full-duplex answer to a request with a body: headers and every chunk, or the refusal.</summary>
    public static async Task<Answer> AnswerAsync(this GrpcStream stream, bool trailers = false)
    {
        var first = await stream.ReceiveAsync();
        Assert.NotNull(first);
        if (first.ImmediateResponse is { } immediate)
        {
            return new Answer(null, [], [], immediate);
        }

        Assert.Equal(Proto.ProcessingResponse.ResponseOneofCase.RequestHeaders, first.ResponseCase);
        var body = new MemoryStream();
        var chunks = new List<Proto.ProcessingResponse>();
        while (true)
        {
            var chunk = await stream.ReceiveAsync();
            Assert.True(chunk is not null, "The stream ended before the body did.");
            if (trailers && chunk.ResponseCase == Proto.ProcessingResponse.ResponseOneofCase.RequestTrailers)
            {
                return new Answer(first, body.ToArray(), chunks, null);
            }

            var streamed = chunk.RequestBody.Response.BodyMutation.StreamedResponse;
            body.Write(streamed.Body.Span);
            chunks.Add(chunk);
            if (streamed.EndOfStream)
            {
                Assert.False(trailers, "A body followed by trailers must not carry the end of stream.");
                return new Answer(first, body.ToArray(), chunks, null);
            }
        }
    }

    /// <summary>Opens an ext_proc stream.</summary>
    public static GrpcStream Open(this EppProcess epp, params (string Name, string Value)[] headers) =>
        epp.Channel.Open(GrpcStream.ProcessPath, headers);

    /// <summary>One request to its answer on a stream of its own, which is then reset, as Envoy does.</summary>
    public static async Task<Answer> PickAsync(
        this EppProcess epp, string body, string path = Ask.Chat, (string Key, string Value)[]? headers = null, string[]? subset = null)
    {
        await using var stream = epp.Open();
        await stream.SendAsync(Ask.Post(path, headers ?? []));
        var message = Ask.Body(body);
        await stream.SendAsync(subset is null ? message : message.WithSubset(subset));
        return await stream.AnswerAsync();
    }
}
