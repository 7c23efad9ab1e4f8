using Epp.Native.KvEvents;
using Epp.Native.KvEvents.Dynamo;
using Epp.Native.KvEvents.Engines;
using Epp.Native.Prefix;
using Epp.Native.Wire;

namespace Epp.Native.Tests.KvEvents;

/// <summary>Bytes of strangers: nothing throws, nothing grows beyond its limit, and good events beside bad ones survive.</summary>
[Trait("Category", "Unit")]
public sealed class DecoderFuzzTests
{
    private static readonly KvRank Publisher = new(1, 0);

    private static readonly byte[][] Seeds =
    [
        Convert.FromHexString("93cb3ff80000000000009199ab426c6f636b53746f726564926e6fc098010203040506070804c0a3475055c0929192b76f70617175652d72656e64657265722d696d6167652d30fdc000"),
        Convert.FromHexString("93cb3ff80000000000009187a474797065ab426c6f636b53746f726564ac626c6f636b5f68617368657391cd0131a9746f6b656e5f6964739401020304aa626c6f636b5f73697a6504aa63616368655f73616c74a874656e616e742d61a967726f75705f69647800b26b765f63616368655f737065635f6b696e64ae66756c6c5f617474656e74696f6e00"),
        Convert.FromHexString("93cb3ff80000000000009196ab426c6f636b53746f72656492cd0199cd019ac09892000192010292020392030492040592050692060792070804c000"),
        Convert.FromHexString("83a9776f726b65725f69642aac73746f726167655f74696572a6646576696365a56576656e7483a86576656e745f696407a46461746181a673746f72656483ab706172656e745f68617368c0ae73746172745f706f736974696f6ec0a6626c6f636b739183aa626c6f636b5f68617368cfd47a8f41c833328aab746f6b656e735f68617368cfd47a8f41c833328aad6d6d5f65787472615f696e666fc0a764705f72616e6b00"),
        Convert.FromHexString("83a9776f726b65725f69642aac73746f726167655f74696572a6646576696365a56576656e7483a86576656e745f696409a46461746181a772656d6f76656481ac626c6f636b5f68617368657391cfd47a8f41c833328aa764705f72616e6b00"),
        """{"publisher_id":1,"sequence":2,"topic":"kv-events","payload":[131,169,119]}"""u8.ToArray(),
        """{"worker_id":18446744073709551615,"event":{"event_id":1,"data":{"stored":{"parent_hash":null,"blocks":[{"block_hash":1,"tokens_hash":2}]}},"dp_rank":0}}"""u8.ToArray(),
    ];

    [Fact]
    public void Decode_MutatedMessages_NeverThrowsNorExceedsItsLimits()
    {
        const int Seed = 20261121;
        var random = new Random(Seed);
        var limits = new KvDecodeLimits(MessageBytes: 4096, BlocksPerEvent: 64, TokensPerEvent: 256);
        var engines = new EngineEventDecoder(limits);
        var dynamo = new DynamoEventDecoder(limits);
        var sink = new BoundedSink(limits);
        for (var round = 0; round < 200_000; round++)
        {
            var bytes = Mutate(random, Seeds[random.Next(Seeds.Length)]);
            try
            {
                engines.Decode(bytes, Publisher, 0, sink);
                dynamo.Decode(bytes, sink);
                if (DynamoZmqMessage.TryUnwrap(bytes, out var envelope))
                {
                    dynamo.Decode(envelope, sink);
                }
            }
            catch (Exception e)
            {
                Assert.Fail($"seed {Seed}, round {round}: {Convert.ToHexString(bytes)}: {e}");
            }
        }

        Assert.True(sink.Events > 10_000, $"only {sink.Events} events survived: the mutations are too wild to test anything");
    }

    /// <summary>What survives the decoders goes into an index: nothing throws, and its memory stays within the budget.</summary>
    [Fact]
    public void Decode_MutatedMessages_IntoAnIndex_StaysWithinItsBudget()
    {
        const int Seed = 20261129;
        var random = new Random(Seed);
        var index = new KvIndex(1, 1 << 20);
        var writer = new KvIndexWriter(index, new PromptShapes());
        var filter = new KvEventFilter(writer);
        var engines = new EngineEventDecoder();
        var dynamo = new DynamoEventDecoder();
        var match = new KvMatch();
        for (var round = 0; round < 60_000; round++)
        {
            var bytes = Mutate(random, Seeds[random.Next(Seeds.Length)]);
            try
            {
                engines.Decode(bytes, Publisher with { WorkerId = (ulong)random.Next(5) }, (ulong)round, filter);
                dynamo.Decode(bytes, filter);
                index.Find([(ulong)random.NextInt64(), 2], match);
            }
            catch (Exception e)
            {
                Assert.Fail($"seed {Seed}, round {round}: {Convert.ToHexString(bytes)}: {e}");
            }
        }

        Assert.True(index.BytesUsed <= index.BudgetBytes, $"{index.BytesUsed} bytes");
        Assert.True(writer.Totals.StoredBlocks > 1000, $"only {writer.Totals} survived");
    }

