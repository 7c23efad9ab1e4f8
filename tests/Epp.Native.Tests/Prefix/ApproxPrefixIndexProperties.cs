using Epp.Native.Prefix;

namespace Epp.Native.Tests.Prefix;

[Trait("Category", "Unit")]
public class ApproxPrefixIndexProperties
{
    /// <summary>Random adds, matches and clears against dictionaries and linked lists.</summary>
    [Theory]
    [InlineData(101, 3, 40)]
    [InlineData(102, 20, 300)]
    [InlineData(103, 150, 64)]
    [InlineData(104, 600, 30)]
    public void RandomOperations_EqualTheModel(int seed, int endpoints, int capacity)
    {
        var random = new Random(seed);
        var index = new ApproxPrefixIndex((ulong)seed);
        var model = new Model();
        for (var operation = 0; operation < 30_000; operation++)
        {
            var slot = (ushort)random.Next(endpoints);
            var chain = (ulong)random.Next(12);
            var hashes = Enumerable.Range(0, random.Next(20)).Select(i => TestPool.Hash(chain, random.Next(30) == 0 ? i + 1000 : i)).ToArray();
            switch (random.Next(100))
            {
                case 0:
                    index.Clear(slot);
                    model.Clear(slot);
                    break;
                case < 45:
                    var actual = ApproxPrefixIndexTests.Match(index, endpoints, hashes);
                    Assert.True(model.Match(hashes, endpoints).AsSpan().SequenceEqual(actual), $"seed {seed}, operation {operation}");
                    break;
                default:
                    index.Add(slot, capacity, hashes);
                    model.Add(slot, capacity, hashes);
                    break;
            }
        }

        Assert.Equal(model.Blocks, index.Blocks);
        Assert.Equal(model.HolderBlocks, index.HolderBlocks);
    }

    /// <summary>Readers run beside a writer that evicts, grows and clears: a prefix nobody touches is always found whole.</summary>
    [Fact]
    public void ConcurrentReaders_StablePrefix_AlwaysComplete()
    {
        var index = new ApproxPrefixIndex(105);
        var stable = Enumerable.Range(0, 200).Select(i => TestPool.Hash(1, i)).ToArray();
        for (ushort slot = 0; slot < 40; slot += 2)
        {
            index.Add(slot, 5000, stable);
        }

        using var stop = new CancellationTokenSource();
        var readers = Enumerable.Range(0, 2).Select(_ => Task.Run(() =>
        {
            var rounds = 0;
            do
            {
                var counts = ApproxPrefixIndexTests.Match(index, 128, stable);
                for (var slot = 0; slot < 40; slot += 2)
                {
                    Assert.Equal(200, counts[slot]);
                }

                rounds++;
            }
            while (!stop.IsCancellationRequested);

            return rounds;
        })).ToArray();

        var random = new Random(106);
        for (var i = 0; i < 20_000; i++)
        {
            var chain = (ulong)random.Next(2, 4000);
            var hashes = Enumerable.Range(0, 16).Select(b => TestPool.Hash(chain, b)).ToArray();
            var slot = (ushort)((random.Next(64) * 2) + 1);
            if (random.Next(200) == 0)
            {
                index.Clear(slot);
            }
            else
            {
                index.Add(slot, 300, hashes);
            }
        }

        stop.Cancel();
        Assert.All(readers, r => Assert.True(r.GetAwaiter().GetResult() > 0));
    }

    /// <summary>Two groups of chains go to two groups of endpoints and are evicted all the time: no reader ever mixes them up.</summary>
    [Fact]
    public void ConcurrentReaders_SetsReused_NeverSeeHoldersOfAnotherChain()
    {
        const int Endpoints = 128;
        var index = new ApproxPrefixIndex(107);
        var chains = Enumerable.Range(0, 8).Select(c => Enumerable.Range(0, 32).Select(i => TestPool.Hash((ulong)c, i)).ToArray()).ToArray();
        using var stop = new CancellationTokenSource();
        var readers = Enumerable.Range(0, 2).Select(group => Task.Factory.StartNew(() =>
        {
            var seen = 0L;
            for (var round = 0; round < 4 || !stop.IsCancellationRequested; round++)
            {
                var counts = ApproxPrefixIndexTests.Match(index, Endpoints, chains[((round * 2) + group) % chains.Length]);
                for (var slot = 0; slot < Endpoints; slot++)
                {
                    Assert.True(counts[slot] >= 0 && counts[slot] <= (slot % 2 == group ? 32 : 0), $"group {group}, round {round}: slot {slot} counts {counts[slot]}");
                    seen += counts[slot];
                }
            }

            return seen;
        }, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)).ToArray();

        var random = new Random(108);
        for (var i = 0; i < 100_000 && !readers.Any(r => r.IsCompleted); i++)
        {
            var chain = random.Next(chains.Length);
            index.Add((ushort)((random.Next(Endpoints / 2) * 2) + (chain % 2)), 48, chains[chain].AsSpan(0, random.Next(1, 33)));
        }

        stop.Cancel();
        Assert.All(readers, r => Assert.True(r.GetAwaiter().GetResult() > 0));
    }

