using System.Text;
using Epp.Testing;
using Proto = Epp.Testing.Protos;
using Which = Epp.Testing.Protos.ProcessingResponse.ResponseOneofCase;

namespace Epp.Integration.Tests;

/// <summary><c>epp bbr</c> as an operator runs it, over real gRPC (contract §9.3, §10 rows 40 and 41).</summary>
[Trait("Category", "Integration")]
public sealed class BodyRouterTests
{
    private const string ModelHeader = "X-Gateway-Model-Name", BaseHeader = "X-Gateway-Base-Model-Name";
    private const int Unknown = 2, ResourceExhausted = 8;

    private static readonly Dictionary<string, string?> NoKubernetes = new()
    {
        ["KUBECONFIG"] = null, ["KUBERNETES_SERVICE_HOST"] = null, ["NAMESPACE"] = null, ["HOME"] = "/nonexistent",
    };

    private static readonly (string Key, string Value)[] Hi = [("hi", "mom")];

    [Fact]
    public async Task Case40_Unary_V12_ModelBecomesAHeader_NoModelChangesNothing()
    {
        // The arguments of v1.2's chart but for --streaming: TLS by default.
        await using var router = await StartAsync(tls: true, "--v", "3");
        await using (var stream = router.Open())
        {
            await stream.SendAsync(Ask.Headers(false, Hi));
            Assert.Equal(new Proto.ProcessingResponse { RequestHeaders = new() }, await stream.ReceiveAsync());
            await stream.SendAsync(Ask.Body("""{"model":"llama","prompt":"test"}"""));
            var answer = await stream.ExpectAsync(Which.RequestBody);
            Assert.True(answer.RequestBody.Response.ClearRouteCache);
            Assert.Null(answer.RequestBody.Response.BodyMutation);
            var header = Assert.Single(answer.Mutation()!.SetHeaders).Header;
            Assert.Equal((ModelHeader, "llama"), (header.Key, header.RawValue.ToStringUtf8()));
            await stream.HalfCloseAsync();
            Assert.Equal(0, (await stream.EndAsync()).Code);
        }

        await using (var stream = router.Open())
        {
            await stream.SendAsync(Ask.Body("""{"prompt":"test"}"""));
            Assert.Equal(new Proto.ProcessingResponse { RequestBody = new() }, await stream.ReceiveAsync());
        }

        await using (var stream = router.Open())
        {
            await stream.SendAsync(Ask.Body("no healthy upstream"));
            Assert.Equal(new GrpcEnd(Unknown, "failed to handle request: invalid character 'o' in literal null (expecting 'u')"), await stream.EndAsync());
        }

        Assert.Contains("starting as GAIE v1.2", router.LogText, StringComparison.Ordinal);
        Assert.Contains("Running without a Kubernetes API", router.LogText, StringComparison.Ordinal);
        var metrics = await router.MetricsAsync();
        Assert.Equal((1, 1, 1), (metrics.Sum("bbr_success_total"), metrics.Sum("bbr_model_not_in_body_total"), metrics.Sum("bbr_model_not_parsed_total")));
    }

    [Fact]
    public async Task Case40_Unary_V15_ModelAndBaseModelBecomeHeaders()
    {
        await using var router = await StartAsync(tls: false, "--dialect=v1.5");
        await using (var stream = router.Open())
        {
            await stream.SendAsync(Ask.Headers(false, Hi));
            await stream.ExpectAsync(Which.RequestHeaders);
            await stream.SendAsync(Ask.Body("""{"model":"llama","prompt":"test"}"""));
            var answer = await stream.ExpectAsync(Which.RequestBody);
            Assert.Equal(("llama", ""), (answer.Header(ModelHeader), answer.Header(BaseHeader)));
            Assert.True(answer.RequestBody.Response.ClearRouteCache);
        }

        await using (var stream = router.Open())
        {
            await stream.SendAsync(Ask.Body("""{"prompt":"test"}"""));
            var answer = await stream.ExpectAsync(Which.RequestBody);
            Assert.True(answer.RequestBody.Response.ClearRouteCache);
            Assert.Empty(answer.Mutation()!.SetHeaders);
        }

        await using (var stream = router.Open())
        {
            await stream.SendAsync(Ask.Body("no healthy upstream"));
            var refusal = (await stream.ExpectAsync(Which.ImmediateResponse)).ImmediateResponse;
            Assert.Equal(400, refusal.Status.Code);
            Assert.Contains("failed to parse request body: invalid character 'o'", refusal.Body.ToStringUtf8(), StringComparison.Ordinal);
            Assert.Equal(0, (await stream.EndAsync()).Code);
        }
    }

