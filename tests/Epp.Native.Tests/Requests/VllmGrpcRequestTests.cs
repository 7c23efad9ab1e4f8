using System.Text;
using Epp.Native.Memory;
using Epp.Native.Prefix;
using Epp.Native.Requests;
using Epp.Testing;
using Epp.Testing.Protos;
using Google.Protobuf;

namespace Epp.Native.Tests.Requests;

/// <summary>Request bodies of <c>vllm.grpc.engine</c> (contract §3.3), against the messages that Google's library writes and reads.</summary>
[Trait("Category", "Unit")]
public sealed partial class VllmGrpcRequestTests
{
    private const int Seed = 33;

    private static (RequestScanner Scan, BodyBuffer Body) Read(ReadOnlySpan<byte> body, RequestApi api = RequestApi.VllmGrpcGenerate, Random? splits = null)
    {
        var scan = new RequestScanner();
        var buffer = new BodyBuffer();
        scan.Reset(api, Dialect.LlmD);
        while (!body.IsEmpty)
        {
            var n = splits is null ? body.Length : Math.Min(splits.Next(1, 3000), body.Length);
            scan.Feed(body[..n]);
            buffer.Append(body[..n]);
            body = body[n..];
        }

        scan.Complete(buffer);
        return (scan, buffer);
    }

    private static byte[] Frame(IMessage message) => GrpcChannel.Frame(message.ToByteArray());

    private static uint[]? Ids(RequestScanner scan, BodyBuffer body)
    {
        var tokens = new PromptTokens();
        return tokens.TryRead(scan, body) ? tokens.Prompt(0).ToArray() : null;
    }

    private static string Text(RequestScanner scan, BodyBuffer body)
    {
        var text = new byte[scan.GrpcPrompt.TextBytes];
        body.CopyTo(scan.GrpcPrompt.Start, text);
        return Encoding.UTF8.GetString(text);
    }

    [Fact]
    public void Text_AndItsSettings_AreFound()
    {
        var (scan, body) = Read(Frame(new VllmGenerateRequest { RequestId = "r", Text = "hé", Stream = true, SamplingParams = new() { Temperature = 1, MaxTokens = 7, Stop = { "x" }, LogitBias = { [1] = 2 } } }));
        Assert.Null(scan.ErrorMessage);
        Assert.Equal(("hé", true, 7L, false), (Text(scan, body), scan.Stream, scan.MaxOutputTokens, scan.HasPromptTokenIds));
        Assert.Equal((false, false, -1), (scan.CanRewriteModel, scan.HasModel, scan.ModelValueStart));
        Assert.Null(Ids(scan, body));
    }

    [Fact]
    public void Settings_NotGiven_AreNotThere_AndZeroIsGiven()
    {
        Assert.Equal((false, -1L), Settings(new VllmGenerateRequest { Text = "" }));
        Assert.Equal((false, 0L), Settings(new VllmGenerateRequest { Text = "", SamplingParams = new() { MaxTokens = 0 } }));
        Assert.Equal((false, (long)uint.MaxValue), Settings(new VllmGenerateRequest { Text = "", SamplingParams = new() { MaxTokens = uint.MaxValue } }));

        static (bool, long) Settings(VllmGenerateRequest request) => Read(Frame(request)).Scan is var scan && scan.ErrorMessage is null ? (scan.Stream, scan.MaxOutputTokens) : default;
    }

