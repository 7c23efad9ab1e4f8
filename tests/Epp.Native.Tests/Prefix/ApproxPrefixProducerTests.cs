using Epp.Native.Pool;
using Epp.Native.Prefix;
using Epp.Native.Requests;
using Epp.Native.Scheduling;

namespace Epp.Native.Tests.Prefix;

[Trait("Category", "Unit")]
public class ApproxPrefixProducerTests
{
    [Theory]
    [InlineData(Dialect.LlmD, 16, true, 0, 64, 2048, 64)]
    [InlineData(Dialect.LlmD, 16, true, 32, 64, 2048, 64)]
    [InlineData(Dialect.LlmD, 16, true, 128, 128, 1024, 128)]
    [InlineData(Dialect.LlmD, 200, false, 128, 200, 655, 200)]
    [InlineData(Dialect.Gaie, 64, true, 0, 64, 256, 16)]
    [InlineData(Dialect.Gaie, 64, true, 32, 128, 256, 32)]
    [InlineData(Dialect.Gaie, 4, false, 32, 4, 256, 1)]
    public void Produce_BlockSize_ByDialectAndFirstCandidate(Dialect rules, int configured, bool autoTune, int engineTokens, int size, int blocks, int tokens)
    {
        var pool = TestPool.WithEndpoints(2);
        TestPool.Update(pool, 0, 0, 0, blockTokens: engineTokens);
        TestPool.Update(pool, 1, 0, 0, blockTokens: 999);
        (Dialect, int, int)? seen = null;
        var config = rules == Dialect.Gaie
            ? new ApproxPrefixConfig(rules, configured, autoTune, 0, 256)
            : new ApproxPrefixConfig(rules, configured, autoTune);
        var producer = TestPool.Producer(pool, config, (_, r, s, m, into) =>
        {
            seen = (r, s, m);
            into.Add(1);
            into.EndPrompt();
        });
        var match = new PrefixMatch();
        producer.Produce(new RoutingRequest { Scan = new RequestScanner() }, match, pool.Current, 0);
        Assert.Equal((rules, size, blocks), seen);
        Assert.Equal(tokens, match.BlockTokens);
        Assert.Equal(1, match.TotalBlocks);
    }

    [Fact]
    public void Produce_BothCapsZero_Unlimited()
    {
        var pool = TestPool.WithEndpoints(1);
        var most = 0;
        var producer = TestPool.Producer(pool, new ApproxPrefixConfig(Dialect.LlmD, MaxTokens: 0, MaxBlocks: 0), (_, _, _, m, _) => most = m);
        producer.Produce(new RoutingRequest { Scan = new RequestScanner() }, new PrefixMatch(), pool.Current, 0);
        Assert.Equal(int.MaxValue, most);
    }

    [Fact]
    public void Record_HistoryLength_FromTheEngine()
    {
        var pool = TestPool.WithEndpoints(1);
        TestPool.Update(pool, 0, 0, 0, blocks: 3);
        var producer = TestPool.Producer(pool);
        producer.Record(Hashes(5), pool.Current[0]);
        Assert.Equal(3, producer.Index.HolderBlocks);
    }

    [Fact]
    public void Record_EndpointThatLeft_LeavesNothingForItsSuccessor()
    {
        var pool = TestPool.WithEndpoints(2);
        var producer = TestPool.Producer(pool);
        var old = pool.Current[0];
        producer.Record(Hashes(5), old);
        Assert.Equal(5, producer.Index.HolderBlocks);

        pool.Publish([pool.Current[1]]);
        pool.Publish([pool.Current[1], new Endpoint("default", "new", "10.0.0.1", 8000)]);
        Assert.Equal(0, pool.Current[0].Index.Value);
        Assert.Equal("new", pool.Current[0].Name);
        Assert.Equal(0, producer.Index.HolderBlocks);

        producer.Record(Hashes(5), old);
        Assert.Equal(0, producer.Index.HolderBlocks);
    }

    private static PrefixMatch Hashes(int count)
    {
        var match = new PrefixMatch();
        for (var i = 0; i < count; i++)
        {
            match.Hashes.Add((ulong)i + 1);
        }

        match.Hashes.EndPrompt();
        return match;
    }
}
