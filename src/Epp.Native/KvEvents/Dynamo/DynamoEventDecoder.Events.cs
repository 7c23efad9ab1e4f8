using Epp.Native.Wire;

namespace Epp.Native.KvEvents.Dynamo;

/// <summary>One RouterEvent: <c>{worker_id, storage_tier?, residency_domain?, event: {event_id, data, dp_rank?}}</c>.</summary>
public sealed partial class DynamoEventDecoder
{
    private ref struct RouterEvent
    {
        public ulong WorkerId;
        public bool HasWorker;
        public KvTier Tier;
        public KvResidency Residency;
        public ReadOnlySpan<byte> Event;
        public ulong EventId;
        public bool HasEventId;
        public uint DpRank;
        public ReadOnlySpan<byte> Data;
    }

    private ref struct Stored
    {
        public bool HasParent;
        public ulong ParentHash;
        public int StartPosition;
        public int Blocks;
    }

    private bool TryDecodeEvent(ReadOnlySpan<byte> bytes, bool clearsWorker, IKvEventSink sink)
    {
        var e = default(RouterEvent);
        if (!TryReadRouterEvent(bytes, ref e) || !e.HasWorker || !TryReadInnerEvent(e.Event, ref e) || !e.HasEventId)
        {
            return false;
        }

        var head = new KvEventHead(new KvRank(e.WorkerId, e.DpRank), e.EventId, e.Tier, e.Residency);
        var reader = new MsgPackReader(e.Data);
        if (reader.TryReadText(out var unit))
        {
            return unit.SequenceEqual("cleared"u8) && Clear(head, clearsWorker, sink);
        }

        if (!reader.TryReadMap(out var count) || count != 1 || !reader.TryReadText(out var variant))
        {
            return false;
        }

        return variant.SequenceEqual("stored"u8) ? TryEmitStored(ref reader, head, sink)
            : variant.SequenceEqual("removed"u8) ? TryEmitRemoved(ref reader, head, sink)
            : variant.SequenceEqual("cleared"u8) && Clear(head, clearsWorker, sink);
    }

    private static bool Clear(in KvEventHead head, bool wholeWorker, IKvEventSink sink)
    {
        sink.Cleared(new KvCleared(head, wholeWorker));
        return true;
    }

    private static bool TryReadRouterEvent(ReadOnlySpan<byte> bytes, ref RouterEvent e)
    {
        var reader = new MsgPackReader(bytes);
        if (!reader.TryReadMap(out var count))
        {
            return false;
        }

        for (; count > 0; count--)
        {
            if (!reader.TryReadText(out var key))
            {
                reader.Skip();
            }

            var start = reader.Position;
            if (key.SequenceEqual("worker_id"u8))
            {
                e.HasWorker = reader.TryReadUInt64(out e.WorkerId);
            }
            else if (key.SequenceEqual("storage_tier"u8))
            {
                e.Tier = reader.TryReadText(out var tier) ? KvTiers.OfStorageTier(tier) : KvTier.Unknown;
                if (e.Tier == KvTier.Unknown)
                {
                    return false;
                }
            }
            else if (key.SequenceEqual("residency_domain"u8))
            {
                if (!TryReadResidency(ref reader, out e.Residency))
                {
                    return false;
                }
            }
            else if (reader.Skip() && key.SequenceEqual("event"u8))
            {
                e.Event = reader.Since(start);
            }
        }

        return !reader.Failed;
    }

    /// <summary>Present but nil or unknown refuses the event, as Dynamo does: nobody could say whose blocks it means.</summary>
    private static bool TryReadResidency(scoped ref MsgPackReader reader, out KvResidency residency)
    {
        residency = !reader.TryReadText(out var name) ? KvResidency.Unsaid
            : name.SequenceEqual("worker"u8) ? KvResidency.Worker
            : name.SequenceEqual("cache_owner"u8) ? KvResidency.CacheOwner
            : KvResidency.Unsaid;
        return residency != KvResidency.Unsaid;
    }

    private static bool TryReadInnerEvent(ReadOnlySpan<byte> bytes, ref RouterEvent e)
    {
        var reader = new MsgPackReader(bytes);
        if (!reader.TryReadMap(out var count))
        {
            return false;
        }

        for (; count > 0; count--)
        {
            if (!reader.TryReadText(out var key))
            {
                reader.Skip();
            }

            var start = reader.Position;
            if (key.SequenceEqual("event_id"u8))
            {
                e.HasEventId = reader.TryReadUInt64(out e.EventId);
            }
            else if (key.SequenceEqual("dp_rank"u8))
            {
                if (!reader.TryReadUInt64(out var rank) || rank > uint.MaxValue)
                {
                    return false;
                }

                e.DpRank = (uint)rank;
            }
            else if (reader.Skip() && key.SequenceEqual("data"u8))
            {
                e.Data = reader.Since(start);
            }
        }

        return !reader.Failed;
    }

