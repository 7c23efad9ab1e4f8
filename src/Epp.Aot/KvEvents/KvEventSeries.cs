using Epp.Native.KvEvents;

namespace Epp.Aot.KvEvents;

/// <summary>Figures of one source of KV events since the start. Any thread may add and read.</summary>
internal sealed class KvEventSeries
{
    private long _messages;
    private long _events;
    private long _undecodableMessages;
    private long _undecodableEvents;
    private long _unknownEvents;
    private long _blocksStored;
    private long _blocksRemoved;
    private long _cleared;
    private long _gaps;
    private long _duplicates;
    private long _restarts;
    private long _repairs;
    private long _failedRepairs;
    private long _reconnects;
    private long _slowConsumer;
    private long _dropped;
    private long _connected;
    private long _lastMessageMs = -1;

    /// <summary>Messages received.</summary>
    public long Messages => Interlocked.Read(ref _messages);

    /// <summary>Events applied.</summary>
    public long Events => Interlocked.Read(ref _events);

    /// <summary>Messages of which nothing could be read.</summary>
    public long UndecodableMessages => Interlocked.Read(ref _undecodableMessages);

    /// <summary>Events that could not be read in messages that could.</summary>
    public long UndecodableEvents => Interlocked.Read(ref _undecodableEvents);

    /// <summary>Events of a type nobody told us.</summary>
    public long UnknownEvents => Interlocked.Read(ref _unknownEvents);

    /// <summary>Blocks named by store events.</summary>
    public long BlocksStored => Interlocked.Read(ref _blocksStored);

    /// <summary>Blocks named by removals.</summary>
    public long BlocksRemoved => Interlocked.Read(ref _blocksRemoved);

    /// <summary>Caches emptied.</summary>
    public long Cleared => Interlocked.Read(ref _cleared);

    /// <summary>Times that numbers were missing.</summary>
    public long Gaps => Interlocked.Read(ref _gaps);

    /// <summary>Messages or events left out because they had been applied.</summary>
    public long Duplicates => Interlocked.Read(ref _duplicates);

    /// <summary>Engines that began anew.</summary>
    public long Restarts => Interlocked.Read(ref _restarts);

    /// <summary>Replays and recoveries that succeeded.</summary>
    public long Repairs => Interlocked.Read(ref _repairs);

    /// <summary>Replays and recoveries that did not; the rank's blocks were dropped.</summary>
    public long FailedRepairs => Interlocked.Read(ref _failedRepairs);

    /// <summary>Connections that were lost.</summary>
    public long Reconnects => Interlocked.Read(ref _reconnects);

    /// <summary>Times the broker said that we are too slow.</summary>
    public long SlowConsumer => Interlocked.Read(ref _slowConsumer);

    /// <summary>Messages dropped at a bound: of an unknown publisher, or beyond what is held during a recovery.</summary>
    public long Dropped => Interlocked.Read(ref _dropped);

    /// <summary>Connections that are open.</summary>
    public long Connected => Interlocked.Read(ref _connected);

    /// <summary>When the last message came, in milliseconds of the monotonic clock; -1 = never.</summary>
    public long LastMessageMs => Interlocked.Read(ref _lastMessageMs);

    public void AddMessages(long count, long nowMs)
    {
        Interlocked.Add(ref _messages, count);
        Interlocked.Exchange(ref _lastMessageMs, nowMs);
    }

    public void Add(in KvDecodeResult result)
    {
        Interlocked.Add(ref _events, result.Events);
        if (result.Error != KvDecodeError.None || result.Undecodable + result.Unknown > 0)
        {
            Interlocked.Add(ref _undecodableMessages, result.Error == KvDecodeError.None ? 0 : 1);
            Interlocked.Add(ref _undecodableEvents, result.Undecodable);
            Interlocked.Add(ref _unknownEvents, result.Unknown);
        }
    }

    public void AddUndecodableMessage() => Interlocked.Increment(ref _undecodableMessages);

    public void AddStored(int blocks) => Interlocked.Add(ref _blocksStored, blocks);

    public void AddRemoved(int blocks) => Interlocked.Add(ref _blocksRemoved, blocks);

    public void AddCleared() => Interlocked.Increment(ref _cleared);

    public void AddGap() => Interlocked.Increment(ref _gaps);

    public void AddDuplicate() => Interlocked.Increment(ref _duplicates);

    public void AddRestart() => Interlocked.Increment(ref _restarts);

    public void AddRepair(bool ok) => Interlocked.Increment(ref ok ? ref _repairs : ref _failedRepairs);

    public void AddReconnect() => Interlocked.Increment(ref _reconnects);

    public void AddSlowConsumer() => Interlocked.Increment(ref _slowConsumer);

    public void AddDropped() => Interlocked.Increment(ref _dropped);

    public void Connect(int difference) => Interlocked.Add(ref _connected, difference);
}
