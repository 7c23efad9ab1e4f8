using System.IO.Compression;
using System.Net.Security;
using System.Net.Sockets;
using System.Text.Json;
using Epp.Testing;
using Google.Protobuf;

namespace Epp.Integration.Tests;

/// <summary>gRPC itself: limits, encodings, deadlines, statuses, TLS.</summary>
[Trait("Category", "Integration")]
public sealed class GrpcLayerTests(RunningEpp running) : IClassFixture<RunningEpp>
{
    private const int Ok = 0, DeadlineExceeded = 4, ResourceExhausted = 8, Unimplemented = 12, Internal = 13;

    private EppProcess Epp => running.Epp;

    [Fact]
    public async Task Message_LargerThanTheLimit_EndsWithResourceExhausted()
    {
        await using var stream = Epp.Open();
        // The length alone decides: nothing of the message need arrive.
        await stream.SendRawAsync(new byte[] { 0, 0x01, 0x00, 0x00, 0x01 });
        Assert.Equal(new GrpcEnd(ResourceExhausted, "grpc: received message larger than max (16777217 vs. 16777216)"), await stream.EndAsync());
    }

    [Fact]
    public async Task Message_AtTheLimit_IsAccepted()
    {
        await using var stream = Epp.Open();
        await stream.SendAsync(Ask.Post());
        var body = Ask.ChatBody(prompt: new string('x', (16 << 20) - 200));
        await stream.SendAsync(Ask.Body(body));
        Assert.Equal(body.Length, (await stream.AnswerAsync()).Body.Length);
    }

    [Fact]
    public async Task Messages_Gzip_AreAccepted()
    {
        await using var stream = Epp.Open(("grpc-encoding", "gzip"));
        await stream.SendRawAsync(GrpcChannel.Frame(Gzip(Ask.Post().ToByteArray()), compressed: true));
        await stream.SendRawAsync(GrpcChannel.Frame(Gzip(Ask.Body(Ask.ChatBody()).ToByteArray()), compressed: true));
        Assert.Equal(Ask.ChatBody(), (await stream.AnswerAsync()).BodyText);
    }

    [Fact]
    public async Task Messages_GzipBomb_EndsWithResourceExhausted()
    {
        await using var stream = Epp.Open(("grpc-encoding", "gzip"));
        await stream.SendRawAsync(GrpcChannel.Frame(Gzip(new byte[64 << 20]), compressed: true));
        var end = await stream.EndAsync();
        Assert.Equal(ResourceExhausted, end.Code);
        Assert.Contains("larger than max", end.Message);
    }

    [Theory]
    [InlineData(true, "gzip")]
    [InlineData(true, null)]
    [InlineData(false, null)]
    public async Task Messages_BrokenFraming_EndWithInternal(bool compressed, string? encoding)
    {
        await using var stream = Epp.Open(encoding is null ? [] : [("grpc-encoding", encoding)]);
        var frame = GrpcChannel.Frame("not gzip"u8, compressed);
        frame[0] = compressed ? (byte)1 : (byte)2;
        await stream.SendRawAsync(frame);
        Assert.Equal(Internal, (await stream.EndAsync()).Code);
    }

    [Fact]
    public async Task Encoding_Unknown_IsUnimplementedAndSaysWhatIsAccepted()
    {
        await using var stream = Epp.Open(("grpc-encoding", "zstd"));
        await stream.SendRawAsync(GrpcChannel.Frame([]));
        var end = await stream.EndAsync();
        Assert.Equal(Unimplemented, end.Code);
        Assert.Contains("zstd", end.Message);
        Assert.Contains("gzip", string.Join(',', (await stream.ResponseAsync()).Headers.GetValues("grpc-accept-encoding")));
    }

    [Theory]
    [InlineData("ext_proc", "/no.such.Service/Method", "unknown service no.such.Service")]
    [InlineData("ext_proc", "/envoy.service.ext_proc.v3.ExternalProcessor/NoSuchMethod", "unknown method NoSuchMethod for service envoy.service.ext_proc.v3.ExternalProcessor")]
    [InlineData("health", "/envoy.service.ext_proc.v3.ExternalProcessor/Process", "unknown service envoy.service.ext_proc.v3.ExternalProcessor")]
    [InlineData("health", "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", "unknown service grpc.reflection.v1.ServerReflection")]
    public async Task Method_Unknown_IsUnimplementedInTheWordsOfGo(string port, string path, string message)
    {
        using var channel = new GrpcChannel(port == "health" ? Epp.HealthPort : Epp.GrpcPort);
        Assert.Equal(new GrpcEnd(Unimplemented, message), (await channel.CallAsync(path, [])).End);
    }

    [Fact]
    public async Task Timeout_Passed_EndsWithDeadlineExceeded()
    {
        await using var stream = Epp.Open(("grpc-timeout", "200m"));
        await stream.SendAsync(Ask.Post());
        Assert.Equal(DeadlineExceeded, (await stream.EndAsync()).Code);
    }

