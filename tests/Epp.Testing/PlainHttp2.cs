using System.Buffers;
using System.IO.Pipelines;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace Epp.Testing;

/// <summary>
/// Connection middleware that lets one Kestrel port speak HTTP/1.1 and HTTP/2 without TLS: a connection that opens with the HTTP/2
/// preface is marked as if ALPN had chosen h2.
/// </summary>
internal static class PlainHttp2
{
    public static ConnectionDelegate DetectAsync(ConnectionDelegate next) => async connection =>
    {
        if (await StartsWithPrefaceAsync(connection.Transport.Input))
        {
            var chosen = new ChosenHttp2();
            connection.Features.Set<ITlsConnectionFeature>(chosen);
            connection.Features.Set<ITlsApplicationProtocolFeature>(chosen);
        }

        await next(connection);
    };

    private static async Task<bool> StartsWithPrefaceAsync(PipeReader input)
    {
        while (true)
        {
            var read = await input.ReadAsync();
            var buffer = read.Buffer;
            if (buffer.Length < 4 && !read.IsCompleted)
            {
                input.AdvanceTo(buffer.Start, buffer.End);
                continue;
            }

            var isPreface = buffer.Length >= 4 && buffer.Slice(0, 4).ToArray().AsSpan().SequenceEqual("PRI "u8);
            // Nothing examined: the next read returns the same bytes at once.
            input.AdvanceTo(buffer.Start, buffer.Start);
            return isPreface;
        }
    }

    private sealed class ChosenHttp2 : ITlsConnectionFeature, ITlsApplicationProtocolFeature
    {
        public X509Certificate2? ClientCertificate { get; set; }

        public ReadOnlyMemory<byte> ApplicationProtocol { get; } = "h2"u8.ToArray();

        public Task<X509Certificate2?> GetClientCertificateAsync(CancellationToken cancellationToken) => Task.FromResult<X509Certificate2?>(null);
    }
}