    /// <summary>What fills 100 endpoints in order shares its sets, also over growth, and comes apart again one endpoint at a time.</summary>
    [Fact]
    public void HolderTable_SameStepsOfManyBlocks_ShareTheirSets()
    {
        const int Blocks = 1000;
        var table = new HolderTable(11, 2, 109);
        ForEach((hash, slot) => table.Add(hash, slot));
        Assert.Equal(64 * 3 * sizeof(ulong), table.SetBytes);
        var grown = new HolderTable(12, 4, 109);
        table.CopyTo(grown);
        Assert.Equal(64 * 5 * sizeof(ulong), grown.SetBytes);
        var counts = new int[256];
        Assert.Equal(Blocks, grown.Match([.. Enumerable.Range(0, Blocks).Select(i => TestPool.Hash(1, i))], counts, new ulong[4]));
        Assert.All(counts[..100], n => Assert.Equal(Blocks, n));
        Assert.All(counts[100..], n => Assert.Equal(0, n));
        ForEach((hash, slot) => grown.Remove(hash, slot));
        Assert.Equal(0, grown.Count);
        Assert.Equal(64 * 5 * sizeof(ulong), grown.SetBytes);

        static void ForEach(Action<ulong, ushort> step)
        {
            for (ushort slot = 0; slot < 100; slot++)
            {
                for (var i = 0; i < Blocks; i++)
                {
                    step(TestPool.Hash(1, i), slot);
                }
            }
        }
    }

    private sealed class Model
    {
        private readonly Dictionary<ulong, HashSet<ushort>> _holders = [];
        private readonly Dictionary<ushort, (LinkedList<ulong> List, Dictionary<ulong, LinkedListNode<ulong>> Nodes, int Capacity)> _recency = [];

        public int Blocks => _holders.Count;

        public int HolderBlocks => _recency.Values.Sum(r => r.List.Count);

        public void Add(ushort slot, int capacity, ulong[] hashes)
        {
            if (!_recency.TryGetValue(slot, out var lru))
            {
                _recency[slot] = lru = ([], [], capacity);
            }

            foreach (var hash in hashes)
            {
                if (lru.Nodes.TryGetValue(hash, out var node))
                {
                    lru.List.Remove(node);
                    lru.List.AddLast(node);
                    continue;
                }

                lru.Nodes[hash] = lru.List.AddLast(hash);
                if (!_holders.TryGetValue(hash, out var set))
                {
                    _holders[hash] = set = [];
                }

                set.Add(slot);
                if (lru.List.Count > lru.Capacity)
                {
                    Drop(slot, lru.List.First!.Value);
                    lru.Nodes.Remove(lru.List.First.Value);
                    lru.List.RemoveFirst();
                }
            }
        }

        public void Clear(ushort slot)
        {
            if (_recency.Remove(slot, out var lru))
            {
                foreach (var hash in lru.List)
                {
                    Drop(slot, hash);
                }
            }
        }

        public int[] Match(ulong[] hashes, int endpoints)
        {
            var counts = new int[endpoints];
            foreach (var hash in hashes)
            {
                if (!_holders.TryGetValue(hash, out var set))
                {
                    break;
                }

                foreach (var slot in set)
                {
                    counts[slot]++;
                }
            }

            return counts;
        }

        private void Drop(ushort slot, ulong hash)
        {
            _holders[hash].Remove(slot);
            if (_holders[hash].Count == 0)
            {
                _holders.Remove(hash);
            }
        }
    }
}
