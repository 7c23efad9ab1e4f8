using System.Threading.Channels;
using Epp.Lab.Wire;

namespace Epp.Lab.Gateway;

/// <summary>The EPP failed the exchange: a gRPC status other than OK, a lost connection, or an answer out of order.</summary>
internal sealed class ExtProcException(string message) : Exception(message);

/// <summary>
/// The ext_proc side of one HTTP exchange, as Envoy plays it in FULL_DUPLEX_STREAMED mode: messages go out as the data comes,
/// data goes on only as the EPP hands it back. Disposing resets the stream.
/// Sends are serialised; <see cref="RequestHeadersAsync"/> and the like may be awaited beside them.
/// </summary>
internal sealed class ExtProcExchange : IAsyncDisposable
{
    /// <summary>Envoy's request frames on an HTTP/1.1 connection carry at most this many body bytes.</summary>
    public const int FrameBytes = 16 * 1024;

    readonly GrpcStream _stream;
    readonly SemaphoreSlim _sending = new(1);
    readonly TaskCompletionSource<Reply> _requestHeaders = new(TaskCreationOptions.RunContinuationsAsynchronously);
    readonly TaskCompletionSource<Reply> _responseHeaders = new(TaskCreationOptions.RunContinuationsAsynchronously);
    readonly Channel<Reply> _requestBody = Channel.CreateUnbounded<Reply>();
    readonly Channel<Reply> _responseBody = Channel.CreateUnbounded<Reply>();
    readonly Task _receiving;

    public ExtProcExchange(HttpMessageInvoker client, Uri epp, CancellationToken cancel)
    {
        _stream = GrpcStream.Open(client, epp, ExtProcMessages.Process, cancel);
        _receiving = ReceiveAsync();
    }

    /// <summary>The answer to the request headers: changes, or an immediate response, or <see cref="ReplyKind.None"/> when the EPP closed the stream with OK.</summary>
    public Task<Reply> RequestHeadersAsync => _requestHeaders.Task;

    /// <summary>The answer to the response headers, in the same three forms.</summary>
    public Task<Reply> ResponseHeadersAsync => _responseHeaders.Task;

    /// <summary>The request body as the EPP hands it back; the last item has EndOfStream.</summary>
    public IAsyncEnumerable<Reply> RequestBody(CancellationToken cancel) => _requestBody.Reader.ReadAllAsync(cancel);

    /// <summary>The response body as the EPP hands it back; the last item has EndOfStream.</summary>
    public IAsyncEnumerable<Reply> ResponseBody(CancellationToken cancel) => _responseBody.Reader.ReadAllAsync(cancel);

    public async Task SendAsync(ReadOnlyMemory<byte> message, CancellationToken cancel)
    {
        await _sending.WaitAsync(cancel).ConfigureAwait(false);
        try
        {
            await _stream.WriteAsync(message).ConfigureAwait(false);
        }
        finally
        {
            _sending.Release();
        }
    }

    /// <summary>Sends a body as it arrives, then an empty message with end of stream, as Envoy does for HTTP/1.1.</summary>
    public async Task SendBodyAsync(Stream body, bool request, CancellationToken cancel)
    {
        var buffer = new byte[FrameBytes];
        int got;
        while ((got = await body.ReadAsync(buffer, cancel).ConfigureAwait(false)) > 0)
        {
            await SendAsync(ExtProcMessages.ForBody(request, buffer.AsMemory(0, got), endOfStream: false), cancel).ConfigureAwait(false);
        }
        await SendAsync(ExtProcMessages.ForBody(request, default, endOfStream: true), cancel).ConfigureAwait(false);
    }

    async Task ReceiveAsync()
    {
        try
        {
            while (await _stream.ReadAsync().ConfigureAwait(false) is { } message)
            {
                Dispatch(ExtProcMessages.Decode(message));
            }
            if (_stream.Status != 0)
            {
                throw new ExtProcException($"the EPP ended the stream with gRPC status {_stream.Status} {_stream.StatusMessage}");
            }
            // Closed with OK: what has no answer yet goes on unprocessed.
            Finish(new Reply());
        }
        // Disposed: the exchange was given up between two reads.
        catch (Exception e) when (e is ExtProcException or WireException or IOException or HttpRequestException or OperationCanceledException or ObjectDisposedException)
        {
            Fail(e as ExtProcException ?? new ExtProcException($"ext_proc stream failed: {e.Message}"));
        }
    }

    void Dispatch(Reply reply)
    {
        var legal = reply.Kind switch
        {
            ReplyKind.RequestHeaders => _requestHeaders.TrySetResult(reply),
            ReplyKind.RequestBody => _requestHeaders.Task.IsCompleted && _requestBody.Writer.TryWrite(reply),
            ReplyKind.ResponseHeaders => _responseHeaders.TrySetResult(reply),
            ReplyKind.ResponseBody => _responseHeaders.Task.IsCompleted && _responseBody.Writer.TryWrite(reply),
            ReplyKind.RequestTrailers or ReplyKind.ResponseTrailers => true,
            ReplyKind.Immediate => Finish(reply),
            _ => false,
        };
        if (!legal)
        {
            throw new ExtProcException($"spurious message: {reply.Kind} where the exchange does not allow it");
        }
        if (reply.EndOfStream && reply.Kind == ReplyKind.RequestBody)
        {
            _requestBody.Writer.TryComplete();
        }
        else if (reply.EndOfStream && reply.Kind == ReplyKind.ResponseBody)
        {
            _responseBody.Writer.TryComplete();
        }
    }

    bool Finish(Reply reply)
    {
        _requestHeaders.TrySetResult(reply);
        _responseHeaders.TrySetResult(reply);
        _requestBody.Writer.TryComplete();
        _responseBody.Writer.TryComplete();
        return true;
    }

    void Fail(ExtProcException error)
    {
        // Some of these are never awaited; observing them here keeps the failure from surfacing as unobserved.
        if (_requestHeaders.TrySetException(error))
        {
            _ = _requestHeaders.Task.Exception;
        }
        if (_responseHeaders.TrySetException(error))
        {
            _ = _responseHeaders.Task.Exception;
        }
        _requestBody.Writer.TryComplete(error);
        _responseBody.Writer.TryComplete(error);
    }

    public async ValueTask DisposeAsync()
    {
        await _stream.DisposeAsync().ConfigureAwait(false);
        await _receiving.ConfigureAwait(false);
        _sending.Dispose();
    }
}
