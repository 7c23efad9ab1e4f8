using System.Net;
using System.Net.Sockets;
using System.Text;
using Epp.Aot.Configuration;
using Epp.Aot.Models;
using Epp.Native.Prefix;
using Epp.Native.Requests;
using Epp.Testing;
using Epp.Testing.Protos;
using Google.Protobuf;
using Microsoft.Extensions.Logging.Abstractions;

namespace Epp.Aot.Tests.Models;

[Trait("Category", "Unit")]
public sealed class TokenSourceTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("epp-model-").FullName;

    public TokenSourceTests()
    {
        Write("tokenizer.json", ByteTokenizer.Json());
        Write("tokenizer_config.json", """{"tokenizer_class":"PreTrainedTokenizerFast","chat_template":"{% for m in messages %}{{ m.role }}:{{ m.content }};{% endfor %}"}""");
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("""{"token_ids":[1,2,3]}""", "1 2 3")]
    [InlineData("""{"prompt_token_ids":[7],"prompt":"x"}""", "7")]
    [InlineData("""[{"prompt_token_ids":[1,2]},{"prompt_token_ids":[3]}]""", "1 2|3")]
    [InlineData("""{"conversation":[],"engine_prompts":[{"prompt_token_ids":[4,5]}]}""", "4 5")]
    [InlineData("""{"token_ids":[-1]}""", null)]
    [InlineData("""{"token_ids":"x"}""", null)]
    [InlineData("""{}""", null)]
    [InlineData("""[1,2""", null)]
    public void Read_EachShapeOfAnAnswer(string answer, string? expected)
    {
        var tokens = new PromptTokens();
        Assert.Equal(expected is not null, RenderClient.Read(Encoding.UTF8.GetBytes(answer), tokens));
        Assert.Equal(expected ?? "", string.Join('|', Enumerable.Range(0, tokens.PromptCount).Select(i => string.Join(' ', tokens.Prompt(i).ToArray()))));
    }

    [Fact]
    public async Task Local_ModelInDirectory_TokenizesChatsAndTexts()
    {
        await using var models = Models(_folder);
        await Wait.UntilAsync(() => models.IsReady);
        Assert.Equal("user:hi;", ByteModel.Text(models, RequestApi.ChatCompletions, """{"model":"m","messages":[{"role":"user","content":"hi"}]}"""));
        Assert.Equal("abc", ByteModel.Text(models, RequestApi.Completions, """{"model":"adapter","prompt":"abc"}"""));
        Assert.Null(ByteModel.Text(models, RequestApi.ChatCompletions, """{"model":"m","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"x"}}]}]}"""));
        Assert.Equal((2, 1, 1), (models.Exact, models.Refused, models.Loaded));
    }

    [Theory]
    [InlineData("abc", "abc")]
    [InlineData("a\"\\\n\u0001é€", "a\"\\\n\u0001é€")]
    [InlineData("", null)]
    public async Task Local_TextOfAGrpcRequest_IsTokenizedAsThatOfCompletions(string text, string? expected)
    {
        await using var models = Models(_folder);
        await Wait.UntilAsync(() => models.IsReady);
        var message = new VllmGenerateRequest { Text = text, RequestId = "r" };
        Assert.Equal(expected, ByteModel.Text(models, RequestApi.VllmGrpcGenerate, GrpcChannel.Frame(message.ToByteArray())));
        message.Text = string.Concat(Enumerable.Repeat(text, 5000));
        Assert.Equal(expected is null ? null : message.Text, ByteModel.Text(models, RequestApi.VllmGrpcGenerate, GrpcChannel.Frame(message.ToByteArray())));
        message.SamplingParams = new() { TruncatePromptTokens = 3 };
        Assert.Null(ByteModel.Text(models, RequestApi.VllmGrpcGenerate, GrpcChannel.Frame(message.ToByteArray())));
    }

    [Fact]
    public async Task Local_BrokenModel_HasNoIdsUntilItIsRepaired()
    {
        Write("tokenizer.json", "{}");
        await using var models = Models(_folder);
        await Wait.UntilAsync(() => models.IsReady);
        Assert.Null(ByteModel.Text(models, RequestApi.Completions, """{"model":"m","prompt":"abc"}"""));

        Write("tokenizer.json", ByteTokenizer.Json());
        await Wait.UntilAsync(() => models.Loaded == 1);
        Assert.Equal("abc", ByteModel.Text(models, RequestApi.Completions, """{"model":"m","prompt":"abc"}"""));
    }

    /// <summary>Beginnings kept with their ids and hashes: requests find them, counts outlive the files, memory does not.</summary>
    [Fact]
    public async Task Local_PrefixCache_ServesRequestsAndIsCounted()
    {
        Write("tokenizer.json", ByteTokenizer.Json().Replace("\"added_tokens\":[]", """
            "added_tokens":[{"id":300,"content":"<s>","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true}]
            """, StringComparison.Ordinal));
        await using var models = new LocalModels([new LocalModelConfig("m", _folder, PrefixCacheBytes: 1 << 20)], NullLogger.Instance, TimeProvider.System, TimeSpan.FromMilliseconds(20));
        await Wait.UntilAsync(() => models.IsReady);
        var blocks = new PromptBlocks();
        var tokens = new PromptTokens();
        for (var turn = 0; turn < 4; turn++)
        {
            tokens = ByteModel.Tokens(models, RequestApi.Completions, $$"""{"model":"m","prompt":"{{new string('x', 2000)}}<s>turn {{turn}}"}""")!;
            blocks.Hash(tokens.Prompt(0), new PromptShape(16), 1, 1, tokens.Beginning(0));
        }

        var before = models.Prefixes;
        Assert.Equal((2, 2), (before.Hits, before.HashHits));
        Assert.InRange(before.Bytes, 2000 * 5, 1 << 20);
        Assert.NotNull(tokens.Beginning(0).Known);
        tokens.Clear();
        tokens.EndPrompt();
        Assert.Null(tokens.Beginning(0).Known);

        Write("tokenizer.json", ByteTokenizer.Json() + " ");
        await Wait.UntilAsync(() => models.Prefixes.Bytes == 0);
        Assert.Equal((2, 2), (models.Prefixes.Hits, models.Prefixes.HashHits));
    }

    /// <summary>A server that renders as we do keeps the model in use; one that does not turns it off, and its agreement on again.</summary>
    [Fact]
    public async Task Parity_Difference_TurnsTheModelOffUntilTheyAgree()
    {
        await using var models = Models(_folder);
        await Wait.UntilAsync(() => models.IsReady);
        using var server = new RenderServer(models);
        using var render = new RenderClient(server.Url, TimeSpan.FromSeconds(5));
        ParityCheck Check() => new(models, "m", models.EncoderOf("m"), render, NullLogger.Instance, TimeProvider.System);

        Assert.True(await Check().RunAsync(default));
        server.Extra = ",1";
        Assert.False(await Check().RunAsync(default));
        Assert.Null(ByteModel.Text(models, RequestApi.Completions, """{"model":"m","prompt":"abc"}"""));
        server.Extra = "";
        Assert.True(await Check().RunAsync(default));
        Assert.Equal("abc", ByteModel.Text(models, RequestApi.Completions, """{"model":"m","prompt":"abc"}"""));
        server.Dispose();
        Assert.Null(await Check().RunAsync(default));
    }

    private static LocalModels Models(string folder) =>
        new([new LocalModelConfig("m", folder)], NullLogger.Instance, TimeProvider.System, TimeSpan.FromMilliseconds(20));

    private void Write(string name, string text) => File.WriteAllText(Path.Combine(_folder, name), text);

    /// <summary>Renders with our own tokenizer, and adds what a test tells it to.</summary>
    private sealed class RenderServer : IDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly LocalModels _models;

        public RenderServer(LocalModels models)
        {
            _models = models;
            _listener.Start();
            _ = ServeAsync();
        }

        public string Url => $"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";

        public string Extra { get; set; } = "";

        public void Dispose() => _listener.Dispose();

        private async Task ServeAsync()
        {
            try
            {
                while (true)
                {
                    using var client = await _listener.AcceptTcpClientAsync();
                    await AnswerAsync(client.GetStream());
                }
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException or IOException)
            {
                // The test is over, or the client is.
            }
        }

        private async Task AnswerAsync(NetworkStream stream)
        {
            var bytes = new byte[65536];
            var length = 0;
            var head = -1;
            var needed = int.MaxValue;
            while (length < needed)
            {
                var read = await stream.ReadAsync(bytes.AsMemory(length));
                if (read == 0)
                {
                    return;
                }

                length += read;
                var text = Encoding.Latin1.GetString(bytes, 0, length);
                head = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
                if (head >= 0)
                {
                    var line = text.Split("\r\n").First(static l => l.StartsWith("Content-Length:", StringComparison.OrdinalIgnoreCase));
                    needed = head + 4 + int.Parse(line.Split(':')[1], System.Globalization.CultureInfo.InvariantCulture);
                }
            }

            var body = bytes[(head + 4)..length];
            var isChat = Encoding.Latin1.GetString(bytes, 0, 40).Contains("/chat/", StringComparison.Ordinal);
            var encoder = _models.EncoderOf("m")!;
            var scratch = encoder.CreateScratch();
            encoder.TryEncode(body, isChat ? Epp.Native.Chat.ChatEndpoint.Chat : Epp.Native.Chat.ChatEndpoint.Completions, 0, scratch);
            var answer = $"{{\"token_ids\":[{string.Join(',', scratch.Ids(0).ToArray())}{Extra}]}}";
            await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {answer.Length}\r\nConnection: close\r\n\r\n{answer}"));
        }
    }
}
