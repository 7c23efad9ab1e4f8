using System.Text;
using Epp.Native.Tokens;

namespace Epp.Native.Tests.Tokens;

/// <summary>Shapes that random tokenizers found to differ once; the ids are those of the Hugging Face library.</summary>
[Trait("Category", "Unit")]
public sealed class RareShapeTests
{
    private const string Words = """{"type":"WordLevel","vocab":{"?":0,"a":1,"b":2},"unk_token":"?"}""";

    // White space that a token took on its right is not found again as a token that takes white space on its left.
    [Fact]
    public void Encode_TokenInsideStrippedSpace_IsDropped()
    {
        const string Json = """
            {"added_tokens":[
              {"content":".","single_word":false,"lstrip":false,"rstrip":true,"normalized":false,"special":true},
              {"content":"\n","single_word":false,"lstrip":true,"rstrip":false,"normalized":false,"special":true}],
             "pre_tokenizer":{"type":"WhitespaceSplit"},"model":
            """ + Words + "}";
        Assert.Equal([1, 3, 2], Ids(Json, "a. \nb"));
        Assert.Equal([1, 4, 4, 2], Ids(Json, "a\n\nb"));
    }

    // What a template puts beside the text is a text of its own to the next processor.
    [Theory]
    [InlineData("""{"type":"RobertaProcessing","sep":["e",5],"cls":["s",4],"trim_offsets":true,"add_prefix_space":true},{"type":"BertProcessing","sep":["e",3],"cls":["s",6]}""", new uint[] { 6, 4, 7, 5, 3, 5, 1, 5, 3 })]
    [InlineData("""{"type":"TemplateProcessing","single":[],"pair":[{"Sequence":{"id":"A","type_id":0}},{"SpecialToken":{"id":"m","type_id":0}},{"Sequence":{"id":"B","type_id":0}}],"special_tokens":{"m":{"id":"m","ids":[8],"tokens":["m"]}}}""", new uint[] { 7, 8, 1 })]
    [InlineData("""{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":false}""", new uint[] { 7, 1 })]
    public void Encode_ProcessorAfterTemplate_FramesEveryPiece(string after, uint[] expected)
    {
        const string Template = """{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"s","type_id":0}},{"Sequence":{"id":"A","type_id":0}}],"pair":[],"special_tokens":{"s":{"id":"s","ids":[7],"tokens":["s"]}}}""";
        Assert.Equal(expected, Ids($$$"""{"model":{{{Words}}},"post_processor":{"type":"Sequence","processors":[{{{Template}}},{{{after}}}]}}""", "a", special: true));
    }

    // Two marks become neighbours where the character between them has no token and there is no unknown one.
    [Fact]
    public void Encode_MarksAroundVanishingCharacter_Merge()
    {
        const string Json = """{"model":{"type":"BPE","vocab":{"▁":0,"▁▁":1,"a":2,"▁a":3},"merges":["▁ ▁","▁ a"]}}""";
        Assert.Equal([1, 2], Ids(Json, "▁x▁a"));
        Assert.Equal([2, 1], Ids(Json, "a▁x▁"));
    }

    // A character without a token of its own is not unknown inside a better token.
    [Fact]
    public void Encode_UnigramWithoutUnknownToken_NeedsNoneInsideTokens()
    {
        const string Json = """{"model":{"type":"Unigram","unk_id":null,"vocab":[["a",-1.0],["ab",-2.0]]}}""";
        Assert.Equal([1, 0], Ids(Json, "aba"));
        Assert.Equal(TokenizeStatus.NoUnknownToken, Load(Json).Encode("b"u8, false, new TokenBuffer()));
    }

    // A converter took the first line of a merges.txt for a merge.
    [Fact]
    public void Load_VersionAmongMerges_IsSkipped() =>
        Assert.Equal([2], Ids("""{"model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":["#version: 0.2","a b"]}}""", "ab"));

    private static TokenEncoder Load(string json) =>
        Tokenizer.Load(Encoding.UTF8.GetBytes(json), out var error)?.CreateEncoder() ?? throw new InvalidOperationException(error);

    private static uint[] Ids(string json, string text, bool special = false)
    {
        var ids = new TokenBuffer();
        Assert.Equal(TokenizeStatus.Ok, Load(json).Encode(Encoding.UTF8.GetBytes(text), special, ids));
        return ids.Ids.ToArray();
    }
}
