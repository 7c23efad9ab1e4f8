using System.Text;
using System.Text.Json.Nodes;
using Epp.Native.Tokens;
using Epp.Testing;

namespace Epp.Native.Tests.Tokens;

/// <summary>With beginnings kept and without, every text has the same ids and the same outcome.</summary>
[Trait("Category", "Unit")]
public sealed class TokenPrefixCacheTests
{
    private const int Seed = 20261129;

    private static readonly string[] Words =
    [
        "the ", "router ", "sends\n", " 1234567 ", "don't ", "漢字", "e\u0301", "👩‍👩‍👧 ", "\t\t", "   ", "x", "ſ", "<", "|", "s>", "Ω≈", "\r\n", "\u00a0", "▁", "#",
    ];

    /// <summary>Tokenizers of every shape, ours and those that lie beside the repository.</summary>
    [Fact]
    public void Encode_ConversationsThatGrow_EqualThoseWithoutACache()
    {
        var random = new Random(Seed);
        var hits = 0L;
        foreach (var file in Files())
        {
            var tokenizer = Tokenizer.Load(File.ReadAllBytes(file), out var error);
            Assert.True(tokenizer is not null, $"{file}: {error}");
            var special = tokenizer!.AddedTokens.Select(static t => t.Content).Take(40).ToArray();
            if (special.Length == 0)
            {
                continue;
            }

            var cache = new TokenPrefixCache(1 << 20);
            hits += Compare(tokenizer, cache, () => Conversations(random, special), $"seed {Seed}, {file}");
            Assert.InRange(cache.Bytes, 0, 1 << 20);
        }

        Assert.True(hits > 100, $"only {hits} beginnings were found");
    }

    /// <summary>Added tokens that contain each other, reach for white space, or want no word beside them: the texts where a cut could go wrong.</summary>
    [Fact]
    public void Encode_TokensThatOverlap_EqualThoseWithoutACache()
    {
        var random = new Random(Seed + 1);
        (string Content, bool Special, bool Single, bool Left, bool Right)[][] sets =
        [
            [("<a>", true, false, false, false), ("<a><b>", true, false, false, false), ("<b>", true, false, false, false), ("x<c>", true, true, false, false), ("<c>", true, false, false, false)],
            [("<a>", true, false, false, true), ("<b>", true, false, true, false), ("<c>", true, true, false, false), (" ", true, false, false, false), ("b><", true, false, false, false)],
            [("aa", true, false, false, false), ("aaa", true, false, false, false), ("ab", true, false, false, false), ("<b>", false, false, false, false), ("\n<c>", true, false, false, false)],
            [("<a>", true, false, false, false), ("<b>", true, false, false, false), ("<c>", true, false, true, false)],
        ];
        string[] pieces = ["<a>", "<b>", "<c>", "x", "a", "b", " ", "\n", "<", ">", "word "];
        foreach (var set in sets)
        {
            var tokenizer = WithTokens(set);
            var cache = new TokenPrefixCache(1 << 18);
            Compare(tokenizer, cache, () => Mixtures(random, pieces), $"seed {Seed + 1}, {string.Join(' ', set.Select(static t => t.Content))}");
        }
    }

