using System.Buffers.Binary;
using Epp.Native.Wire;

namespace Epp.Native.KvEvents.Engines;

/// <summary>Lists of hashes and tokens.</summary>
public sealed partial class EngineEventDecoder
{
    private bool TryReadHashes(ref MsgPackReader reader, out int count)
    {
        if (!reader.TryReadArray(out count) || count > _limits.BlocksPerEvent)
        {
            return false;
        }

        if (count > _hashes.Length)
        {
            _hashes = new ulong[Grown(count, _limits.BlocksPerEvent)];
        }

        foreach (ref var hash in _hashes.AsSpan(0, count))
        {
            if (!TryReadHash(ref reader, out hash))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>An integer of any width and sign, by its bits; or bytes, by their last 8, big-endian.</summary>
    private static bool TryReadHash(ref MsgPackReader reader, out ulong hash)
    {
        if (reader.TryReadInteger(out hash, out _))
        {
            return true;
        }

        if (reader.Peek() != MsgPackKind.Binary || !reader.TryReadBytes(out var bytes))
        {
            return false;
        }

        Span<byte> last = stackalloc byte[8];
        last.Clear();
        bytes = bytes.Length > 8 ? bytes[^8..] : bytes;
        bytes.CopyTo(last[(8 - bytes.Length)..]);
        hash = BinaryPrimitives.ReadUInt64BigEndian(last);
        return true;
    }

    /// <summary>Ids, or pairs of ids.</summary>
    private bool TryReadTokens(ref MsgPackReader reader, ref Fields fields)
    {
        if (!reader.TryReadArray(out var count))
        {
            return false;
        }

        fields.IdsPerToken = reader.Peek() == MsgPackKind.Array && count > 0 ? 2 : 1;
        var ids = (long)count * fields.IdsPerToken;
        if (ids > _limits.TokensPerEvent)
        {
            return false;
        }

        fields.Ids = (int)ids;
        if (fields.Ids > _tokens.Length)
        {
            _tokens = new uint[Grown(fields.Ids, _limits.TokensPerEvent)];
        }

        var tokens = _tokens.AsSpan(0, fields.Ids);
        return fields.IdsPerToken == 1 ? TryReadIds(ref reader, tokens) : TryReadPairs(ref reader, tokens);
    }

    private static bool TryReadIds(ref MsgPackReader reader, Span<uint> ids)
    {
        foreach (ref var id in ids)
        {
            if (!reader.TryReadUInt64(out var wide) || wide > uint.MaxValue)
            {
                return false;
            }

            id = (uint)wide;
        }

        return true;
    }

    private static bool TryReadPairs(ref MsgPackReader reader, Span<uint> ids)
    {
        for (; ids.Length > 0; ids = ids[2..])
        {
            if (!reader.TryReadArray(out var items) || items != 2 || !TryReadIds(ref reader, ids[..2]))
            {
                return false;
            }
        }

        return true;
    }

    private static int Grown(int needed, int limit) => (int)long.Min(limit, (long)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)needed));
}
