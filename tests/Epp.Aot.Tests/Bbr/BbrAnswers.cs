using Google.Protobuf;
using Proto = Epp.Testing.Protos;
using Which = Epp.Testing.Protos.ProcessingResponse.ResponseOneofCase;

namespace Epp.Aot.Tests.Bbr;

/// <summary>Answers as a test expects them.</summary>
internal static class BbrAnswers
{
    public const string ModelHeader = "X-Gateway-Model-Name", BaseHeader = "X-Gateway-Base-Model-Name";

    public static Proto.ProcessingResponse Empty(Which kind) => kind switch
    {
        Which.RequestHeaders => new() { RequestHeaders = new() },
        Which.RequestBody => new() { RequestBody = new() },
        Which.RequestTrailers => new() { RequestTrailers = new() },
        Which.ResponseHeaders => new() { ResponseHeaders = new() },
        Which.ResponseBody => new() { ResponseBody = new() },
        _ => new() { ResponseTrailers = new() },
    };

    public static Proto.ProcessingResponse Body(bool clearRoute, params (string Key, string Value)[] headers) => new() { RequestBody = new() { Response = Common(clearRoute, headers) } };

    public static Proto.ProcessingResponse Headers(bool clearRoute, params (string Key, string Value)[] headers) => new() { RequestHeaders = new() { Response = Common(clearRoute, headers) } };

    private static Proto.CommonResponse Common(bool clearRoute, (string Key, string Value)[] headers)
    {
        var response = new Proto.CommonResponse { ClearRouteCache = clearRoute, HeaderMutation = new() };
        response.HeaderMutation.SetHeaders.Add(headers.Select(h => new Proto.HeaderValueOption { Header = new() { Key = h.Key, RawValue = ByteString.CopyFromUtf8(h.Value) } }));
        return response;
    }

    public static Proto.ProcessingResponse Chunk(string body, bool endOfStream) => new()
    {
        RequestBody = new()
        {
            Response = new() { BodyMutation = new() { StreamedResponse = new() { Body = ByteString.CopyFromUtf8(body), EndOfStream = endOfStream } } },
        },
    };
}
