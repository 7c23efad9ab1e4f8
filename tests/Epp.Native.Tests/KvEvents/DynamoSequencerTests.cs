using Epp.Native.KvEvents;
using Epp.Native.KvEvents.Dynamo;
using Epp.Native.Wire;

namespace Epp.Native.Tests.KvEvents;

/// <summary>Order and recovery of Dynamo's events, without a network.</summary>
[Trait("Category", "Unit")]
public sealed class DynamoSequencerTests
{
    private static readonly KvRank Rank = new(7, 0);

    private readonly HoldersTarget _target = new();
    private readonly DynamoEventSequencer _sequencer;

    public DynamoSequencerTests() => _sequencer = new DynamoEventSequencer(_target);

    [Fact]
    public void NoRecovery_AppliesWhatComes_CountsGaps_LeavesOutRepetitions()
    {
        Store(3, 30);
        Store(4, 40);
        Store(4, 41);
        Store(9, 90);
        Store(2, 20);
        Assert.Equal((1, 2), (_sequencer.Gaps, _sequencer.Duplicates));
        Assert.Equal([30UL, 40, 90], _target.Blocks(Rank));
        Assert.False(_sequencer.TryTakeRestore(out _));
    }

    [Fact]
    public void Start_FetchesTheWholeState_AndThenWhatWaited()
    {
        _sequencer.AddRecovery(Rank);
        var restore = Restore();
        Assert.Null(restore.Start);
        Store(11, 110);
        Store(12, 120);
        Assert.Empty(_target.Blocks(Rank));
        Complete(restore, Dump(11, 1, 2, 110));
        Assert.Equal([1UL, 2, 110, 120], _target.Blocks(Rank));
        Store(13, 130);
        Assert.Contains(130UL, _target.Blocks(Rank));
    }

    [Fact]
    public void FirstEvent_OfARecoverableRank_Waits()
    {
        Recoverable(upTo: 5);
        Assert.Equal([1UL], _target.Blocks(Rank));
        Store(6, 60);
        Store(9, 90);
        var restore = Restore();
        Assert.Equal(7UL, restore.Start);
        Store(10, 100);
        Assert.DoesNotContain(90UL, _target.Blocks(Rank));
        // The worker sends from 7 on, and more than was asked for.
        Complete(restore, Events(10, (5, 50), (7, 70), (8, 80), (9, 90), (10, 100)));
        Assert.Equal([1UL, 60, 70, 80, 90, 100], _target.Blocks(Rank));
        Assert.Equal(1, _sequencer.Gaps);
    }

    [Fact]
    public void GapInWhatWaited_IsAskedForAgain()
    {
        Recoverable(upTo: 5);
        Store(8, 80);
        var first = Restore();
        Store(12, 120);
        Complete(first, Events(8, (6, 60), (7, 70), (8, 80)));
        var second = Restore();
        Assert.Equal(9UL, second.Start);
        Complete(second, Dump(12, 5, 120));
        Assert.Equal([5UL, 120], _target.Blocks(Rank));
        Assert.Equal(["rank", "rank"], _target.Drops);
    }

    [Fact]
    public void Cleared_MakesAnswersWorthless_AndSetsABarrier()
    {
        Recoverable(upTo: 5);
        Store(8, 80);
        var restore = Restore();
        Clear(9, wholeWorker: false);
        Complete(restore, Events(8, (6, 60)));
        Assert.Empty(_target.Blocks(Rank));
        Store(9, 91);
        Store(20, 200);
        Store(21, 210);
        Assert.Equal([200UL, 210], _target.Blocks(Rank));
        Assert.False(_sequencer.TryTakeRestore(out _));
        Clear(4, wholeWorker: false);
        Assert.Equal([200UL, 210], _target.Blocks(Rank));
    }

    [Fact]
    public void Cleared_OfAnOlderRelease_EmptiesEveryRank()
    {
        Store(1, 10);
        _sequencer.Stored(new KvStored { Head = new KvEventHead(new KvRank(7, 1), 5), BlockHashes = [50], TokensHashes = [51] });
        Clear(2, wholeWorker: true);
        Assert.Empty(_target.Blocks(new KvRank(7, 1)));
        _sequencer.Stored(new KvStored { Head = new KvEventHead(new KvRank(7, 1), 2), BlockHashes = [20], TokensHashes = [21] });
        Assert.Equal([20UL], _target.Blocks(new KvRank(7, 1)));
    }

