using System.Text;
using Epp.Native.Requests;
using Epp.Testing;
using Epp.Testing.Protos;
using Google.Protobuf;

namespace Epp.Native.Tests.Requests;

/// <summary>Token counts in the gRPC frames of an answer (contract §3.6).</summary>
[Trait("Category", "Unit")]
public sealed class VllmGrpcUsageTests
{
    private const int Seed = 34;

    private static byte[] Frame(IMessage message) => GrpcChannel.Frame(message.ToByteArray());

    private static byte[] Chunk(uint prompt = 0, uint completion = 0, uint cached = 0, int ids = 3) => Frame(new VllmGenerateResponse
    {
        Chunk = new() { TokenIds = { Enumerable.Range(0, ids).Select(i => (uint)i * 1000) }, PromptTokens = prompt, CompletionTokens = completion, CachedTokens = cached },
    });

    private static byte[] Complete(uint prompt = 0, uint completion = 0, uint cached = 0, int ids = 3) => Frame(new VllmGenerateResponse
    {
        Complete = new() { OutputIds = { Enumerable.Range(0, ids).Select(i => (uint)i * 1000) }, FinishReason = "stop", PromptTokens = prompt, CompletionTokens = completion, CachedTokens = cached },
    });

    private static (TokenUsage Usage, bool Malformed) Read(byte[] answer, RequestApi api = RequestApi.VllmGrpcGenerate, Random? splits = null, bool isStream = true)
    {
        var scanner = new ResponseScanner();
        scanner.Reset(api, isStream);
        for (var at = 0; at < answer.Length;)
        {
            var n = splits is null ? answer.Length : Math.Min(splits.Next(0, 9), answer.Length - at);
            scanner.Feed(answer.AsSpan(at, n));
            at += n;
        }

        scanner.Complete();
        return (scanner.Usage, scanner.IsMalformed);
    }

    public static TheoryData<byte[], RequestApi, TokenUsage, bool> Answers() => new()
    {
        { Complete(7, 10), RequestApi.VllmGrpcGenerate, new(7, 10, 17, 0), false },
        { Complete(7, 10, 4, ids: 500), RequestApi.VllmGrpcGenerate, new(7, 10, 17, 4), false },
        { [.. Chunk(), .. Chunk(), .. Complete(7, 10, 4)], RequestApi.VllmGrpcGenerate, new(7, 10, 17, 4), false },
        { [.. Chunk(7, 1), .. Chunk(7, 2), .. Chunk(7, 3, 2)], RequestApi.VllmGrpcGenerate, new(7, 3, 10, 2), false },
        { [.. Chunk(7), .. Chunk(0, 3)], RequestApi.VllmGrpcGenerate, new(7, 3, 10, 0), false },
        { Chunk(), RequestApi.VllmGrpcGenerate, TokenUsage.None, false },
        { Frame(new VllmGenerateResponse()), RequestApi.VllmGrpcGenerate, TokenUsage.None, false },
        { [], RequestApi.VllmGrpcGenerate, TokenUsage.None, false },
        { Frame(new VllmEmbedResponse { Embedding = { Enumerable.Range(0, 900).Select(i => i * 0.1f) }, PromptTokens = 8, EmbeddingDim = 900 }), RequestApi.VllmGrpcEmbed, new(8, 0, 8, -1), false },
        { Frame(new VllmEmbedResponse { Embedding = { 1 } }), RequestApi.VllmGrpcEmbed, TokenUsage.None, false },
        { Encoding.UTF8.GetBytes("no healthy upstream"), RequestApi.VllmGrpcGenerate, TokenUsage.None, false },
        { Encoding.UTF8.GetBytes("{\"error\":{}}"), RequestApi.VllmGrpcEmbed, TokenUsage.None, false },
        { [.. Complete(7, 10), 1, 0, 0, 0, 2, 0xFF, 0xFF, .. Chunk(8, 11)], RequestApi.VllmGrpcGenerate, new(8, 11, 19, 0), true },
        { Complete(7, 10)[..^1], RequestApi.VllmGrpcGenerate, TokenUsage.None, true },
        { [.. Complete(7, 10), 0, 0], RequestApi.VllmGrpcGenerate, new(7, 10, 17, 0), true },
        { [.. GrpcChannel.Frame([0x0A, 0x09, 0x10]), .. Complete(7, 10)], RequestApi.VllmGrpcGenerate, new(7, 10, 17, 0), true },
        { [.. GrpcChannel.Frame([0x0A, 0x01, 0x10, 0x05]), .. Complete(7, 10)], RequestApi.VllmGrpcGenerate, new(7, 10, 17, 0), true },
        { [.. GrpcChannel.Frame([0x0F]), .. Complete(7, 10)], RequestApi.VllmGrpcGenerate, new(7, 10, 17, 0), true },
    };

