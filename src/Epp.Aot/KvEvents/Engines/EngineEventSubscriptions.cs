using System.Collections.Concurrent;
using Epp.Aot.KvEvents.Zmq;
using Epp.Native.KvEvents;
using Epp.Native.KvEvents.Engines;
using Microsoft.Extensions.Logging;

namespace Epp.Aot.KvEvents.Engines;

/// <summary>
/// KV events straight from engines over ZMQ (kv-routing §8): connects to every rank of every endpoint it is told of, or listens for engines that
/// connect. Broken connections are made anew, missed events replayed; the blocks of an interrupted engine stay until its endpoint goes. Any
/// thread may call.
/// </summary>
internal sealed class EngineEventSubscriptions : IAsyncDisposable
{
    private const int SilentBeats = 6;

    private readonly EngineContext _context;
    private readonly ConcurrentDictionary<ulong, EngineWorker> _workers = new();
    private readonly ConcurrentDictionary<ZmtpConnection, bool> _connections = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly ITimer _heartbeat;
    private readonly EngineEventListener? _listener;
    private ulong _seed;
    private long _connectionNumbers;

    /// <param name="options">Ports, filter, limits.</param>
    /// <param name="target">Takes the events.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Takes changes of state.</param>
    /// <param name="series">Takes the figures.</param>
    /// <param name="seed">Seeds the spread of reconnects.</param>
    /// <param name="names">When listening: the worker behind the name that an engine gives itself.</param>
    public EngineEventSubscriptions(EngineEventOptions options, IKvEventTarget target, TimeProvider time, ILogger logger, KvEventSeries series, ulong seed, EngineNameLookup? names = null)
    {
        _context = new EngineContext(options, target, time, logger, series);
        _seed = seed;
        _heartbeat = time.CreateTimer(static s => ((EngineEventSubscriptions)s!).Beat(), this, options.Heartbeat, options.Heartbeat);
        if (options.ListenPort > 0)
        {
            _listener = new EngineEventListener(_context, this, names ?? (static (_, _, out id) => { id = 0; return false; }));
            _listener.Start(_stop.Token);
        }
    }

    /// <summary>The figures.</summary>
    public KvEventSeries Series => _context.Series;

    /// <summary>
    /// An endpoint appeared, or moved to another address. Its ranks are <paramref name="firstRank"/> and the following; each has its own port.
    /// </summary>
    public void Add(ulong workerId, string address, uint firstRank = 0, int ranks = 1)
    {
        if (_workers.TryGetValue(workerId, out var known) && known.Address != address)
        {
            Remove(workerId);
        }

        var worker = new EngineWorker(workerId, address, _context.Target, _context.Series, _context.Options.MaxMessageBytes);
        if (_stop.IsCancellationRequested || !_workers.TryAdd(workerId, worker) || _listener is not null)
        {
            return;
        }

        for (var rank = firstRank; rank < firstRank + (uint)ranks; rank++)
        {
            if (RankOf(worker, rank) is { } state)
            {
                _ = FollowAsync(worker, state, rank, Interlocked.Increment(ref _seed));
            }
        }
    }

