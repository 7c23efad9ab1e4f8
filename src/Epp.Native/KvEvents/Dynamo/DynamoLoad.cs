using System.Buffers.Text;
using Epp.Native.Wire;

namespace Epp.Native.KvEvents.Dynamo;

/// <summary>One message of <c>kv_metrics</c> (kv-routing §4.1) or <c>forward-pass-metrics</c> (§4.2); −1 = not said.</summary>
/// <param name="Rank">Worker and rank.</param>
/// <param name="ActiveDecodeBlocks">Blocks of requests that decode.</param>
/// <param name="ActivePrefillTokens">Prompt tokens not yet computed.</param>
/// <param name="KvUsedBlocks">Blocks in use in the engine's cache.</param>
/// <param name="Running">Requests of the last pass, prefill and decode.</param>
/// <param name="Waiting">Requests in the engine's queue.</param>
public readonly record struct DynamoLoad(
    KvRank Rank, long ActiveDecodeBlocks, long ActivePrefillTokens, long KvUsedBlocks, long Running = -1, long Waiting = -1)
{
    /// <summary>Version of the forward pass reports that is understood; others are passed over.</summary>
    private const ulong PassVersion = 1;

    /// <summary>
    /// Reads the payload of a forward pass report; false where it is none, is of another version, or names no worker by a decimal number.
    /// </summary>
    public static bool TryReadPass(ReadOnlySpan<byte> payload, out DynamoLoad load)
    {
        load = new DynamoLoad(default, -1, -1, -1, 0, 0);
        var reader = new MsgPackReader(payload);
        var (worker, version) = (false, 0UL);
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

            var read = key.SequenceEqual("version"u8) ? reader.TryReadUInt64(out version)
                : key.SequenceEqual("worker_id"u8) ? TryReadWorker(ref reader, ref load, ref worker)
                : key.SequenceEqual("dp_rank"u8) ? TryReadRank(ref reader, ref load)
                : key.SequenceEqual("scheduled_requests"u8) ? TryReadRequests(ref reader, out var running) && Set(ref load, load with { Running = running })
                : key.SequenceEqual("queued_requests"u8) ? TryReadRequests(ref reader, out var waiting) && Set(ref load, load with { Waiting = waiting })
                : reader.Skip();
            if (!read)
            {
                return false;
            }
        }

        return worker && version == PassVersion;
    }

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

    private static bool Set(ref DynamoLoad load, in DynamoLoad value)
    {
        load = value;
        return true;
    }

    private static bool TryReadWorker(ref MsgPackReader reader, ref DynamoLoad load, ref bool found)
    {
        if (!reader.TryReadText(out var text))
        {
            return false;
        }

        found = Utf8Parser.TryParse(text, out ulong id, out var used) && used == text.Length;
        load = load with { Rank = load.Rank with { WorkerId = id } };
        return true;
    }

    private static bool TryReadRank(ref MsgPackReader reader, ref DynamoLoad load)
    {
        var read = reader.TryReadUInt64(out var rank);
        load = load with { Rank = load.Rank with { DpRank = (uint)ulong.Min(rank, uint.MaxValue) } };
        return read;
    }

    /// <summary>Requests of both kinds together.</summary>
    private static bool TryReadRequests(ref MsgPackReader reader, out long requests)
    {
        requests = 0;
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

            if (!key.SequenceEqual("num_prefill_requests"u8) && !key.SequenceEqual("num_decode_requests"u8))
            {
                if (!reader.Skip())
                {
                    return false;
                }

                continue;
            }

            if (!reader.TryReadUInt64(out var number))
            {
                return false;
            }

            requests += (long)ulong.Min(number, int.MaxValue);
        }

        return true;
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
