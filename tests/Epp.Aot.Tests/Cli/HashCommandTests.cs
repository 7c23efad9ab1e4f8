using Epp.Aot.Cli;

namespace Epp.Aot.Tests.Cli;

[Trait("Category", "Unit")]
public sealed class HashCommandTests
{
    /// <summary>One vector of each scheme (kv-routing §1.7, §8.6, §8.8).</summary>
    [Theory]
    [InlineData("""{"scheme":"dynamo","block_size":4,"tokens":[0,1,2,3]}""", """{"hashes":[9143094415614847814],"sequence_hashes":[9143094415614847814]}""")]
    [InlineData("""{"scheme":"dynamo","block_size":4,"tokens":[0,1,2,3,9],"lora":"adapter-a"}""", """{"hashes":[6665157333201000639],"sequence_hashes":[6665157333201000639]}""")]
    [InlineData("""{"scheme":"dynamo","block_size":4,"tokens":[0,1,2,3],"namespace":"tenant-a"}""", """{"hashes":[17009624042690211646],"sequence_hashes":[17009624042690211646]}""")]
    [InlineData("""{"scheme":"cbor-fnv","block_size":16,"tokens":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16],"model":"test-model"}""", """{"hashes":[9540012594951042066]}""")]
    [InlineData("""{"scheme":"xxh64","block_size":16,"tokens":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16],"model":"test-model"}""", """{"hashes":[13553460584553255540]}""")]
    [InlineData("""{"scheme":"sha256_cbor","block_size":16,"tokens":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16],"seed":"0"}""", """{"hashes":["202da172482d928bbc42ab25b0151e2b895f13f41002e27b2ceabcfae6d332ea"],"int_hashes":[3236607068019569386]}""")]
    [InlineData("""{"scheme":"dynamo","block_size":4,"tokens":[1,2]}""", """{"hashes":[],"sequence_hashes":[]}""")]
    public void Run_EachScheme_EqualsItsVector(string line, string expected) => Assert.Equal(expected + "\n", Run(line).Output);

    [Theory]
    [InlineData("[]", "expected {")]
    [InlineData("{", "no JSON")]
    [InlineData("""{"scheme":"md5","block_size":4,"tokens":[]}""", "found 'md5', expected dynamo")]
    [InlineData("""{"scheme":"dynamo","block_size":0,"tokens":[]}""", "block_size")]
    [InlineData("""{"scheme":"dynamo","block_size":4,"tokens":[-1]}""", "tokens")]
    [InlineData("""{"scheme":"dynamo","block_size":4,"tokens":[1],"lora":[]}""", "lora")]
    public void Run_BadLine_IsAnsweredByItsReason(string line, string expected)
    {
        var (code, output) = Run(line);
        Assert.Equal(0, code);
        Assert.StartsWith("{\"error\":", output, StringComparison.Ordinal);
        Assert.Contains(expected, System.Text.RegularExpressions.Regex.Unescape(output), StringComparison.Ordinal);
    }

    [Fact]
    public void Run_Arguments_AreNotTaken()
    {
        Assert.Equal(2, Run("", "--x").Code);
        Assert.Contains("sha256_cbor", Run("", "--help").Output, StringComparison.Ordinal);
    }

    private static (int Code, string Output) Run(string input, params string[] args)
    {
        using var output = new StringWriter { NewLine = "\n" };
        using var error = new StringWriter { NewLine = "\n" };
        var code = HashCommand.Run(args, new StringReader(input), output, error);
        return (code, output.ToString());
    }
}