    [Fact]
    public async Task Timeout_NotPassed_ChangesNothing()
    {
        await using var stream = Epp.Open(("grpc-timeout", "10S"));
        await stream.SendAsync(Ask.Post());
        await stream.SendAsync(Ask.Body(Ask.ChatBody()));
        Assert.NotEmpty((await stream.AnswerAsync()).Endpoint);
        await stream.HalfCloseAsync();
        Assert.Equal(Ok, (await stream.EndAsync()).Code);
    }

    [Fact]
    public async Task Protobuf_Malformed_EndsWithInternal()
    {
        await using var stream = Epp.Open();
        await stream.SendRawAsync(GrpcChannel.Frame([0x12, 0xFF, 0xFF, 0xFF, 0x7F, 1, 2, 3]));
        var end = await stream.EndAsync();
        Assert.Equal(Internal, end.Code);
        Assert.NotEmpty(end.Message);
    }

    [Fact]
    public async Task Stream_EndsInsideAMessage_EndsWithInternal()
    {
        await using var stream = Epp.Open();
        await stream.SendRawAsync(new byte[] { 0, 0, 0, 0, 9, 1, 2 });
        await stream.HalfCloseAsync();
        Assert.Equal(Internal, (await stream.EndAsync()).Code);
    }

    [Fact]
    public async Task Process_HalfClosedAtOnce_EndsOk() => Assert.Equal(Ok, (await Epp.Channel.CallAsync(GrpcStream.ProcessPath, null)).End.Code);

    [Fact]
    public async Task EmptyMessage_IsIgnored()
    {
        await using var stream = Epp.Open();
        await stream.SendRawAsync(GrpcChannel.Frame([]));
        await stream.SendAsync(Ask.Post());
        await stream.SendAsync(Ask.Body(Ask.ChatBody()));
        Assert.NotEmpty((await stream.AnswerAsync()).Endpoint);
    }

    [SkippableFact]
    public async Task HealthAndUnknownMethods_AnswerAsTheReferenceRecorded()
    {
        var file = SharedTools.RequireData("transcripts/reference/grpc-health.jsonl");
        var compared = 0;
        foreach (var line in await File.ReadAllLinesAsync(file))
        {
            using var json = JsonDocument.Parse(line);
            var row = json.RootElement;
            var port = row.GetProperty("port").GetString()!;
            var question = row.GetProperty("question").GetString()!;
            // Health is always there on the ext_proc port, as with --health-checking (contract §4.4); Watch is nowhere.
            var path = Path(question);
            Assert.True(path is not null, $"the question '{question}' is not known");
            var isHealth = port == "ext_proc" && path.StartsWith("/grpc.health.", StringComparison.Ordinal);
            if (isHealth && (!row.GetProperty("epp").GetString()!.Contains("--health-checking") || question.StartsWith("Watch", StringComparison.Ordinal)))
            {
                continue;
            }

            using var channel = new GrpcChannel(port == "health" ? Epp.HealthPort : Epp.GrpcPort);
            var (end, messages) = await channel.CallAsync(path, question.StartsWith("Process", StringComparison.Ordinal) ? null : HealthRequest(question));
            Assert.Equal((question, row.GetProperty("grpc_code_number").GetInt32()), (question, end.Code));
            Assert.Equal((question, row.TryGetProperty("grpc_message", out var message) ? message.GetString() : ""), (question, end.Message));
            if (messages.Count > 0)
            {
                Assert.Equal((question, AnswerText(row.GetProperty("answer"))), (question, question == "List" ? StatusList(messages[0]) : StatusName(messages[0])));
            }

            compared++;
        }

        Assert.True(compared > 30, $"Only {compared} rows of {file} could be compared.");
    }

    [Theory]
    [InlineData("ext_proc", "5 unknown service")]
    [InlineData("health", "SERVING")]
    public async Task Case38_HealthCheck_AnyNameIsServing_AtTheExtProcPortItsOwn(string port, string others)
    {
        using var channel = new GrpcChannel(port == "health" ? Epp.HealthPort : Epp.GrpcPort);
        foreach (var name in new[] { "", "liveness", "readiness", "inference-extension", "envoy.service.ext_proc.v3.ExternalProcessor" })
        {
            Assert.Equal(name is "" or "envoy.service.ext_proc.v3.ExternalProcessor" ? "SERVING" : others, await CheckAsync(channel, name));
        }
    }

    [Fact]
    public async Task HealthList_NamesTheService()
    {
        using var channel = new GrpcChannel(Epp.HealthPort);
        var (end, messages) = await channel.CallAsync("/grpc.health.v1.Health/List", []);
        Assert.Equal(Ok, end.Code);
        Assert.Contains("envoy.service.ext_proc.v3.ExternalProcessor", System.Text.Encoding.ASCII.GetString(Assert.Single(messages)));
    }