    private bool TryEmitStored(scoped ref MsgPackReader reader, in KvEventHead head, IKvEventSink sink)
    {
        var stored = new Stored { StartPosition = -1, Blocks = -1 };
        if (!reader.TryReadMap(out var count))
        {
            return false;
        }

        for (; count > 0; count--)
        {
            if (!TryReadStoredField(ref reader, ref stored))
            {
                return false;
            }
        }

        if (stored.Blocks < 0)
        {
            return false;
        }

        sink.Stored(new KvStored
        {
            Head = head,
            HasParent = stored.HasParent,
            ParentHash = stored.ParentHash,
            BlockHashes = _hashes.AsSpan(0, stored.Blocks),
            TokensHashes = _tokensHashes.AsSpan(0, stored.Blocks),
            StartPosition = stored.StartPosition,
            LoraId = -1,
            IdsPerToken = 1,
        });
        return true;
    }

    private bool TryReadStoredField(scoped ref MsgPackReader reader, ref Stored stored)
    {
        if (!reader.TryReadText(out var key))
        {
            reader.Skip();
        }

        if (key.SequenceEqual("parent_hash"u8))
        {
            stored.HasParent = !reader.TryReadNil();
            return !stored.HasParent || reader.TryReadUInt64(out stored.ParentHash);
        }

        if (key.SequenceEqual("start_position"u8))
        {
            return reader.TryReadNil() || reader.TryReadInt32(int.MaxValue, out stored.StartPosition);
        }

        return key.SequenceEqual("blocks"u8) ? TryReadBlocks(ref reader, out stored.Blocks) : reader.Skip();
    }

    private bool TryReadBlocks(scoped ref MsgPackReader reader, out int count)
    {
        if (!reader.TryReadArray(out count) || !Reserve(count))
        {
            return false;
        }

        for (var i = 0; i < count; i++)
        {
            if (!reader.TryReadMap(out var fields))
            {
                return false;
            }

            var found = 0;
            for (; fields > 0; fields--)
            {
                if (!reader.TryReadText(out var key))
                {
                    reader.Skip();
                }

                var read = key.SequenceEqual("block_hash"u8) ? reader.TryReadUInt64(out _hashes[i]) && Mark(ref found, 1)
                    : key.SequenceEqual("tokens_hash"u8) ? reader.TryReadUInt64(out _tokensHashes[i]) && Mark(ref found, 2)
                    : reader.Skip();
                if (!read)
                {
                    return false;
                }
            }

            if (found != 3)
            {
                return false;
            }
        }

        return true;
    }

    private bool TryEmitRemoved(scoped ref MsgPackReader reader, in KvEventHead head, IKvEventSink sink)
    {
        if (!reader.TryReadMap(out var fields))
        {
            return false;
        }

        var count = -1;
        for (; fields > 0; fields--)
        {
            if (!reader.TryReadText(out var key))
            {
                reader.Skip();
            }

            if (!(key.SequenceEqual("block_hashes"u8) ? TryReadHashes(ref reader, out count) : reader.Skip()))
            {
                return false;
            }
        }

        if (count < 0)
        {
            return false;
        }

        sink.Removed(new KvRemoved { Head = head, BlockHashes = _hashes.AsSpan(0, count) });
        return true;
    }

    private bool TryReadHashes(scoped ref MsgPackReader reader, out int count)
    {
        if (!reader.TryReadArray(out count) || !Reserve(count))
        {
            return false;
        }

        foreach (ref var hash in _hashes.AsSpan(0, count))
        {
            if (!reader.TryReadUInt64(out hash))
            {
                return false;
            }
        }

        return true;
    }

    private bool Reserve(int blocks)
    {
        if (blocks > _limits.BlocksPerEvent)
        {
            return false;
        }

        if (blocks > _hashes.Length)
        {
            var length = (int)long.Min(_limits.BlocksPerEvent, System.Numerics.BitOperations.RoundUpToPowerOf2((uint)blocks));
            _hashes = new ulong[length];
            _tokensHashes = new ulong[length];
        }

        return true;
    }

    private static bool Mark(ref int found, int bit)
    {
        found |= bit;
        return true;
    }
}
