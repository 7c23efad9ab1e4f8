using Epp.Native.KvEvents;
using Epp.Native.Pool;
using Epp.Native.Prefix;
using Epp.Native.Scheduling;
using Epp.Testing;

namespace Epp.Native.Tests.Prefix;

[Trait("Category", "Unit")]
public sealed class PromptParityTests
{
    private const int Block = 16;

    private readonly Epp.Native.Pool.Pool _pool = TestPool.WithEndpoints(2);
    private readonly KvSource _source = new(new KvIndex(1));
    private readonly PromptParity _parity = new();
    private readonly ParityTap _tap;
    private long _now = 1000;

    public PromptParityTests()
    {
        _tap = _parity.Before(new KvIndexWriter(_source.Index, _source.Shapes), _source);
        for (var slot = 0; slot < 2; slot++)
        {
            _source.Index.SetOwner((ulong)slot + 100, slot);
            _tap.SetOwner((ulong)slot + 100, Endpoint(slot));
        }
    }

    [Fact]
    public void Stored_AllBlocks_AreEqualAtOnce()
    {
        Offer(Ids(0, 40));
        Store(100, Ids(0, 32), null, 1);
        Assert.Equal(ParityVerdict.Equal, Settled()!.Value.Verdict);
        Assert.Equal(0, _parity.Pending);
        Assert.Null(Settled());
    }

