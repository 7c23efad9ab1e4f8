using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Epp.Native.Prefix;
using Epp.Native.Requests;

namespace Epp.Native.Tests.Requests;

/// <summary>Hostile bodies: nothing throws, splits do not matter, and what is JSON is what System.Text.Json says.</summary>
[Trait("Category", "Unit")]
public sealed class RequestScannerFuzzTests
{
    private const int Seed = 31337;

    private static readonly string[] Corpus =
    [
        """{"model":"m\u00e9","messages":[{"role":"user","content":"h\"i \ud83d\ude00 \ud800 x"},{"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAoAAAAU"}},{"type":"input_audio","input_audio":{"data":"AAAA","format":"wav"}},{"type":"video_url","video_url":{"url":"u"}}]}],"tools":[{"z":1,"a":{"c":[1.5,-2e-7,true,null],"b":"<&>\u2028"}}],"stream":true,"max_tokens":7,"cache_salt":"s"}""",
        """{"prompt":["one","two \\ three"],"model":"a","model":"b"}""",
        """{"prompt":[1,2,3,4294967295],"max_tokens":1e2,"model":null}""",
        """ { "input" : {"b":[],"a":{}} , "instructions":"i","tools":[{}],"model" : "x" } """,
        """{"items":[{"type":"message","role":"user","content":[{"k":0.1}]},{"other":1}],"metadata":{}}""",
        """{"messages":[{"role":"user","content":[{"type":"text","text":"x"},{"type":"tool_use","id":"i","name":"n","input":{"a":1}},{"type":"tool_result","content":[{"type":"text","text":"t"},{"type":"image","source":{"type":"base64","data":"R0lGODlhAQACAA"}}]},{"type":"thinking","thinking":"hm"}]}],"system":[{"type":"text","text":"s"}],"model":"c"}""",
        """{"token_ids":[1,2,3],"sampling_params":{"max_tokens":3},"features":{}}""",
        """{"input_ids":[1,2,3],"extra_key":"k","sampling_params":{"max_new_tokens":3}}""",
        "[[[[{\"a\":[-0.0e+1]}]]]]",
    ];

    private static readonly string[] Tokens =
        ["{", "}", "[", "]", ",", ":", "\"", "\\", "\"a\"", "\"model\"", "\"content\":", "null", "true", "1", "-", "0", ".5", "e9", "\\u00", "\\ud83d", " ", "\n", "\u0001", "é"];

    [Fact]
    public void Feed_MutatedBodies_NeverThrowAndIgnoreSplits()
    {
        var random = new Random(Seed);
        var (whole, split) = (new RequestScanner(), new RequestScanner());
        var hashes = new BlockHashes();
        var watch = Stopwatch.StartNew();
        for (var round = 0; round < 6000; round++)
        {
            var body = Mutate(random);
            var api = (RequestApi)random.Next(12);
            var accepted = Scan.Into(whole, body, api);
            Assert.Equal(accepted, Scan.Into(split, body, api, random));
            Assert.True(Scan.Line(whole) == Scan.Line(split), $"seed {Seed}, round {round}: {Encoding.Latin1.GetString(body)}");
            Assert.Equal(accepted, whole.ErrorMessage is null);
            Assert.InRange(whole.ModelValueStart + whole.ModelValueLength, -1, body.Length);
            if (accepted)
            {
                HashAndRewrite(whole, body, hashes, random);
            }
        }

        Assert.InRange(watch.Elapsed.TotalSeconds, 0, 60);
    }

