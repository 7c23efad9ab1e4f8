using Epp.Native.Wire;

namespace Epp.Native.KvEvents.Engines;

/// <summary>Events: fields by position or by name.</summary>
public sealed partial class EngineEventDecoder
{
    /// <summary>Fields of both events; each has one number, its position in an array-shaped BlockStored where it has one there.</summary>
    private enum Field
    {
        Other = -1,
        Type = 0,
        BlockHashes = 1,
        Parent = 2,
        TokenIds = 3,
        BlockSize = 4,
        LoraId = 5,
        Medium = 6,
        LoraName = 7,
        ExtraKeys = 8,
        Group = 9,
        CacheKind = 10,
        Window = 11,
        Locality,
        CacheSalt,
        Ownership,
    }

    private ref struct Fields
    {
        public Tag Tag;
        public int Hashes;
        public bool HasHashes;
        public bool HasParent;
        public ulong Parent;
        public int Ids;
        public int IdsPerToken;
        public int BlockTokens;
        public long LoraId;
        public int Group;
        public KvCacheKind CacheKind;
        public KvLocality Locality;
        public ReadOnlySpan<byte> Medium;
        public ReadOnlySpan<byte> LoraName;
        public ReadOnlySpan<byte> CacheSalt;
        public ReadOnlySpan<byte> ExtraKeys;
    }

    /// <summary>False where a field that matters has a wrong type or exceeds a limit; the reader then stands anywhere inside the event.</summary>
    private bool TryReadEvent(scoped ref MsgPackReader reader, ref Fields fields)
    {
        var readable = reader.Peek() switch
        {
            MsgPackKind.Array => TryReadArrayEvent(ref reader, ref fields),
            MsgPackKind.Map => TryReadMapEvent(ref reader, ref fields),
            MsgPackKind.Text => TryReadTag(ref reader, ref fields),
            _ => false,
        };
        return readable && fields.Tag switch
        {
            Tag.Stored => fields.HasHashes && (fields.Ids == 0 || fields.BlockTokens > 0),
            Tag.Removed => fields.HasHashes,
            _ => true,
        };
    }

