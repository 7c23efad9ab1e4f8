using System.Buffers.Binary;
using System.Net;
using Google.Protobuf;
using Proto = Epp.Testing.Protos;

namespace Epp.Testing;

/// <summary>One ext_proc stream as a proxy holds it. Every wait has a limit. Used by one task at a time.</summary>
public sealed class GrpcStream : IAsyncDisposable
{
    /// <summary>Path of the ext_proc method.</summary>
    public const string ProcessPath = "/envoy.service.ext_proc.v3.ExternalProcessor/Process";

    private readonly HttpRequestMessage _request;
    private readonly DuplexContent _content;
    private readonly CancellationTokenSource _cancel = new();
    private readonly Task<HttpResponseMessage> _response;
    private readonly byte[] _prefix = new byte[5];
    private Stream? _incoming;

    internal GrpcStream(HttpClient client, HttpRequestMessage request, DuplexContent content)
    {
        (_request, _content) = (request, content);
        _response = client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, _cancel.Token);
    }

    /// <summary>True once the server has answered with headers.</summary>
    public bool HasResponse => _response.IsCompletedSuccessfully;

    public Task SendAsync(Proto.ProcessingRequest message) => SendRawAsync(GrpcChannel.Frame(message.ToByteArray()));

    /// <summary>Sends bytes as they are: framed messages, or what is none.</summary>
    public async Task SendRawAsync(ReadOnlyMemory<byte> bytes)
    {
        var first = await Task.WhenAny(_content.Stream, _response).WaitAsync(Wait.Limit);
        if (first == _response && !_content.Stream.IsCompleted)
        {
            // Throws what the connection failed with; an early answer has no stream to write to.
            await _response;
            return;
        }

        var stream = await _content.Stream;
        try
        {
            await stream.WriteAsync(bytes).AsTask().WaitAsync(Wait.Limit);
            await stream.FlushAsync().WaitAsync(Wait.Limit);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or HttpRequestException)
        {
            // A server that has answered and ended the stream takes no more; without an answer this throws what went wrong.
            await _response.WaitAsync(Wait.Limit);
        }
    }

    /// <summary>Ends the client's side.</summary>
    public async Task HalfCloseAsync()
    {
        await Task.WhenAny(_content.Stream, _response).WaitAsync(Wait.Limit);
        _content.Complete();
    }

    /// <summary>The next message; null at the end of the stream.</summary>
    public async Task<Proto.ProcessingResponse?> ReceiveAsync(TimeSpan? limit = null) =>
        await ReceiveBytesAsync(limit) is { } bytes ? Proto.ProcessingResponse.Parser.ParseFrom(bytes) : null;

    /// <summary>The next message undecoded; null at the end of the stream.</summary>
    public async Task<byte[]?> ReceiveBytesAsync(TimeSpan? limit = null)
    {
        _incoming ??= await (await _response.WaitAsync(limit ?? Wait.Limit)).Content.ReadAsStreamAsync();
        if (await _incoming.ReadAtLeastAsync(_prefix, 5, throwOnEndOfStream: false).AsTask().WaitAsync(limit ?? Wait.Limit) < 5)
        {
            return null;
        }

        var message = new byte[BinaryPrimitives.ReadUInt32BigEndian(_prefix.AsSpan(1))];
        await _incoming.ReadExactlyAsync(message).AsTask().WaitAsync(limit ?? Wait.Limit);
        return message;
    }

    /// <summary>Reads what is left and returns the status; code -1 with the error's text for a stream that the server reset.</summary>
    public async Task<GrpcEnd> EndAsync()
    {
        try
        {
            while (await ReceiveBytesAsync() is not null)
            {
            }
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            return new GrpcEnd(-1, e.ToString());
        }

        var response = await _response;
        if (!response.TrailingHeaders.TryGetValues("grpc-status", out var status) && !response.Headers.TryGetValues("grpc-status", out status))
        {
            return new GrpcEnd(-1, $"no grpc-status, HTTP {(int)response.StatusCode}");
        }

        var message = response.TrailingHeaders.TryGetValues("grpc-message", out var text) || response.Headers.TryGetValues("grpc-message", out text)
            ? WebUtility.UrlDecode(text.First().Replace("+", "%2B", StringComparison.Ordinal))
            : "";
        return new GrpcEnd(int.Parse(status.First(), System.Globalization.CultureInfo.InvariantCulture), message);
    }

    /// <summary>Response headers of the call; waits for them.</summary>
    public async Task<HttpResponseMessage> ResponseAsync() => await _response.WaitAsync(Wait.Limit);

    /// <summary>Cuts the stream with RST_STREAM, as Envoy ends an exchange.</summary>
    public void Reset()
    {
        _content.Abort();
        _cancel.Cancel();
        if (_response.IsCompletedSuccessfully)
        {
            _response.Result.Dispose();
        }
    }

    public async ValueTask DisposeAsync()
    {
        _content.Complete();
        await _cancel.CancelAsync();
        try
        {
            (await _response).Dispose();
        }
        catch (Exception e) when (e is OperationCanceledException or HttpRequestException or IOException)
        {
            // The stream is over either way.
        }

        _request.Dispose();
        _cancel.Dispose();
    }
}
