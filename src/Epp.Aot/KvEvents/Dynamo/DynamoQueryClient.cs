using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Epp.Native.KvEvents.Dynamo;
using Epp.Native.Scheduling;

namespace Epp.Aot.KvEvents.Dynamo;

/// <summary>Where a worker answers queries, from its discovery record: <c>"tcp": "host:port/path"</c>.</summary>
/// <param name="Host">Host.</param>
/// <param name="Port">Port.</param>
/// <param name="Path">Path of the endpoint there.</param>
/// <param name="MsgPack">It speaks MessagePack (1.4 and later, <c>request_plane_codec</c>), not JSON.</param>
internal sealed record DynamoQueryTarget(string Host, int Port, string Path, bool MsgPack)
{
    /// <summary>Null where the text is no address with a path.</summary>
    public static DynamoQueryTarget? Parse(string tcp, bool msgPack)
    {
        var slash = tcp.IndexOf('/', StringComparison.Ordinal);
        var colon = slash < 0 ? -1 : tcp.LastIndexOf(':', slash);
        return colon > 0 && int.TryParse(tcp.AsSpan((colon + 1)..slash), out var port) && port is > 0 and <= 65535 && slash + 1 < tcp.Length
            ? new DynamoQueryTarget(tcp[..colon].Trim('[', ']'), port, tcp[(slash + 1)..], msgPack)
            : null;
    }
}

/// <summary>
/// Asks workers over Dynamo's TCP request plane. The request goes to the worker; the worker connects back to a port that is open only while
/// somebody waits for an answer, and names the answer it brings. One answer per request.
/// </summary>
internal sealed class DynamoQueryClient : IDisposable
{
    private const int MaxConnections = 64;
    private const int MaxHeaderBytes = 64 * 1024;

    private readonly DynamoEventOptions _options;
    private readonly TimeProvider _time;
    private readonly ConcurrentDictionary<string, TaskCompletionSource<(byte[]? Answer, string Failure)>> _waiting = new(StringComparer.Ordinal);
    private readonly Lock _gate = new();
    private RandomSource _random;
    private Socket? _listener;
    private int _connections;

    public DynamoQueryClient(DynamoEventOptions options, TimeProvider time, ulong seed) => (_options, _time, _random) = (options, time, new RandomSource(seed));

    /// <summary>Sends a query and waits for the answer; null with the reason where none comes. Never throws for what a worker does.</summary>
    public async Task<(byte[]? Answer, string Failure)> AskAsync(DynamoQueryTarget target, ReadOnlyMemory<byte> query, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(_options.QueryTimeout);
        var waiting = new TaskCompletionSource<(byte[]?, string)>(TaskCreationOptions.RunContinuationsAsynchronously);
        string subject, id;
        int port;
        lock (_gate)
        {
            (subject, id) = (Uuid(), Uuid());
            port = Listen();
        }

        _waiting[subject] = waiting;
        try
        {
            using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            await socket.ConnectAsync(target.Host, target.Port, limit.Token).ConfigureAwait(false);
            var frame = DynamoRequestFrames.Request(target.Path, id, Answers(socket, port), subject, target.MsgPack, query.Span);
            await SendAsync(socket, frame, limit.Token).ConfigureAwait(false);
            _ = WatchAsync(socket, waiting);
            using var stop = limit.Token.UnsafeRegister(static w => ((TaskCompletionSource<(byte[]?, string)>)w!).TrySetResult((null, "no answer in time")), waiting);
            return await waiting.Task.ConfigureAwait(false);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            return (null, e is OperationCanceledException ? "no connection in time" : e.Message);
        }
        finally
        {
            _waiting.TryRemove(subject, out _);
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _listener?.Dispose();
        }
    }

    /// <summary>Where the worker connects to: what leads here from there is the address that leads there from here.</summary>
    private string Answers(Socket socket, int port)
    {
        if (_options.AdvertisedAddress.Length == 0 && socket.LocalEndPoint is IPEndPoint local)
        {
            return new IPEndPoint(local.Address.IsIPv4MappedToIPv6 ? local.Address.MapToIPv4() : local.Address, port).ToString();
        }

        return _options.AdvertisedAddress.Contains(':', StringComparison.Ordinal) ? $"[{_options.AdvertisedAddress}]:{port}" : $"{_options.AdvertisedAddress}:{port}";
    }

