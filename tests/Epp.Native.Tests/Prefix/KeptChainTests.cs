using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json.Nodes;
using Epp.Native.Prefix;
using Epp.Native.Tokens;
using Epp.Testing;

namespace Epp.Native.Tests.Prefix;

/// <summary>Hashes kept with beginnings of prompts: the same blocks as if every prompt were hashed whole.</summary>
[Trait("Category", "Unit")]
public sealed class KeptChainTests
{
    private const int Seed = 20261130;

    private static readonly HashChainKey Sixteens = new(16, IsEagle: false, IdsBefore: 0, 1, 1);

    /// <summary>Conversations of several users, in every way of cutting and salting, with and without ids before the text.</summary>
    [Fact]
    public void Hash_ConversationsThatGrow_EqualsWholePrompts()
    {
        var random = new Random(Seed);
        var tokenizer = Framed();
        var cache = new TokenPrefixCache(1 << 20);
        var (cached, plain) = (tokenizer.CreateEncoder(cache), tokenizer.CreateEncoder());
        PromptShape[] shapes = [new(16), new(16, IsEagle: true), new(1), new(7), new(64, SaltsEveryBlock: true), new(2000), new(64, IsEagle: true)];
        ulong[] salts = [1337, 42, 7];
        var (kept, whole) = (new PromptBlocks(), new PromptBlocks());
        var (ids, expected) = (new TokenBuffer(), new TokenBuffer());
        for (var conversation = 0; conversation < 60; conversation++)
        {
            var text = new StringBuilder($"<s>system prompt {conversation % 3} ").Append('p', 1500);
            for (var turn = 0; turn < 8; turn++)
            {
                text.Append($"<s>turn {turn} of {conversation % 20} ").Append('y', random.Next(1200));
                var bytes = Encoding.UTF8.GetBytes(text.ToString());
                var special = random.Next(2) == 0;
                ids.Clear();
                expected.Clear();
                Assert.Equal(TokenizeStatus.Ok, cached.Encode(bytes, special, ids));
                Assert.Equal(TokenizeStatus.Ok, plain.Encode(bytes, special, expected));
                Assert.True(expected.Ids.SequenceEqual(ids.Ids));
                foreach (var shape in shapes)
                {
                    var first = salts[random.Next(salts.Length)];
                    var seed = shape.SaltsEveryBlock ? first : 1337UL;
                    kept.Hash(ids.Ids, shape, seed, first, cached.Beginning);
                    whole.Hash(expected.Ids, shape, seed, first);
                    Assert.True(whole.Sequences.SequenceEqual(kept.Sequences), $"seed {Seed}, conversation {conversation}, turn {turn}, {shape}, salt {first}, special {special}");
                }

                Assert.InRange(cache.Bytes, 0, 1 << 20);
            }
        }

        Assert.True(cache.HashHits > 300, $"only {cache.HashHits} chains were found of {cache.Hits} beginnings");
    }

