using Epp.Native.Prefix;

namespace Epp.Native.Tests.Prefix;

[Trait("Category", "Unit")]
public sealed class ExpiringPrefixIndexTests
{
    /// <summary>Random sends and lookups against a dictionary of expiry times; between 63/64 and 65/64 of the time either answer is right.</summary>
    [Theory]
    [InlineData(21)]
    [InlineData(22)]
    public void RandomSends_EqualTheModel(int seed)
    {
        const int Slots = 6;
        var random = new Random(seed);
        var index = new ExpiringPrefixIndex((ulong)seed, TimeSpan.FromSeconds(6.4), 16 << 20);
        var match = new KvMatch();
        var sent = new Dictionary<(int Slot, ulong Hash), long>();
        var now = 0L;
        for (var operation = 0; operation < 20_000; operation++)
        {
            now += random.Next(40);
            var slot = (ushort)random.Next(Slots);
            var chain = KvIndexModel.Chain(null, Enumerable.Range(0, random.Next(1, 12)).Select(i => TestPool.Hash((ulong)random.Next(3), i)));
            switch (random.Next(100))
            {
                case 0:
                    index.Clear(slot);
                    foreach (var key in sent.Keys.Where(k => k.Slot == slot).ToArray())
                    {
                        sent.Remove(key);
                    }

                    break;
                case < 50:
                    index.Add(slot, chain, now);
                    foreach (var hash in chain)
                    {
                        sent[(slot, hash)] = now;
                    }

                    break;
                default:
                    index.Expire(now);
                    var blocks = new int[Slots];
                    index.Match(chain, match, blocks);
                    for (var s = 0; s < Slots; s++)
                    {
                        var least = chain.TakeWhile(h => sent.TryGetValue((s, h), out var at) && now - at < 6400 - 200).Count();
                        var most = chain.TakeWhile(h => sent.TryGetValue((s, h), out var at) && now - at <= 6400 + 200).Count();
                        Assert.True(blocks[s] >= least && blocks[s] <= most, $"seed {seed}, operation {operation}: {blocks[s]}, expected {least} to {most}");
                    }

                    break;
            }
        }
    }

    [Fact]
    public void OverBudget_SoonestExpiringGo()
    {
        var index = new ExpiringPrefixIndex(1, TimeSpan.FromMinutes(2), 1 << 20);
        var match = new KvMatch();
        for (var i = 0; i < 3000; i++)
        {
            index.Add((ushort)(i % 10), Chain(i), i * 20);
        }

        Assert.True(index.BytesUsed <= 1 << 20, $"{index.BytesUsed} bytes");
        var blocks = new int[10];
        index.Match(Chain(2999), match, blocks);
        Assert.Equal(40, blocks[2999 % 10]);
        static ulong[] Chain(int family) => KvIndexModel.Chain(null, Enumerable.Range(0, 40).Select(i => TestPool.Hash((ulong)family, i)));
    }
}
