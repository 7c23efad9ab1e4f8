using System.Text;
using Epp.Native.Scheduling;
using Epp.Native.Wire.Nats;
using Microsoft.Extensions.Logging;

namespace Epp.Aot.KvEvents.Nats;

/// <summary>Takes the messages of a subscription, on the thread that reads; must not wait.</summary>
internal interface INatsSink
{
    /// <summary>A message; its spans live until the call returns.</summary>
    void OnMessage(in NatsFrame message);

    /// <summary>Connected, for the first time or again, with the subscriptions in force: messages may have been missed.</summary>
    void OnConnected();
}

/// <summary>
/// A connection to one of several NATS servers that is made anew whenever it breaks, with its subscriptions. Messages are handed on as they are
/// read, with no queue between: a consumer that is too slow is felt by the server, which drops the connection when its own bound is reached;
/// that is counted, and event numbers show what was missed. What we send waits in a bounded queue. Any thread may call.
/// </summary>
internal sealed partial class NatsConnection : IAsyncDisposable
{
    private const int MaxPingsOut = 2;

    private readonly NatsOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly KvEventSeries _series;
    private readonly CancellationTokenSource _stop = new();
    private readonly SemaphoreSlim _wake = new(0);
    private readonly Lock _gate = new();
    private readonly string _inbox;
    private Dictionary<int, Subscription> _subscriptions = [];
    private NatsOutbox _outbox;
    private NatsOutbox _spare;
    private RetryDelay _delay;
    private ITimer? _pinger;
    private NatsLink? _link;
    private int _lastSubscription;
    private int _pingsOut;
    private bool _connected;
    private bool _settled;

    public NatsConnection(NatsOptions options, TimeProvider time, ILogger logger, KvEventSeries series, ulong seed)
    {
        (_options, _time, _logger, _series) = (options, time, logger, series);
        (_outbox, _spare) = (new NatsOutbox(options.MaxPendingBytes), new NatsOutbox(options.MaxPendingBytes));
        _delay = new RetryDelay(seed, options.RetryCap);
        var random = new RandomSource(seed);
        _inbox = $"_INBOX.{random.Next():x16}{random.Next():x16}.";
        Subscribe(_inbox + "*", new InboxSink(this));
    }

    /// <summary>Logged in and reading.</summary>
    public bool IsConnected => Volatile.Read(ref _connected);

    /// <summary>What the server said of itself last.</summary>
    public NatsServerInfo? Server => Volatile.Read(ref _link)?.Server;

    /// <summary>The figures.</summary>
    public KvEventSeries Series => _series;

    public void Start()
    {
        _pinger = _time.CreateTimer(static c => ((NatsConnection)c!).Ping(), this, _options.PingInterval, _options.PingInterval);
        _ = RunAsync();
    }

    /// <summary>Subscribes now and at every later connection.</summary>
    public int Subscribe(string subject, INatsSink sink)
    {
        lock (_gate)
        {
            var number = ++_lastSubscription;
            var bytes = Encoding.UTF8.GetBytes(subject);
            // The reader looks without a lock: what it sees is never changed, only replaced.
            Volatile.Write(ref _subscriptions, new Dictionary<int, Subscription>(_subscriptions) { [number] = new(bytes, sink) });
            if (_connected)
            {
                Note(_outbox.TrySubscribe(bytes, number));
            }

            return number;
        }
    }

    public void Unsubscribe(int subscription)
    {
        lock (_gate)
        {
            var left = new Dictionary<int, Subscription>(_subscriptions);
            var known = left.Remove(subscription);
            Volatile.Write(ref _subscriptions, left);
            if (known && _connected)
            {
                Note(_outbox.TryUnsubscribe(subscription));
            }
        }
    }

