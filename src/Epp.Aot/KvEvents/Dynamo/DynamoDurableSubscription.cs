using System.Globalization;
using System.Text;
using Epp.Aot.KvEvents.Nats;
using Epp.Native.KvEvents;
using Epp.Native.KvEvents.Dynamo;
using Epp.Native.Wire.Nats;
using Microsoft.Extensions.Logging;

namespace Epp.Aot.KvEvents.Dynamo;

/// <summary>
/// Follows Dynamo's durable mode (0.9 … 1.2, kv-routing §2.4): the snapshot in the object store, then the stream, from a pull consumer of our own.
/// Every connection makes the consumer anew behind the last event applied, so that the order of the stream is kept and nothing is
/// applied twice or skipped, whatever was in flight. Events need no numbers here: the stream loses none.
/// </summary>
internal sealed partial class DynamoDurableSubscription : INatsSink, IKvEventSink, IAsyncDisposable
{
    private const int Batch = 200;
    private const int NoSuchThing = 404;
    private static readonly TimeSpan Answer = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Expires = TimeSpan.FromSeconds(30);

    private readonly NatsConnection _nats;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly KvEventSeries _series;
    private readonly IKvEventTarget _target;
    private readonly KvEventFilter _filter;
    private readonly DynamoEventDecoder _decoder = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly SemaphoreSlim _pull = new(0);
    private readonly Lock _gate = new();
    private readonly string _stream;
    private readonly string _bucket;
    private readonly string _consumer;
    private readonly byte[] _inbox;
    private ulong _last;
    private bool _hasSnapshot;
    private int _outstanding;
    private int _connection;

    /// <param name="nats">The connection; started by the caller.</param>
    /// <param name="options">Namespace and component, which must be named in this mode.</param>
    /// <param name="consumer">Name of our consumer: unlike any other router's.</param>
    /// <param name="target">Takes the events.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Takes changes of state.</param>
    public DynamoDurableSubscription(NatsConnection nats, DynamoEventOptions options, string consumer, IKvEventTarget target, TimeProvider time, ILogger logger)
    {
        (_nats, _time, _logger, _series, _target, _consumer) = (nats, time, logger, nats.Series, target, consumer);
        _filter = new KvEventFilter(target);
        _stream = JetStreamNames.Stream(options.Namespace, options.Component ?? "");
        _bucket = JetStreamNames.Bucket(options.Namespace, options.Component ?? "");
        var inbox = $"_INBOX.{_stream}.{consumer}";
        _inbox = Encoding.ASCII.GetBytes(inbox);
        nats.Subscribe(inbox, this);
        // The connection may be up already, and then nobody says so.
        _pull.Release();
        _ = RunAsync();
    }

    /// <summary>A worker is gone: its blocks go before this returns.</summary>
    public void RemoveWorker(ulong workerId)
    {
        lock (_gate)
        {
            _filter.Forget(workerId);
            _target.DropWorker(workerId);
        }
    }

    public void OnConnected()
    {
        Interlocked.Increment(ref _connection);
        Volatile.Write(ref _outstanding, 0);
        _pull.Release();
    }

