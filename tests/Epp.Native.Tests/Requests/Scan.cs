using System.Text;
using Epp.Native.Memory;
using Epp.Native.Requests;

namespace Epp.Native.Tests.Requests;

/// <summary>Scans in one go or in pieces, and puts every result into one comparable line.</summary>
internal static class Scan
{
    public static RequestScanner Of(string body, RequestApi api = RequestApi.ChatCompletions) => Of(Encoding.UTF8.GetBytes(body), api);

    public static RequestScanner Of(ReadOnlySpan<byte> body, RequestApi api)
    {
        var scanner = new RequestScanner();
        Into(scanner, body, api);
        return scanner;
    }

    public static bool Into(RequestScanner scanner, ReadOnlySpan<byte> body, RequestApi api, Random? splits = null)
    {
        scanner.Reset(api, api == RequestApi.GaieAny ? Dialect.Gaie : Dialect.LlmD);
        while (!body.IsEmpty)
        {
            var n = splits is null ? body.Length : Math.Min(splits.Next(0, 9), body.Length);
            scanner.Feed(body[..n]);
            body = body[n..];
        }

        return scanner.Complete();
    }

    public static BodyBuffer Buffer(ReadOnlySpan<byte> body)
    {
        var buffer = new BodyBuffer();
        buffer.Append(body);
        return buffer;
    }

    public static string Line(RequestScanner s) => string.Join(
        "|",
        s.Error,
        s.ErrorMessage,
        s.EffectiveApi,
        s.Length,
        s.HasModel,
        Convert.ToHexString(s.Model),
        s.ModelValueStart,
        s.ModelValueLength,
        s.InsertModelAt,
        s.IsEmptyMap,
        s.Stream,
        s.MaxOutputTokens,
        Convert.ToHexString(s.CacheSalt),
        s.HasPromptTokenIds,
        s.Messages,
        s.Prompt,
        s.Input,
        s.Instructions,
        s.Tools,
        s.Items,
        s.System,
        s.TokenIds,
        s.ElementCount);
}
