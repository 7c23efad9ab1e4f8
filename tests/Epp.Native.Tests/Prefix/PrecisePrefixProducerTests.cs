using Epp.Native.KvEvents;
using Epp.Native.Pool;
using Epp.Native.Prefix;
using Epp.Native.Requests;
using Epp.Native.Scheduling;

namespace Epp.Native.Tests.Prefix;

[Trait("Category", "Unit")]
public sealed class PrecisePrefixProducerTests
{
    private readonly Epp.Native.Pool.Pool _pool = TestPool.WithEndpoints(4);
    private readonly KvSource _source = new(new KvIndex(1));
    private readonly KvIndexWriter _writer;

    public PrecisePrefixProducerTests()
    {
        _writer = new KvIndexWriter(_source.Index, _source.Shapes);
        for (var slot = 0; slot < 4; slot++)
        {
            _source.Index.SetOwner((ulong)slot + 100, slot);
        }
    }

    /// <summary>Engine blocks of 16 under blocks of 64, stored one by one as while decoding: nothing is lost.</summary>
    [Fact]
    public void Produce_EngineBlocksSmallerThanOurs_CountWhole()
    {
        for (var block = 0; block < 7; block++)
        {
            Store(worker: 101, Tokens(16 * block, 16), parent: block == 0 ? null : (ulong)block - 1, firstName: (ulong)block, blockTokens: 16);
        }

        var match = Produce(new PrecisePrefixConfig(BlockTokens: 64), Tokens(0, 200));
        Assert.Equal(3, match.TotalBlocks);
        Assert.Equal([0, 1, 0, 0], match.MatchBlocks[..4]);

        Store(worker: 101, Tokens(16 * 7, 16), parent: 6, firstName: 7, blockTokens: 16);
        Assert.Equal([0, 2, 0, 0], Produce(new PrecisePrefixConfig(BlockTokens: 64), Tokens(0, 200)).MatchBlocks[..4]);
    }

    /// <summary>Engines that cut prompts differently stand in one pool; each is looked up in its own blocks.</summary>
    [Fact]
    public void Produce_SeveralBlockSizes_EachCounts()
    {
        Store(100, Tokens(0, 64), null, 0, blockTokens: 16);
        Store(101, Tokens(0, 96), null, 0, blockTokens: 32);
        Store(102, Tokens(5, 64), null, 0, blockTokens: 16);
        Assert.Equal([4, 6, 0, 0], Produce(new PrecisePrefixConfig(), Tokens(0, 160)).MatchBlocks[..4]);
    }

    [Fact]
    public void Produce_Tiers_CountByWeight()
    {
        Store(100, Tokens(0, 64), null, 0, 16);
        Store(100, Tokens(64, 64), 3, 4, 16, KvTier.HostPinned);
        Store(101, Tokens(0, 64), null, 0, 16, KvTier.HostPinned);
        Assert.Equal([7, 3, 0, 0], Produce(new PrecisePrefixConfig(), Tokens(0, 160)).MatchBlocks[..4]);
        Assert.Equal([6, 2, 0, 0], Produce(new PrecisePrefixConfig(HostWeight: 0.5), Tokens(0, 160)).MatchBlocks[..4]);
    }

    [Fact]
    public void Produce_AdapterAndSalt_MatchOnlyTheirOwn()
    {
        Store(100, Tokens(0, 64), null, 0, 16, lora: "sql");
        Store(101, Tokens(0, 64), null, 0, 16, salt: "tenant");
        Store(102, Tokens(0, 64), null, 0, 16);
        Assert.Equal([0, 0, 4, 0], Produce(new PrecisePrefixConfig(), Tokens(0, 64)).MatchBlocks[..4]);
        Assert.Equal([4, 0, 0, 0], Produce(new PrecisePrefixConfig(), Tokens(0, 64), model: "sql").MatchBlocks[..4]);
        Assert.Equal([0, 4, 0, 0], Produce(new PrecisePrefixConfig(), Tokens(0, 64), salt: "tenant").MatchBlocks[..4]);
    }

    [Fact]
    public void Produce_Speculative_CountsWhatWasJustSent()
    {
        Store(100, Tokens(0, 32), null, 0, 16);
        var producer = Producer(new PrecisePrefixConfig(Speculative: true));
        var request = Request(Tokens(0, 160), now: 1000);
        var match = new PrefixMatch();
        producer.Produce(request, match, _pool.Current, 0);
        producer.Record(match, _pool.Current[3]);
        producer.Produce(request, match, _pool.Current, 0);
        Assert.Equal([2, 0, 0, 10], match.MatchBlocks[..4]);

        request.NowMs = 4000;
        producer.Produce(request, match, _pool.Current, 0);
        producer.Record(match, _pool.Current[2]);
        producer.Produce(request, match, _pool.Current, 0);
        Assert.Equal([2, 0, 10, 0], match.MatchBlocks[..4]);
    }

