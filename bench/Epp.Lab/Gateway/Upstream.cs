using System.Net;

namespace Epp.Lab.Gateway;

/// <summary>Sends requests to workers over HTTP/1.1 with keep-alive; bodies are streamed chunked in both directions.</summary>
internal sealed class Upstream : IDisposable
{
    readonly HttpMessageInvoker _client = new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        AutomaticDecompression = DecompressionMethods.None,
        UseCookies = false,
        ActivityHeadersPropagator = null,
        ConnectTimeout = TimeSpan.FromSeconds(5),
        PooledConnectionIdleTimeout = TimeSpan.FromSeconds(60),
    });

    /// <summary>Resolves when the response headers are there. <paramref name="writeBody"/> is null for a request without a body.</summary>
    public Task<HttpResponseMessage> SendAsync(string endpoint, HeaderList headers, Func<Stream, CancellationToken, Task>? writeBody, CancellationToken cancel)
    {
        var method = new HttpMethod(headers.Find(":method") ?? "GET");
        var request = new HttpRequestMessage(method, new Uri($"http://{endpoint}{headers.Find(":path")}"));
        if (writeBody is not null)
        {
            request.Content = new CallbackContent(writeBody);
            request.Headers.TransferEncodingChunked = true;
        }
        request.Headers.Host = headers.Find(":authority");
        foreach (var (name, value) in headers.Items)
        {
            if (HeaderList.IsForwarded(name) && !request.Headers.TryAddWithoutValidation(name, value))
            {
                request.Content?.Headers.TryAddWithoutValidation(name, value);
            }
        }
        return _client.SendAsync(request, cancel);
    }

    public void Dispose() => _client.Dispose();

    sealed class CallbackContent(Func<Stream, CancellationToken, Task> write) : HttpContent
    {
        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
            SerializeToStreamAsync(stream, context, CancellationToken.None);

        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken) =>
            write(stream, cancellationToken);

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
