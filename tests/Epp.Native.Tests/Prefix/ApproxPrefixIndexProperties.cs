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
