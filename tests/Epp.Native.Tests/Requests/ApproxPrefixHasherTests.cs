using System.Buffers.Binary;
using System.Text;
using Epp.Hashing;
using Epp.Native.Prefix;
using Epp.Native.Requests;
using Epp.Testing;

namespace Epp.Native.Tests.Requests;

/// <summary>The bytes that are hashed, compared through a naive chain over the expected serialisation.</summary>
[Trait("Category", "Unit")]
public sealed class ApproxPrefixHasherTests
{
    private const int Seed = 12;

    [Theory]
    [InlineData(RequestApi.ChatCompletions, """{"messages":[{"content":"hi\n\u00e9\ud83d\ude00\ud800.","role":"user"},{"role":null,"content":null},null,{"role":"a","role":"b"}]}""", "userhi\né😀\uFFFD.b")]
    [InlineData(RequestApi.ChatCompletions, """{"tools":[],"messages":[{"content":[{"text":"t","type":"text"},{"type":"other","text":"no"},{"type":"te\u0078t","text":"u"}]}]}""", "tu")]
    [InlineData(RequestApi.ChatCompletions, """{"tools":[{"b":1.50,"a":"<>&\u2028\/","b":2}],"messages":[{}]}""", """[{"a":"\u003c\u003e\u0026\u2028/","b":2}]""")]
    [InlineData(RequestApi.Responses, """{"input":[{"n":[12345678901234567890,9007199254740993,0.70,1e3,1e21,1e-9,-0.0,-0,1E-7,0.000001,123456.789,1e20,5e-324,1.7976931348623157e308]}],"instructions":null}""", """[{"input":[{"n":[12345678901234567000,9007199254740992,0.7,1000,1e+21,1e-9,-0,-0,1e-7,0.000001,123456.789,100000000000000000000,5e-324,1.7976931348623157e+308]}]}]""")]
    [InlineData(RequestApi.Responses, """{"input":"é\t\u0001\u007f\"\\\b\f","tools":[ { } ],"instructions":{"z":true,"a":null}}""", """[{"instructions":{"a":null,"z":true}},{"tools":[{}]},{"input":"é\t\u0001""" + "\u007f" + """\"\\\b\f"}]""")]
    [InlineData(RequestApi.Conversations, """{"items":[{"content":{"b":1,"a":2},"role":"","type":"t","id":5},{}]}""", """[{"type":"t","content":{"a":2,"b":1}},{}]""")]
    [InlineData(RequestApi.Embeddings, """{"input":["a","b"]}""", """{"Raw":"","Strings":["a","b"],"TokenIDs":null}""")]
    [InlineData(RequestApi.AnthropicMessages, """{"system":[{"type":"text","text":"x-anthropic-billing-header: 1"},{"type":"text","text":"S"}],"tools":[{"n":1}],"messages":[{"role":"user","content":[{"type":"text","text":"T"},{"type":"tool_use","id":"i","name":"n","input":{ "b":1}},{"type":"tool_result","content":[{"type":"text","text":"1"},{"type":"text","text":"2"}]},{"type":"thinking","thinking":"H"}]}]}""", """[{"n":1}]SuserTin{ "b":1}1""" + "\n2H")]
    public void Hash_Estimate_HashesTheReferencesSerialisation(RequestApi api, string body, string expected)
    {
        Assert.Equal(Chain(Encoding.UTF8.GetBytes(expected), 3), Hash(body, api, Dialect.LlmD, 3));
    }

    [Theory]
    [InlineData("""{"model":"m","messages":[{"content":"a<b","role":"user","x":1},{"content":[]},{"role":"r","content":[{"text":"","type":"text","image_url":null},{"image_url":{"url":"u","detail":"low"},"text":"t"},null]}]}""", """[{"role":"user","content":"a\u003cb"},{"content":[]},{"role":"r","content":[{"type":"text","image_url":{}},{"type":"","text":"t","image_url":{"url":"u"}},{"type":"","image_url":{}}]}]""")]
    public void Hash_Gaie_HashesTheReferencesSerialisation(string body, string expected)
    {
        Assert.Equal(GaieChain(Encoding.UTF8.GetBytes(expected), 5), Hash(body, RequestApi.GaieAny, Dialect.Gaie, 5));
    }

