using System.Buffers.Binary;
using Epp.Lab.Wire;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Epp.Lab.Gateway;

/// <summary>
/// The smallest legal ext_proc peer in FULL_DUPLEX_STREAMED mode: buffers the request body, names a random endpoint, hands
/// everything back unchanged. It tests the gateway without an EPP and shows what random routing gives.
/// </summary>
internal static class RandomEpp
{
    public static readonly Option[] Options =
    [
        new("port", "9002", "gRPC port on 127.0.0.1 (plaintext), 0 = a free one"),
        new("workers", "127.0.0.1:8000", "comma list of ip:port"),
        new("seed", "1", "seed of the choice"),
        new("reject", "", "text: answer every request with an immediate 429 carrying it"),
    ];

    public static async Task<int> RunAsync(Flags flags, CancellationToken stop)
    {
        var workers = flags.Text("workers").Split(',', StringSplitOptions.RemoveEmptyEntries);
        var random = new Random(flags.Int("seed"));
        var app = LocalServer.Build(flags.Int("port"), Microsoft.AspNetCore.Server.Kestrel.Core.HttpProtocols.Http2);
        await using var _ = app.ConfigureAwait(false);
        app.Run(context =>
        {
            string worker;
            lock (random)
            {
                worker = workers[random.Next(workers.Length)];
            }
            return ServeAsync(context, worker, flags.Text("reject"));
        });
        await app.StartAsync(stop).ConfigureAwait(false);
        Console.WriteLine($"random-epp on 127.0.0.1:{LocalServer.PortOf(app)}");
        await Task.Delay(Timeout.Infinite, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return 0;
    }

    static async Task ServeAsync(HttpContext context, string worker, string reject)
    {
        context.Response.ContentType = "application/grpc";
        var held = new List<byte[]>();
        try
        {
            if (context.Request.Path == "/grpc.health.v1.Health/Check")
            {
                // HealthCheckResponse.status = SERVING.
                await WriteAsync(context, new ProtoWriter().Varint(1, 1).Written).ConfigureAwait(false);
                context.Response.AppendTrailer("grpc-status", "0");
                return;
            }
            while (await ReadAsync(context.Request.Body, context.RequestAborted).ConfigureAwait(false) is { } message)
            {
                foreach (var answer in Answers(message, worker, reject, held))
                {
                    await WriteAsync(context, answer).ConfigureAwait(false);
                }
            }
            context.Response.AppendTrailer("grpc-status", "0");
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or BadHttpRequestException)
        {
            // The gateway resets the stream when it is done.
        }
    }

    static IEnumerable<ReadOnlyMemory<byte>> Answers(byte[] message, string worker, string reject, List<byte[]> held)
    {
        var (kind, body, end) = Parse(message);
        switch (kind)
        {
            case 2 when end:
                yield return Headers(worker);
                break;
            case 3:
                yield return new ProtoWriter().Message(2, static _ => { }).Written;
                break;
            case 4:
                held.Add(body);
                if (end && reject.Length > 0)
                {
                    yield return new ProtoWriter().Message(7, m => m.Message(1, s => s.Varint(1, 429)).Text(3, reject)).Written;
                }
                else if (end)
                {
                    yield return Headers(worker);
                    for (var i = 0; i < held.Count; i++)
                    {
                        yield return Body(3, held[i], i == held.Count - 1);
                    }
                }
                break;
            case 5:
                yield return Body(4, body, end);
                break;
        }
    }

    static ReadOnlyMemory<byte> Headers(string worker) => new ProtoWriter()
        .Message(1, m => m.Message(1, c => c.Message(2, set => set.Message(1, option => option
            .Message(1, h => h.Text(1, "x-gateway-destination-endpoint").Text(3, worker))))))
        .Written;

    static ReadOnlyMemory<byte> Body(int kind, byte[] body, bool end) => new ProtoWriter()
        .Message(kind, m => m.Message(1, c => c.Message(3, b => b.Message(3, s => s.Bytes(1, body).Bool(2, end)))))
        .Written;

    static (int Kind, byte[] Body, bool End) Parse(byte[] message)
    {
        var (kind, body, end) = (0, Array.Empty<byte>(), false);
        var reader = new ProtoReader(message);
        while (reader.Next())
        {
            if (reader.Field is < 2 or > 7)
            {
                continue;
            }
            kind = reader.Field;
            var inner = new ProtoReader(reader.Payload);
            while (inner.Next())
            {
                body = kind is 4 or 5 && inner.Field == 1 ? inner.Payload.ToArray() : body;
                // end_of_stream is field 2 of a body, field 3 of headers.
                end |= inner.Field == (kind is 4 or 5 ? 2 : 3) && inner.Value != 0;
            }
        }
        return (kind, body, end);
    }

    static async Task<byte[]?> ReadAsync(Stream stream, CancellationToken cancel)
    {
        var prefix = new byte[5];
        if (await stream.ReadAtLeastAsync(prefix, 5, throwOnEndOfStream: false, cancel).ConfigureAwait(false) < 5)
        {
            return null;
        }
        var message = new byte[BinaryPrimitives.ReadInt32BigEndian(prefix.AsSpan(1))];
        await stream.ReadExactlyAsync(message, cancel).ConfigureAwait(false);
        return message;
    }

    static async Task WriteAsync(HttpContext context, ReadOnlyMemory<byte> message)
    {
        var frame = new byte[5 + message.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(1), message.Length);
        message.CopyTo(frame.AsMemory(5));
        await context.Response.Body.WriteAsync(frame, context.RequestAborted).ConfigureAwait(false);
        await context.Response.Body.FlushAsync(context.RequestAborted).ConfigureAwait(false);
    }
}
