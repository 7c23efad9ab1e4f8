using System.Buffers;
using System.Text;
using Epp.Native.Requests;
using Epp.Testing;

namespace Epp.Native.Tests.Requests;

[Trait("Category", "Unit")]
public sealed class ResponseModelRewriterTests
{
    private const int Seed = 4711;

    [Theory]
    [InlineData("""{"id":1,"model":"t","x":"model"}""", """{"id":1,"model":"incoming","x":"model"}""")]
    [InlineData("""{"model": "t","y":{"model":"t"}}""", """{"model": "incoming","y":{"model":"incoming"}}""")]
    [InlineData("""{"model":"tt","model":  "t","models":"t"}""", """{"model":"tt","model":  "t","models":"t"}""")]
    [InlineData("\"model\":\"model\":\"t\"", "\"model\":\"model\":\"incoming\"")]
    [InlineData("\"model\":", "\"model\":")]
    [InlineData("\"model\":\"t", "\"model\":\"t")]
    [InlineData("data: [DONE]\n\n", "data: [DONE]\n\n")]
    [InlineData("", "")]
    public void Write_EverySplit_ReplacesBothSpellings(string text, string expected)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        for (var split = 0; split <= bytes.Length; split++)
        {
            Assert.Equal(expected, Run("t", "incoming", bytes, split));
        }
    }

    [Theory]
    [InlineData("t", "t")]
    [InlineData("", "x")]
    [InlineData("t", "")]
    public void Write_SameOrEmptyNames_ChangesNothing(string target, string incoming)
    {
        Assert.Equal("\"model\":\"t\"", Run(target, incoming, Encoding.UTF8.GetBytes("\"model\":\"t\""), 4));
    }

    [Fact]
    public void Write_RandomTextAndSplits_EqualsNaiveReplace()
    {
        var random = new Random(Seed);
        string[] pieces = ["\"model\":", "\"model\": ", "\"ab\"", "\"a\"", "\"", "m", "\"mo", " ", "\"model\":\"ab\"", "\"model\": \"ab\""];
        for (var round = 0; round < 3000; round++)
        {
            var text = string.Concat(Enumerable.Range(0, random.Next(0, 12)).Select(_ => pieces[random.Next(pieces.Length)]));
            var expected = text.Replace("\"model\":\"ab\"", "\"model\":\"zz z\"", StringComparison.Ordinal)
                .Replace("\"model\": \"ab\"", "\"model\": \"zz z\"", StringComparison.Ordinal);
            var rewriter = new ResponseModelRewriter();
            rewriter.Begin("ab"u8, "zz z"u8);
            var output = new ArrayBufferWriter<byte>();
            var bytes = Encoding.UTF8.GetBytes(text);
            for (var at = 0; at < bytes.Length;)
            {
                var n = Math.Min(random.Next(0, 6), bytes.Length - at);
                rewriter.Write(bytes.AsSpan(at, n), false, output);
                at += n;
                Assert.InRange(at - output.WrittenCount, -1000, 200);
            }

            rewriter.Write([], true, output);
            Assert.True(expected == Encoding.UTF8.GetString(output.WrittenSpan), $"seed {Seed}, round {round}: {text}");
        }
    }

    [Fact]
    public void Write_WarmRewriter_AllocatesNothing()
    {
        var rewriter = new ResponseModelRewriter();
        rewriter.Begin("target"u8, "incoming"u8);
        var output = new ArrayBufferWriter<byte>(65536);
        var chunk = Encoding.UTF8.GetBytes("data: {\"model\":\"target\",\"choices\":[]}\n\ndata: {\"mod");
        rewriter.Write(chunk, false, output);
        output.ResetWrittenCount();
        Assert.Equal(0, Allocated.Least(() =>
        {
            for (var i = 0; i < 100; i++)
            {
                rewriter.Write(chunk, false, output);
            }
        }));
    }

    private static string Run(string target, string incoming, byte[] bytes, int split)
    {
        var rewriter = new ResponseModelRewriter();
        rewriter.Begin(Encoding.UTF8.GetBytes(target), Encoding.UTF8.GetBytes(incoming));
        var output = new ArrayBufferWriter<byte>();
        rewriter.Write(bytes.AsSpan(0, split), false, output);
        rewriter.Write(bytes.AsSpan(split), true, output);
        return Encoding.UTF8.GetString(output.WrittenSpan);
    }
}
