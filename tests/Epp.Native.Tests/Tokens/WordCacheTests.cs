using System.Text;
using Epp.Native.Tokens;

namespace Epp.Native.Tests.Tokens;

/// <summary>What the cache answers is what was stored last for exactly this word, or nothing.</summary>
[Trait("Category", "Unit")]
public sealed class WordCacheTests
{
    private const int Seed = 20261129;

    [Fact]
    public void Add_AfterManySets_IsTheLastOfTheWordOrNothing()
    {
        var (cache, random, ids) = (new WordCache(), new Random(Seed), new TokenBuffer());
        var model = new Dictionary<string, uint[]>();
        var known = 0;
        for (var round = 0; round < 300_000; round++)
        {
            var word = Word(random);
            var key = Encoding.Latin1.GetString(word);
            ids.Clear();
            ids.Add(7);
            if (TryGet(cache, word, ids))
            {
                known++;
                Assert.True(model.TryGetValue(key, out var expected), $"seed {Seed}, round {round}: {key} was never stored");
                Assert.Equal([7, .. expected], ids.Ids.ToArray());
            }
            else
            {
                Assert.Equal(1, ids.Count);
                cache.Set(word, model[key] = Ids(random));
            }
        }

        Assert.InRange(known, 50_000, 300_000);
    }

    [Fact]
    public void Add_WordsOfAText_StopsAtTheFirstThatIsNotKnown()
    {
        var (cache, random, ids) = (new WordCache(), new Random(Seed), new TokenBuffer(16));
        for (var round = 0; round < 2000; round++)
        {
            var words = Enumerable.Range(0, random.Next(1, 200)).Select(_ => Word(random)).ToArray();
            var text = words.SelectMany(static w => w).ToArray();
            var ends = new int[words.Length];
            var (expected, known, end) = (new List<uint>(), words.Length, 5);
            for (var i = 0; i < words.Length; i++)
            {
                ends[i] = end += words[i].Length;
                ids.Clear();
                if (!TryGet(cache, words[i], ids))
                {
                    known = Math.Min(known, i);
                    cache.Set(words[i], Ids(random));
                }
                else if (known == words.Length)
                {
                    expected.AddRange(ids.Ids);
                }
            }

            // Learning the words behind the first unknown one may have displaced some before it.
            ids.Clear();
            var added = cache.Add([1, 2, 3, 4, 5, .. text], 5, ends, ids);
            if (added < words.Length)
            {
                Assert.False(TryGet(cache, words[added], new TokenBuffer()));
            }

            var again = new TokenBuffer();
            Assert.All(words[..added], w => Assert.True(TryGet(cache, w, again)));
            Assert.Equal(again.Ids.ToArray(), ids.Ids.ToArray());
            Assert.True(known < words.Length || expected.SequenceEqual(ids.Ids.ToArray()));
        }
    }

    private static bool TryGet(WordCache cache, byte[] word, TokenBuffer ids) => cache.Add(word, 0, [word.Length], ids) == 1;

    // Short ones that differ in their length and in bytes of value 0 only, and long ones with the same beginnings and ends.
    private static byte[] Word(Random random)
    {
        var word = new byte[random.Next(8) switch { 0 => random.Next(15, 19), 1 => random.Next(17, WordCache.MaxWordBytes + 1), _ => random.Next(1, 9) }];
        var most = word.Length < 4 ? 128 : 2;
        for (var i = 0; i < word.Length; i++)
        {
            word[i] = (byte)(i is > 6 and < 14 ? 0 : random.Next(most));
        }

        if (word.Length > 18)
        {
            word.AsSpan(18).Clear();
        }

        return word;
    }

    private static uint[] Ids(Random random)
    {
        var ids = new uint[random.Next(9) switch { 0 => random.Next(0, 256), 1 => 4, 2 => 3, 3 => 2, _ => 1 }];
        foreach (ref var id in ids.AsSpan())
        {
            id = (uint)random.Next();
        }

        return ids;
    }
}