    /// <summary>Prefill in chunks: the second event names the last block of the first as its parent; what others store does not matter.</summary>
    [Fact]
    public void Stored_InChunks_BetweenOtherRequests_AreFollowed()
    {
        Offer(Ids(0, 64));
        Store(100, Ids(7000, 32), null, 900);
        Store(100, [.. Ids(0, 16), .. Ids(5000, 16)], null, 1);
        Assert.Null(Settled());
        Store(100, Ids(16, 16), 1, 10);
        Store(100, Ids(16, 16), 901, 950);
        Store(100, Ids(32, 32), 10, 11);
        Assert.Equal(ParityVerdict.Equal, Settled()!.Value.Verdict);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    [InlineData(16)]
    [InlineData(47)]
    public void Stored_OtherIds_AreDifferentOnceTheAnswerIsOld(int position)
    {
        var ticket = Offer(Ids(0, 60));
        var theirs = Ids(0, 48);
        theirs[position] = 9999;
        Store(100, theirs, null, 1);
        _parity.Answered(ticket, isServed: true, _now);
        _now += PromptParity.EventDelayMs - 1;
        Assert.Null(Settled());
        _now++;
        var outcome = Settled()!.Value;
        Assert.Equal((ParityVerdict.Different, position, (uint)position, 9999u), (outcome.Verdict, outcome.Position, outcome.Ours, outcome.Theirs));
        Assert.Equal("m"u8.ToArray(), outcome.Model);
        Assert.Same(Endpoint(0), outcome.Endpoint);
    }

    /// <summary>Nobody answered, the engine refused, or nothing was stored that could be the request: no verdict, and the place is free.</summary>
    [Fact]
    public void NoEvidence_EndsSilently()
    {
        Offer(Ids(0, 40));
        Store(100, Ids(7000, 32), null, 1);
        _now += PromptParity.AnswerLimitMs;
        Assert.Null(Settled());

        var refused = Offer(Ids(0, 40));
        Store(100, Ids(7000, 32), null, 1);
        _parity.Answered(refused, isServed: false, _now);
        Assert.Equal(0, _parity.Pending);

        _parity.Answered(Offer(Ids(0, 40)), isServed: true, _now);
        Store(101, Ids(7000, 32), null, 1);
        Store(100, Ids(7000, 32), 77, 1);
        Store(100, Ids(7000, 32), null, 1, idsPerToken: 2);
        Store(100, Ids(7000, 32), null, 1, tier: KvTier.HostPinned);
        _now += PromptParity.EventDelayMs;
        Assert.Null(Settled());
        Assert.Equal(0, _parity.Pending);
    }

    /// <summary>A difference in blocks that were stored right after all was another request's.</summary>
    [Fact]
    public void Difference_BeforeTheRightBlocks_DoesNotCount()
    {
        var ticket = Offer(Ids(0, 64));
        Store(100, [.. Ids(0, 5), .. Ids(5000, 27)], null, 1);
        Store(100, Ids(0, 48), null, 10);
        _parity.Answered(ticket, isServed: true, _now);
        _now += PromptParity.EventDelayMs;
        Assert.Null(Settled());
    }

    [Fact]
    public void Offer_WhatTellsNothing_IsNotTaken()
    {
        Assert.False(_parity.Offer(Request(Ids(0, 40), computed: false), Endpoint(0)).IsSome);
        Assert.False(_parity.Offer(Request(Ids(0, 15)), Endpoint(0)).IsSome);
        Assert.False(_parity.Offer(Request(Ids(0, 40), prompts: 2), Endpoint(0)).IsSome);
        Store(100, Ids(0, 16), null, 1);
        Assert.False(_parity.Offer(Request(Ids(0, 40)), Endpoint(0)).IsSome);
        Assert.True(_parity.Offer(Request(Ids(0, 40)), Endpoint(1)).IsSome);
    }

    [Fact]
    public void Offer_IsRareAndBounded()
    {
        Assert.True(_parity.Offer(Request(Ids(0, 40)), Endpoint(0)).IsSome);
        _now += PromptParity.PauseMs - 1;
        Assert.False(_parity.Offer(Request(Ids(1, 40)), Endpoint(0)).IsSome);
        _now++;
        for (var i = 1; i < PromptParity.MaxPending; i++, _now += PromptParity.PauseMs)
        {
            Assert.True(_parity.Offer(Request(Ids(i, 40)), Endpoint(0)).IsSome);
        }

        Assert.False(_parity.Offer(Request(Ids(9, 40)), Endpoint(0)).IsSome);
        Assert.Equal(PromptParity.MaxPending, _parity.Pending);
    }

    [Fact]
    public void Answered_OldTicket_IsIgnored()
    {
        var old = Offer(Ids(0, 40));
        Store(100, Ids(0, 32), null, 1);
        Assert.NotNull(Settled());
        Offer(Ids(100, 40));
        _parity.Answered(old, isServed: false, _now);
        Assert.Equal(1, _parity.Pending);
    }

    [Fact]
    public void Tap_WithNothingPending_PassesOnWithoutAllocating()
    {
        var sink = new CountingTarget();
        var tap = _parity.Before(sink, _source);
        tap.SetOwner(7, Endpoint(0));
        ulong[] hashes = [1, 2];
        var ids = Ids(0, 32);
        var request = Request(Ids(0, 40));
        void Round()
        {
            tap.Stored(new KvStored { Head = new KvEventHead(new KvRank(7, 0), 1), BlockHashes = hashes, TokenIds = ids, IdsPerToken = 1, BlockTokens = Block });
            _parity.Offer(request, Endpoint(0));
        }

        Round();
        Assert.Equal(0, Allocated.Least(() =>
        {
            for (var i = 0; i < 100; i++)
            {
                Round();
            }
        }));
        tap.Removed(default);
        tap.Cleared(default);
        tap.DropRank(default);
        tap.DropWorker(7);
        Assert.Equal((101, 4), (sink.Stores, sink.Others));
    }

    /// <summary>No event, whatever it says, throws or keeps a place longer than its time.</summary>
    [Fact]
    public void Fuzz_Events_NeverThrow()
    {
        var random = new Random(20261129);
        for (var round = 0; round < 20_000; round++)
        {
            if (random.Next(5) == 0)
            {
                var ticket = _parity.Offer(Request(Ids(random.Next(3), random.Next(16, 2000))), Endpoint(random.Next(2)));
                if (ticket.IsSome && random.Next(2) == 0)
                {
                    _parity.Answered(ticket, random.Next(4) > 0, _now);
                }
            }

            var hashes = new ulong[random.Next(80)];
            Array.Fill(hashes, (ulong)random.Next(4));
            _tap.Stored(new KvStored
            {
                Head = new KvEventHead(new KvRank((ulong)random.Next(99, 103), 0), 1, (KvTier)random.Next(5)),
                HasParent = random.Next(2) == 0,
                ParentHash = (ulong)random.Next(4),
                BlockHashes = hashes,
                TokenIds = Ids(random.Next(3), random.Next(200)),
                IdsPerToken = random.Next(3),
                BlockTokens = random.Next(-1, 40),
            });
            _now += random.Next(300);
            Settled();
        }

        _now += PromptParity.AnswerLimitMs;
        while (Settled() is not null)
        {
        }

        Assert.Equal(0, _parity.Pending);
    }

    private static uint[] Ids(int first, int count) => [.. Enumerable.Range(first, count).Select(static i => (uint)i)];

    private Endpoint Endpoint(int slot) => _pool.Current[(ushort)slot];

    private ParityOutcome? Settled() => _parity.TrySettle(_now, out var outcome) ? outcome : null;

    private ParityTicket Offer(uint[] ids)
    {
        _now += PromptParity.PauseMs;
        var ticket = _parity.Offer(Request(ids), Endpoint(0));
        Assert.True(ticket.IsSome);
        return ticket;
    }

    private RoutingRequest Request(uint[] ids, bool computed = true, int prompts = 1)
    {
        var request = new RoutingRequest { NowMs = _now, PrefixMatches = [new PrefixMatch()] };
        request.SetTargetModel("m"u8);
        for (var i = 0; i < prompts; i++)
        {
            ids.CopyTo(request.Tokens.Space(ids.Length));
            request.Tokens.Advance(ids.Length);
            request.Tokens.EndPrompt();
        }

        (request.Tokens.IsKnown, request.Tokens.IsComputed) = (true, computed);
        var match = request.PrefixMatches[0];
        match.IsPrecise = true;
        var blocks = new PromptBlocks();
        blocks.Hash(ids, new PromptShape(Block), _source.Shapes.Seed("m"u8, default), _source.Shapes.Seed("m"u8, default));
        foreach (var hash in blocks.Sequences)
        {
            match.Hashes.Add(hash);
        }

        match.Hashes.EndPrompt();
        return request;
    }

    private void Store(ulong worker, uint[] ids, ulong? parent, ulong firstName, int idsPerToken = 1, KvTier tier = KvTier.Device) => _tap.Stored(new KvStored
    {
        Head = new KvEventHead(new KvRank(worker, 0), 1, tier),
        HasParent = parent is not null,
        ParentHash = parent ?? 0,
        BlockHashes = [.. Enumerable.Range(0, ids.Length / Block).Select(i => firstName + (ulong)i)],
        TokenIds = ids,
        IdsPerToken = idsPerToken,
        BlockTokens = Block,
    });

    private sealed class CountingTarget : IKvEventTarget
    {
        public int Stores { get; private set; }

        public int Others { get; private set; }

        public void Stored(in KvStored stored) => Stores++;

        public void Removed(in KvRemoved removed) => Others++;

        public void Cleared(in KvCleared cleared) => Others++;

        public void DropWorker(ulong workerId) => Others++;

        public void DropRank(KvRank rank) => Others++;
    }
}
