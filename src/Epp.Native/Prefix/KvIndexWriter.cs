using Epp.Hashing;
using Epp.Native.KvEvents;

namespace Epp.Native.Prefix;

/// <summary>What became of the events a <see cref="KvIndexWriter"/> was given; each only grows.</summary>
/// <param name="StoredBlocks">Blocks stored, again or for the first time.</param>
/// <param name="RemovedBlocks">Copies removed.</param>
/// <param name="Cleared">Caches emptied.</param>
/// <param name="UnknownParents">Stores left out, because nobody knows the block before their first.</param>
/// <param name="UnknownBlocks">Removals of blocks that were not there.</param>
/// <param name="Rejected">Stores left out, because they contradict themselves or the index has no room.</param>
public readonly record struct KvIndexTotals(
    long StoredBlocks, long RemovedBlocks, long Cleared, long UnknownParents, long UnknownBlocks, long Rejected);

/// <summary>
/// Applies KV events to an index. Dynamo's events name each block's local hash; an engine's name its tokens, which are hashed here in the
/// same way, so that one kind of sequence hash serves both (kv-routing §1, §7, §8). Thread-safe.
/// </summary>
public sealed partial class KvIndexWriter : IKvEventTarget
{
    private readonly Lock _gate = new();
    private readonly KvIndex _index;
    private readonly PromptShapes _shapes;
    private ulong[] _sequences = new ulong[256];
    private KvIndexTotals _totals;

    /// <param name="index">Receives the blocks.</param>
    /// <param name="shapes">Learns how prompts must be cut to be found.</param>
    public KvIndexWriter(KvIndex index, PromptShapes shapes)
    {
        _index = index;
        _shapes = shapes;
    }

    /// <summary>What became of the events so far.</summary>
    public KvIndexTotals Totals
    {
        get
        {
            lock (_gate)
            {
                return _totals;
            }
        }
    }

    /// <inheritdoc/>
    public void Stored(in KvStored stored)
    {
        lock (_gate)
        {
            if (stored.TokensHashes.IsEmpty && !stored.BlockHashes.IsEmpty)
            {
                StoreTokens(stored);
            }
            else
            {
                StoreHashes(stored);
            }
        }
    }

    /// <inheritdoc/>
    public void Removed(in KvRemoved removed)
    {
        lock (_gate)
        {
            var unknown = _index.Remove(removed.Head.Holder, removed.Head.Tier, removed.BlockHashes);
            _totals = _totals with
            {
                RemovedBlocks = _totals.RemovedBlocks + removed.BlockHashes.Length - unknown,
                UnknownBlocks = _totals.UnknownBlocks + unknown,
            };
        }
    }

    /// <inheritdoc/>
    public void Cleared(in KvCleared cleared)
    {
        lock (_gate)
        {
            if (cleared.WholeWorker)
            {
                _index.ClearWorker(cleared.Head.Holder.WorkerId, forget: false);
            }
            else
            {
                _index.Clear(cleared.Head.Holder);
            }

            _totals = _totals with { Cleared = _totals.Cleared + 1 };
        }
    }

    /// <inheritdoc/>
    public void DropWorker(ulong workerId)
    {
        lock (_gate)
        {
            _index.ClearWorker(workerId, forget: true);
            foreach (var rank in _shapeOfRank.Keys)
            {
                if (rank.WorkerId == workerId)
                {
                    _shapeOfRank.Remove(rank);
                }
            }
        }
    }

    /// <inheritdoc/>
    public void DropRank(KvRank rank)
    {
        lock (_gate)
        {
            _index.Clear(rank);
            _shapeOfRank.Remove(rank);
        }
    }

    /// <summary>A Dynamo event: set semantics, an unknown parent rejects it whole (kv-routing §7.1).</summary>
    private void StoreHashes(in KvStored stored)
    {
        var locals = stored.TokensHashes;
        var externals = stored.BlockHashes;
        if (locals.Length != externals.Length || (stored.HasParent && externals.Contains(stored.ParentHash)))
        {
            Reject();
            return;
        }

        var parent = 0UL;
        if (stored.HasParent && !_index.TryResolve(stored.Head.Holder, stored.ParentHash, alsoGone: false, out parent))
        {
            _totals = _totals with { UnknownParents = _totals.UnknownParents + 1 };
            return;
        }

        var sequences = Sequences(locals.Length);
        if (!stored.HasParent && stored.StartPosition > 0)
        {
            // A block of a positional dump, alone: such an index keeps sequence hashes as external ones.
            externals.CopyTo(sequences);
        }
        else
        {
            Chain(locals, stored.HasParent, parent, sequences);
        }

        Put(stored, externals, sequences, counted: false);
    }

    private static void Chain(ReadOnlySpan<ulong> locals, bool hasParent, ulong parent, Span<ulong> sequences)
    {
        for (var i = 0; i < locals.Length; i++)
        {
            parent = hasParent || i > 0 ? DynamoBlockHasher.Chain(parent, locals[i]) : locals[i];
            sequences[i] = parent;
        }
    }

    private void Put(in KvStored stored, ReadOnlySpan<ulong> externals, ReadOnlySpan<ulong> sequences, bool counted)
    {
        if (_index.Store(stored.Head.Holder, stored.Head.Tier, externals, sequences, counted))
        {
            _totals = _totals with { StoredBlocks = _totals.StoredBlocks + externals.Length };
        }
        else
        {
            Reject();
        }
    }

    private void Reject() => _totals = _totals with { Rejected = _totals.Rejected + 1 };

    private Span<ulong> Sequences(int count)
    {
        if (_sequences.Length < count)
        {
            _sequences = new ulong[count + (count / 2)];
        }

        return _sequences.AsSpan(0, count);
    }
}
