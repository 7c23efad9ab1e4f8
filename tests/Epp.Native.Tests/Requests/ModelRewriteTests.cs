using System.Buffers;
using System.Text;
using System.Text.Json;
using Epp.Native.Requests;

namespace Epp.Native.Tests.Requests;

[Trait("Category", "Unit")]
public sealed class ModelRewriteTests
{
    private const int Seed = 77;

    [Theory]
    [InlineData("""{"model":"a","messages":[{}]}""", "bb", """{"model":"bb","messages":[{}]}""")]
    [InlineData("""{ "messages":[{}], "model" : "a" , "x":-0.0 }""", "b", """{ "messages":[{}], "model" : "b" , "x":-0.0 }""")]
    [InlineData("""{"model":"a","messages":[{}],"model":"c"}""", "b", """{"model":"a","messages":[{}],"model":"b"}""")]
    [InlineData("""{"model":null,"messages":[{}]}""", "b", """{"model":"b","messages":[{}]}""")]
    [InlineData("""{"messages":[{}]}""", "b", """{"model":"b","messages":[{}]}""")]
    [InlineData(" { \"messages\":[{}]}", "b", " {\"model\":\"b\", \"messages\":[{}]}")]
    [InlineData("""{"model":"a","messages":[{}]}""", "q\"\\\n\u001fé", "{\"model\":\"q\\\"\\\\\\u000a\\u001fé\",\"messages\":[{}]}")]
    [InlineData("""{"model":"\u0061","messages":[{}]}""", "a", """{"model":"\u0061","messages":[{}]}""")]
    public void TryRead_TargetModel_ReplacesOnlyTheValue(string body, string target, string expected)
    {
        Assert.Equal(expected, Rewrite(body, target, 62000, RequestApi.ChatCompletions));
        Assert.Equal(expected, Rewrite(body, target, 3, RequestApi.ChatCompletions));
    }

    [Theory]
    [InlineData(RequestApi.Passthrough, """{"model":"a"}""")]
    [InlineData(RequestApi.SglangGenerate, """{"input_ids":[1],"model":"a"}""")]
    public void TryRead_ApiWithoutModel_PassesThrough(RequestApi api, string body)
    {
        Assert.Equal(body, Rewrite(body, "b", 10, api));
    }

    [Fact]
    public void TryRead_EmptyMap_InsertsWithoutComma()
    {
        var body = Encoding.UTF8.GetBytes("{}");
        using var buffer = Scan.Buffer(body);
        var rewrite = new ModelRewrite();
        rewrite.Begin(buffer, Scan.Of(body, RequestApi.ChatCompletions), "m"u8);
        Assert.Equal("""{"model":"m"}""", Drain(rewrite, 100));
    }

    [Fact]
    public void TryRead_LongBodiesOfManySegments_KeepEveryOtherByte()
    {
        var random = new Random(Seed);
        for (var round = 0; round < 40; round++)
        {
            var before = new string('x', random.Next(0, 150000));
            var after = new string('y', random.Next(0, 150000));
            var body = $$"""{"a":"{{before}}","model":"old","prompt":"{{after}}"}""";
            var expected = body.Replace("\"old\"", "\"a much longer name\"", StringComparison.Ordinal);
            Assert.True(expected == Rewrite(body, "a much longer name", random.Next(1, 62000), RequestApi.Completions), $"seed {Seed}, round {round}");
        }
    }

    [Fact]
    public void TryRead_AnyName_StaysJson()
    {
        var random = new Random(Seed);
        for (var round = 0; round < 200; round++)
        {
            var name = string.Concat(Enumerable.Range(0, random.Next(1, 20)).Select(_ => (char)random.Next(0, 300)));
            using var document = JsonDocument.Parse(Rewrite("""{"model":"a","messages":[{}]}""", name, 62000, RequestApi.ChatCompletions));
            Assert.Equal(name, document.RootElement.GetProperty("model").GetString());
        }
    }

    private static string Rewrite(string text, string target, int maxBytes, RequestApi api)
    {
        var body = Encoding.UTF8.GetBytes(text);
        using var buffer = Scan.Buffer(body);
        var scan = Scan.Of(body, api);
        Assert.Null(scan.ErrorMessage);
        var rewrite = new ModelRewrite();
        rewrite.Begin(buffer, scan, Encoding.UTF8.GetBytes(target));
        return Drain(rewrite, maxBytes);
    }

    private static string Drain(ModelRewrite rewrite, int maxBytes)
    {
        var output = new ArrayBufferWriter<byte>();
        var length = rewrite.Length;
        while (rewrite.TryRead(maxBytes, out var bytes))
        {
            Assert.InRange(bytes.Length, 1, maxBytes);
            output.Write(bytes);
            Assert.Equal(length - output.WrittenCount, rewrite.Remaining);
        }

        Assert.Equal(length, output.WrittenCount);
        return Encoding.UTF8.GetString(output.WrittenSpan);
    }
}
