using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;

namespace Epp.Lab.Wire;

/// <summary>
/// One bidirectional gRPC call over HTTP/2 (h2c or TLS): length-prefixed messages both ways.
/// One writer and one reader at a time; disposing resets the stream, as Envoy does at the end of an exchange.
/// </summary>
internal sealed class GrpcStream : IAsyncDisposable
{
    const int PrefixBytes = 5;
    const int MaxMessageBytes = 64 << 20;

    readonly DuplexContent _content = new();
    readonly HttpRequestMessage _request;
    readonly CancellationTokenSource _stop;
    readonly Task<HttpResponseMessage> _response;
    Stream? _incoming;

    GrpcStream(HttpMessageInvoker client, Uri address, string method, CancellationToken cancel)
    {
        _stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        _request = new HttpRequestMessage(HttpMethod.Post, new Uri(address, method))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = _content,
        };
        _request.Headers.TE.Add(new TransferCodingWithQualityHeaderValue("trailers"));
        _response = client.SendAsync(_request, _stop.Token);
        // Whoever waits for the request stream must not wait for ever when the call could not even start.
        _ = _response.ContinueWith(t => _content.Fail(t.Exception), CancellationToken.None, TaskContinuationOptions.NotOnRanToCompletion, TaskScheduler.Default);
    }

    /// <summary>gRPC status of the ended call: 0 = OK, -1 when the server sent none.</summary>
    public int Status { get; private set; } = -1;

    public string StatusMessage { get; private set; } = "";

    public static GrpcStream Open(HttpMessageInvoker client, Uri address, string method, CancellationToken cancel) =>
        new(client, address, method, cancel);

    /// <summary>A handler for many concurrent calls to one server; certificates are not verified, as gateways do with EPPs.</summary>
    public static HttpMessageInvoker CreateClient() => new(new SocketsHttpHandler
    {
        EnableMultipleHttp2Connections = true,
        AutomaticDecompression = DecompressionMethods.None,
        ActivityHeadersPropagator = null,
        ConnectTimeout = TimeSpan.FromSeconds(5),
        // Gateways talk to EPPs with self-signed certificates and do not verify them; the lab does the same.
        SslOptions = { RemoteCertificateValidationCallback = static (_, certificate, _, _) => certificate is not null },
    });

    public async Task WriteAsync(ReadOnlyMemory<byte> message, bool flush = true)
    {
        var stream = await _content.Stream.ConfigureAwait(false);
        var frame = new byte[PrefixBytes + message.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(1), message.Length);
        message.CopyTo(frame.AsMemory(PrefixBytes));
        await stream.WriteAsync(frame, _stop.Token).ConfigureAwait(false);
        if (flush)
        {
            await stream.FlushAsync(_stop.Token).ConfigureAwait(false);
        }
    }

    /// <summary>Half-closes: no more messages from us.</summary>
    public void CompleteWriting() => _content.Complete();

    /// <summary>The next message, or null at the end of the call; then <see cref="Status"/> is set.</summary>
    public async Task<byte[]?> ReadAsync()
    {
        var response = await _response.ConfigureAwait(false);
        if (_incoming is null)
        {
            if (response.StatusCode != HttpStatusCode.OK)
            {
                throw new WireException($"gRPC call answered with HTTP {(int)response.StatusCode}");
            }
            _incoming = await response.Content.ReadAsStreamAsync(_stop.Token).ConfigureAwait(false);
        }
        var prefix = new byte[PrefixBytes];
        var got = await _incoming.ReadAtLeastAsync(prefix, PrefixBytes, throwOnEndOfStream: false, _stop.Token).ConfigureAwait(false);
        if (got == 0)
        {
            ReadStatus(response);
            return null;
        }
        var length = BinaryPrimitives.ReadInt32BigEndian(prefix.AsSpan(1));
        if (got < PrefixBytes || prefix[0] != 0 || length is < 0 or > MaxMessageBytes)
        {
            throw new WireException($"bad gRPC prefix: {got} bytes, flag {prefix[0]}, length {length}");
        }
        var message = new byte[length];
        await _incoming.ReadExactlyAsync(message, _stop.Token).ConfigureAwait(false);
        return message;
    }

    void ReadStatus(HttpResponseMessage response)
    {
        // A trailers-only answer carries the status among its headers.
        var trailers = response.TrailingHeaders.Contains("grpc-status") ? response.TrailingHeaders : (HttpHeaders)response.Headers;
        if (trailers.TryGetValues("grpc-status", out var status))
        {
            Status = int.Parse(status.First(), CultureInfo.InvariantCulture);
        }
        if (trailers.TryGetValues("grpc-message", out var text))
        {
            StatusMessage = Uri.UnescapeDataString(text.First());
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        try
        {
            (await _response.ConfigureAwait(false)).Dispose();
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
        {
            // The call had failed already; whoever wrote or read has seen it.
        }
        _content.Fail(null);
        _request.Dispose();
        _stop.Dispose();
    }

    sealed class DuplexContent : HttpContent
    {
        readonly TaskCompletionSource<Stream> _stream = new(TaskCreationOptions.RunContinuationsAsynchronously);
        readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public DuplexContent() => Headers.ContentType = new MediaTypeHeaderValue("application/grpc");

        public Task<Stream> Stream => _stream.Task;

        public void Complete() => _done.TrySetResult();

        public void Fail(Exception? error)
        {
            var reason = error?.GetBaseException() ?? new OperationCanceledException("the stream was reset");
            if (_stream.TrySetException(reason))
            {
                _ = _stream.Task.Exception;
            }
            _done.TrySetCanceled();
        }

        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
            SerializeToStreamAsync(stream, context, CancellationToken.None);

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
        {
            await stream.FlushAsync(cancellationToken).ConfigureAwait(false);
            _stream.TrySetResult(stream);
            await _done.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
