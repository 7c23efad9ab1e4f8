using Epp.Testing;

namespace Epp.Integration.Tests;

/// <summary>Requests that get an immediate response (contract §2.6).</summary>
[Trait("Category", "Integration")]
public sealed class RefusalTests(RefusalTests.SmallLimits running) : IClassFixture<RefusalTests.SmallLimits>
{
    private const string BadJson = "inference error: BadRequest - error unmarshaling request bodyMap: ";

    private EppProcess Epp => running.Epp;

    /// <summary>100,000 bytes a body, 150,000 for all streams together.</summary>
    public sealed class SmallLimits : RunningEpp
    {
        protected override IReadOnlyList<string> Flags => ["--max-request-body-bytes=100000", "--max-buffered-bytes=150000"];
    }

    [Theory]
    [InlineData("no healthy upstream", BadJson + "invalid character 'o' in literal null (expecting 'u')")]
    [InlineData("", BadJson + "unexpected end of JSON input")]
    public async Task Case06_BodyIsNoJson_Is400InTheWordsOfGo(string body, string text) => await RefusesAsync(body, 400, text);

    [Theory]
    [InlineData("/v1/completions", """{"prompt":"hello world"}""", "model not found in request body")]
    [InlineData("/v1/completions", """{"model":7,"prompt":"hello world"}""", "model not found in request body")]
    [InlineData("/v1/completions", """{"hello":"world"}""", "invalid completions request: must have prompt field")]
    [InlineData("/v1/completions", """{"model":"m","prompt":""}""", "invalid completions request: must have prompt field")]
    [InlineData(Ask.Chat, """{"model":"m","messages":[]}""", "invalid chat completions request: must have valid messages field")]
    [InlineData(Ask.Chat, """{"model":"m"}""", "invalid chat completions request: must have valid messages field")]
    public async Task Case07_30_ModelOrPromptMissing_Is400(string path, string body, string text) =>
        await RefusesAsync(body, 400, "inference error: BadRequest - " + text, path);

    [Fact]
    public async Task Body_LargerThanItsLimit_Is413WhileItArrives()
    {
        await using var stream = Epp.Open();
        await stream.SendAsync(Ask.Post());
        await stream.SendAsync(Ask.Body(new string('x', 60_000), endOfStream: false));
        await stream.SendAsync(Ask.Body(new string('x', 60_000), endOfStream: false));
        var refused = (await stream.AnswerAsync()).Immediate!;
        Assert.Equal(413, refused.Status.Code);
        Assert.Contains("--max-request-body-bytes", refused.Body.ToStringUtf8());
        Assert.Equal(0, (await stream.EndAsync()).Code);
    }

    [Fact]
    public async Task Bodies_TogetherOverTheBudget_Are503AndTheBudgetComesBack()
    {
        await using (var holder = Epp.Open())
        {
            await holder.SendAsync(Ask.Post());
            await holder.SendAsync(Ask.Body(new string('x', 90_000), endOfStream: false));
            await using var stream = Epp.Open();
            Answer answer;
            // The holder's bytes are taken when they are read, which the second stream may overtake.
            var watch = System.Diagnostics.Stopwatch.StartNew();
            do
            {
                answer = await Epp.PickAsync(Ask.ChatBody(prompt: new string('x', 70_000)));
            }
            while (answer.Immediate is null && watch.Elapsed < Wait.Limit);

            Assert.Equal(503, answer.Immediate!.Status.Code);
            Assert.Contains("--max-buffered-bytes", answer.Immediate.Body.ToStringUtf8());
        }

        await Wait.UntilAsync(async () => (await Epp.PickAsync(Ask.ChatBody(prompt: new string('x', 90_000)))).Immediate is null);
    }

    [Fact]
    public async Task Headers_MoreThanTheLimit_AreRefused()
    {
        await using var stream = Epp.Open();
        await stream.SendAsync(Ask.Post(more: [.. Enumerable.Range(0, 5000).Select(i => ($"x-{i}", "v"))]));
        Assert.Equal(431, (await stream.AnswerAsync()).Immediate!.Status.Code);
        Assert.Equal(0, (await stream.EndAsync()).Code);
    }

    [Fact]
    public async Task Refusal_IsCountedOnceByItsCode()
    {
        var before = (await Epp.MetricsAsync()).Sum("inference_objective_request_error_total", ("error_code", "BadRequest"));
        await Epp.PickAsync("{");
        Assert.Equal(before + 1, (await Epp.MetricsAsync()).Sum("inference_objective_request_error_total", ("error_code", "BadRequest")));
    }

    [Fact]
    public async Task Case10_29_EmptyPool_Get500_Post503_BadJson400()
    {
        await using var epp = await EppProcess.StartAsync(new EppOptions());
        await using var get = epp.Open();
        await get.SendAsync(Ask.Get());
        var refused = (await get.AnswerAsync()).Immediate!;
        Assert.Equal((500, "inference error: Internal - no pods available in datastore"), (refused.Status.Code, refused.Body.ToStringUtf8()));
        refused = (await epp.PickAsync(Ask.ChatBody())).Immediate!;
        Assert.Equal(
            (503, "inference error: ServiceUnavailable - failed to find endpoint candidates for serving the request", "rejected-no-endpoints"),
            (refused.Status.Code, refused.Body.ToStringUtf8(), refused.Header("x-llm-d-request-dropped-reason")));
        Assert.Equal(400, (await epp.PickAsync("{")).Immediate!.Status.Code);
    }

    [Fact]
    public async Task Case29_44_FilterRemovesAll_Is429()
    {
        const string Config = """
            apiVersion: llm-d.ai/v1alpha1
            kind: EndpointPickerConfig
            plugins:
            - {name: file-disc, type: file-discovery, parameters: {path: "@ENDPOINTS@"}}
            - type: header-based-testing-filter
            - type: max-score-picker
              parameters: {maxNumOfEndpoints: 3}
            schedulingProfiles:
            - name: default
              plugins: [{pluginRef: header-based-testing-filter}, {pluginRef: max-score-picker}]
            dataLayer:
              discovery: {pluginRef: file-disc}
            """;
        await using var epp = await EppProcess.StartAsync(new EppOptions { Config = Config, Endpoints = [.. running.Workers.Select(w => w.HostPort)] });
        var refused = (await epp.PickAsync(Ask.ChatBody())).Immediate!;
        Assert.Equal((429, "inference error: ResourceExhausted - no endpoints available for the given request"), (refused.Status.Code, refused.Body.ToStringUtf8()));
        var list = $"{running.Workers[2].HostPort},{running.Workers[0].HostPort}";
        // The picker orders equal scores at random.
        Assert.Equal(
            list.Split(',').Order(),
            (await epp.PickAsync(Ask.ChatBody(), headers: [("test-epp-endpoint-selection", list)])).Endpoint.Split(',').Order());
    }

    private async Task RefusesAsync(string body, int status, string text, string path = Ask.Chat)
    {
        var refused = (await Epp.PickAsync(body, path)).Immediate;
        Assert.NotNull(refused);
        Assert.Equal((status, text), (refused.Status.Code, refused.Body.ToStringUtf8()));
    }
}