    [Theory]
    [InlineData("v1.2")]
    [InlineData("v1.5")]
    public async Task Case41_Streaming_HeadersThenBody_AlsoOfSplitChunksAndWithoutAModel(string dialect)
    {
        await using var router = await StartAsync(tls: true, "--streaming", "--dialect=" + dialect);
        const string foo = """{"max_tokens":100,"model":"foo","prompt":"test","temperature":0}""";
        Assert.Equal(("foo", foo, 1), await AskAsync(router, dialect, foo));
        const string sheddable = """{"max_tokens":100,"model":"sql-lora-sheddable","prompt":"test","temperature":0}""";
        Assert.Equal(("sql-lora-sheddable", sheddable, 1), await AskAsync(router, dialect, sheddable[..32], sheddable[32..]));
        Assert.Equal(("sql-lora-sheddable", sheddable, 1), await AskAsync(router, dialect, sheddable, ""));

        const string none = """{"max_tokens":100,"prompt":"test","temperature":0}""";
        Assert.Equal((null, none, 1), await AskAsync(router, dialect, none));
        var large = $$"""{"model":"foo","prompt":"{{new string('x', 5_000_000)}}"}""";
        var chunks = dialect == "v1.2" ? 1 : (large.Length + 61_999) / 62_000;
        Assert.Equal(("foo", large, chunks), await AskAsync(router, dialect, large[..3_000_000], large[3_000_000..]));
        Assert.Equal(0, (await router.MetricsAsync()).Sum("bbr_model_not_parsed_total"));
    }

    [Fact]
    public async Task Case41_Streaming_V15_Response_IsReturnedAtItsEnd_AnEventStreamAtOnce()
    {
        await using var router = await StartAsync(tls: false, "--streaming");
        await using (var stream = router.Open())
        {
            await stream.SendAsync(Ask.ResponseHeaders());
            await stream.SendAsync(Ask.ResponseBody("{\"a\":", false));
            await stream.SendAsync(Ask.ResponseBody("1}"));
            await stream.ExpectAsync(Which.ResponseHeaders);
            var chunk = (await stream.ExpectAsync(Which.ResponseBody)).ResponseBody.Response.BodyMutation.StreamedResponse;
            Assert.Equal(("{\"a\":1}", true), (chunk.Body.ToStringUtf8(), chunk.EndOfStream));
        }

        await using (var stream = router.Open())
        {
            await stream.SendAsync(Ask.ResponseHeaders(false, (":status", "200"), ("content-type", "text/event-stream")));
            await stream.ExpectAsync(Which.ResponseHeaders);
            await stream.SendAsync(Ask.ResponseBody("data: x\n\n", false));
            Assert.Equal("data: x\n\n", (await stream.ExpectAsync(Which.ResponseBody)).ResponseBody.Response.BodyMutation.StreamedResponse.Body.ToStringUtf8());
        }
    }

