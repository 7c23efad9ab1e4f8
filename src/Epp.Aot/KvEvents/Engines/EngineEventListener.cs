using System.Net;
using System.Net.Sockets;
using System.Text;
using Epp.Aot.KvEvents.Zmq;
using Epp.Native.KvEvents.Engines;
using Epp.Native.Wire.Zmtp;
using Microsoft.Extensions.Logging;

namespace Epp.Aot.KvEvents.Engines;

/// <summary>The worker behind the name that an engine puts into its topic, <c>kv@{pod}@{model}</c>.</summary>
internal delegate bool EngineNameLookup(ReadOnlySpan<byte> pod, ReadOnlySpan<byte> model, out ulong workerId);

/// <summary>
/// The side that binds while engines connect (llm-d's <c>zmqEndpoint</c>). Ranks of one engine use one topic and a connection each; the batch
/// tells the rank. The first message of a publisher that connects is usually lost, so a replay, where there is a socket for it, comes first.
/// </summary>
internal sealed class EngineEventListener(EngineContext context, EngineEventSubscriptions owner, EngineNameLookup names) : IDisposable
{
    private const int Backlog = 512;

    private readonly Socket _socket = new(SocketType.Stream, ProtocolType.Tcp);
    private int _connections;
    private int _saidUnknown;

    public void Start(CancellationToken stop) => _ = AcceptAsync(stop);

    public void Dispose() => _socket.Dispose();

    private async Task AcceptAsync(CancellationToken stop)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        var bound = false;
        while (!stop.IsCancellationRequested)
        {
            try
            {
                if (!bound)
                {
                    _socket.Bind(new IPEndPoint(_socket.AddressFamily == AddressFamily.InterNetworkV6 ? IPAddress.IPv6Any : IPAddress.Any, context.Options.ListenPort));
                    _socket.Listen(Backlog);
                    bound = true;
                }

                var accepted = await _socket.AcceptAsync(stop).ConfigureAwait(false);
                if (Interlocked.Increment(ref _connections) <= context.Options.MaxConnections)
                {
                    _ = ServeAsync(accepted, stop);
                }
                else
                {
                    Interlocked.Decrement(ref _connections);
                    accepted.Dispose();
                }
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
            {
                if (!bound && !stop.IsCancellationRequested)
                {
                    KvEventLog.CannotListen(context.Logger, $"tcp://*:{context.Options.ListenPort}", e.Message);
                }

                await Task.Delay(context.Options.RetryCap, context.Time, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async Task ServeAsync(Socket socket, CancellationToken stop)
    {
        using var connection = new ZmtpConnection(socket, new ZmtpSession(context.Wire with { AsServer = context.Wire.IsPlain }, context.Subscriptions), context.Options.MaxMessageBytes);
        try
        {
            using (var limit = CancellationTokenSource.CreateLinkedTokenSource(stop))
            {
                limit.CancelAfter(context.Options.ConnectTimeout);
                if (!await connection.OpenAsync(limit.Token).ConfigureAwait(false))
                {
                    return;
                }
            }

            await ReadAsync(connection, stop).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // Stopping.
        }
        catch (Exception e)
        {
            KvEventLog.Unexpected(context.Logger, "an engine that connected", e);
        }
        finally
        {
            Interlocked.Decrement(ref _connections);
        }
    }

    private async Task ReadAsync(ZmtpConnection connection, CancellationToken stop)
    {
        var number = owner.Register(connection);
        try
        {
            var publisher = new Publisher();
            do
            {
                var messages = 0;
                while (connection.TryRead())
                {
                    messages++;
                    if (!EngineFrames.TryRead(connection, out var sequence))
                    {
                        context.Series.AddUndecodableMessage();
                    }
                    else if (Find(publisher, connection.Frame(0), EngineFrames.Payload(connection)) is { } rank)
                    {
                        await ApplyAsync(rank, number, sequence, connection, stop).ConfigureAwait(false);
                    }
                    else
                    {
                        context.Series.AddDropped();
                    }
                }

                if (messages > 0)
                {
                    context.Series.AddMessages(messages, context.NowMs);
                }
            }
            while (await connection.FillAsync().ConfigureAwait(false));
        }
        finally
        {
            owner.Unregister(connection);
            context.Series.AddReconnect();
        }
    }

    private static async ValueTask ApplyAsync(EngineRank rank, long number, ulong sequence, ZmtpConnection connection, CancellationToken stop)
    {
        connection.IsPaused = true;
        await rank.Turn.WaitAsync(stop).ConfigureAwait(false);
        try
        {
            if (number > rank.Owner)
            {
                await rank.BeginAsync(number, stop).ConfigureAwait(false);
            }

            if (number == rank.Owner && !rank.TryApply(sequence, EngineFrames.Payload(connection)))
            {
                await rank.RepairAsync(stop).ConfigureAwait(false);
                rank.ApplyAfterRepair(sequence, EngineFrames.Payload(connection));
            }
        }
        finally
        {
            rank.Turn.Release();
            connection.IsPaused = false;
        }
    }

    private EngineRank? Find(Publisher publisher, ReadOnlySpan<byte> topic, ReadOnlySpan<byte> payload)
    {
        if (publisher.Worker is null || publisher.Worker.IsRemoved || !topic.SequenceEqual(publisher.Topic))
        {
            EngineTopic.Split(topic, out var pod, out var model);
            publisher.Worker = names(pod, model, out var id) ? owner.Worker(id) : null;
            if (publisher.Worker is null)
            {
                SayUnknown(topic);
                return null;
            }

            publisher.Topic = topic.ToArray();
            publisher.Rank = null;
        }

        if (!EngineEventDecoder.TryReadRank(payload, out var rank))
        {
            rank = publisher.RankNumber;
        }

        if (publisher.Rank is null || publisher.RankNumber != rank)
        {
            publisher.RankNumber = rank;
            publisher.Rank = owner.RankOf(publisher.Worker, rank);
        }

        return publisher.Rank;
    }

    private void SayUnknown(ReadOnlySpan<byte> topic)
    {
        if (Interlocked.Exchange(ref _saidUnknown, 1) == 0)
        {
            KvEventLog.UnknownPublisher(context.Logger, Encoding.ASCII.GetString(topic[..int.Min(topic.Length, 128)]));
        }
    }

    /// <summary>Who sent the last message of a connection: nearly always who sends the next one.</summary>
    private sealed class Publisher
    {
        public byte[] Topic { get; set; } = [];

        public EngineWorker? Worker { get; set; }

        public EngineRank? Rank { get; set; }

        public uint RankNumber { get; set; }
    }
}