    /// <summary>A message of the stream, or the end of a pull that found no more.</summary>
    public void OnMessage(in NatsFrame message)
    {
        if (message.Status != 0 || message.Reply.IsEmpty)
        {
            Volatile.Write(ref _outstanding, 0);
            _pull.Release();
            return;
        }

        lock (_gate)
        {
            // $JS.ACK.{stream}.{consumer}.{deliveries}.{stream sequence}.…
            var sequence = StreamSequence(message.Reply);
            if (sequence > _last)
            {
                _last = sequence;
                _series.Add(_decoder.Decode(message.Payload, this));
            }
            else
            {
                _series.AddDuplicate();
            }
        }

        _nats.Publish(message.Reply, default, "+ACK"u8);
        if (Interlocked.Decrement(ref _outstanding) == 0)
        {
            _pull.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _nats.RequestAsync($"$JS.API.CONSUMER.DELETE.{_stream}.{_consumer}", default, TimeSpan.FromSeconds(1), default).ConfigureAwait(false);
    }

    void IKvEventSink.Stored(in KvStored stored)
    {
        _series.AddStored(stored.BlockHashes.Length);
        _filter.Stored(stored);
    }

    void IKvEventSink.Removed(in KvRemoved removed)
    {
        _series.AddRemoved(removed.BlockHashes.Length);
        _filter.Removed(removed);
    }

    void IKvEventSink.Cleared(in KvCleared cleared)
    {
        _series.AddCleared();
        _filter.Cleared(cleared);
    }

    private static ulong StreamSequence(ReadOnlySpan<byte> reply)
    {
        for (var part = 0; part < 5; part++)
        {
            reply = reply[(reply.IndexOf((byte)'.') + 1)..];
        }

        return System.Buffers.Text.Utf8Parser.TryParse(reply, out ulong sequence, out _) ? sequence : 0;
    }

    private async Task RunAsync()
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        var served = -1;
        var said = "";
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                // Awake for every connection, at the end of every pull, and where both were missed.
                await _pull.WaitAsync(Expires, _stop.Token).ConfigureAwait(false);
                if (!_nats.IsConnected || Volatile.Read(ref _outstanding) > 0)
                {
                    continue;
                }

                var connection = Volatile.Read(ref _connection);
                if (connection != served)
                {
                    var failure = await BeginAsync().ConfigureAwait(false);
                    if (failure.Length > 0)
                    {
                        if (failure != said)
                        {
                            KvEventLog.Interrupted(_logger, _stream, failure);
                            said = failure;
                        }

                        await Task.Delay(TimeSpan.FromSeconds(1), _time, _stop.Token).ConfigureAwait(false);
                        _pull.Release();
                        continue;
                    }

                    (served, said) = (connection, "");
                }

                Pull();
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (Exception e)
            {
                KvEventLog.Unexpected(_logger, _stream, e);
            }
        }
    }

    private void Pull()
    {
        Volatile.Write(ref _outstanding, Batch);
        var request = Encoding.ASCII.GetBytes($"{{\"batch\":{Batch},\"expires\":{Nanoseconds(Expires - TimeSpan.FromSeconds(5))}}}");
        if (!_nats.Publish(Encoding.ASCII.GetBytes($"$JS.API.CONSUMER.MSG.NEXT.{_stream}.{_consumer}"), _inbox, request))
        {
            Volatile.Write(ref _outstanding, 0);
        }
    }

    /// <summary>The snapshot once, then a consumer behind what is applied; the reason where that fails.</summary>
    private async Task<string> BeginAsync()
    {
        if (!_hasSnapshot)
        {
            var failure = await ReadSnapshotAsync().ConfigureAwait(false);
            if (failure.Length > 0)
            {
                return failure;
            }
        }

        var info = await _nats.RequestAsync($"$JS.API.STREAM.INFO.{_stream}", default, Answer, _stop.Token).ConfigureAwait(false);
        if (info.Payload is null || JsonMember.Find(info.Payload, "error", "code") is not null)
        {
            return info.Payload is null ? info.Failure : $"stream {_stream}: {JsonMember.Find(info.Payload, "error", "description")}";
        }

        if (ulong.TryParse(JsonMember.Find(info.Payload, "state", "last_seq"), CultureInfo.InvariantCulture, out var newest) && newest < _last)
        {
            // Another stream of the same name: its numbers begin again.
            _last = 0;
        }

        await _nats.RequestAsync($"$JS.API.CONSUMER.DELETE.{_stream}.{_consumer}", default, Answer, _stop.Token).ConfigureAwait(false);
        var from = _last == 0 ? "\"deliver_policy\":\"all\"" : $"\"deliver_policy\":\"by_start_sequence\",\"opt_start_seq\":{_last + 1}";
        var create = $"{{\"stream_name\":\"{_stream}\",\"config\":{{\"durable_name\":\"{_consumer}\",{from},\"ack_policy\":\"explicit\",\"replay_policy\":\"instant\",\"inactive_threshold\":{Nanoseconds(TimeSpan.FromMinutes(5))}}}}}";
        var created = await _nats.RequestAsync($"$JS.API.CONSUMER.DURABLE.CREATE.{_stream}.{_consumer}", Encoding.UTF8.GetBytes(create), Answer, _stop.Token).ConfigureAwait(false);
        return created.Payload is null ? created.Failure : JsonMember.Find(created.Payload, "error", "description") ?? "";
    }

    private static string Nanoseconds(TimeSpan time) => ((long)time.TotalMilliseconds * 1_000_000).ToString(CultureInfo.InvariantCulture);
}
