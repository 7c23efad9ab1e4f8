using System.Text;
using System.Text.Json;
using Epp.Native.Chat;
using Epp.Native.Requests;

namespace Epp.Native.Tests.Chat;

[Trait("Category", "Unit")]
public sealed class JsonTreeTests
{
    [Theory]
    [InlineData("", "Invalid")]
    [InlineData("[1,]", "Invalid")]
    [InlineData("{\"a\":1,}", "Invalid")]
    [InlineData("{\"a\" 1}", "Invalid")]
    [InlineData("[1}", "Invalid")]
    [InlineData("1 2", "Invalid")]
    [InlineData("01", "Invalid")]
    [InlineData("-", "Invalid")]
    [InlineData("1.", "Invalid")]
    [InlineData("1e+", "Invalid")]
    [InlineData("\"\t\"", "Invalid")]
    [InlineData("\"\\x\"", "Invalid")]
    [InlineData("\"\\u12g4\"", "Invalid")]
    [InlineData("\"a", "Invalid")]
    [InlineData("tru", "Invalid")]
    [InlineData("NaN", "Invalid")]
    [InlineData("\ufeff1", "Invalid")]
    [InlineData(" -0.5e-7\r\n", "Ok")]
    [InlineData("[{},[],\"\",null,true,false]", "Ok")]
    [InlineData("\"\\ud83d\\ude00\\/\\b\"", "Ok")]
    public void Parse_EachText_EndsAsWritten(string json, string outcome) =>
        Assert.Equal(outcome, new JsonTree().Parse(Encoding.UTF8.GetBytes(json), allowSpecialNumbers: false).ToString());

    [Theory]
    [InlineData("[NaN,Infinity,-Infinity]", "Ok")]
    [InlineData("-Infinit", "Invalid")]
    [InlineData("nan", "Invalid")]
    [InlineData("+Infinity", "Invalid")]
    public void Parse_NumbersOfPython_AreTakenWhereAllowed(string json, string outcome)
    {
        var tree = new JsonTree();
        Assert.Equal(outcome, tree.Parse(Encoding.UTF8.GetBytes(json), allowSpecialNumbers: true).ToString());
        Assert.Equal(outcome == "Ok", tree.HasSpecialNumbers);
    }

    [Theory]
    [InlineData(JsonTree.MaxDepth, "Ok")]
    [InlineData(JsonTree.MaxDepth + 1, "TooDeep")]
    [InlineData(1_000_000, "TooDeep")]
    public void Parse_Depth_StopsAtTheLimit(int depth, string outcome) =>
        Assert.Equal(outcome, new JsonTree().Parse(Encoding.UTF8.GetBytes(new string('[', depth) + new string(']', depth)), false).ToString());

    [Fact]
    public void Parse_NodesBeyondTheLimit_AreTooLarge()
    {
        var tree = new JsonTree();
        var json = "[" + string.Join(',', Enumerable.Repeat("1", JsonTree.MaxNodes)) + "]";
        Assert.Equal(JsonOutcome.TooLarge, tree.Parse(Encoding.UTF8.GetBytes(json), false));
        Assert.Equal(JsonKind.None, tree.RootKind);
        Assert.Equal(JsonOutcome.Ok, tree.Parse("[1]"u8, false));
    }

    [Fact]
    public void Parse_NoUtf8_IsInvalid() => Assert.Equal(JsonOutcome.Invalid, new JsonTree().Parse([(byte)'"', 0xC3, (byte)'"'], false));

    [Theory]
    [InlineData("""{"a":1,"b":2,"a":3}""", "a=3,b=2")]
    [InlineData("""{"a":1,"\u0061":2}""", "a=2")]
    [InlineData("""{"a":1,"a":2,"a":3}""", "a=3")]
    public void Parse_KeyGivenTwice_KeepsFirstPlaceAndLastValue(string json, string members) => Assert.Equal(members, Members(json));

    [Fact]
    public void Parse_ManyKeysGivenTwice_KeepFirstPlaceAndLastValue()
    {
        var keys = Enumerable.Range(0, 1000).ToList();
        var json = "{" + string.Join(',', keys.Concat(keys.AsEnumerable().Reverse()).Select((k, i) => $"\"k{k}\":{i}")) + "}";
        Assert.Equal(string.Join(',', keys.Select(k => $"k{k}={1999 - k}")), Members(json));
    }

    [Theory]
    [InlineData("\"a\\ud800b\"")]
    [InlineData("\"\\udc00\\ud800\"")]
    [InlineData("{\"\\ud800\":1}")]
    public void Parse_HalfAPair_IsSeen(string json)
    {
        var tree = new JsonTree();
        Assert.Equal(JsonOutcome.Ok, tree.Parse(Encoding.UTF8.GetBytes(json), false));
        Assert.True(tree.HasLoneSurrogates);
    }

    /// <summary>Random texts, good and bad, against the framework's reader.</summary>
    [Fact]
    public void Parse_RandomTexts_AgreesWithTheFramework()
    {
        const int Seed = 90210;
        var random = new Random(Seed);
        var tree = new JsonTree();
        var pieces = new[] { "{", "}", "[", "]", ",", ":", "\"a\"", "\"\\u0041\"", "\"", "1", "-0", "1e5", "0.5", "01", "true", "null", " ", "\n", "\\", "é", "tru" };
        var good = 0;
        for (var i = 0; i < 60_000; i++)
        {
            var json = string.Concat(Enumerable.Range(0, random.Next(1, 12)).Select(_ => pieces[random.Next(pieces.Length)]));
            var isGood = tree.Parse(Encoding.UTF8.GetBytes(json), false) == JsonOutcome.Ok;
            good += isGood ? 1 : 0;
            Assert.True(isGood == IsJson(json), $"seed {Seed}, text {i}: {json}");
        }

        Assert.True(good > 500, $"{good} good texts");
    }

    private static bool IsJson(string json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static string Members(string json)
    {
        var tree = new JsonTree();
        Assert.Equal(JsonOutcome.Ok, tree.Parse(Encoding.UTF8.GetBytes(json), false));
        var members = new List<string>();
        for (var key = tree.FirstKey(0); key >= 0; key = tree.KeyAfter(0, key))
        {
            members.Add($"{Encoding.UTF8.GetString(tree.Raw(key))}={Encoding.UTF8.GetString(tree.Raw(tree.Value(key)))}");
        }

        return string.Join(',', members);
    }
}