    private bool TryReadArrayEvent(scoped ref MsgPackReader reader, ref Fields fields)
    {
        if (!reader.TryReadArray(out var count) || count == 0 || !TryReadTag(ref reader, ref fields))
        {
            return false;
        }

        for (var i = 1; i < count; i++)
        {
            var field = fields.Tag switch
            {
                Tag.Stored => StoredField(i, reader.Peek(), fields.Group),
                Tag.Removed => i switch { 1 => Field.BlockHashes, 2 => Field.Medium, 3 => Field.Group, 4 => Field.Locality, 5 => Field.Ownership, _ => Field.Other },
                _ => Field.Other,
            };
            if (!TryReadField(field, ref reader, ref fields))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>
    /// Positions up to 8 are fixed. Behind them publishers left values out, so the type tells: the first number is the group, a further one
    /// the window, a text the kind; anything else (multimodal objects) is not needed.
    /// </summary>
    private static Field StoredField(int index, MsgPackKind kind, int group) => index <= 8 ? (Field)index : kind switch
    {
        MsgPackKind.Number => index == 9 || (group < 0 && index == 10) ? Field.Group : Field.Window,
        MsgPackKind.Text => Field.CacheKind,
        _ => Field.Other,
    };

    private bool TryReadMapEvent(scoped ref MsgPackReader reader, ref Fields fields)
    {
        if (!reader.TryReadMap(out var count))
        {
            return false;
        }

        for (; count > 0; count--)
        {
            var field = Field.Other;
            if (reader.TryReadText(out var key))
            {
                field = FieldOf(key);
            }
            else
            {
                reader.Skip();
            }

            if (!TryReadField(field, ref reader, ref fields))
            {
                return false;
            }
        }

        return true;
    }

    private static Field FieldOf(ReadOnlySpan<byte> key) => key.Length switch
    {
        4 when key.SequenceEqual("type"u8) => Field.Type,
        6 when key.SequenceEqual("medium"u8) => Field.Medium,
        7 when key.SequenceEqual("lora_id"u8) => Field.LoraId,
        8 when key.SequenceEqual("locality"u8) => Field.Locality,
        9 when key.SequenceEqual("token_ids"u8) => Field.TokenIds,
        9 when key.SequenceEqual("lora_name"u8) => Field.LoraName,
        9 when key.SequenceEqual("group_idx"u8) => Field.Group,
        9 when key.SequenceEqual("ownership"u8) => Field.Ownership,
        10 when key.SequenceEqual("block_size"u8) => Field.BlockSize,
        10 when key.SequenceEqual("extra_keys"u8) => Field.ExtraKeys,
        10 when key.SequenceEqual("cache_salt"u8) => Field.CacheSalt,
        12 when key.SequenceEqual("block_hashes"u8) => Field.BlockHashes,
        17 when key.SequenceEqual("parent_block_hash"u8) => Field.Parent,
        18 when key.SequenceEqual("kv_cache_spec_kind"u8) => Field.CacheKind,
        _ => Field.Other,
    };

    private bool TryReadField(Field field, ref MsgPackReader reader, ref Fields fields)
    {
        switch (field)
        {
            case Field.Type:
                return TryReadTag(ref reader, ref fields);
            case Field.BlockHashes:
                fields.HasHashes = TryReadHashes(ref reader, out fields.Hashes);
                return fields.HasHashes;
            case Field.Parent:
                fields.HasParent = !reader.TryReadNil();
                return !fields.HasParent || TryReadHash(ref reader, out fields.Parent);
            case Field.TokenIds:
                return reader.TryReadNil() || TryReadTokens(ref reader, ref fields);
            case Field.BlockSize:
                return reader.TryReadNil() || reader.TryReadInt32(_limits.TokensPerEvent, out fields.BlockTokens);
            case Field.LoraId:
                fields.LoraId = reader.TryReadInt32(int.MaxValue, out var loraId) ? loraId : SkipTo(ref reader, -1);
                return !reader.Failed;
            case Field.LoraName when reader.Peek() == MsgPackKind.Map:
                return TryReadSaltMap(ref reader, ref fields);
            case Field.LoraName:
                fields.LoraName = TextOrNothing(ref reader);
                return !reader.Failed;
            case Field.Medium:
                fields.Medium = TextOrNothing(ref reader);
                return !reader.Failed;
            case Field.CacheSalt:
                fields.CacheSalt = TextOrNothing(ref reader);
                return !reader.Failed;
            case Field.Group:
                fields.Group = reader.TryReadInt32(int.MaxValue, out var group) ? group : SkipTo(ref reader, -1);
                return !reader.Failed;
            default:
                return TryReadDetail(field, ref reader, ref fields);
        }
    }

    private static bool TryReadDetail(Field field, ref MsgPackReader reader, ref Fields fields)
    {
        var start = reader.Position;
        switch (field)
        {
            case Field.ExtraKeys:
                fields.ExtraKeys = reader.Skip() ? reader.Since(start) : default;
                break;
            case Field.CacheKind:
                fields.CacheKind = KindOf(TextOrNothing(ref reader));
                break;
            case Field.Locality:
                var locality = TextOrNothing(ref reader);
                fields.Locality = locality.IsEmpty ? fields.Locality : locality.SequenceEqual("LOCAL"u8) ? KvLocality.Local : KvLocality.Elsewhere;
                break;
            case Field.Ownership:
                // Blocks of a shared store are not this worker's; other owners name a tier behind it.
                fields.Locality = TextOrNothing(ref reader).SequenceEqual("SHARED"u8) ? KvLocality.Elsewhere : fields.Locality;
                break;
            default:
                reader.Skip();
                break;
        }

        return !reader.Failed;
    }

    private static bool TryReadTag(scoped ref MsgPackReader reader, ref Fields fields)
    {
        if (!reader.TryReadText(out var tag))
        {
            return false;
        }

        fields.Tag = tag.SequenceEqual("BlockStored"u8) ? Tag.Stored
            : tag.SequenceEqual("BlockRemoved"u8) ? Tag.Removed
            : tag.SequenceEqual("AllBlocksCleared"u8) ? Tag.Cleared
            : Tag.Unknown;
        return true;
    }

    private static KvCacheKind KindOf(ReadOnlySpan<byte> kind) =>
        kind.IsEmpty ? KvCacheKind.Unsaid
        : kind.SequenceEqual("full_attention"u8) ? KvCacheKind.FullAttention
        : kind.SequenceEqual("mla_attention"u8) ? KvCacheKind.MlaAttention
        : kind.SequenceEqual("sink_full_attention"u8) ? KvCacheKind.SinkFullAttention
        : KvCacheKind.Other;

    /// <summary>SGLang's array form in place of the LoRA name: <c>{cache_salt: …}</c>.</summary>
    private static bool TryReadSaltMap(scoped ref MsgPackReader reader, ref Fields fields)
    {
        reader.TryReadMap(out var count);
        for (; count > 0 && !reader.Failed; count--)
        {
            var isSalt = reader.TryReadText(out var key) ? key.SequenceEqual("cache_salt"u8) : !reader.Skip();
            if (isSalt)
            {
                fields.CacheSalt = TextOrNothing(ref reader);
            }
            else
            {
                reader.Skip();
            }
        }

        return !reader.Failed;
    }

    private static ReadOnlySpan<byte> TextOrNothing(scoped ref MsgPackReader reader)
    {
        if (!reader.TryReadText(out var text))
        {
            reader.Skip();
        }

        return text;
    }

    private static long SkipTo(scoped ref MsgPackReader reader, long value)
    {
        reader.Skip();
        return value;
    }

    private static int SkipTo(scoped ref MsgPackReader reader, int value)
    {
        reader.Skip();
        return value;
    }
}
