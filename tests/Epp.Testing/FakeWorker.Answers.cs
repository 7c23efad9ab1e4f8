using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Epp.Testing;

/// <summary>How a worker answers.</summary>
public sealed partial class FakeWorker
{
    private const int KeptBodyBytes = 64 * 1024;

    private async Task ServeAsync(HttpContext context)
    {
        if (context.Request.Path == "/metrics")
        {
            // Counted when it begins: two more scrapes then mean that one was answered with the present values.
            var text = MetricsText();
            Interlocked.Increment(ref _scrapes);
            context.Response.StatusCode = MetricsStatus;
            context.Response.ContentType = "text/plain; version=0.0.4";
            await context.Response.WriteAsync(text);
            return;
        }

        var gate = _gate;
        var aborted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        context.RequestAborted.Register(() => aborted.TrySetResult());
        var (length, sha, head) = await ReadBodyAsync(context.Request.Body);
        var request = context.Request;
        var trailers = request.SupportsTrailers() && request.CheckTrailersAvailable()
            ? context.Features.Get<IHttpRequestTrailersFeature>()!.Trailers
            : new HeaderDictionary();
        _received.Enqueue(new ReceivedRequest(
            request.Method, request.Path + request.QueryString, request.Protocol, Flatten(request.Headers), length, sha, head, Flatten(trailers), aborted.Task));
        try
        {
            await AnswerAsync(context, head, gate.Task);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            // The client went away; the record says so.
            aborted.TrySetResult();
        }
    }

    private async Task AnswerAsync(HttpContext context, string body, Task gate)
    {
        var response = context.Response;
        response.Headers["x-worker"] = HostPort;
        foreach (var group in ResponseHeaders.GroupBy(h => h.Name))
        {
            response.Headers[group.Key] = group.Select(h => h.Value).ToArray();
        }

        if (Mode == WorkerMode.Hold)
        {
            await gate.WaitAsync(context.RequestAborted);
        }

        if (SendTrailers && response.SupportsTrailers())
        {
            response.DeclareTrailer("x-worker-trailer");
        }

        var (model, stream) = Inspect(body);
        if (Mode == WorkerMode.Error500)
        {
            response.StatusCode = 500;
            await WriteJsonAsync(context, """{"error":{"message":"EngineCore encountered an issue.","type":"InternalServerError","code":500}}""");
        }
        else if (stream)
        {
            await StreamAsync(context, model, gate);
        }
        else if (Mode == WorkerMode.ResetMidStream)
        {
            response.ContentLength = 1000;
            await response.WriteAsync("{\"id\":");
            await response.Body.FlushAsync();
            await gate.WaitAsync(context.RequestAborted);
            context.Abort();
        }
        else
        {
            var text = ResponseTextBytes == 0 ? "tok tok tok" : new string('t', ResponseTextBytes);
            await WriteJsonAsync(context, $$$"""{"id":"x","object":"chat.completion","model":"{{{model}}}","choices":[{"index":0,"message":{"role":"assistant","content":"{{{text}}}"}}],"usage":{"prompt_tokens":7,"total_tokens":10,"completion_tokens":3}}""");
        }

        if (SendTrailers && response.SupportsTrailers())
        {
            response.AppendTrailer("x-worker-trailer", "done");
        }
    }

    private async Task StreamAsync(HttpContext context, string model, Task gate)
    {
        var response = context.Response;
        response.ContentType = "text/event-stream; charset=utf-8";
        for (var i = 0; i < Events; i++)
        {
            await response.WriteAsync($$$"""data: {"id":"x","object":"chat.completion.chunk","model":"{{{model}}}","choices":[{"index":0,"delta":{"content":"tok{{{i}}}"}}]}""" + "\n\n");
            await response.Body.FlushAsync(context.RequestAborted);
            await gate.WaitAsync(context.RequestAborted);
            if (Mode == WorkerMode.ResetMidStream)
            {
                context.Abort();
                return;
            }
        }

        await response.WriteAsync($$$"""data: {"id":"x","object":"chat.completion.chunk","model":"{{{model}}}","choices":[],"usage":{"prompt_tokens":7,"total_tokens":12,"completion_tokens":5}}""" + "\n\n");
        await response.WriteAsync("data: [DONE]\n\n");
    }

    private async Task WriteJsonAsync(HttpContext context, string json)
    {
        context.Response.ContentType = "application/json";
        if (!SendTrailers)
        {
            context.Response.ContentLength = Encoding.UTF8.GetByteCount(json);
        }

        await context.Response.WriteAsync(json);
    }

    private static (string Model, bool Stream) Inspect(string body)
    {
        try
        {
            using var json = JsonDocument.Parse(body);
            return (json.RootElement.TryGetProperty("model", out var model) ? model.ToString() : "", json.RootElement.TryGetProperty("stream", out var stream) && stream.ValueKind == JsonValueKind.True);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return ("", false);
        }
    }

    private static async Task<(long Length, string Sha256, string Head)> ReadBodyAsync(Stream body)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var head = new MemoryStream();
        var buffer = new byte[64 * 1024];
        long length = 0;
        for (int n; (n = await body.ReadAsync(buffer)) > 0; length += n)
        {
            hash.AppendData(buffer, 0, n);
            head.Write(buffer, 0, (int)Math.Min(n, KeptBodyBytes - head.Length));
        }

        return (length, Convert.ToHexStringLower(hash.GetHashAndReset()), Encoding.UTF8.GetString(head.ToArray()));
    }

    private static List<(string Name, string Value)> Flatten(IHeaderDictionary headers) =>
        [.. headers.SelectMany(h => h.Value.Select(v => (h.Key.ToLowerInvariant(), v ?? "")))];
}