    [Fact]
    public async Task Tls_SelfSigned_NegotiatesH2AndServes()
    {
        await using var epp = await EppProcess.StartAsync(new EppOptions { Tls = true, Endpoints = [running.Workers[0].HostPort] });
        using var tcp = new TcpClient();
        await tcp.ConnectAsync("127.0.0.1", epp.GrpcPort);
        await using var tls = new SslStream(tcp.GetStream(), false, (_, certificate, _, _) => certificate!.Subject == "O=Inference Ext");
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "epp", ApplicationProtocols = [SslApplicationProtocol.Http2] });
        Assert.Equal(SslApplicationProtocol.Http2, tls.NegotiatedApplicationProtocol);
        Assert.Equal(running.Workers[0].HostPort, (await epp.PickAsync(Ask.ChatBody())).Endpoint);
        using var health = new GrpcChannel(epp.HealthPort);
        Assert.Equal("SERVING", await CheckAsync(health, ""));
    }

    [Fact]
    public async Task Connection_WithoutStreams_StaysOpen()
    {
        await using var raw = await RawHttp2.ConnectAsync(Epp.GrpcPort);
        await raw.OpenAsync();
        // The server looks for idle connections every second.
        await Assert.ThrowsAsync<TimeoutException>(() => raw.Closed.WaitAsync(TimeSpan.FromSeconds(3)));
    }

    [Fact]
    public async Task Port_SpokenToInHttp11_IsRefusedAndTheServerGoesOn()
    {
        using var client = new HttpClient();
        await Assert.ThrowsAnyAsync<HttpRequestException>(async () => (await client.GetAsync($"http://127.0.0.1:{Epp.GrpcPort}/")).EnsureSuccessStatusCode());
        Assert.NotEmpty((await Epp.PickAsync(Ask.ChatBody())).Endpoint);
    }

    internal static async Task<string> CheckAsync(GrpcChannel channel, string service)
    {
        var (end, messages) = await channel.CallAsync("/grpc.health.v1.Health/Check", HealthRequest($"Check service=\"{service}\""));
        return end.Code == Ok ? StatusName(Assert.Single(messages)) : $"{end.Code} {end.Message}";
    }

    internal static byte[] HealthRequest(string question)
    {
        var quote = question.IndexOf('"');
        var service = quote < 0 ? "" : question[(quote + 1)..question.LastIndexOf('"')];
        return service.Length == 0 ? [] : [0x0A, (byte)service.Length, .. System.Text.Encoding.ASCII.GetBytes(service)];
    }

    internal static string? Path(string question) => question switch
    {
        _ when question.StartsWith("Check", StringComparison.Ordinal) => "/grpc.health.v1.Health/Check",
        _ when question.StartsWith("Watch", StringComparison.Ordinal) => "/grpc.health.v1.Health/Watch",
        "List" => "/grpc.health.v1.Health/List",
        "grpc.reflection.v1 ListServices" => "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        "Process, half-closed at once" => GrpcStream.ProcessPath,
        "unknown method of the ext_proc service" => "/envoy.service.ext_proc.v3.ExternalProcessor/NoSuchMethod",
        "unknown service" => "/no.such.Service/Method",
        _ => null,
    };

    internal static string StatusName(byte[] message) => message is [0x08, var status]
        ? new[] { "UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN" }[status]
        : $"unexpected HealthCheckResponse {Convert.ToHexString(message)}";

    internal static string AnswerText(JsonElement answer) => answer.ValueKind == JsonValueKind.Object
        ? string.Join(' ', answer.EnumerateObject().Select(a => $"{a.Name}={a.Value.GetString()}").Order(StringComparer.Ordinal))
        : answer.GetString()!;

    /// <summary>HealthListResponse: <c>map&lt;string, HealthCheckResponse&gt; statuses = 1</c>.</summary>
    internal static string StatusList(byte[] message)
    {
        var statuses = new List<string>();
        var input = new CodedInputStream(message);
        while (input.ReadTag() != 0)
        {
            var (name, status) = ("", "");
            var entry = input.ReadBytes().CreateCodedInput();
            for (var tag = entry.ReadTag(); tag != 0; tag = entry.ReadTag())
            {
                if (WireFormat.GetTagFieldNumber(tag) == 1)
                {
                    name = entry.ReadString();
                }
                else
                {
                    status = StatusName(entry.ReadBytes().ToByteArray());
                }
            }

            statuses.Add($"{name}={status}");
        }

        return string.Join(' ', statuses.Order(StringComparer.Ordinal));
    }

    private static byte[] Gzip(byte[] bytes)
    {
        var output = new MemoryStream();
        using (var gzip = new GZipStream(output, CompressionLevel.Optimal))
        {
            gzip.Write(bytes);
        }

        return output.ToArray();
    }
}