    [Fact]
    public void Produce_StaleSource_GoesByWhatWasSent()
    {
        Store(100, Tokens(0, 160), null, 0, 16);
        var producer = Producer(new PrecisePrefixConfig());
        var request = Request(Tokens(0, 160), now: 1000);
        var match = new PrefixMatch();
        producer.Produce(request, match, _pool.Current, 0);
        producer.Record(match, _pool.Current[2]);
        _source.IsStale = true;
        producer.Produce(request, match, _pool.Current, 0);
        Assert.Equal([0, 0, 10, 0], match.MatchBlocks[..4]);
        Assert.Equal((1, 1), (producer.ProducedExactly, producer.ProducedByGuess));
        _source.IsStale = false;
        producer.Produce(request, match, _pool.Current, 0);
        Assert.Equal([10, 0, 0, 0], match.MatchBlocks[..4]);
    }

    [Fact]
    public void Produce_WorkerGone_LosesItsBlocksAtOnce()
    {
        Store(100, Tokens(0, 160), null, 0, 16);
        Store(101, Tokens(0, 80), null, 0, 16);
        _writer.DropWorker(100);
        Assert.Equal([0, 5, 0, 0], Produce(new PrecisePrefixConfig(), Tokens(0, 160)).MatchBlocks[..4]);
    }

    [Fact]
    public void Produce_SteadyState_AllocatesNothing()
    {
        Store(100, Tokens(0, 1600), null, 0, 16);
        var producer = Producer(new PrecisePrefixConfig(Speculative: true));
        var request = Request(Tokens(0, 3200), now: 1000);
        var match = new PrefixMatch();
        void Round()
        {
            producer.Produce(request, match, _pool.Current, 0);
            producer.Record(match, _pool.Current[1]);
        }

        for (var i = 0; i < 200; i++)
        {
            Round();
        }

        var least = long.MaxValue;
        for (var attempt = 0; attempt < 5 && least > 0; attempt++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            Round();
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.Equal(0, least);
    }

    [Theory]
    [InlineData(0, 9, 0)]
    [InlineData(1, 9, 0)]
    [InlineData(16, 1, 0)]
    [InlineData(17, 1, 16)]
    [InlineData(64, 4, 48)]
    [InlineData(65, 4, 64)]
    public void HitTokens_LastTokenIsComputedAnew(int tokens, int held, int expected) =>
        Assert.Equal(expected, PromptBlocks.HitTokens(tokens, held, new PromptShape(16)));

    private static uint[] Tokens(int first, int count) => [.. Enumerable.Range(first, count).Select(static i => (uint)(i * 7) + 3)];

    private PrefixMatch Produce(PrecisePrefixConfig config, uint[] tokens, string model = "m", string salt = "")
    {
        var match = new PrefixMatch();
        Producer(config).Produce(Request(tokens, 1000, model, salt), match, _pool.Current, 0);
        Assert.True(match.IsPrecise);
        return match;
    }

    private PrecisePrefixProducer Producer(PrecisePrefixConfig config) =>
        new("held", config, _source, _pool, TestPool.Producer(_pool), seed: 3, guessBudgetBytes: 64 << 20);

    private static RoutingRequest Request(uint[] tokens, long now, string model = "m", string salt = "")
    {
        var request = new RoutingRequest { NowMs = now };
        request.SetTargetModel(System.Text.Encoding.UTF8.GetBytes(model));
        request.SetCacheSalt(System.Text.Encoding.UTF8.GetBytes(salt));
        foreach (var token in tokens)
        {
            request.Tokens.Add(token);
        }

        request.Tokens.EndPrompt();
        request.Tokens.IsKnown = true;
        return request;
    }

    private void Store(
        ulong worker, uint[] tokens, ulong? parent, ulong firstName, int blockTokens, KvTier tier = KvTier.Device, string lora = "", string salt = "") =>
        _writer.Stored(new KvStored
        {
            Head = new KvEventHead(new KvRank(worker, 0), 0, tier),
            HasParent = parent is not null,
            ParentHash = parent ?? 0,
            BlockHashes = [.. Enumerable.Range(0, tokens.Length / blockTokens).Select(i => firstName + (ulong)i)],
            StartPosition = -1,
            TokenIds = tokens,
            IdsPerToken = 1,
            BlockTokens = blockTokens,
            LoraName = System.Text.Encoding.UTF8.GetBytes(lora),
            CacheSalt = System.Text.Encoding.UTF8.GetBytes(salt),
            LoraId = -1,
        });
}
