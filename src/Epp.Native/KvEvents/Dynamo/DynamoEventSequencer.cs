namespace Epp.Native.KvEvents.Dynamo;

/// <summary>A recovery to run.</summary>
/// <param name="Rank">Whose.</param>
/// <param name="Epoch">Comes back with the answer; an answer of an older one is worthless.</param>
/// <param name="Start">First event wanted; null = the whole state.</param>
public readonly record struct DynamoRestore(KvRank Rank, int Epoch, ulong? Start);

/// <summary>
/// Puts Dynamo's events into order (kv-routing §2.5): per worker and rank it follows <c>event_id</c>, holds back what comes after a gap, and says
/// which recoveries to run. A rank that nobody can be asked about is applied as it comes. Where a recovery fails for good, the rank begins
/// empty instead of keeping what may be wrong. Not thread-safe.
/// </summary>
public sealed partial class DynamoEventSequencer : IKvEventSink
{
    /// <summary>Ranks followed at most.</summary>
    private const int MaxRanks = 1 << 16;

    /// <summary>Workers remembered as gone at most; older ones are forgotten all at once.</summary>
    private const int MaxGone = 1 << 14;

    private readonly IKvEventTarget _target;
    private readonly KvEventFilter _filter;
    private readonly Dictionary<KvRank, DynamoRankState> _ranks = [];
    private readonly Queue<DynamoRestore> _restores = [];
    private readonly HashSet<ulong> _gone = [];

    /// <param name="target">Takes the events in order.</param>
    public DynamoEventSequencer(IKvEventTarget target)
    {
        _target = target;
        _filter = new KvEventFilter(target);
    }

    /// <summary>Times that numbers were missing.</summary>
    public long Gaps { get; private set; }

    /// <summary>Events left out because they had been applied.</summary>
    public long Duplicates { get; private set; }

    /// <summary>Events dropped at a bound.</summary>
    public long Dropped { get; private set; }

    /// <summary>The next recovery to run.</summary>
    public bool TryTakeRestore(out DynamoRestore restore) => _restores.TryDequeue(out restore);

    /// <inheritdoc/>
    public void Stored(in KvStored stored)
    {
        var state = Judge(stored.Head, out var apply);
        if (apply)
        {
            _filter.Stored(stored);
        }
        else if (state is not null)
        {
            Dropped += state.Hold(new DynamoPendingEvent(stored));
        }
    }

    /// <inheritdoc/>
    public void Removed(in KvRemoved removed)
    {
        var state = Judge(removed.Head, out var apply);
        if (apply)
        {
            _filter.Removed(removed);
        }
        else if (state is not null)
        {
            Dropped += state.Hold(new DynamoPendingEvent(removed));
        }
    }

    /// <inheritdoc/>
    public void Cleared(in KvCleared cleared)
    {
        var state = Find(cleared.Head.Holder);
        if (state is null || state.IsStale(cleared.Head.EventId))
        {
            Duplicates++;
            return;
        }

        if (cleared.WholeWorker)
        {
            foreach (var (rank, other) in _ranks)
            {
                if (rank.WorkerId == cleared.Head.Holder.WorkerId)
                {
                    other.Invalidate(DynamoCursor.Initial, 0);
                }
            }
        }

        state.Invalidate(DynamoCursor.Barrier, cleared.Head.EventId);
        _filter.Cleared(cleared);
    }

    /// <summary>A worker is there, also one that was gone before under the same id.</summary>
    public void AddWorker(ulong workerId) => _gone.Remove(workerId);

    /// <summary>Somebody can be asked about a rank: its whole state is fetched at once.</summary>
    public void AddRecovery(KvRank rank)
    {
        AddWorker(rank.WorkerId);
        if (Find(rank) is { } state)
        {
            state.Recoverable = true;
            Begin(rank, state, null);
        }
    }

    /// <summary>A rank is gone, with its blocks; with the last one its worker.</summary>
    public void RemoveRank(KvRank rank)
    {
        if (!_ranks.Remove(rank))
        {
            return;
        }

        foreach (var other in _ranks.Keys)
        {
            if (other.WorkerId == rank.WorkerId)
            {
                _target.DropRank(rank);
                return;
            }
        }

        RemoveWorker(rank.WorkerId);
    }

    /// <summary>A worker is gone, with its blocks; what still arrives of it is left out until it is added again.</summary>
    public void RemoveWorker(ulong workerId)
    {
        foreach (var rank in _ranks.Keys)
        {
            if (rank.WorkerId == workerId)
            {
                _ranks.Remove(rank);
            }
        }

        if (_gone.Count >= MaxGone)
        {
            _gone.Clear();
        }

        _gone.Add(workerId);
        _filter.Forget(workerId);
        _target.DropWorker(workerId);
    }

    /// <summary>Events may have been missed without a sign: asks every rank for what is new.</summary>
    public void Resume()
    {
        foreach (var (rank, state) in _ranks)
        {
            if (state is { Recoverable: true, InFlight: false })
            {
                Begin(rank, state, state.Cursor == DynamoCursor.Live ? state.Last + 1 : null);
            }
        }
    }

    /// <summary>Asks again about the ranks whose recovery failed.</summary>
    public void RetryFailed()
    {
        foreach (var (rank, state) in _ranks)
        {
            if (state is { Degraded: true, Recoverable: true, InFlight: false })
            {
                Begin(rank, state, null);
            }
        }
    }

    /// <summary>Whether to apply an event now; otherwise the state that holds it back, or null where it is left out.</summary>
    private DynamoRankState? Judge(in KvEventHead head, out bool apply)
    {
        apply = false;
        var state = Find(head.Holder);
        if (state is null)
        {
            return null;
        }

        if (state.IsStale(head.EventId))
        {
            Duplicates++;
            return null;
        }

        if (state.InFlight)
        {
            return state;
        }

        var gap = state.Cursor == DynamoCursor.Live && head.EventId != state.Last + 1;
        Gaps += gap ? 1 : 0;
        if (state.Recoverable && (gap || (state.Cursor == DynamoCursor.Initial)))
        {
            Begin(head.Holder, state, gap ? state.Last + 1 : null);
            return state;
        }

        (apply, state.Cursor, state.Last) = (true, DynamoCursor.Live, head.EventId);
        return state;
    }

    private void Begin(KvRank rank, DynamoRankState state, ulong? start)
    {
        if (!state.InFlight)
        {
            state.InFlight = true;
            _restores.Enqueue(new DynamoRestore(rank, state.Epoch, start));
        }
    }

    private DynamoRankState? Find(KvRank rank)
    {
        if (!_ranks.TryGetValue(rank, out var state) && _ranks.Count < MaxRanks && !_gone.Contains(rank.WorkerId))
        {
            _ranks[rank] = state = new DynamoRankState();
        }

        Dropped += state is null ? 1 : 0;
        return state;
    }
}