    [Theory]
    [MemberData(nameof(Answers))]
    public void Usage_OfFrames_CutAnywhere(byte[] answer, RequestApi api, TokenUsage expected, bool malformed)
    {
        var random = new Random(Seed);
        Assert.Equal((expected, malformed), Read(answer, api));
        Assert.Equal((expected, malformed), Read(answer, api, isStream: false));
        for (var round = 0; round < 50; round++)
        {
            Assert.Equal((expected, malformed), Read(answer, api, random));
        }
    }

    [Fact]
    public void Scanner_Reused_ForgetsTheFrames()
    {
        var scanner = new ResponseScanner();
        scanner.Reset(RequestApi.VllmGrpcGenerate, true);
        scanner.Feed(Complete(7, 10).AsSpan()[..^3]);
        scanner.Reset(RequestApi.ChatCompletions, false);
        scanner.Feed("{\"usage\":{\"prompt_tokens\":1}}"u8);
        scanner.Complete();
        Assert.Equal(1, scanner.Usage.Prompt);
        scanner.Reset(RequestApi.VllmGrpcGenerate, true);
        scanner.Feed(Complete(7, 10));
        scanner.Complete();
        Assert.Equal((17L, false), (scanner.Usage.Total, scanner.IsMalformed));
    }

    /// <summary>Random frames: what Google's library reads of the last one with counts is what is found, in whatever pieces they come.</summary>
    [Fact]
    public void RandomFrames_GiveTheCountsThatWereWritten()
    {
        var random = new Random(Seed);
        for (var round = 0; round < 2000; round++)
        {
            var (answer, expected) = (new List<byte>(), TokenUsage.None);
            for (var n = random.Next(6); n > 0; n--)
            {
                var (prompt, completion, cached) = ((uint)random.Next(3) * 1000, (uint)random.Next(300), (uint)random.Next(2) * 5);
                answer.AddRange(random.Next(2) == 0 ? Chunk(prompt, completion, cached, random.Next(200)) : Complete(prompt, completion, cached, random.Next(200)));
                if (prompt + completion > 0)
                {
                    var (p, c, k) = (Later(expected.Prompt, prompt), Later(expected.Completion, completion), Later(expected.Cached, cached));
                    expected = new TokenUsage(p, c, p + c, k);
                }
            }

            Assert.True((expected, false) == Read([.. answer], splits: random), $"seed {Seed}, round {round}");
        }

        static long Later(long before, long after) => after > 0 || before < 0 ? after : before;
    }

    [Fact]
    public void DamagedFrames_NeverThrow_AndSplitsDoNotMatter()
    {
        var random = new Random(Seed);
        byte[] seed = [.. Chunk(7, 1), .. Frame(new VllmEmbedResponse { Embedding = { 1, 2 }, PromptTokens = 3 }), .. Complete(7, 10, 4)];
        for (var round = 0; round < 30_000; round++)
        {
            var bytes = (byte[])seed.Clone();
            for (var n = random.Next(1, 5); n > 0; n--)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(random.Next(2) == 0 ? 256 : 32);
            }

            bytes = bytes[..random.Next(bytes.Length + 1)];
            var api = round % 2 == 0 ? RequestApi.VllmGrpcGenerate : RequestApi.VllmGrpcEmbed;
            Assert.True(Read(bytes, api) == Read(bytes, api, random), $"seed {Seed}, round {round}: {Convert.ToHexString(bytes)}");
        }
    }

    [Fact]
    public void Frames_PassingBy_AllocateNothing()
    {
        var scanner = new ResponseScanner();
        scanner.Reset(RequestApi.VllmGrpcGenerate, true);
        var frame = Chunk(7, 3);
        scanner.Feed(frame);
        Assert.Equal(0, Allocated.Least(() =>
        {
            for (var i = 0; i < 1000; i++)
            {
                scanner.Feed(frame);
            }
        }));
    }
}