    [Fact]
    public void Complete_RandomTokenText_AcceptsWhatSystemTextJsonAccepts()
    {
        var random = new Random(Seed);
        var reader = new JsonPushReader(new NoSink());
        var valid = 0;
        for (var round = 0; round < 15000; round++)
        {
            var body = random.Next(3) == 0
                ? MutateAscii(random)
                : Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, random.Next(1, 9)).Select(_ => Tokens[random.Next(Tokens.Length)])));
            reader.Reset(1);
            reader.Feed(body);
            var ours = reader.Complete();
            valid += ours ? 1 : 0;
            Assert.True(ours == IsJson(body), $"seed {Seed}, round {round}: {Encoding.UTF8.GetString(body)} → {reader.SyntaxError}");
        }

        Assert.InRange(valid, 500, 14500);
    }

    /// <summary>Two differences are wanted: Go reads invalid UTF-8 (as U+FFFD), and so do we.</summary>
    [Theory]
    [InlineData(new byte[] { 0xFF })]
    [InlineData(new byte[] { 0xED, 0xA0, 0x80 })]
    [InlineData(new byte[] { 0xC3 })]
    public void Complete_InvalidUtf8InText_IsTolerated(byte[] bad)
    {
        byte[] body = [.. "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\""u8, .. bad, .. "\"}]}"u8];
        var scanner = Scan.Of(body, RequestApi.ChatCompletions);
        Assert.Null(scanner.ErrorMessage);
        using var buffer = Scan.Buffer(body);
        var hashes = new BlockHashes();
        ApproxPrefixHasher.Hash(scanner, buffer, "m"u8, default, Dialect.LlmD, 64, 0, hashes);
        Assert.Equal(1, hashes.Count);
    }

    [Theory]
    [InlineData("[")]
    [InlineData("{\"a\":")]
    [InlineData("{\"messages\":[{\"content\":[{\"image_url\":")]
    public void Feed_EndlessNesting_FailsAtTheLimit(string part)
    {
        var scanner = new RequestScanner();
        scanner.Reset(RequestApi.ChatCompletions, Dialect.LlmD);
        var bytes = Encoding.UTF8.GetBytes(part);
        for (var i = 0; i < 100000; i++)
        {
            scanner.Feed(bytes);
        }

        Assert.False(scanner.Complete());
        Assert.Equal("error unmarshaling request bodyMap: exceeded max depth", scanner.ErrorMessage);
    }

    [Fact]
    public void Hash_ManyMembersAtEveryDepth_TakesBoundedTime()
    {
        // Sorting maps must not read the inside of a value once per level above it.
        var text = new StringBuilder("{\"input\":");
        for (var depth = 0; depth < 60; depth++)
        {
            text.Append("{\"b\":1,\"a\":");
        }

        text.Append('"').Append('x', 3_000_000).Append('"').Append('}', 61);
        var body = Encoding.UTF8.GetBytes(text.ToString());
        var scanner = Scan.Of(body, RequestApi.Responses);
        Assert.Null(scanner.ErrorMessage);
        using var buffer = Scan.Buffer(body);
        var watch = Stopwatch.StartNew();
        ApproxPrefixHasher.Hash(scanner, buffer, "m"u8, default, Dialect.LlmD, 64, 0, new BlockHashes());
        Assert.InRange(watch.Elapsed.TotalSeconds, 0, 5);
    }

    private static void HashAndRewrite(RequestScanner scan, byte[] body, BlockHashes hashes, Random random)
    {
        using var buffer = Scan.Buffer(body);
        foreach (var rules in new[] { Dialect.LlmD, Dialect.Gaie })
        {
            hashes.Clear();
            ApproxPrefixHasher.Hash(scan, buffer, "m"u8, scan.CacheSalt, rules, random.Next(1, 20), random.Next(0, 50), hashes);
        }

        var rewrite = new ModelRewrite();
        rewrite.Begin(buffer, scan, "new"u8);
        var length = 0;
        while (rewrite.TryRead(100, out var bytes))
        {
            length += bytes.Length;
        }

        Assert.Equal(rewrite.Length, length);
    }

    private static byte[] Mutate(Random random)
    {
        var bytes = Encoding.UTF8.GetBytes(Corpus[random.Next(Corpus.Length)]).ToList();
        for (var i = random.Next(4); i > 0; i--)
        {
            var at = random.Next(bytes.Count);
            switch (random.Next(4))
            {
                case 0:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 1:
                    bytes.RemoveRange(at, Math.Min(random.Next(1, 20), bytes.Count - at - 1));
                    break;
                case 2:
                    bytes.InsertRange(at, Encoding.UTF8.GetBytes(Tokens[random.Next(Tokens.Length)]));
                    break;
                default:
                    bytes.InsertRange(at, bytes.GetRange(at, Math.Min(random.Next(1, 60), bytes.Count - at)));
                    break;
            }
        }

        return [.. bytes];
    }

    private static byte[] MutateAscii(Random random)
    {
        var bytes = Encoding.UTF8.GetBytes(Corpus[random.Next(Corpus.Length)]);
        for (var i = random.Next(3); i > 0; i--)
        {
            bytes[random.Next(bytes.Length)] = (byte)random.Next(128);
        }

        return bytes;
    }

    private static bool IsJson(byte[] body)
    {
        try
        {
            using var document = JsonDocument.Parse(body, new JsonDocumentOptions { MaxDepth = 64 });
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private sealed class NoSink : IJsonSink
    {
        public byte Child(byte parent, ReadOnlySpan<byte> key) => 1;

        public byte Element(byte parent) => 1;

        public bool Begin(byte node, JsonKind kind, int start) => true;

        public void End(byte node, JsonKind kind, int end, ReadOnlySpan<byte> text)
        {
        }
    }
}
