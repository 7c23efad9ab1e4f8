using Epp.Native.KvEvents;

namespace Epp.Integration.Tests.KvEvents;

/// <summary>Holds what an index would hold, as plain sets, and fails what an index must not be told: overlapping calls about one worker.</summary>
internal sealed class RecordingTarget : IKvEventTarget
{
    private readonly Dictionary<KvRank, HashSet<ulong>> _blocks = [];
    private readonly HashSet<ulong> _busy = [];
    private readonly List<string> _drops = [];

    /// <summary>Milliseconds that each event costs: a consumer that is too slow.</summary>
    public int SlowMs { get; set; }

    public string Overlap { get; private set; } = "";

    /// <summary>Drops so far, in order: <c>worker 1</c>, <c>rank 1/0</c>.</summary>
    public string[] Drops
    {
        get
        {
            lock (_blocks)
            {
                return [.. _drops];
            }
        }
    }

    public ulong[] Blocks(ulong worker, uint rank = 0)
    {
        lock (_blocks)
        {
            return _blocks.TryGetValue(new KvRank(worker, rank), out var set) ? [.. set.Order()] : [];
        }
    }

    public int Total
    {
        get
        {
            lock (_blocks)
            {
                return _blocks.Values.Sum(static s => s.Count);
            }
        }
    }

    public void Stored(in KvStored stored)
    {
        using var turn = new Turn(this, stored.Head.Holder.WorkerId);
        lock (_blocks)
        {
            foreach (var hash in stored.BlockHashes)
            {
                Set(stored.Head.Holder).Add(hash);
            }
        }
    }

    public void Removed(in KvRemoved removed)
    {
        using var turn = new Turn(this, removed.Head.Holder.WorkerId);
        lock (_blocks)
        {
            foreach (var hash in removed.BlockHashes)
            {
                Set(removed.Head.Holder).Remove(hash);
            }
        }
    }

    public void Cleared(in KvCleared cleared)
    {
        using var turn = new Turn(this, cleared.Head.Holder.WorkerId);
        Forget(cleared.Head.Holder.WorkerId, cleared.WholeWorker ? null : cleared.Head.Holder.DpRank);
    }

    public void DropWorker(ulong workerId)
    {
        using var turn = new Turn(this, workerId);
        Forget(workerId, null);
        lock (_blocks)
        {
            _drops.Add($"worker {workerId}");
        }
    }

    public void DropRank(KvRank rank)
    {
        using var turn = new Turn(this, rank.WorkerId);
        Forget(rank.WorkerId, rank.DpRank);
        lock (_blocks)
        {
            _drops.Add($"rank {rank.WorkerId}/{rank.DpRank}");
        }
    }

    private HashSet<ulong> Set(KvRank rank) => _blocks.TryGetValue(rank, out var set) ? set : _blocks[rank] = [];

    private void Forget(ulong worker, uint? rank)
    {
        lock (_blocks)
        {
            foreach (var key in _blocks.Keys.Where(k => k.WorkerId == worker && (rank is null || k.DpRank == rank)).ToArray())
            {
                _blocks.Remove(key);
            }
        }
    }

    private readonly struct Turn : IDisposable
    {
        private readonly RecordingTarget _target;
        private readonly ulong _worker;

        public Turn(RecordingTarget target, ulong worker)
        {
            (_target, _worker) = (target, worker);
            lock (target._busy)
            {
                if (!target._busy.Add(worker))
                {
                    target.Overlap = $"two calls about worker {worker} at once";
                }
            }

            if (target.SlowMs > 0)
            {
                Thread.Sleep(target.SlowMs);
            }
        }

        public void Dispose()
        {
            lock (_target._busy)
            {
                _target._busy.Remove(_worker);
            }
        }
    }
}
