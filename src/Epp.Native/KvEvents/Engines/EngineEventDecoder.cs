using Epp.Native.Wire;

namespace Epp.Native.KvEvents.Engines;

/// <summary>
/// Decodes the batches that vLLM, SGLang and TensorRT-LLM publish (kv-routing §8): <c>[ts, [event…], rank]</c> or the same as a map; events
/// as arrays (tag first, fields by position) or maps (<c>type</c> and fields by name), in any mixture. One event that cannot be read costs
/// itself only. Owns the arrays that the events' spans point into; not thread-safe, no allocation once they have grown.
/// </summary>
public sealed partial class EngineEventDecoder(KvDecodeLimits? limits = null)
{
    private readonly KvDecodeLimits _limits = limits ?? KvDecodeLimits.Default;
    private ulong[] _hashes = new ulong[64];
    private uint[] _tokens = new uint[1024];

    private enum Tag : byte
    {
        Unknown = 0,
        Stored,
        Removed,
        Cleared,
    }

    /// <summary>Decodes one batch.</summary>
    /// <param name="payload">The payload frame.</param>
    /// <param name="publisher">The worker that sent it, with the rank to use where the batch names none.</param>
    /// <param name="sequence">Sequence number of the batch; becomes <see cref="KvEventHead.EventId"/>.</param>
    /// <param name="sink">Takes the events.</param>
    public KvDecodeResult Decode(ReadOnlySpan<byte> payload, KvRank publisher, ulong sequence, IKvEventSink sink)
    {
        ArgumentNullException.ThrowIfNull(sink);
        if (payload.Length > _limits.MessageBytes)
        {
            return new KvDecodeResult(KvDecodeError.TooLarge);
        }

        var error = ReadBatch(payload, out var events, out var rank);
        if (error != KvDecodeError.None)
        {
            return new KvDecodeResult(error);
        }

        var head = new KvEventHead(publisher with { DpRank = rank ?? publisher.DpRank }, sequence);
        var reader = new MsgPackReader(events);
        reader.TryReadArray(out var count);
        var decoded = 0;
        var undecodable = 0;
        var unknown = 0;
        for (; count > 0; count--)
        {
            var before = reader;
            var fields = new Fields { LoraId = -1, Group = -1 };
            if (!TryReadEvent(ref reader, ref fields))
            {
                undecodable++;
                reader = before;
                reader.Skip();
            }
            else if (fields.Tag == Tag.Unknown)
            {
                unknown++;
            }
            else
            {
                decoded++;
                Emit(head, fields, sink);
            }
        }

        return new KvDecodeResult(KvDecodeError.None, decoded, undecodable, unknown);
    }

    /// <summary>The rank that a batch names, without decoding its events; false where it names none or cannot be read.</summary>
    public static bool TryReadRank(ReadOnlySpan<byte> payload, out uint rank)
    {
        var known = ReadBatch(payload, out _, out var named) == KvDecodeError.None && named is not null;
        rank = named ?? 0;
        return known;
    }

    /// <summary>
    /// Finds the events and the rank, which stands behind them. Walks the whole batch once, so that what follows reads values known to be
    /// complete.
    /// </summary>
    private static KvDecodeError ReadBatch(ReadOnlySpan<byte> payload, out ReadOnlySpan<byte> events, out uint? rank)
    {
        events = default;
        rank = null;
        var reader = new MsgPackReader(payload);
        var isMap = reader.Peek() == MsgPackKind.Map;
        var found = false;
        if (isMap ? !reader.TryReadMap(out var count) : !reader.TryReadArray(out count))
        {
            return reader.Failed || reader.Peek() == MsgPackKind.None ? KvDecodeError.Malformed : KvDecodeError.WrongShape;
        }

        for (var i = 0; i < count; i++)
        {
            var key = isMap ? ReadBatchKey(ref reader) : i;
            var start = reader.Position;
            var kind = reader.Peek();
            if (key == 2 && reader.TryReadInt32(int.MaxValue, out var number))
            {
                rank = (uint)number;
                continue;
            }

            if (!reader.Skip())
            {
                return KvDecodeError.Malformed;
            }

            if (key == 1 && kind == MsgPackKind.Array)
            {
                events = reader.Since(start);
                found = true;
            }
        }

        return found ? KvDecodeError.None : KvDecodeError.WrongShape;
    }

    /// <summary>Position that the key of a map-shaped batch has in an array-shaped one; −1 = none.</summary>
    private static int ReadBatchKey(ref MsgPackReader reader)
    {
        if (!reader.TryReadText(out var key))
        {
            reader.Skip();
            return -1;
        }

        return key.SequenceEqual("events"u8) ? 1
            : key.SequenceEqual("data_parallel_rank"u8) || key.SequenceEqual("attn_dp_rank"u8) || key.SequenceEqual("dp_rank"u8) ? 2
            : -1;
    }

    private void Emit(in KvEventHead batch, in Fields fields, IKvEventSink sink)
    {
        var head = batch with { Tier = KvTiers.OfMedium(fields.Medium), Group = fields.Group, Locality = fields.Locality };
        switch (fields.Tag)
        {
            case Tag.Stored:
                sink.Stored(new KvStored
                {
                    Head = head,
                    HasParent = fields.HasParent,
                    ParentHash = fields.Parent,
                    BlockHashes = _hashes.AsSpan(0, fields.Hashes),
                    StartPosition = -1,
                    TokenIds = _tokens.AsSpan(0, fields.Ids),
                    IdsPerToken = fields.IdsPerToken,
                    BlockTokens = fields.BlockTokens,
                    LoraId = fields.LoraId,
                    LoraName = fields.LoraName,
                    CacheSalt = fields.CacheSalt,
                    ExtraKeys = fields.ExtraKeys,
                    CacheKind = fields.CacheKind,
                });
                break;
            case Tag.Removed:
                sink.Removed(new KvRemoved { Head = head, BlockHashes = _hashes.AsSpan(0, fields.Hashes) });
                break;
            case Tag.Cleared:
                sink.Cleared(new KvCleared(head, WholeWorker: false));
                break;
            case Tag.Unknown:
            default:
                break;
        }
    }
}