    /// <summary>The fourth turn finds the hashes of the second, kept when the third was sent, and so on: each turn hashes what two turns added.</summary>
    [Fact]
    public void Hash_EachNextTurn_FindsTheChainKeptWithItsBeginning()
    {
        var tokenizer = Framed();
        var cache = new TokenPrefixCache(1 << 22);
        var encoder = tokenizer.CreateEncoder(cache);
        var (ids, blocks) = (new TokenBuffer(), new PromptBlocks());
        var text = new StringBuilder();
        for (var turn = 1; turn <= 10; turn++)
        {
            text.Append("<s>").Append((char)('a' + turn), 1500);
            Hash(text + "<s>", 1337);
            Assert.Equal((Math.Max(0, turn - 2), Math.Max(0, turn - 2)), ((int)cache.Hits, (int)cache.HashHits));
        }

        // The same prompt again and again: nothing new to keep, nothing allocated.
        Hash(text + "<s>", 1337);
        Hash(text + "<s>", 1337);
        var hits = cache.HashHits;
        var least = long.MaxValue;
        for (var i = 0; i < 5; i++)
        {
            least = Math.Min(least, Hash(text + "<s>", 1337));
        }

        Assert.Equal((0L, hits + 5), (least, cache.HashHits));

        // One salt once is not worth memory, the second time it is; more than eight chains are not kept.
        var bytes = cache.Bytes;
        Hash(text + "<s>", 99);
        Assert.Equal(bytes, cache.Bytes);
        Hash(text + "<s>", 99);
        Assert.True(cache.Bytes > bytes);
        for (var salt = 100UL; salt < 120; salt++)
        {
            Hash(text + "<s>", salt);
            Hash(text + "<s>", salt);
        }

        Assert.InRange(cache.Bytes, bytes, bytes + ((TokenPrefix.MaxChains - 1) * (ids.Count / 16 + 1) * 8L) + 4096);

        long Hash(string prompt, ulong first)
        {
            var bytes = Encoding.UTF8.GetBytes(prompt);
            ids.Clear();
            var before = GC.GetAllocatedBytesForCurrentThread();
            var status = encoder.Encode(bytes, false, ids);
            blocks.Hash(ids.Ids, new PromptShape(16), 1337, first, encoder.Beginning);
            var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.Equal(TokenizeStatus.Ok, status);
            return allocated;
        }
    }

    /// <summary>What is kept of other ways to hash is not mistaken for what is asked.</summary>
    [Fact]
    public void HashesOf_AnyOtherKey_IsUnknown()
    {
        var prefix = Kept(1 << 20, out var cache);
        var hashes = Enumerable.Range(1, prefix.Blocks(Sixteens)).Select(static i => (ulong)i).ToArray();
        prefix.Keep(Sixteens, hashes, isNew: true);
        Assert.Equal(hashes, prefix.HashesOf(Sixteens).ToArray());
        foreach (var other in (HashChainKey[])
            [
                Sixteens with { BlockTokens = 8 }, Sixteens with { IsEagle = true }, Sixteens with { IdsBefore = 1 }, Sixteens with { Seed = 2 },
                Sixteens with { FirstSeed = 2 },
            ])
        {
            Assert.True(prefix.HashesOf(other).IsEmpty, other.ToString());
        }

        Assert.Equal(1, cache.HashHits);
    }

    [Theory]
    [InlineData(15, false, 0, 0)]
    [InlineData(16, false, 0, 1)]
    [InlineData(16, true, 0, 0)]
    [InlineData(17, true, 0, 1)]
    [InlineData(47, false, 1, 3)]
    [InlineData(48, true, 0, 2)]
    public void Blocks_AreThoseThatNothingBehindChanges(int ids, bool eagle, int before, int blocks)
    {
        var prefix = new TokenPrefix(new TokenPrefixCache(1 << 20), 1, [], new uint[ids], 0, 0);
        Assert.Equal(blocks, prefix.Blocks(Sixteens with { IsEagle = eagle, IdsBefore = before }));
    }

    /// <summary>A beginning that went while its request was on the way takes no chain along, and none that is larger than a quarter of the budget is kept.</summary>
    [Fact]
    public void Keep_WithoutRoom_ChangesNothing()
    {
        var prefix = Kept(64 << 10, out var cache);
        prefix.Keep(Sixteens, new ulong[64 << 10], isNew: true);
        Assert.True(prefix.HashesOf(Sixteens).IsEmpty);
        for (var i = 0; i < 2000; i++)
        {
            _ = cache.Keep((ulong)i * 0x9E3779B97F4A7C15, new byte[2000], new uint[500], 0);
        }

        var bytes = cache.Bytes;
        prefix.Keep(Sixteens, new ulong[10], isNew: true);
        Assert.True(prefix.HashesOf(Sixteens).IsEmpty);
        Assert.InRange(cache.Bytes, 1, bytes);
    }

