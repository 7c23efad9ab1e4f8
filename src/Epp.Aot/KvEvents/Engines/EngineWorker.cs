using Epp.Native.KvEvents;
using Epp.Native.KvEvents.Engines;

namespace Epp.Aot.KvEvents.Engines;

/// <summary>
/// One engine: applies what its ranks publish to the target, one message at a time. After <see cref="Remove"/> nothing reaches the target any more.
/// </summary>
internal sealed class EngineWorker : IKvEventSink
{
    private const int MaxRanks = 1024;

    private readonly Lock _gate = new();
    private readonly EngineEventDecoder _decoder;
    private readonly KvEventFilter _filter;
    private readonly IKvEventTarget _target;
    private readonly KvEventSeries _series;
    private readonly Dictionary<uint, EngineRank> _ranks = [];
    private KvRank _seen;
    private bool _removed;

    public EngineWorker(ulong id, string address, IKvEventTarget target, KvEventSeries series, int maxMessageBytes)
    {
        Id = id;
        Address = address;
        _target = target;
        _series = series;
        _filter = new KvEventFilter(target);
        _decoder = new EngineEventDecoder(KvDecodeLimits.Default with { MessageBytes = maxMessageBytes });
    }

    public ulong Id { get; }

    public string Address { get; }

    /// <summary>Ends the loops of this worker.</summary>
    public CancellationTokenSource Stop { get; } = new();

    public bool IsRemoved => Volatile.Read(ref _removed);

    /// <summary>The state of a rank, made when first asked for; null beyond the number of ranks one engine may have.</summary>
    public EngineRank? Rank(uint rank, Func<EngineWorker, uint, EngineRank> make)
    {
        lock (_gate)
        {
            if (!_ranks.TryGetValue(rank, out var found) && _ranks.Count < MaxRanks)
            {
                _ranks[rank] = found = make(this, rank);
            }

            return found;
        }
    }

    /// <summary>Applies one batch; <paramref name="holder"/> becomes the rank that the batch names.</summary>
    public void Apply(ReadOnlySpan<byte> payload, ulong sequence, ref KvRank holder)
    {
        lock (_gate)
        {
            if (_removed)
            {
                return;
            }

            _seen = holder;
            _series.Add(_decoder.Decode(payload, holder, sequence, this));
            holder = _seen;
        }
    }

    public void DropRank(KvRank holder)
    {
        lock (_gate)
        {
            if (!_removed)
            {
                _target.DropRank(holder);
            }
        }
    }

    /// <summary>The worker is gone: its blocks go at once.</summary>
    public void Remove()
    {
        lock (_gate)
        {
            if (_removed)
            {
                return;
            }

            Volatile.Write(ref _removed, true);
            _target.DropWorker(Id);
        }

        Stop.Cancel();
    }

    void IKvEventSink.Stored(in KvStored stored)
    {
        _seen = stored.Head.Holder;
        _series.AddStored(stored.BlockHashes.Length);
        _filter.Stored(stored);
    }

    void IKvEventSink.Removed(in KvRemoved removed)
    {
        _seen = removed.Head.Holder;
        _series.AddRemoved(removed.BlockHashes.Length);
        _filter.Removed(removed);
    }

    void IKvEventSink.Cleared(in KvCleared cleared)
    {
        _seen = cleared.Head.Holder;
        _series.AddCleared();
        _filter.Cleared(cleared);
    }
}
