namespace Epp.Native.KvEvents.Dynamo;

/// <summary>Answers to recoveries.</summary>
public sealed partial class DynamoEventSequencer
{
    /// <summary>Applies an answer; false where it is worthless by now or no answer at all, and counts as failed.</summary>
    public bool Complete(in DynamoRestore restore, in DynamoRecoveryAnswer answer, DynamoEventDecoder decoder)
    {
        ArgumentNullException.ThrowIfNull(decoder);
        if (!_ranks.TryGetValue(restore.Rank, out var state) || state.Epoch != restore.Epoch)
        {
            return true;
        }

        switch (answer.Kind)
        {
            case DynamoRecoveryKind.TreeDump:
                _target.DropRank(restore.Rank);
                decoder.DecodePayload(answer.Events, new RecoverySink(_filter, restore.Rank, null));
                (state.Cursor, state.Last) = (answer.HasLast ? DynamoCursor.Live : DynamoCursor.Barrier, answer.Last);
                break;
            case DynamoRecoveryKind.Events:
                var sink = new RecoverySink(_filter, restore.Rank, state.Cursor == DynamoCursor.Initial ? null : state.Last);
                decoder.DecodePayload(answer.Events, sink);
                (state.Cursor, state.Last) = (DynamoCursor.Live, ulong.Max(state.Last, ulong.Max(sink.Last, answer.Last)));
                break;
            case DynamoRecoveryKind.DumpFailed:
                _target.DropRank(restore.Rank);
                (state.Cursor, state.Last) = (DynamoCursor.Live, answer.Last);
                break;
            case DynamoRecoveryKind.TooNew:
                // Nothing is newer there; where events wait all the same, they are what is newest.
                state.Cursor = state.HasPending ? DynamoCursor.Barrier : state.Cursor;
                break;
            default:
                return false;
        }

        (state.InFlight, state.Degraded) = (false, false);
        Drain(restore.Rank, state);
        return true;
    }

    /// <summary>A recovery failed for good: the rank begins empty, with the events that wait.</summary>
    public void Fail(in DynamoRestore restore)
    {
        if (!_ranks.TryGetValue(restore.Rank, out var state) || state.Epoch != restore.Epoch)
        {
            return;
        }

        _target.DropRank(restore.Rank);
        (state.InFlight, state.Degraded, state.Cursor) = (false, true, DynamoCursor.Barrier);
        while (state.HasPending)
        {
            Apply(state, state.Take());
        }
    }

    private void Drain(KvRank rank, DynamoRankState state)
    {
        while (state.HasPending)
        {
            var next = state.Peek().EventId;
            if (state.Cursor == DynamoCursor.Live && next > state.Last + 1)
            {
                Begin(rank, state, state.Last + 1);
                return;
            }

            var pending = state.Take();
            if (state.Cursor != DynamoCursor.Live || next > state.Last)
            {
                Apply(state, pending);
            }
        }
    }

    private void Apply(DynamoRankState state, DynamoPendingEvent pending)
    {
        pending.Apply(_filter);
        (state.Cursor, state.Last) = (DynamoCursor.Live, pending.EventId);
    }

    /// <summary>Passes on the events of one rank that are newer than what is applied.</summary>
    private sealed class RecoverySink(IKvEventSink next, KvRank rank, ulong? after) : IKvEventSink
    {
        public ulong Last { get; private set; }

        public void Stored(in KvStored stored)
        {
            if (Wants(stored.Head))
            {
                next.Stored(stored);
            }
        }

        public void Removed(in KvRemoved removed)
        {
            if (Wants(removed.Head))
            {
                next.Removed(removed);
            }
        }

        public void Cleared(in KvCleared cleared)
        {
            if (Wants(cleared.Head))
            {
                next.Cleared(cleared with { WholeWorker = false });
            }
        }

        private bool Wants(in KvEventHead head)
        {
            if (head.Holder != rank || head.EventId <= after)
            {
                return false;
            }

            Last = ulong.Max(Last, head.EventId);
            return true;
        }
    }
}
