using System.Text;
using Epp.Native.Requests;
using Epp.Testing;

namespace Epp.Native.Tests.Requests;

[Trait("Category", "Unit")]
public sealed class ResponseScannerTests
{
    private const int Seed = 99;

    public static TheoryData<RequestApi, string, TokenUsage, bool> Documents() => new()
    {
        { RequestApi.ChatCompletions, """{"usage":{"prompt_tokens":7,"completion_tokens":10,"total_tokens":17}}""", new(7, 10, 17, -1), false },
        { RequestApi.ChatCompletions, """{"a":{"usage":{"prompt_tokens":1}},"usage":{"prompt_tokens":7,"completion_tokens":10,"total_tokens":17,"prompt_tokens_details":{"cached_tokens":10}}}""", new(7, 10, 17, 10), false },
        { RequestApi.ChatCompletions, """{"usage":{"prompt_tokens":"7","completion_tokens":"3.0","total_tokens":"10"}}""", new(7, 3, 10, -1), false },
        { RequestApi.ChatCompletions, """{"usage":{"prompt_tokens":7}}""", new(7, -1, 7, -1), false },
        { RequestApi.ChatCompletions, """{"usage":{}}""", TokenUsage.None, false },
        { RequestApi.ChatCompletions, """{"usage":null}""", TokenUsage.None, false },
        { RequestApi.ChatCompletions, """{"usage":"none"}""", TokenUsage.None, true },
        { RequestApi.ChatCompletions, """{"usage":{"prompt_tokens":"x","completion_tokens":-1,"total_tokens":[]}}""", TokenUsage.None, true },
        { RequestApi.ChatCompletions, """{"usage":{"prompt_tokens":7,"prompt_tokens_details":null}}""", new(7, -1, 7, -1), false },
        { RequestApi.ChatCompletions, """{"usage":{"prompt_tokens":7}""", TokenUsage.None, false },
        { RequestApi.GaieAny, """{"usage":{"prompt_tokens":7,"completion_tokens":1,"total_tokens":8,"prompt_token_details":{"cached_tokens":4}}}""", new(7, 1, 8, 4), false },
        { RequestApi.Responses, """{"usage":{"input_tokens":5,"output_tokens":6,"total_tokens":11,"input_tokens_details":{"cached_tokens":2}}}""", new(5, 6, 11, 2), false },
        { RequestApi.AnthropicMessages, """{"usage":{"input_tokens":5,"output_tokens":6,"cache_read_input_tokens":3}}""", new(5, 6, 11, 3), false },
        { RequestApi.SglangGenerate, """{"text":"x","meta_info":{"finish_reason":null,"prompt_tokens":5,"completion_tokens":6,"cached_tokens":3}}""", new(5, 6, 11, 3), false },
        { RequestApi.Completions, "no healthy upstream", TokenUsage.None, false },
    };

    public static TheoryData<RequestApi, string, TokenUsage, int> Streams() => new()
    {
        { RequestApi.ChatCompletions, "data: {\"choices\":[]}\n\ndata: {\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":10,\"total_tokens\":17}}\n\ndata: [DONE]\n\n", new(7, 10, 17, -1), 2 },
        { RequestApi.ChatCompletions, "data: {\"usage\":null}\r\n\r\ndata: {\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":10,\"prompt_tokens_details\":{\"cached_tokens\":0}}}\r\n\r\ndata: [DONE]\r\n", new(7, 10, 17, 0), 2 },
        { RequestApi.ChatCompletions, "data: {\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":1,\"total_tokens\":8}}\ndata: {\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":2,\"total_tokens\":9}}", new(7, 2, 9, -1), 2 },
        { RequestApi.ChatCompletions, "data: {\"text\":\"usage\"}\n", TokenUsage.None, 1 },
        { RequestApi.Responses, "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"usage\":{\"input_tokens\":1}}}\n\nevent: response.completed\ndata: {\"response\":{\"usage\":{\"input_tokens\":31,\"output_tokens\":2,\"total_tokens\":33}},\"type\":\"response.completed\"}\n\n", new(31, 2, 33, -1), 2 },
        { RequestApi.AnthropicMessages, "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":25,\"output_tokens\":1,\"cache_read_input_tokens\":9}}}\n\ndata: {\"type\":\"message_delta\",\"delta\":{},\"usage\":{\"output_tokens\":15}}\n\ndata: {\"type\":\"message_stop\"}\n\n", new(25, 15, 40, 9), 3 },
        { RequestApi.SglangGenerate, "data: {\"meta_info\":{\"finish_reason\":null,\"prompt_tokens\":1,\"completion_tokens\":1}}\n\ndata: {\"meta_info\":{\"finish_reason\":{\"type\":\"stop\"},\"prompt_tokens\":5,\"completion_tokens\":6}}\n\ndata: [DONE]\n\n", new(5, 6, 11, -1), 2 },
    };

