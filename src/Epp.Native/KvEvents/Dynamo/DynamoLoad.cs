using Epp.Native.Wire;

namespace Epp.Native.KvEvents.Dynamo;

/// <summary>One message of <c>kv_metrics</c> (kv-routing §4.1); −1 = not said.</summary>
/// <param name="Rank">Worker and rank.</param>
/// <param name="ActiveDecodeBlocks">Blocks of requests that decode.</param>
/// <param name="ActivePrefillTokens">Prompt tokens not yet computed.</param>
/// <param name="KvUsedBlocks">Blocks in use in the engine's cache.</param>
public readonly record struct DynamoLoad(KvRank Rank, long ActiveDecodeBlocks, long ActivePrefillTokens, long KvUsedBlocks)
{
    /// <summary>Reads the payload of an envelope; false where it is none or names no worker.</summary>
    public static bool TryRead(ReadOnlySpan<byte> payload, out DynamoLoad load)
    {
        load = new DynamoLoad(default, -1, -1, -1);
        var reader = new MsgPackReader(payload);
        var found = false;
        if (!reader.TryReadMap(out var count))
        {
            return false;
        }

        for (; count > 0; count--)
        {
            if (!reader.TryReadText(out var key))
            {
                return false;
            }

            if (!reader.TryReadUInt64(out var value))
            {
                if (!reader.Skip())
                {
                    return false;
                }

                continue;
            }

            found |= key.SequenceEqual("worker_id"u8);
            load = With(load, key, value);
        }

        return found;
    }

    private static DynamoLoad With(in DynamoLoad load, ReadOnlySpan<byte> key, ulong value)
    {
        var number = (long)ulong.Min(value, long.MaxValue);
        return key.SequenceEqual("worker_id"u8) ? load with { Rank = load.Rank with { WorkerId = value } }
            : key.SequenceEqual("dp_rank"u8) ? load with { Rank = load.Rank with { DpRank = (uint)ulong.Min(value, uint.MaxValue) } }
            : key.SequenceEqual("active_decode_blocks"u8) ? load with { ActiveDecodeBlocks = number }
            : key.SequenceEqual("active_prefill_tokens"u8) ? load with { ActivePrefillTokens = number }
            : key.SequenceEqual("kv_used_blocks"u8) ? load with { KvUsedBlocks = number }
            : load;
    }
}