    [Fact]
    public async Task Health_OfAnyName_IsServing_AndLimitsHold()
    {
        await using var router = await StartAsync(tls: false, "--streaming", "--grpc-max-recv-msg-size=1000000", "--max-request-body-bytes=1500000");
        using var channel = new GrpcChannel(router.HealthPort);
        foreach (var name in new[] { "", "inference-extension", "any", "envoy.service.ext_proc.v3.ExternalProcessor" })
        {
            Assert.Equal("SERVING", await GrpcLayerTests.CheckAsync(channel, name));
        }

        await using (var stream = router.Open())
        {
            await stream.SendAsync(Ask.Body(new string(' ', 900_000), false));
            await stream.SendAsync(Ask.Body(new string(' ', 900_000), false));
            Assert.Equal(413, (await stream.ExpectAsync(Which.ImmediateResponse)).ImmediateResponse.Status.Code);
        }

        await using (var stream = router.Open())
        {
            await stream.SendRawAsync(new byte[] { 0, 0x01, 0x00, 0x00, 0x01 });
            Assert.Equal(ResourceExhausted, (await stream.EndAsync()).Code);
        }
    }

    [Fact]
    public async Task Sigterm_LetsAnOpenStreamEnd_ThenExitsWithZero()
    {
        await using var router = await StartAsync(tls: false, "--streaming", "--drain-timeout=20s");
        await using var stream = router.Open();
        await stream.SendAsync(Ask.Post());
        await stream.SendAsync(Ask.Body("{\"model\":", false));
        // The stream is known to be open once another one, opened behind it, was answered.
        await AskAsync(router, "v1.5", """{"model":"other"}""");
        router.Signal("TERM");
        using (var channel = new GrpcChannel(router.HealthPort))
        {
            await Wait.UntilAsync(async () => await GrpcLayerTests.CheckAsync(channel, "any") == "NOT_SERVING", what: "the router drains");
        }

        await stream.SendAsync(Ask.Body("\"m\"}"));
        Assert.Equal("m", (await stream.ExpectAsync(Which.RequestHeaders)).Header(ModelHeader));
        stream.Reset();
        Assert.Equal(0, await router.ExitAsync());
        Assert.Contains("Stopped", router.LogText, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(2, "unknown flag: --steaming, did you mean --streaming?", "--steaming")]
    [InlineData(1, "nosuch.yaml", "--kubeconfig=nosuch.yaml")]
    [InlineData(0, "Usage of epp bbr:", "--help")]
    public async Task Start_ThatCannotServe_SaysWhy(int code, string expected, string flag)
    {
        await using var router = EppProcess.Launch(new EppOptions { Subcommand = "bbr", Tls = true, Flags = [flag], Environment = NoKubernetes });
        Assert.Equal(code, await router.ExitAsync());
        await Wait.UntilAsync(() => router.LogText.Contains(expected, StringComparison.Ordinal), what: $"the output has: {expected}");
    }

    private static Task<EppProcess> StartAsync(bool tls, params string[] flags) =>
        EppProcess.StartAsync(new EppOptions { Subcommand = "bbr", Tls = tls, Flags = flags, Environment = NoKubernetes });

    // Model header, body, and number of body messages; what else the answer must have is checked here.
    private static async Task<(string? Model, string Body, int Chunks)> AskAsync(EppProcess router, string dialect, params string[] parts)
    {
        await using var stream = router.Open();
        await stream.SendAsync(Ask.Headers(false, Hi));
        for (var i = 0; i < parts.Length; i++)
        {
            await stream.SendAsync(Ask.Body(parts[i], i == parts.Length - 1));
        }

        var answer = await stream.AnswerAsync();
        var headers = answer.Headers!;
        var model = headers.Header(ModelHeader);
        if (dialect == "v1.5")
        {
            Assert.True(headers.RequestHeaders.Response.ClearRouteCache);
            Assert.Equal(Encoding.UTF8.GetByteCount(answer.BodyText).ToString(System.Globalization.CultureInfo.InvariantCulture), headers.Header("Content-Length"));
            Assert.Equal(model is null ? null : "", headers.Header(BaseHeader));
        }
        else
        {
            Assert.Equal(model is null ? 0 : 1, headers.Mutation()?.SetHeaders.Count ?? 0);
            Assert.Equal(model is not null, headers.RequestHeaders.Response?.ClearRouteCache ?? false);
        }

        return (model, answer.BodyText, answer.Chunks.Count);
    }
}