    [Theory]
    [MemberData(nameof(Documents))]
    public void Usage_JsonAtEverySplit_IsFound(RequestApi api, string text, TokenUsage expected, bool malformed)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        var scanner = new ResponseScanner();
        for (var split = 0; split <= bytes.Length; split++)
        {
            scanner.Reset(api, isStream: false);
            scanner.Feed(bytes.AsSpan(0, split));
            scanner.Feed(bytes.AsSpan(split));
            scanner.Complete();
            Assert.Equal(expected, scanner.Usage);
            Assert.Equal(malformed, scanner.IsMalformed);
        }
    }

    [Theory]
    [MemberData(nameof(Streams))]
    public void Usage_EventsAtEverySplit_AreMerged(RequestApi api, string text, TokenUsage expected, int events)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        var scanner = new ResponseScanner();
        for (var split = 0; split <= bytes.Length; split++)
        {
            scanner.Reset(api, isStream: true);
            scanner.Feed(bytes.AsSpan(0, split));
            scanner.Feed(bytes.AsSpan(split));
            scanner.Complete();
            Assert.Equal((expected, events), (scanner.Usage, scanner.Events));
            Assert.Equal(text.Contains("[DONE]", StringComparison.Ordinal), scanner.IsDone);
        }
    }

    [Theory]
    [InlineData(100)]
    [InlineData(ResponseScanner.MaxHeldBytes - 60)]
    [InlineData(ResponseScanner.MaxHeldBytes)]
    [InlineData(300000)]
    public void Usage_LongEventInPieces_IsReadAsItComes(int padding)
    {
        var bytes = Encoding.UTF8.GetBytes(
            ": " + new string('c', padding) + "\ndata: {\"type\":\"response.completed\",\"response\":{\"text\":\"" + new string('x', padding)
            + "\",\"usage\":{\"input_tokens\":3,\"output_tokens\":4}}}\n\ndata: [DONE]\n");
        var scanner = new ResponseScanner();
        foreach (var size in new[] { 3, 1000, ResponseScanner.MaxHeldBytes + 7, bytes.Length })
        {
            scanner.Reset(RequestApi.Responses, isStream: true);
            for (var at = 0; at < bytes.Length; at += size)
            {
                scanner.Feed(bytes.AsSpan(at, Math.Min(size, bytes.Length - at)));
            }

            scanner.Complete();
            Assert.Equal(new TokenUsage(3, 4, 7, -1), scanner.Usage);
            Assert.True(scanner.IsDone);
            Assert.Equal(1, scanner.Events);
        }
    }

    [Fact]
    public void Feed_RandomBytes_NeverThrowsAndIgnoresSplits()
    {
        var random = new Random(Seed);
        for (var round = 0; round < 2000; round++)
        {
            var bytes = Encoding.UTF8.GetBytes(Streams().Select(r => (string)((object?[])r)[1]!).ElementAt(random.Next(7)));
            for (var i = random.Next(6); i > 0; i--)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }

            var api = (RequestApi)random.Next(12);
            var isStream = random.Next(4) > 0;
            Assert.True(Run(api, isStream, bytes, null) == Run(api, isStream, bytes, random), $"seed {Seed}, round {round}");
        }
    }

    [Fact]
    public void Feed_WarmScanner_AllocatesNothing()
    {
        var scanner = new ResponseScanner();
        var bytes = Encoding.UTF8.GetBytes((string)((object?[])Streams().First())[1]!);
        Run(scanner, bytes);
        Assert.Equal(0, Allocated.Least(() =>
        {
            for (var i = 0; i < 100; i++)
            {
                Run(scanner, bytes);
            }
        }));

        static void Run(ResponseScanner scanner, byte[] bytes)
        {
            scanner.Reset(RequestApi.ChatCompletions, isStream: true);
            scanner.Feed(bytes.AsSpan(0, 50));
            scanner.Feed(bytes.AsSpan(50));
            scanner.Complete();
        }
    }

    private static string Run(RequestApi api, bool isStream, ReadOnlySpan<byte> bytes, Random? splits)
    {
        var scanner = new ResponseScanner();
        scanner.Reset(api, isStream);
        while (!bytes.IsEmpty)
        {
            var n = splits is null ? bytes.Length : Math.Min(splits.Next(0, 20), bytes.Length);
            scanner.Feed(bytes[..n]);
            bytes = bytes[n..];
        }

        scanner.Complete();
        return $"{scanner.Usage} {scanner.IsMalformed} {scanner.Events} {scanner.IsDone}";
    }
}