    private static async Task SendAsync(Socket socket, byte[] frame, CancellationToken cancellation)
    {
        for (var sent = 0; sent < frame.Length;)
        {
            sent += await socket.SendAsync(frame.AsMemory(sent), cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>The acknowledgement: four zero bytes; a length above 0 announces a refusal.</summary>
    private static async Task WatchAsync(Socket socket, TaskCompletionSource<(byte[]?, string)> waiting)
    {
        try
        {
            var bytes = new byte[DynamoRequestFrames.AcknowledgementBytes];
            for (var at = 0; at < bytes.Length;)
            {
                var received = await socket.ReceiveAsync(bytes.AsMemory(at)).ConfigureAwait(false);
                at += received;
                if (received == 0)
                {
                    waiting.TrySetResult((null, "the worker closed the connection without taking the query"));
                    return;
                }
            }

            if (bytes.AsSpan().ContainsAnyExcept((byte)0))
            {
                waiting.TrySetResult((null, "the worker refuses the query"));
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            waiting.TrySetResult((null, e.Message));
        }
    }

    private int Listen()
    {
        if (_listener is null)
        {
            _listener = new Socket(SocketType.Stream, ProtocolType.Tcp);
            _listener.Bind(new IPEndPoint(_listener.AddressFamily == AddressFamily.InterNetworkV6 ? IPAddress.IPv6Any : IPAddress.Any, _options.AnswerPort));
            _listener.Listen(MaxConnections);
            _ = AcceptAsync(_listener);
        }

        return ((IPEndPoint)_listener.LocalEndPoint!).Port;
    }

    private async Task AcceptAsync(Socket listener)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        while (true)
        {
            try
            {
                var socket = await listener.AcceptAsync().ConfigureAwait(false);
                if (_waiting.IsEmpty || Interlocked.Increment(ref _connections) > MaxConnections)
                {
                    socket.Dispose();
                    Interlocked.Decrement(ref _connections);
                    continue;
                }

                _ = ReceiveAsync(socket);
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                if (e is ObjectDisposedException || listener.SafeHandle.IsClosed)
                {
                    return;
                }
            }
        }
    }

    /// <summary>Frames of an answer: who it is for, a prologue that may name an error, the data, the end.</summary>
    private async Task ReceiveAsync(Socket socket)
    {
        TaskCompletionSource<(byte[]?, string)>? waiting = null;
        using var buffer = new ReceiveBuffer(_options.MaxMessageBytes);
        try
        {
            using var limit = new CancellationTokenSource(_options.QueryTimeout);
            while (true)
            {
                var ended = false;
                while (!ended && Take(buffer, ref waiting, ref ended))
                {
                }

                if (ended)
                {
                    return;
                }

                var room = buffer.Room();
                var received = room.IsEmpty ? 0 : await socket.ReceiveAsync(room, limit.Token).ConfigureAwait(false);
                if (received == 0)
                {
                    waiting?.TrySetResult((null, "the worker closed the connection before its answer"));
                    return;
                }

                buffer.Filled(received);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException or InvalidDataException)
        {
            waiting?.TrySetResult((null, e.Message));
        }
        finally
        {
            socket.Dispose();
            Interlocked.Decrement(ref _connections);
        }
    }

    private bool Take(ReceiveBuffer buffer, ref TaskCompletionSource<(byte[]?, string)>? waiting, ref bool ended)
    {
        // A stranger who names no query of ours may not send more than a header's worth.
        var most = waiting is null ? MaxHeaderBytes : _options.MaxMessageBytes;
        if (!DynamoRequestFrames.TryReadTwoPart(buffer.Content, most, out var header, out var data, out var consumed))
        {
            return consumed < 0 ? throw new InvalidDataException("an answer exceeds the limit") : false;
        }

        if (waiting is null)
        {
            var subject = JsonMember.Find(header, "subject");
            waiting = subject is not null && _waiting.TryGetValue(subject, out var found) ? found : throw new InvalidDataException("an answer nobody waits for");
        }
        else if (header.SequenceEqual("\"sentinel\""u8))
        {
            ended = true;
        }
        else if (!data.IsEmpty)
        {
            waiting.TrySetResult((data.ToArray(), ""));
        }
        else if (JsonMember.Find(header, "error") is { } error)
        {
            waiting.TrySetResult((null, error));
        }

        buffer.Drop(consumed);
        return true;
    }

    private string Uuid()
    {
        // Version 4: random, apart from the six bits that say so.
        var (high, low) = ((_random.Next() & ~0xf000UL) | 0x4000, (_random.Next() & ~(3UL << 62)) | (1UL << 63));
        var hex = $"{high:x16}{low:x16}";
        return $"{hex[..8]}-{hex[8..12]}-{hex[12..16]}-{hex[16..20]}-{hex[20..]}";
    }
}