    /// <summary>An endpoint is gone: its blocks go before this returns.</summary>
    public void Remove(ulong workerId)
    {
        if (_workers.TryRemove(workerId, out var worker))
        {
            worker.Remove();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _heartbeat.DisposeAsync().ConfigureAwait(false);
        foreach (var worker in _workers.Values)
        {
            await worker.Stop.CancelAsync().ConfigureAwait(false);
        }

        foreach (var connection in _connections.Keys)
        {
            connection.Abort("stopped");
        }

        _listener?.Dispose();
        _context.Dispose();
    }

    internal EngineWorker? Worker(ulong id) => _workers.GetValueOrDefault(id);

    internal EngineRank? RankOf(EngineWorker worker, uint rank) => worker.Rank(rank, (w, r) => new EngineRank(w, r, _context));

    /// <summary>Keeps an open connection in the figures and under heartbeat until disposed.</summary>
    internal long Register(ZmtpConnection connection)
    {
        _connections[connection] = true;
        _context.Series.Connect(1);
        return Interlocked.Increment(ref _connectionNumbers);
    }

    internal void Unregister(ZmtpConnection connection)
    {
        _connections.TryRemove(connection, out _);
        _context.Series.Connect(-1);
    }

    private async Task FollowAsync(EngineWorker worker, EngineRank rank, uint number, ulong seed)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        var delay = new RetryDelay(seed, _context.Options.RetryCap);
        var stop = worker.Stop.Token;
        var interrupted = false;
        while (!stop.IsCancellationRequested)
        {
            var failure = "";
            try
            {
                (var connection, failure, var refused) = await ZmtpConnection.ConnectAsync(
                    worker.Address, _context.Options.Port + (int)number, _context.Wire, _context.Subscriptions, _context.Options.ConnectTimeout, stop).ConfigureAwait(false);
                if (connection is not null)
                {
                    delay.Reset();
                    interrupted = false;
                    failure = await ReadAsync(connection, rank, stop).ConfigureAwait(false);
                }
                else if (refused)
                {
                    rank.EngineGone();
                }
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (Exception e)
            {
                KvEventLog.Unexpected(_context.Logger, rank.Name, e);
            }

            if (!stop.IsCancellationRequested)
            {
                if (!interrupted)
                {
                    KvEventLog.Interrupted(_context.Logger, rank.Name, failure);
                    interrupted = true;
                }

                await Task.Delay(delay.Next(), _context.Time, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async Task<string> ReadAsync(ZmtpConnection connection, EngineRank rank, CancellationToken stop)
    {
        var number = Register(connection);
        try
        {
            await using var registration = stop.UnsafeRegister(static c => ((ZmtpConnection)c!).Abort("stopped"), connection).ConfigureAwait(false);
            KvEventLog.Connected(_context.Logger, rank.Name);
            connection.IsPaused = true;
            await rank.BeginAsync(number, stop).ConfigureAwait(false);
            connection.IsPaused = false;
            var modelKnown = false;
            do
            {
                var messages = 0;
                while (connection.TryRead())
                {
                    messages++;
                    if (!modelKnown)
                    {
                        modelKnown = true;
                        _context.Options.ModelSeen?.Invoke(EngineFrames.Model(connection));
                    }

                    if (!EngineFrames.TryRead(connection, out var sequence))
                    {
                        _context.Series.AddUndecodableMessage();
                    }
                    else if (!rank.TryApply(sequence, EngineFrames.Payload(connection)))
                    {
                        connection.IsPaused = true;
                        await rank.RepairAsync(stop).ConfigureAwait(false);
                        connection.IsPaused = false;
                        rank.ApplyAfterRepair(sequence, EngineFrames.Payload(connection));
                    }
                }

                if (messages > 0)
                {
                    _context.Series.AddMessages(messages, _context.NowMs);
                }
            }
            while (await connection.FillAsync().ConfigureAwait(false));
            return connection.Failure;
        }
        finally
        {
            Unregister(connection);
            connection.Dispose();
            if (!stop.IsCancellationRequested)
            {
                _context.Series.AddReconnect();
            }
        }
    }

    private void Beat()
    {
        foreach (var (connection, _) in _connections)
        {
            connection.Beat(SilentBeats);
        }
    }
}

/// <summary>The frames of an engine's message on a connection: <c>[topic, sequence, payload]</c>.</summary>
internal static class EngineFrames
{
    public static bool TryRead(ZmtpConnection connection, out ulong sequence)
    {
        sequence = 0;
        return connection.FrameCount == 3 && EngineMessage.TryReadSequence(connection.Frame(1), out sequence) && sequence != EngineMessage.EndOfReplay;
    }

    /// <summary>The model of a topic <c>kv@pod@model</c>; empty where the topic has another form.</summary>
    public static ReadOnlySpan<byte> Model(ZmtpConnection connection)
    {
        var topic = connection.FrameCount > 0 ? connection.Frame(0) : default;
        var first = topic.IndexOf((byte)'@');
        var second = first < 0 ? -1 : topic[(first + 1)..].IndexOf((byte)'@');
        return second < 0 || topic[(first + second + 2)..].Contains((byte)'@') ? default : topic[(first + second + 2)..];
    }

    public static ReadOnlySpan<byte> Payload(ZmtpConnection connection) => connection.Frame(2);
}