    [Fact]
    public void Failure_BeginsEmpty_AndIsRetriedLater()
    {
        Recoverable(upTo: 5);
        Store(8, 80);
        Store(9, 90);
        _sequencer.Fail(Restore());
        Assert.Equal([80UL, 90], _target.Blocks(Rank));
        Store(10, 100);
        Assert.Contains(100UL, _target.Blocks(Rank));
        _sequencer.RetryFailed();
        var restore = Restore();
        Assert.Null(restore.Start);
        Complete(restore, Dump(10, 1, 2, 3));
        Assert.Equal([1UL, 2, 3], _target.Blocks(Rank));
        _sequencer.RetryFailed();
        Assert.False(_sequencer.TryTakeRestore(out _));
    }

    [Fact]
    public void Pending_IsBounded_AndTheRestIsAskedFor()
    {
        Recoverable(upTo: 5);
        for (var id = 10UL; id < 10 + 2000; id++)
        {
            Store(id, id * 10);
        }

        Assert.Equal(2000 - 1024, _sequencer.Dropped);
        Complete(Restore(), Events(9, (6, 60), (7, 70), (8, 80), (9, 90)));
        Assert.Equal(10UL, Restore().Start);
    }

    [Fact]
    public void TooNew_ErrorsAndDumpFailed_AreHandled()
    {
        Recoverable(upTo: 5);
        _sequencer.Resume();
        var restore = Restore();
        Assert.Equal(6UL, restore.Start);
        Complete(restore, """{"data":{"TooNew":{"requested_start":6,"requested_end":null,"newest_available":5}},"complete_final":false}"""u8);
        Store(6, 60);
        Assert.Contains(60UL, _target.Blocks(Rank));
        Store(9, 90);
        var gap = Restore();
        Assert.False(Try(gap, """{"data":{"Error":"worker mismatch"}}"""u8));
        Assert.False(Try(gap, """{"InvalidRange":{"start_id":4,"end_id":3}}"""u8));
        Complete(gap, """{"TreeDumpFailed":{"last_event_id":8,"message":"busy"}}"""u8);
        Assert.Equal([90UL], _target.Blocks(Rank));
    }

    [Fact]
    public void Removal_OfRankAndWorker_DropsAtOnce_AndForgets()
    {
        Store(5, 50);
        _sequencer.Stored(new KvStored { Head = new KvEventHead(new KvRank(7, 1), 5), BlockHashes = [51], TokensHashes = [51] });
        _sequencer.RemoveRank(Rank);
        Assert.Equal(["rank"], _target.Drops);
        _sequencer.RemoveRank(new KvRank(7, 1));
        Assert.Equal(["rank", "worker"], _target.Drops);
        Store(6, 60);
        Assert.Empty(_target.Blocks(Rank));
        _sequencer.AddWorker(7);
        Store(1, 10);
        Assert.Equal([10UL], _target.Blocks(Rank));
    }

    [Fact]
    public void Reader_DamagedAnswers_NeverThrow()
    {
        const int Seed = 20261129;
        var random = new Random(Seed);
        byte[][] seeds = [[.. Dump(5, 1, 2)], [.. Events(9, (6, 60), (7, 70))], [.. """{"data":{"TreeDump":[{"worker_id":7,"event":{"event_id":0,"data":"cleared","dp_rank":0}}]},"complete_final":false}"""u8]];
        var reader = new DynamoRecoveryReader();
        var snapshot = new DynamoSnapshot();
        var read = 0;
        for (var round = 0; round < 50_000; round++)
        {
            var bytes = seeds[round % seeds.Length].ToArray();
            for (var n = random.Next(3); n > 0; n--)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }

            try
            {
                read += reader.TryRead(bytes, out var answer) ? 1 : 0;
                new DynamoEventDecoder().DecodePayload(answer.Events, new RecordingSink());
                snapshot.Read(bytes, new RecordingSink());
                DynamoLoad.TryRead(bytes, out _);
                DynamoLoad.TryReadPass(bytes, out _);
                DynamoRequestFrames.TryReadTwoPart(bytes, 1000, out _, out _, out _);
                JsonMember.Find(bytes, "data", "x");
            }
            catch (Exception e)
            {
                Assert.Fail($"seed {Seed}, round {round}: {Convert.ToHexString(bytes)}: {e}");
            }
        }

