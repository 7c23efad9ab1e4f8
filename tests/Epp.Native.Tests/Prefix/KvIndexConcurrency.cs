using Epp.Native.KvEvents;
using Epp.Native.Prefix;

namespace Epp.Native.Tests.Prefix;

[Trait("Category", "Unit")]
public sealed class KvIndexConcurrency
{
    private const int Queries = 4;
    private const int Events = 20_000;

    /// <summary>
    /// Readers beside a writer that stores, removes several blocks at once, clears and grows: every answer is the answer of a state that was
    /// true at some moment of the lookup, never of half an event.
    /// </summary>
    [Theory]
    [InlineData(11)]
    [InlineData(12)]
    public async Task Readers_SeeEachEventWholeOrNotAtAll(int seed)
    {
        var random = new Random(seed);
        var index = new KvIndex((ulong)seed);
        var model = new KvIndexModel();
        var paths = Enumerable.Range(0, Queries).Select(q => Path(q)).ToArray();
        var answers = Enumerable.Range(0, Queries).Select(_ => new ulong[Events + 2]).ToArray();
        var applied = 0;
        var done = false;
        using var reading = new CountdownEvent(2);

        // Threads of their own: the pool may be busy with other tests until all is over.
        var readers = Enumerable.Range(0, 2).Select(r => Task.Factory.StartNew(() =>
        {
            reading.Signal();
            var match = new KvMatch();
            var chance = new Random(seed + r);
            var lookups = 0;
            do
            {
                var query = chance.Next(Queries);
                var before = Volatile.Read(ref applied);
                index.Find(paths[query], match);
                var after = Math.Min(Volatile.Read(ref applied) + 1, Events);
                var answer = Answer(match);
                var valid = false;
                for (var state = before; state <= after && !valid; state++)
                {
                    valid = answers[query][state] == answer;
                }

                Assert.True(valid, $"seed {seed}: lookup {lookups} of query {query} between events {before} and {after} is the answer of no state");
                lookups++;
            }
            while (!Volatile.Read(ref done));
            return lookups;
        }, default, TaskCreationOptions.LongRunning, TaskScheduler.Default)).ToArray();
        reading.Wait();

        for (var e = 1; e <= Events && !readers.Any(r => r.IsFaulted); e++)
        {
            var apply = NextEvent(index, model, random);
            for (var q = 0; q < Queries; q++)
            {
                answers[q][e] = Answer(model, paths[q]);
            }

            apply();
            Volatile.Write(ref applied, e);
        }

        Volatile.Write(ref done, true);
        var counts = await Task.WhenAll(readers);
        Assert.All(counts, static c => Assert.True(c > 1000, $"only {c} lookups"));
    }

    private static ulong[] Path(int query) =>
        KvIndexModel.Chain(null, Enumerable.Range(0, 30).Select(i => TestPool.Hash(i < 10 ? 0 : (ulong)query % 2, i)));

    private static Action NextEvent(KvIndex index, KvIndexModel model, Random random)
    {
        var rank = new KvRank((ulong)random.Next(7), 0);
        var path = Path(random.Next(Queries));
        switch (random.Next(40))
        {
            case 0:
                model.Clear(r => r == rank);
                return () => index.Clear(rank);
            case 1:
                // Nothing to see, but the table grows.
                var other = Enumerable.Range(0, random.Next(300)).Select(_ => (ulong)random.NextInt64()).ToArray();
                model.Store(new KvRank(99, 0), KvTier.Device, other, other, counted: false);
                return () => index.Store(new KvRank(99, 0), KvTier.Device, other, other, counted: false);
            case < 18:
                var gone = path.Where(_ => random.Next(6) == 0).ToArray();
                model.Remove(rank, KvTier.Device, gone);
                return () => index.Remove(rank, KvTier.Device, gone);
            default:
                var from = random.Next(path.Length);
                var stored = path[from..random.Next(from, path.Length)];
                model.Store(rank, KvTier.Device, stored, stored, counted: false);
                return () => index.Store(rank, KvTier.Device, stored, stored, counted: false);
        }
    }

    private static ulong Answer(KvMatch match)
    {
        var sum = 0UL;
        for (var i = 0; i < match.Count; i++)
        {
            sum += TestPool.Hash(match.Rank(i).WorkerId, match.Blocks(i));
        }

        return sum;
    }

    private static ulong Answer(KvIndexModel model, ulong[] path)
    {
        var sum = 0UL;
        foreach (var (rank, found) in model.Find(path))
        {
            sum += TestPool.Hash(ulong.Parse(rank.Split(':')[0], System.Globalization.CultureInfo.InvariantCulture), found.Blocks);
        }

        return sum;
    }
}