    [Theory]
    [InlineData(RequestApi.VllmGrpcGenerate)]
    [InlineData(RequestApi.VllmGrpcEmbed)]
    public void Ids_PackedOrNot_AreRead(RequestApi api)
    {
        uint[] ids = [1, 127, 128, 300, 0, uint.MaxValue];
        var message = new VllmEmbedRequest { RequestId = "r", Tokenized = new() { OriginalText = "not looked at", InputIds = { ids } } };
        var (scan, body) = Read(Frame(message), api);
        Assert.Equal(ids, Ids(scan, body));
        Assert.Equal((true, 6), (scan.HasPromptTokenIds, scan.ElementCount));

        // tokenized = 2 twice, once with a field for each id: protobuf merges them.
        byte[] twice = [.. message.ToByteArray(), 0x12, .. Prefixed(new VllmTokenizedUnpacked { InputIds = { 5, 6 } }), 0x12, 0x00];
        (scan, body) = Read(GrpcChannel.Frame(twice), api);
        Assert.Equal((uint[])[.. ids, 5, 6], Ids(scan, body));
        Assert.Equal([.. ids, 5u, 6u], VllmEmbedRequest.Parser.ParseFrom(twice).Tokenized.InputIds);
    }

    [Fact]
    public void Input_LastOfTheTwoCounts()
    {
        byte[] text = new VllmGenerateRequest { Text = "t" }.ToByteArray();
        byte[] ids = new VllmGenerateRequest { Tokenized = new() { InputIds = { 4 } } }.ToByteArray();
        var (scan, body) = Read(GrpcChannel.Frame([.. ids, .. text]));
        Assert.Equal(("t", false), (Text(scan, body), scan.HasPromptTokenIds));
        (scan, body) = Read(GrpcChannel.Frame([.. ids, .. text, .. ids]));
        Assert.Equal((uint[])[4], Ids(scan, body));
    }

    [Fact]
    public void Ids_OfACutPromptOrWithImages_AreNotTheEngines()
    {
        var message = new VllmGenerateRequest { Tokenized = new() { InputIds = { 1, 2 } }, SamplingParams = new() { TruncatePromptTokens = 1 } };
        var (scan, body) = Read(Frame(message));
        Assert.Null(Ids(scan, body));
        message.SamplingParams = null;
        message.MmInputs = new() { MmPlaceholders = { new VllmPlaceholder { Offset = 1, Length = 1 } }, MmHashes = { "h" } };
        (scan, body) = Read(Frame(message));
        Assert.Null(Ids(scan, body));
        Assert.Null(scan.ErrorMessage);
    }

    public static TheoryData<string, RequestApi, string> Bad() => new()
    {
        { "", RequestApi.VllmGrpcGenerate, "invalid or unsupported gRPC payload" },
        { "00000000", RequestApi.VllmGrpcGenerate, "invalid or unsupported gRPC payload" },
        { "0000000001", RequestApi.VllmGrpcGenerate, "invalid or unsupported gRPC payload" },
        { "00FFFFFFFF00", RequestApi.VllmGrpcGenerate, "invalid or unsupported gRPC payload" },
        { "01000000031A0178", RequestApi.VllmGrpcGenerate, "invalid or unsupported gRPC payload" },
        { "02000000031A0178", RequestApi.VllmGrpcGenerate, "invalid or unsupported gRPC payload" },
        { "7B226D6F64656C223A7B7D7D", RequestApi.VllmGrpcGenerate, "invalid or unsupported gRPC payload" },
        { "0000000000", RequestApi.VllmGrpcGenerate, "not supported request inputType" },
        { "0000000000", RequestApi.VllmGrpcEmbed, "missing tokenized input in EmbedRequest" },
        { "00000000031A0178", RequestApi.VllmGrpcEmbed, "missing tokenized input in EmbedRequest" },
        { "00000000021A01", RequestApi.VllmGrpcGenerate, "unmarshaling GenerateRequest: proto: cannot parse invalid wire-format data" },
        { "000000000412021202", RequestApi.VllmGrpcEmbed, "unmarshaling EmbedRequest: proto: cannot parse invalid wire-format data" },
        { "00000000051203120180", RequestApi.VllmGrpcEmbed, "unmarshaling EmbedRequest: proto: cannot parse invalid wire-format data" },
        { "00000000051A0178220240", RequestApi.VllmGrpcGenerate, "unmarshaling GenerateRequest: proto: cannot parse invalid wire-format data" },
    };

