using System.Buffers.Binary;

namespace Epp.Native.KvEvents.Dynamo;

/// <summary>
/// The snapshot of Dynamo's durable mode (kv-routing §2.4): a tree dump as bincode 1, fixed-width little-endian. Release 1.2 writes a tier and a
/// start position into each event, 0.9 neither; which it is, shows by what fits to the last byte. Not thread-safe.
/// </summary>
public sealed class DynamoSnapshot
{
    private const int MaxBlocks = 1 << 20;

    private ulong[] _hashes = new ulong[64];
    private ulong[] _tokensHashes = new ulong[64];

    private ref struct Cursor(ReadOnlySpan<byte> rest)
    {
        private ReadOnlySpan<byte> _rest = rest;

        public bool Failed { get; private set; }

        public readonly int Left => _rest.Length;

        public ulong UInt64() => Take(8, out var bytes) ? BinaryPrimitives.ReadUInt64LittleEndian(bytes) : 0;

        public uint UInt32() => Take(4, out var bytes) ? BinaryPrimitives.ReadUInt32LittleEndian(bytes) : 0;

        /// <summary>An option's tag.</summary>
        public bool Some()
        {
            if (!Take(1, out var bytes) || bytes[0] > 1)
            {
                Failed = true;
                return false;
            }

            return bytes[0] == 1;
        }

        /// <summary>A length of items with at least so many bytes each.</summary>
        public int Count(int bytesPerItem, int max)
        {
            var count = UInt64();
            if (count > (ulong)(_rest.Length / bytesPerItem) || count > (ulong)max)
            {
                Failed = true;
                return 0;
            }

            return (int)count;
        }

        public void Fail() => Failed = true;

        private bool Take(int count, out ReadOnlySpan<byte> bytes)
        {
            bytes = default;
            if (Failed || _rest.Length < count)
            {
                Failed = true;
                return false;
            }

            bytes = _rest[..count];
            _rest = _rest[count..];
            return true;
        }
    }

    /// <summary>The events of a snapshot, in order; −1 where it is none, and then nothing reached the sink.</summary>
    public int Read(ReadOnlySpan<byte> bytes, IKvEventSink sink)
    {
        ArgumentNullException.ThrowIfNull(sink);
        foreach (var hasTier in (ReadOnlySpan<bool>)[true, false])
        {
            // Once to see whether this layout fits, once to hand on.
            if (Walk(bytes, hasTier, null) >= 0)
            {
                return Walk(bytes, hasTier, sink);
            }
        }

        return -1;
    }

    private int Walk(ReadOnlySpan<byte> bytes, bool hasTier, IKvEventSink? sink)
    {
        var cursor = new Cursor(bytes);
        var count = cursor.Count(24, int.MaxValue);
        for (var i = 0; i < count && !cursor.Failed; i++)
        {
            ReadEvent(ref cursor, hasTier, sink);
        }

        return cursor.Failed || cursor.Left > 0 ? -1 : count;
    }

    private void ReadEvent(ref Cursor cursor, bool hasTier, IKvEventSink? sink)
    {
        var worker = cursor.UInt64();
        var tier = hasTier ? cursor.UInt32() : 0;
        var id = cursor.UInt64();
        var kind = cursor.UInt32();
        if (tier > (uint)KvTier.External || kind > 2)
        {
            cursor.Fail();
            return;
        }

        var hasParent = false;
        ulong parent = 0;
        var start = -1;
        var blocks = 0;
        if (kind == 0)
        {
            hasParent = cursor.Some();
            parent = hasParent ? cursor.UInt64() : 0;
            start = hasTier && cursor.Some() ? (int)uint.Min(cursor.UInt32(), int.MaxValue) : -1;
            blocks = ReadBlocks(ref cursor);
        }
        else if (kind == 1)
        {
            blocks = cursor.Count(8, MaxBlocks);
            Reserve(blocks);
            for (var i = 0; i < blocks; i++)
            {
                _hashes[i] = cursor.UInt64();
            }
        }

        var head = new KvEventHead(new KvRank(worker, cursor.UInt32()), id, (KvTier)tier);
        if (sink is null || cursor.Failed)
        {
            return;
        }

        switch (kind)
        {
            case 0:
                sink.Stored(new KvStored
                {
                    Head = head, HasParent = hasParent, ParentHash = parent, StartPosition = start, IdsPerToken = 1, LoraId = -1,
                    BlockHashes = _hashes.AsSpan(0, blocks), TokensHashes = _tokensHashes.AsSpan(0, blocks),
                });
                break;
            case 1:
                sink.Removed(new KvRemoved { Head = head, BlockHashes = _hashes.AsSpan(0, blocks) });
                break;
            default:
                sink.Cleared(new KvCleared(head, WholeWorker: true));
                break;
        }
    }

    private int ReadBlocks(ref Cursor cursor)
    {
        var blocks = cursor.Count(17, MaxBlocks);
        Reserve(blocks);
        for (var i = 0; i < blocks && !cursor.Failed; i++)
        {
            _hashes[i] = cursor.UInt64();
            _tokensHashes[i] = cursor.UInt64();
            if (cursor.Some())
            {
                SkipObjects(ref cursor);
            }
        }

        return blocks;
    }

    /// <summary>Multimodal objects: hash and ranges, which the tokens' hash contains already.</summary>
    private static void SkipObjects(ref Cursor cursor)
    {
        for (var objects = cursor.Count(16, MaxBlocks); objects > 0 && !cursor.Failed; objects--)
        {
            cursor.UInt64();
            for (var ranges = cursor.Count(16, MaxBlocks); ranges > 0; ranges--)
            {
                cursor.UInt64();
                cursor.UInt64();
            }
        }
    }

    private void Reserve(int blocks)
    {
        if (blocks > _hashes.Length)
        {
            (_hashes, _tokensHashes) = (new ulong[blocks], new ulong[blocks]);
        }
    }
}
