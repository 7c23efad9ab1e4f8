using System.Text;
using Epp.Native.Tokens;

namespace Epp.Native.Tests.Tokens;

/// <summary>Files that cannot be used: the error names the place; nothing throws.</summary>
[Trait("Category", "Unit")]
public sealed class LoadErrorTests
{
    private const int Seed = 4711;
    private const string Model = "\"model\":{\"type\":\"WordLevel\",\"vocab\":{\"a\":0},\"unk_token\":\"a\"}";

    [Theory]
    [InlineData("", "$: no JSON")]
    [InlineData("[]", "$: expected an object")]
    [InlineData("{}", "model.vocab: missing")]
    [InlineData("{\"version\":\"2.0\"," + Model + "}", "version: only '1.0'")]
    [InlineData("{" + Model + ",\"normalizer\":{\"type\":\"Magic\"}}", "normalizer.type: normalizer 'Magic' is not supported")]
    [InlineData("{" + Model + ",\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"NFC\"},{\"type\":\"Strip\"}]}}", "normalizer.normalizers[1].strip_left: missing")]
    [InlineData("{" + Model + ",\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"WhitespaceSplit\"},{\"type\":\"Split\",\"pattern\":{\"Regex\":\"(a)\\\\1\"},\"behavior\":\"Isolated\",\"invert\":false}]}}", "pre_tokenizer.pretokenizers[1].pattern.Regex: at character 5: escape '\\1' is not supported")]
    [InlineData("{" + Model + ",\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"Regex\":\"(?:a*)*\"},\"behavior\":\"Isolated\",\"invert\":false}}", "pre_tokenizer.pattern.Regex: at character 7: a repeat of what can match nothing")]
    [InlineData("{" + Model + ",\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"Regex\":\"\\\\p{Klingon}\"},\"behavior\":\"Isolated\",\"invert\":false}}", "property 'Klingon' is not supported")]
    [InlineData("{" + Model + ",\"pre_tokenizer\":{\"type\":\"Metaspace\",\"replacement\":\"__\"}}", "pre_tokenizer.replacement: expected one character")]
    [InlineData("{" + Model + ",\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":\"x\",\"type_id\":0}}],\"special_tokens\":{}}}", "post_processor.special_tokens.x: missing")]
    [InlineData("{" + Model + ",\"added_tokens\":[{\"content\":\"a\",\"special\":1}]}", "added_tokens[0].special: expected true or false")]
    [InlineData("{\"model\":{\"type\":\"BPE\",\"dropout\":0.1,\"vocab\":{\"a\":0},\"merges\":[]}}", "model.dropout: a tokenizer that drops merges")]
    [InlineData("{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[\"a a\"]}}", "model.merges[0]: makes what is not in the vocabulary")]
    [InlineData("{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[\"a a a\"]}}", "model.merges[0]: expected two tokens")]
    [InlineData("{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":-1},\"merges\":[]}}", "model.vocab['a']: expected an id")]
    [InlineData("{\"model\":{\"type\":\"Unigram\",\"unk_id\":3,\"vocab\":[[\"a\",-1.0]]}}", "model.unk_id: beyond the vocabulary")]
    [InlineData("{\"model\":{\"type\":\"Neural\",\"vocab\":{}}}", "model.type: model 'Neural' is not supported")]
    public void Load_Unusable_NamesThePlace(string json, string expected)
    {
        Assert.Null(Tokenizer.Load(Encoding.UTF8.GetBytes(json), out var error));
        Assert.Contains(expected, error, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_MutatedFiles_NeverThrows()
    {
        var random = new Random(Seed);
        byte[][] corpus =
        [
            .. from name in new[] { "clip", "t5", "bert-uncased", "cut-look", "kimi-han", "phi3-medium", "unigram-bytes", "cut-fixed" } select TokenEncoderTests.Shape(name),
        ];
        var (loaded, refused) = (0, 0);
        for (var round = 0; round < 600; round++)
        {
            var file = (byte[])corpus[round % corpus.Length].Clone();
            for (var n = random.Next(1, 4); n > 0; n--)
            {
                // Near the ends, where the structure is: the middle is vocabulary.
                var at = random.Next(2) == 0 ? random.Next(Math.Min(900, file.Length)) : random.Next(file.Length);
                file[at] = (byte)"0\"{}[],:\\u-9aA("[random.Next(15)];
            }

            var whole = random.Next(4) == 0 ? file[..random.Next(file.Length)] : file;
            if (Tokenizer.Load(whole, out var error) is not { } tokenizer)
            {
                Assert.NotEqual("", error);
                refused++;
                continue;
            }

            loaded++;
            tokenizer.CreateEncoder().Encode("The <s> cafe\u0301 \u4f60 12 ABCdef abcx"u8, true, new TokenBuffer());
        }

        Assert.True(loaded > 20 && refused > 20, $"seed {Seed}: {loaded} loaded, {refused} refused");
    }
}