    [Theory]
    [MemberData(nameof(Bad))]
    public void BadBody_IsRefusedInTheWordsOfThePeer(string hex, RequestApi api, string expected)
    {
        var (scan, _) = Read(Convert.FromHexString(hex), api);
        Assert.Equal((RequestError.InvalidRequest, expected), (scan.Error, scan.ErrorMessage));
    }

    [Fact]
    public void TrailingBytes_BehindTheFrame_AreNotLookedAt()
    {
        var (scan, body) = Read([.. Frame(new VllmGenerateRequest { Text = "t" }), 0xFF, 0xFF]);
        Assert.Null(scan.ErrorMessage);
        Assert.Equal("t", Text(scan, body));
    }

    [Fact]
    public void TooManyIds_AreRefused()
    {
        var ids = new byte[RequestScanner.MaxPromptTokens + 1];
        var message = new VllmEmbedRequest { Tokenized = new() };
        using var stream = new MemoryStream();
        var output = new CodedOutputStream(stream);
        output.WriteRawTag(0x12);
        output.WriteLength(CodedOutputStream.ComputeLengthSize(ids.Length) + 1 + ids.Length);
        output.WriteRawTag(0x12);
        output.WriteLength(ids.Length);
        output.Flush();
        stream.Write(ids);
        Assert.Equal("more than 16777216 token ids", Read(GrpcChannel.Frame(stream.ToArray()), RequestApi.VllmGrpcEmbed).Scan.ErrorMessage);
    }

    /// <summary>Prompts hash as the same prompts in JSON do.</summary>
    [Fact]
    public void Hashes_AreThoseOfTheJsonApis()
    {
        var random = new Random(Seed);
        for (var round = 0; round < 200; round++)
        {
            uint[] ids = [.. Enumerable.Range(0, random.Next(1, 300)).Select(_ => (uint)random.Next())];
            var json = Hash(Encoding.UTF8.GetBytes($$"""{"model":"m","token_ids":[{{string.Join(',', ids)}}]}"""), RequestApi.VllmGenerate);
            Assert.Equal(json, Hash(Frame(new VllmGenerateRequest { Tokenized = new() { InputIds = { ids } } }), RequestApi.VllmGrpcGenerate));
            Assert.Equal(json, Hash(Frame(new VllmEmbedRequest { Tokenized = new() { InputIds = { ids } } }), RequestApi.VllmGrpcEmbed));
            var text = new string('x', random.Next(1, 6000)) + "é";
            Assert.Equal(
                Hash(Encoding.UTF8.GetBytes($$"""{"model":"m","prompt":"{{text}}"}"""), RequestApi.Completions),
                Hash(Frame(new VllmGenerateRequest { Text = text, Stream = true }), RequestApi.VllmGrpcGenerate));
        }

        static ulong[] Hash(byte[] bytes, RequestApi api)
        {
            var (scan, body) = Read(bytes, api);
            Assert.Null(scan.ErrorMessage);
            var hashes = new BlockHashes();
            ApproxPrefixHasher.Hash(scan, body, "m"u8, default, Dialect.LlmD, 16, 0, hashes);
            body.Dispose();
            Assert.Equal(1, hashes.PromptCount);
            return hashes.All.ToArray();
        }
    }

    [Fact]
    public void Reading_WarmScanner_AllocatesNothing()
    {
        var bytes = Frame(new VllmGenerateRequest { Tokenized = new() { InputIds = { Enumerable.Range(0, 2000).Select(i => (uint)i) } } });
        var (scan, body) = Read(bytes);
        var tokens = new PromptTokens();
        tokens.TryRead(scan, body);
        Assert.Equal(0, Allocated.Least(() =>
        {
            for (var i = 0; i < 100; i++)
            {
                scan.Reset(RequestApi.VllmGrpcGenerate, Dialect.LlmD);
                scan.Feed(bytes);
                Assert.True(scan.Complete(body));
                Assert.True(tokens.TryRead(scan, body));
            }
        }));
    }

    private static byte[] Prefixed(VllmTokenizedUnpacked message) => [(byte)message.CalculateSize(), .. message.ToByteArray()];
}
