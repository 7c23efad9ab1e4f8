using System.Buffers.Binary;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;

namespace Epp.Testing;

/// <summary>How a call ended as its client sees it.</summary>
/// <param name="Code">The number of <c>grpc-status</c>; -1 when the stream ended without one.</param>
/// <param name="Message">The decoded <c>grpc-message</c>; empty = none.</param>
public sealed record GrpcEnd(int Code, string Message);

/// <summary>A minimal gRPC client over one HTTP/2 connection, plaintext or TLS without verification.</summary>
public sealed class GrpcChannel : IDisposable
{
    private readonly HttpClient _client;
    private readonly Uri _base;

    public GrpcChannel(int port, bool tls = false, string host = "127.0.0.1")
    {
        var handler = new SocketsHttpHandler
        {
            EnableMultipleHttp2Connections = false,
            ConnectTimeout = TimeSpan.FromSeconds(10),
            PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan,
            AutomaticDecompression = DecompressionMethods.None,
            SslOptions = new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null },
        };
        _client = new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan };
        _base = new Uri($"{(tls ? "https" : "http")}://{host}:{port}");
    }

    /// <summary>Opens a stream on any method; more headers as <c>grpc-timeout</c> or <c>grpc-encoding</c>.</summary>
    public GrpcStream Open(string path, params (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, new Uri(_base, path))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        request.Headers.TryAddWithoutValidation("te", "trailers");
        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        var content = new DuplexContent();
        content.Headers.ContentType = new MediaTypeHeaderValue("application/grpc");
        request.Content = content;
        return new GrpcStream(_client, request, content);
    }

    /// <summary>One message out, all messages of the answer, and the status.</summary>
    public async Task<(GrpcEnd End, IReadOnlyList<byte[]> Messages)> CallAsync(string path, byte[]? message, params (string Name, string Value)[] headers)
    {
        await using var stream = Open(path, headers);
        if (message is not null)
        {
            await stream.SendRawAsync(Frame(message));
        }

        await stream.HalfCloseAsync();
        var messages = new List<byte[]>();
        while (await stream.ReceiveBytesAsync() is { } answer)
        {
            messages.Add(answer);
        }

        return (await stream.EndAsync(), messages);
    }

    /// <summary>A message with its five bytes of prefix.</summary>
    public static byte[] Frame(ReadOnlySpan<byte> message, bool compressed = false)
    {
        var framed = new byte[5 + message.Length];
        framed[0] = compressed ? (byte)1 : (byte)0;
        BinaryPrimitives.WriteUInt32BigEndian(framed.AsSpan(1), (uint)message.Length);
        message.CopyTo(framed.AsSpan(5));
        return framed;
    }

    public void Dispose() => _client.Dispose();
}