    /// <summary>Queues a message; false where it exceeds what the server takes, the queue is full or there is no connection.</summary>
    public bool Publish(ReadOnlySpan<byte> subject, ReadOnlySpan<byte> reply, ReadOnlySpan<byte> payload)
    {
        lock (_gate)
        {
            return _connected && payload.Length <= _link!.Server.MaxPayloadBytes && Note(_outbox.TryPublish(subject, reply, payload));
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        if (_pinger is not null)
        {
            await _pinger.DisposeAsync().ConfigureAwait(false);
        }

        Volatile.Read(ref _link)?.Abort("stopped");
        FailRequests("stopped");
    }

    private async Task RunAsync()
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        var said = "";
        for (var attempt = 0; !_stop.IsCancellationRequested; attempt++)
        {
            var name = _options.Servers[attempt % _options.Servers.Length];
            var failure = await AttemptAsync(name).ConfigureAwait(false);
            if (_stop.IsCancellationRequested)
            {
                return;
            }

            if (failure != said)
            {
                KvEventLog.NatsDown(_logger, Shown(name), failure);
                said = failure;
            }

            // One round through the servers without a wait, then the wait.
            if ((attempt + 1) % _options.Servers.Length == 0)
            {
                await Task.Delay(_delay.Next(), _time, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    /// <summary>One connection from its start to its end; the reason of the end.</summary>
    private async Task<string> AttemptAsync(string name)
    {
        if (!Uri.TryCreate(name.Contains("://", StringComparison.Ordinal) ? name : "nats://" + name, UriKind.Absolute, out var server))
        {
            return "the URL is malformed; it must be nats://host:port";
        }

        try
        {
            var (link, failure) = await NatsLink.OpenAsync(server, _options, _stop.Token).ConfigureAwait(false);
            if (link is null)
            {
                return failure;
            }

            using (link)
            {
                KvEventLog.NatsUp(_logger, Shown(name), link.Server.Version);
                return await ServeAsync(link).ConfigureAwait(false);
            }
        }
        catch (Exception e)
        {
            KvEventLog.Unexpected(_logger, Shown(name), e);
            return e.Message;
        }
    }

    private async Task<string> ServeAsync(NatsLink link)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        lock (_gate)
        {
            _outbox.Clear();
            (_pingsOut, _settled) = (0, false);
            foreach (var (number, subscription) in _subscriptions)
            {
                _outbox.TrySubscribe(subscription.Subject, number);
            }

            // Its answer comes after the subscriptions are in force.
            Note(_outbox.TryPing());
            Volatile.Write(ref _link, link);
            Volatile.Write(ref _connected, true);
        }

        _delay.Reset();
        _series.Connect(1);
        var writer = WriteAsync(link, ended.Token);
        try
        {
            await ReadAsync(link).ConfigureAwait(false);
        }
        finally
        {
            Volatile.Write(ref _connected, false);
            _series.Connect(-1);
            _series.AddReconnect();
            FailRequests("the connection to the NATS server was lost");
            await ended.CancelAsync().ConfigureAwait(false);
            link.Abort("the connection has ended");
            await writer.ConfigureAwait(false);
        }

        return link.Failure;
    }

    private async Task ReadAsync(NatsLink link)
    {
        do
        {
            var messages = 0;
            while (Accept(link, ref messages))
            {
            }

            if (messages > 0)
            {
                _series.AddMessages(messages, (long)_time.GetElapsedTime(0).TotalMilliseconds);
            }
        }
        while (await link.FillAsync().ConfigureAwait(false));
    }

    /// <summary>Takes one frame; false where more bytes are needed.</summary>
    private bool Accept(NatsLink link, ref int messages)
    {
        var operation = link.Read(out var frame);
        switch (operation)
        {
            case NatsOp.Message:
                messages++;
                if (Volatile.Read(ref _subscriptions).TryGetValue(frame.Subscription, out var subscription))
                {
                    subscription.Sink.OnMessage(frame);
                }

                return true;
            case NatsOp.Ping:
                Queue(static box => box.TryPong());
                return true;
            case NatsOp.Pong:
                Volatile.Write(ref _pingsOut, 0);
                Settle();
                return true;
            case NatsOp.Error:
                OnError(frame.Text);
                return true;
            case NatsOp.Info or NatsOp.Ok:
                return true;
            case NatsOp.Failed:
                link.Abort(link.Failure);
                return false;
            default:
                return false;
        }
    }

    /// <summary>The server has taken the subscriptions: from here on nothing is missed without a sign.</summary>
    private void Settle()
    {
        if (_settled)
        {
            return;
        }

        _settled = true;
        foreach (var sink in Volatile.Read(ref _subscriptions).Values.Select(static s => s.Sink).Distinct())
        {
            sink.OnConnected();
        }
    }

    /// <summary>Those that end the connection are followed by its end; the others (a forbidden subject) are only said.</summary>
    private void OnError(ReadOnlySpan<byte> text)
    {
        if (text.IndexOf("Slow Consumer"u8) >= 0)
        {
            _series.AddSlowConsumer();
        }

        KvEventLog.NatsError(_logger, Encoding.UTF8.GetString(text[..int.Min(text.Length, 200)]));
    }

    /// <summary>A URL without what it may hold of a login.</summary>
    private static string Shown(string url) => url.Contains('@', StringComparison.Ordinal) ? url[(url.LastIndexOf('@') + 1)..] : url;

    private sealed record Subscription(byte[] Subject, INatsSink Sink);
}