    [Theory]
    [InlineData("http://x/a.png", 225)]
    [InlineData("data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAABAAAAAQACAYAAAA=", 1024)]
    [InlineData("data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAA=", 1)]
    [InlineData("data:image/gif;base64,R0lGODlhQAFAAfAAAAAAAAAAACwAAAAA", 100)]
    [InlineData("data:image/jpeg;base64,/9j/4AAQSkZJRgABAQAAAQABAAD/wAARCAKAA8ADASIAAhEBAxEB", 600)]
    [InlineData("data:image/png;base64,!!!!", 225)]
    [InlineData("data:image/png;base64,", 225)]
    public void Hash_Image_StandsForItsTokens(string url, int tokens)
    {
        var bytes = new List<byte>(Encoding.UTF8.GetBytes("user\0\0\0\0"[..4]));
        Span<byte> token = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(token, (uint)XxHash64.Hash(Encoding.UTF8.GetBytes(url)));
        for (var i = 0; i < tokens; i++)
        {
            bytes.AddRange(token);
        }

        var body = $$$"""{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"{{{url}}}"}}]}]}""";
        Assert.Equal(Chain([.. bytes], 16), Hash(body, RequestApi.ChatCompletions, Dialect.LlmD, 16));
    }

    [Fact]
    public void Hash_LongContentAcrossSegments_EqualsNaiveChain()
    {
        var random = new Random(Seed);
        for (var round = 0; round < 60; round++)
        {
            var expected = new StringBuilder("user");
            var content = new StringBuilder();
            for (var i = random.Next(1, 12); i > 0; i--)
            {
                var run = new string((char)random.Next('a', 'z'), random.Next(0, 20000));
                content.Append(run).Append("\\n\\u00e9");
                expected.Append(run).Append("\né");
            }

            var body = $$$"""{"messages":[{"role":"user","content":"{{{content}}}"}]}""";
            var block = random.Next(1, 200);
            Assert.True(
                Chain(Encoding.UTF8.GetBytes(expected.ToString()), block).SequenceEqual(Hash(body, RequestApi.ChatCompletions, Dialect.LlmD, block)),
                $"seed {Seed}, round {round}");
        }
    }

    [Fact]
    public void Hash_TooManyValues_FallsBackToBytesAsSent()
    {
        var input = "[" + string.Join(',', Enumerable.Repeat("1.0", JsonTape.MaxNodes)) + "]";
        var body = "{\"input\":" + input + "}";
        Assert.Equal(Chain(Encoding.UTF8.GetBytes("[{\"input\":" + input + "}]"), 64), Hash(body, RequestApi.Responses, Dialect.LlmD, 64));
    }

    [Fact]
    public void Hash_PlainChat_AllocatesNothing()
    {
        var body = Encoding.UTF8.GetBytes("""{"model":"m","messages":[{"role":"user","content":"PAD"}],"stream":true}""".Replace("PAD", new string('x', 9000), StringComparison.Ordinal));
        using var buffer = Scan.Buffer(body);
        var scanner = new RequestScanner();
        var hashes = new BlockHashes();
        Run();
        Assert.Equal(0, Allocated.Least(() =>
        {
            for (var i = 0; i < 50; i++)
            {
                Run();
            }
        }));

        void Run()
        {
            Scan.Into(scanner, body, RequestApi.ChatCompletions);
            hashes.Clear();
            ApproxPrefixHasher.Hash(scanner, buffer, scanner.Model, scanner.CacheSalt, Dialect.LlmD, 64, 2048, hashes);
            ApproxPrefixHasher.Hash(scanner, buffer, scanner.Model, scanner.CacheSalt, Dialect.Gaie, 64, 256, hashes);
        }
    }

    private static ulong[] Hash(string text, RequestApi api, Dialect rules, int block)
    {
        var body = Encoding.UTF8.GetBytes(text);
        var scanner = Scan.Of(body, api);
        Assert.Null(scanner.ErrorMessage);
        using var buffer = Scan.Buffer(body);
        var hashes = new BlockHashes();
        ApproxPrefixHasher.Hash(scanner, buffer, "m"u8, default, rules, block, 0, hashes);
        return hashes.All.ToArray();
    }

    private static ulong[] Chain(byte[] bytes, int blockTokens)
    {
        Array.Resize(ref bytes, (bytes.Length + 3) / 4 * 4);
        var hash = XxHash64.Hash("m"u8);
        return [.. bytes.Chunk(blockTokens * 4).Select(b => hash = XxHash64.Hash(XxHash64.Hash(b), hash))];
    }

    private static ulong[] GaieChain(byte[] bytes, int blockBytes)
    {
        var hash = XxHash64.Hash("m"u8);
        return [.. bytes.Chunk(blockBytes).Where(b => b.Length == blockBytes).Select(b => hash = XxHash64.Hash([.. b, .. BitConverter.GetBytes(hash)]))];
    }
}
