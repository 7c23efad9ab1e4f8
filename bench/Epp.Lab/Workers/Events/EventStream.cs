using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;
using System.Threading.Channels;

namespace Epp.Lab.Workers.Events;

/// <summary>
/// The KV events of one engine as vLLM sends them: a PUB socket with <c>[topic, sequence (8 bytes, big-endian), payload]</c>, and a ROUTER
/// socket that repeats the last 10,000 batches from a number on. A subscriber that does not keep up misses messages, as it does with libzmq.
/// Thread-safe.
/// </summary>
internal sealed class EventStream : IAsyncDisposable
{
    const int RingBatches = 10_000;
    const int QueuedMessages = 10_000;

    static readonly byte[] EndMarker = ZmtpPeer.Encode([], [], [255, 255, 255, 255, 255, 255, 255, 255], []);

    readonly Lock _lock = new();
    readonly Queue<(ulong Sequence, byte[] Payload)> _ring = new();
    readonly HashSet<Subscriber> _subscribers = [];
    readonly byte[] _topic;
    readonly ZmtpListener _events;
    readonly ZmtpListener _replay;
    ulong _next;

    /// <param name="events">Listening socket of the publisher; owned from now on.</param>
    /// <param name="replay">Listening socket of the replay; owned from now on.</param>
    /// <param name="topic">Topic of every message.</param>
    public EventStream(Socket events, Socket replay, string topic)
    {
        _topic = Encoding.UTF8.GetBytes(topic);
        _events = new ZmtpListener(events, "PUB", ["SUB", "XSUB"], SubscribeAsync);
        _replay = new ZmtpListener(replay, "ROUTER", ["DEALER", "REQ", "ROUTER"], ReplayAsync);
    }

    public void Publish(byte[] payload)
    {
        lock (_lock)
        {
            var sequence = _next++;
            if (_ring.Count == RingBatches)
            {
                _ring.Dequeue();
            }
            _ring.Enqueue((sequence, payload));
            if (_subscribers.Count == 0)
            {
                return;
            }
            var message = ZmtpPeer.Encode(_topic, Number(sequence), payload);
            foreach (var subscriber in _subscribers)
            {
                if (subscriber.Wants(_topic))
                {
                    // False at the bound: the subscriber sees a gap in the numbers and asks for a replay.
                    subscriber.Queue.Writer.TryWrite(message);
                }
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _events.DisposeAsync().ConfigureAwait(false);
        await _replay.DisposeAsync().ConfigureAwait(false);
    }

    async Task SubscribeAsync(ZmtpPeer peer, CancellationToken stop)
    {
        var subscriber = new Subscriber();
        lock (_lock)
        {
            _subscribers.Add(subscriber);
        }
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var sending = SendAsync(peer, subscriber, ended.Token);
        try
        {
            while (true)
            {
                var frames = await peer.ReadAsync(stop).ConfigureAwait(false);
                lock (_lock)
                {
                    subscriber.Obey(frames[0]);
                }
            }
        }
        finally
        {
            lock (_lock)
            {
                _subscribers.Remove(subscriber);
            }
            await ended.CancelAsync().ConfigureAwait(false);
            await sending.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    static async Task SendAsync(ZmtpPeer peer, Subscriber subscriber, CancellationToken stop)
    {
        await foreach (var message in subscriber.Queue.Reader.ReadAllAsync(stop).ConfigureAwait(false))
        {
            await peer.WriteAsync(message, stop).ConfigureAwait(false);
        }
    }

    /// <summary>Asked <c>["", start]</c>; answers <c>["", topic, sequence, payload]</c>… and the end marker. Anything else gets no answer.</summary>
    async Task ReplayAsync(ZmtpPeer peer, CancellationToken stop)
    {
        while (true)
        {
            var request = await peer.ReadAsync(stop).ConfigureAwait(false);
            if (request is not [{ Length: 0 }, { Length: 8 }])
            {
                continue;
            }
            var start = BinaryPrimitives.ReadUInt64BigEndian(request[1]);
            (ulong Sequence, byte[] Payload)[] batches;
            lock (_lock)
            {
                batches = [.. _ring.Where(b => b.Sequence >= start)];
            }
            foreach (var (sequence, payload) in batches)
            {
                await peer.WriteAsync(ZmtpPeer.Encode([], _topic, Number(sequence), payload), stop).ConfigureAwait(false);
            }
            await peer.WriteAsync(EndMarker, stop).ConfigureAwait(false);
        }
    }

    static byte[] Number(ulong value)
    {
        var bytes = new byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, value);
        return bytes;
    }

    /// <summary>One subscriber: what it asked for and what waits for it.</summary>
    sealed class Subscriber
    {
        const int MaxPrefixes = 64;

        readonly List<byte[]> _prefixes = [];

        public Channel<byte[]> Queue { get; } = Channel.CreateBounded<byte[]>(QueuedMessages);

        public bool Wants(byte[] topic) => _prefixes.Exists(p => topic.AsSpan().StartsWith(p));

        /// <summary><c>01 prefix</c> subscribes, <c>00 prefix</c> takes one such subscription back.</summary>
        public void Obey(byte[] message)
        {
            if (message is [1, .. var prefix] && _prefixes.Count < MaxPrefixes)
            {
                _prefixes.Add(prefix);
            }
            else if (message is [0, .. var old] && _prefixes.FindIndex(p => p.AsSpan().SequenceEqual(old)) is >= 0 and var at)
            {
                _prefixes.RemoveAt(at);
            }
        }
    }
}