        Assert.True(read > 10_000, $"only {read} answers survived");
    }

    private void Recoverable(ulong upTo)
    {
        _sequencer.AddRecovery(Rank);
        Complete(Restore(), Dump(upTo, 1));
    }

    private void Store(ulong id, ulong hash) => _sequencer.Stored(new KvStored { Head = new KvEventHead(Rank, id), BlockHashes = [hash], TokensHashes = [hash] });

    private void Clear(ulong id, bool wholeWorker) => _sequencer.Cleared(new KvCleared(new KvEventHead(Rank, id), wholeWorker));

    private DynamoRestore Restore()
    {
        Assert.True(_sequencer.TryTakeRestore(out var restore), "no recovery was asked for");
        Assert.Equal(Rank, restore.Rank);
        return restore;
    }

    private void Complete(in DynamoRestore restore, ReadOnlySpan<byte> answer) => Assert.True(Try(restore, answer));

    private bool Try(in DynamoRestore restore, ReadOnlySpan<byte> bytes)
    {
        Assert.True(new DynamoRecoveryReader().TryRead(bytes, out var answer));
        return _sequencer.Complete(restore, answer, new DynamoEventDecoder());
    }

    private static ReadOnlySpan<byte> Dump(ulong last, params ulong[] hashes) => Answer("TreeDump", last, [.. hashes.Select((h, i) => ((ulong)i, h))]);

    private static ReadOnlySpan<byte> Events(ulong last, params (ulong Id, ulong Hash)[] events) => Answer("Events", last, events);

    private static byte[] Answer(string variant, ulong last, (ulong Id, ulong Hash)[] events)
    {
        var writer = new MsgPackWriter();
        writer.BeginMap(2);
        writer.WriteText("data"u8);
        writer.BeginMap(1);
        writer.WriteText(System.Text.Encoding.UTF8.GetBytes(variant));
        writer.BeginMap(2);
        writer.WriteText("events"u8);
        writer.BeginArray(events.Length);
        foreach (var (id, hash) in events)
        {
            writer.WriteRaw(Event(id, hash));
        }

        writer.WriteText("last_event_id"u8);
        writer.WriteUInt64(last);
        writer.WriteText("complete_final"u8);
        writer.WriteBool(false);
        return writer.Written.ToArray();
    }

    private static byte[] Event(ulong id, ulong hash)
    {
        var writer = new MsgPackWriter();
        writer.BeginMap(2);
        writer.WriteText("worker_id"u8);
        writer.WriteUInt64(Rank.WorkerId);
        writer.WriteText("event"u8);
        writer.BeginMap(3);
        writer.WriteText("event_id"u8);
        writer.WriteUInt64(id);
        writer.WriteText("data"u8);
        writer.BeginMap(1);
        writer.WriteText("stored"u8);
        writer.BeginMap(2);
        writer.WriteText("parent_hash"u8);
        writer.WriteNil();
        writer.WriteText("blocks"u8);
        writer.BeginArray(1);
        writer.BeginMap(2);
        writer.WriteText("block_hash"u8);
        writer.WriteUInt64(hash);
        writer.WriteText("tokens_hash"u8);
        writer.WriteUInt64(hash + 1);
        writer.WriteText("dp_rank"u8);
        writer.WriteUInt64(0);
        return writer.Written.ToArray();
    }
}

/// <summary>Holders and their blocks as plain sets.</summary>
internal sealed class HoldersTarget : IKvEventTarget
{
    public Dictionary<KvRank, HashSet<ulong>> Holders { get; } = [];

    public List<string> Drops { get; } = [];

    public ulong[] Blocks(KvRank rank) => Holders.TryGetValue(rank, out var blocks) ? [.. blocks.Order()] : [];

    public void Stored(in KvStored stored) => Set(stored.Head.Holder).UnionWith(stored.BlockHashes.ToArray());

    public void Removed(in KvRemoved removed) => Set(removed.Head.Holder).ExceptWith(removed.BlockHashes.ToArray());

    public void Cleared(in KvCleared cleared)
    {
        foreach (var rank in Holders.Keys.ToArray())
        {
            if (rank == cleared.Head.Holder || (cleared.WholeWorker && rank.WorkerId == cleared.Head.Holder.WorkerId))
            {
                Holders.Remove(rank);
            }
        }
    }

    public void DropWorker(ulong workerId)
    {
        Drops.Add("worker");
        foreach (var rank in Holders.Keys.Where(r => r.WorkerId == workerId).ToArray())
        {
            Holders.Remove(rank);
        }
    }

    public void DropRank(KvRank rank)
    {
        Drops.Add("rank");
        Holders.Remove(rank);
    }

    private HashSet<ulong> Set(KvRank rank) => Holders.TryGetValue(rank, out var blocks) ? blocks : Holders[rank] = [];
}