    [Fact]
    public void Encode_ThirdTurn_FindsTheSecond_AndAllocatesNothing()
    {
        var tokenizer = WithTokens(("<s>", true, false, false, false));
        var cache = new TokenPrefixCache(1 << 20);
        var encoder = tokenizer.CreateEncoder(cache);
        var ids = new TokenBuffer(1 << 16);
        var text = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, 200).Select(static i => $"<s>turn {i} says something")));
        long Encode(int length)
        {
            ids.Clear();
            var before = GC.GetAllocatedBytesForCurrentThread();
            var status = encoder.Encode(text.AsSpan(0, length), false, ids);
            var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.Equal(TokenizeStatus.Ok, status);
            return allocated;
        }

        Encode(text.Length);
        Assert.Equal((0L, 0L), (cache.Hits, cache.Bytes));
        Encode(text.Length);
        Assert.Equal(0, cache.Hits);
        Assert.InRange(cache.Bytes, text.Length, 1 << 20);
        Encode(text.Length);
        Assert.Equal(1, cache.Hits);
        Assert.Equal(0, Encode(text.Length));
        Assert.Equal(2, cache.Hits);
        Assert.Equal(0, Encode(TokenPrefixCache.MinBytes - 1));
    }

    [Fact]
    public void Encode_ManyDifferentTexts_StayWithinTheBudget()
    {
        var tokenizer = WithTokens(("<s>", true, false, false, false));
        var cache = new TokenPrefixCache(256 << 10);
        var encoder = tokenizer.CreateEncoder(cache);
        var ids = new TokenBuffer();
        var random = new Random(Seed);
        for (var i = 0; i < 400; i++)
        {
            var text = Encoding.UTF8.GetBytes(new string((char)('a' + random.Next(26)), random.Next(500, 8000)) + i + "<s>tail");
            for (var again = 0; again < 3; again++)
            {
                ids.Clear();
                encoder.Encode(text, false, ids);
                Assert.InRange(cache.Bytes, 0, 256 << 10);
            }
        }

        Assert.True(cache.Hits > 100, $"{cache.Hits} hits");
    }

    [Fact]
    public void Encode_ManyThreads_AgreeWithOne()
    {
        var tokenizer = WithTokens(("<s>", true, false, false, false), ("<e>", true, false, false, false));
        var cache = new TokenPrefixCache(64 << 10);
        var texts = Enumerable.Range(0, 60).Select(i => Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, 20 + (i % 30)).Select(n => $"<s>{i % 4} turn {n} {new string('y', 60)}<e>")))).ToArray();
        var expected = texts.Select(t => Ids(tokenizer.CreateEncoder(), t)).ToArray();
        Parallel.For(0, 8, new ParallelOptions { MaxDegreeOfParallelism = 4 }, worker =>
        {
            var encoder = tokenizer.CreateEncoder(cache);
            var random = new Random(worker);
            for (var i = 0; i < 400; i++)
            {
                var which = random.Next(texts.Length);
                Assert.Equal(expected[which], Ids(encoder, texts[which]));
            }
        });
        Assert.True(cache.Hits > 0);
    }

    private static IEnumerable<string> Files()
    {
        var own = Directory.GetFiles(Path.Combine(Repository.Tokenizers, "shapes"), "*.tokenizer.json");
        var shared = Golden.Folder is null ? null : Path.Combine(Golden.Folder, "..", "tokenizers");
        return own.Concat(Directory.Exists(shared) ? Directory.GetFiles(shared, "tokenizer.json", SearchOption.AllDirectories) : []);
    }

    private static long Compare(Tokenizer tokenizer, TokenPrefixCache cache, Func<IEnumerable<string>> texts, string what)
    {
        var (plain, cached) = (tokenizer.CreateEncoder(), tokenizer.CreateEncoder(cache));
        var (expected, actual) = (new TokenBuffer(), new TokenBuffer());
        for (var round = 0; round < 5; round++)
        {
            foreach (var text in texts())
            {
                var bytes = Encoding.UTF8.GetBytes(text);
                foreach (var special in (bool[])[false, true])
                {
                    expected.Clear();
                    actual.Clear();
                    var outcome = plain.Encode(bytes, special, expected);
                    Assert.True(outcome == cached.Encode(bytes, special, actual), what);
                    Assert.True(expected.Ids.SequenceEqual(actual.Ids), $"{what}: {text}");
                }
            }
        }

        return cache.Hits;
    }

    /// <summary>A system prompt, then turns: each text is the one before and more.</summary>
    private static IEnumerable<string> Conversations(Random random, string[] special)
    {
        var text = new StringBuilder();
        for (var turn = 0; turn < 10; turn++)
        {
            text.Append(special[random.Next(special.Length)]);
            for (var n = random.Next(10, 60); n > 0; n--)
            {
                text.Append(Words[random.Next(Words.Length)]);
            }

            text.Append(special[random.Next(special.Length)]);
            yield return text.ToString();
            yield return text + Words[random.Next(Words.Length)];
        }
    }

    private static IEnumerable<string> Mixtures(Random random, string[] pieces)
    {
        var text = new StringBuilder();
        for (var i = 0; i < 12; i++)
        {
            for (var n = random.Next(60, 300); n > 0; n--)
            {
                text.Append(pieces[random.Next(pieces.Length)]);
            }

            // A stretch without tokens, so that the last one is far enough from the cut before it.
            var all = text.Append('y', 260).Append(pieces[random.Next(3)]).ToString();
            yield return all;
            yield return all;
            for (var n = 0; n < 12; n++)
            {
                yield return all + pieces[random.Next(pieces.Length)] + pieces[random.Next(pieces.Length)];
            }

            // Cut anywhere, and gone on otherwise.
            var end = random.Next(all.Length);
            yield return all[..end] + pieces[random.Next(pieces.Length)] + all[end..];
        }
    }

    private static Tokenizer WithTokens(params (string Content, bool Special, bool Single, bool Left, bool Right)[] tokens)
    {
        var file = JsonNode.Parse(ByteTokenizer.Json())!;
        file["added_tokens"] = new JsonArray([.. tokens.Select(static (t, i) => (JsonNode)new JsonObject
        {
            ["id"] = 1000 + i,
            ["content"] = t.Content,
            ["single_word"] = t.Single,
            ["lstrip"] = t.Left,
            ["rstrip"] = t.Right,
            ["normalized"] = false,
            ["special"] = t.Special,
        })]);
        var tokenizer = Tokenizer.Load(Encoding.UTF8.GetBytes(file.ToJsonString()), out var error);
        Assert.True(tokenizer is not null, error);
        return tokenizer!;
    }

    private static uint[] Ids(TokenEncoder encoder, byte[] text)
    {
        var ids = new TokenBuffer();
        Assert.Equal(TokenizeStatus.Ok, encoder.Encode(text, false, ids));
        return ids.Ids.ToArray();
    }
}
