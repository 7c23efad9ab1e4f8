using System.Text;
using System.Text.Json;
using Epp.Native.Tokens;
using Epp.Native.Tokens.Patterns;
using Epp.Native.Tokens.Splitting;

namespace Epp.Native.Tests.Tokens;

/// <summary>The bounds that <see cref="AsciiWindow"/> yields for many words at once are those of one word after the other.</summary>
[Trait("Category", "Unit")]
public sealed class WordPatternProperties
{
    private const int Seed = 20261129;

    private static readonly string[] Classes =
        ["a", "Z", "the", "s", "ll", "'", "'S", "'t", "'rE", "0", "42", "12345", " ", "  ", "\t", "\n", "\r\n", "\f", ".", "/", "<", "\"", "_", "\0", "\u001c", "\u007f", "     "];

    private static readonly string[] Foreign = ["\u00e9", "\u4f60", "\u3000", "\u0301", "'\u017f", "\u0662", "\ud83d\ude00"];

    public static TheoryData<string> Patterns() =>
    [
        Gpt2Pattern.Text,
        DeepSeekPattern.Text,
        .. new[] { @"\p{N}", @"\p{N}{1,2}", @"\p{N}{1,3}", @"\p{N}+" }.Select(static digits => Cl100kPattern.BeforeDigits + digits + Cl100kPattern.AfterDigits),
        .. new[] { O200kPattern.Contractions, "" }.Select(static suffix => PatternGoldenTests.CaseSplit(suffix)),
    ];

    [Theory]
    [MemberData(nameof(Patterns))]
    public void Ends_RandomText_AreThoseOfSingleWords(string pattern)
    {
        var words = Assert.IsAssignableFrom<WordPattern>(KnownPatterns.Create(pattern).Words);
        var random = new Random(Seed);
        for (var round = 0; round < 6000; round++)
        {
            // Some texts are of two or three classes only, which makes their rare sequences frequent.
            var atoms = round % 3 == 0 ? [.. Classes, .. Foreign] : random.GetItems(Classes, round % 3 == 1 ? 4 : 10);
            var text = Encoding.UTF8.GetBytes(string.Concat(random.GetItems(atoms, random.Next(1, 150))));
            var single = new List<int>();
            for (var at = 0; at < text.Length; single.Add(at))
            {
                at = words.End(text, at);
            }

            Assert.True(single.SequenceEqual(Ends(words, text, random.Next(64, 200))), $"seed {Seed}: {JsonSerializer.Serialize(Encoding.UTF8.GetString(text))}");
        }
    }

    [Theory]
    [MemberData(nameof(Patterns))]
    public void End_RandomText_IsThatOfThePiecesOfASplit(string pattern)
    {
        var stage = new SplitStage(KnownPatterns.Create(pattern), SplitBehavior.Isolated, invert: false);
        var (random, pieces) = (new Random(Seed), new PieceList());
        for (var round = 0; round < 2000; round++)
        {
            var text = Encoding.UTF8.GetBytes(string.Concat(random.GetItems([.. Classes, .. Foreign], random.Next(1, 40))));
            pieces.Clear();
            Assert.Equal(TokenizeStatus.Ok, stage.Apply(text, [new Piece(0, text.Length)], pieces, new ByteBuffer(), new PreTokenState(new PatternState())));
            foreach (var piece in pieces.Items)
            {
                Assert.True(piece.End == stage.Words!.End(text, piece.Start), $"seed {Seed}: {JsonSerializer.Serialize(Encoding.UTF8.GetString(text))} at {piece.Start}");
            }
        }
    }

    [Fact]
    public void Ends_EveryPairOfBytesAtEveryPlace_AreThoseOfSingleWords()
    {
        WordPattern[] all = [new Gpt2Pattern(), new Cl100kPattern(1), new Cl100kPattern(3), new O200kPattern(3, contractions: true), new DeepSeekWords(new DeepSeekPattern())];
        var single = new List<int>();
        var text = new byte[140];
        foreach (var words in all)
        {
            for (var pair = 0; pair < 128 * 128; pair++)
            {
                text.AsSpan().Fill((byte)"ab '\n.0"[pair % 7]);
                var place = pair % 67;
                (text[place], text[place + 1]) = ((byte)(pair & 127), (byte)(pair >> 7));
                single.Clear();
                for (var at = 0; at < text.Length; single.Add(at))
                {
                    at = words.End(text, at);
                }

                Assert.True(single.SequenceEqual(Ends(words, text, 64)), $"{words} on {JsonSerializer.Serialize(Encoding.UTF8.GetString(text))}");
            }
        }
    }

    private static List<int> Ends(WordPattern words, byte[] text, int room)
    {
        var (all, ends) = (new List<int>(), new int[room]);
        for (var at = 0; at < text.Length; at = all[^1])
        {
            var count = words.Ends(text, at, ends);
            Assert.InRange(count, 1, room);
            all.AddRange(ends[..count]);
        }

        return all;
    }
}