    /// <summary>Readers and writers of one cache on several threads: never another prompt's hashes.</summary>
    [Fact]
    public void Hash_ManyThreads_AgreeWithOne()
    {
        var tokenizer = Framed();
        var cache = new TokenPrefixCache(96 << 10);
        var texts = Enumerable.Range(0, 60).Select(static i => Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, 20 + (i % 30)).Select(n => $"<s>{i % 4} turn {n} {new string('y', 60)}")))).ToArray();
        var expected = texts.Select(t => Sequences(tokenizer.CreateEncoder(), new PromptBlocks(), new TokenBuffer(), t)).ToArray();
        Parallel.For(0, 8, new ParallelOptions { MaxDegreeOfParallelism = 4 }, worker =>
        {
            var (encoder, blocks, ids, random) = (tokenizer.CreateEncoder(cache), new PromptBlocks(), new TokenBuffer(), new Random(worker));
            for (var i = 0; i < 300; i++)
            {
                var which = random.Next(texts.Length);
                Assert.Equal(expected[which], Sequences(encoder, blocks, ids, texts[which]));
            }
        });
        Assert.True(cache.HashHits > 0);
        Assert.InRange(cache.Bytes, 0, 96 << 10);
    }

    /// <summary>Scratch that lies idle does not keep alive what the cache has dropped.</summary>
    [Fact]
    public void Release_WhatTheCacheDropped_IsCollected()
    {
        var cache = new TokenPrefixCache(256 << 10);
        var encoder = Framed().CreateEncoder(cache);
        var known = Find(encoder);
        encoder.Release();
        for (var i = 0UL; i < 2000; i++)
        {
            cache.Keep(i * 0x9E3779B97F4A7C15, new byte[2000], new uint[500], 0);
        }

        GC.Collect();
        Assert.False(known.IsAlive);
        GC.KeepAlive(encoder);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static WeakReference Find(TokenEncoder encoder)
        {
            var (text, ids) = (Encoding.UTF8.GetBytes(new string('x', 2000) + "<s>tail"), new TokenBuffer());
            for (var i = 0; i < 3; i++)
            {
                encoder.Encode(text, false, ids);
            }

            Assert.NotNull(encoder.Beginning.Known);
            return new WeakReference(encoder.Beginning.Known);
        }
    }

    private static ulong[] Sequences(TokenEncoder encoder, PromptBlocks blocks, TokenBuffer ids, byte[] text)
    {
        ids.Clear();
        Assert.Equal(TokenizeStatus.Ok, encoder.Encode(text, true, ids));
        blocks.Hash(ids.Ids, new PromptShape(16), 5, 6, encoder.Beginning);
        return blocks.Sequences.ToArray();
    }

    private static TokenPrefix Kept(long budget, out TokenPrefixCache cache)
    {
        cache = new TokenPrefixCache(budget);
        return cache.Keep(77, new byte[2000], new uint[500], 0)!;
    }

    /// <summary>Bytes as tokens, one added token, and two ids that the post-processor puts in front.</summary>
    private static Tokenizer Framed()
    {
        var file = JsonNode.Parse(ByteTokenizer.Json())!;
        file["added_tokens"] = new JsonArray(new JsonObject
        {
            ["id"] = 1000, ["content"] = "<s>", ["single_word"] = false, ["lstrip"] = false, ["rstrip"] = false, ["normalized"] = false, ["special"] = true,
        });
        file["post_processor"] = JsonNode.Parse("""
            {"type": "TemplateProcessing",
             "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
             "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
             "special_tokens": {"<s>": {"id": "<s>", "ids": [1000], "tokens": ["<s>"]}}}
            """);
        var tokenizer = Tokenizer.Load(Encoding.UTF8.GetBytes(file.ToJsonString()), out var error);
        Assert.True(tokenizer is not null, error);
        return tokenizer!;
    }
}