    [Fact]
    public void Decode_OneBadEvent_KeepsItsNeighbours()
    {
        // [1.5, [BlockRemoved [1], BlockRemoved "x" (not a list), ["Later", …], BlockRemoved [2]], 3]
        var writer = new MsgPackWriter();
        writer.BeginArray(3);
        writer.WriteDouble(1.5);
        writer.BeginArray(4);
        Removed(writer, 1);
        writer.BeginArray(2);
        writer.WriteText("BlockRemoved"u8);
        writer.WriteText("x"u8);
        writer.BeginArray(2);
        writer.WriteText("Later"u8);
        writer.BeginMap();
        Removed(writer, 2);
        writer.WriteUInt64(3);
        var sink = new RecordingSink();
        var result = new EngineEventDecoder().Decode(writer.Written, Publisher, 5, sink);
        Assert.Equal(new KvDecodeResult(KvDecodeError.None, 2, 1, 1), result);
        Assert.Equal([1UL, 2UL], sink.Events.SelectMany(static e => e.Hashes));
        Assert.All(sink.Events, static e => Assert.Equal((3U, 5UL), (e.Head.Holder.DpRank, e.Head.EventId)));
    }

    [Fact]
    public void Decode_BeyondALimit_RefusesTheEventOnly()
    {
        var writer = new MsgPackWriter();
        writer.BeginArray(2);
        writer.WriteNil();
        writer.BeginArray(2);
        Removed(writer, 1, 2, 3);
        Removed(writer, 4);
        var sink = new RecordingSink();
        var result = new EngineEventDecoder(new KvDecodeLimits(BlocksPerEvent: 2)).Decode(writer.Written, Publisher, 0, sink);
        Assert.Equal(new KvDecodeResult(KvDecodeError.None, 1, 1), result);
        Assert.Equal(4UL, sink.Events[0].Hashes[0]);
        Assert.Equal(KvDecodeError.TooLarge, new EngineEventDecoder(new KvDecodeLimits(MessageBytes: 3)).Decode(writer.Written, Publisher, 0, sink).Error);
    }

    [Fact]
    public void Decode_HeadersThatClaimTooMuch_AreMalformed()
    {
        // Arrays nested 100,000 deep, and an array of 2^32 - 1 items: neither recursion nor memory follows the claim.
        var deep = new byte[100_000];
        deep.AsSpan().Fill(0x91);
        Assert.Equal(KvDecodeError.Malformed, new EngineEventDecoder().Decode(deep, Publisher, 0, new RecordingSink()).Error);
        Assert.Equal(KvDecodeError.Malformed, new EngineEventDecoder().Decode([0xdd, 0xff, 0xff, 0xff, 0xff], Publisher, 0, new RecordingSink()).Error);
        Assert.Equal(KvDecodeError.Malformed, new DynamoEventDecoder().Decode(deep, new RecordingSink()).Error);
        Assert.Equal(KvDecodeError.Malformed, new DynamoEventDecoder().Decode([0xdf, 0xff, 0xff, 0xff, 0xff], new RecordingSink()).Error);
    }

    [Fact]
    public void Decode_SteadyState_AllocatesNothing()
    {
        var engines = new EngineEventDecoder();
        var dynamo = new DynamoEventDecoder();
        var sink = new BoundedSink(KvDecodeLimits.Default);
        void Round()
        {
            foreach (var seed in Seeds)
            {
                engines.Decode(seed, Publisher, 0, sink);
                dynamo.Decode(seed, sink);
            }
        }

        Round();
        Round();
        var before = GC.GetAllocatedBytesForCurrentThread();
        Round();
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    internal static byte[] Mutate(Random random, byte[] seed)
    {
        byte[] marks = [0xc0, 0xc1, 0xc4, 0xc6, 0xcc, 0xcf, 0xd3, 0xd9, 0xdb, 0xdc, 0xdd, 0xde, 0xdf, 0x80, 0x90, 0x91, 0xa0, 0xff, 0];
        var bytes = new List<byte>(seed);
        for (var n = random.Next(1, 5); n > 0; n--)
        {
            var at = random.Next(bytes.Count + 1);
            switch (random.Next(6))
            {
                case 0 when at < bytes.Count:
                    bytes[at] = marks[random.Next(marks.Length)];
                    break;
                case 1 when at < bytes.Count:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 2:
                    bytes.Insert(at, marks[random.Next(marks.Length)]);
                    break;
                case 3 when at < bytes.Count:
                    bytes.RemoveRange(at, Math.Min(random.Next(8), bytes.Count - at));
                    break;
                case 4:
                    var other = Seeds[random.Next(Seeds.Length)];
                    bytes.InsertRange(at, other.AsSpan(random.Next(other.Length)).ToArray());
                    break;
                case 5:
                    bytes.RemoveRange(at, bytes.Count - at);
                    break;
            }
        }

        return [.. bytes];
    }

    private static void Removed(MsgPackWriter writer, params ulong[] hashes)
    {
        writer.BeginArray(3);
        writer.WriteText("BlockRemoved"u8);
        writer.BeginArray(hashes.Length);
        foreach (var hash in hashes)
        {
            writer.WriteUInt64(hash);
        }

        writer.WriteText("GPU"u8);
    }

    private sealed class BoundedSink(KvDecodeLimits limits) : IKvEventSink
    {
        public int Events { get; private set; }

        public void Stored(in KvStored stored)
        {
            Events++;
            if (stored.BlockHashes.Length > limits.BlocksPerEvent || stored.TokenIds.Length > limits.TokensPerEvent)
            {
                throw new InvalidOperationException("larger than the limit");
            }

            var keys = new KvExtraKeys(stored.ExtraKeys);
            while (keys.NextBlock())
            {
                while (keys.NextKey())
                {
                }
            }
        }

        public void Removed(in KvRemoved removed)
        {
            Events++;
            if (removed.BlockHashes.Length > limits.BlocksPerEvent)
            {
                throw new InvalidOperationException("larger than the limit");
            }
        }

        public void Cleared(in KvCleared cleared) => Events++;
    }
}
