using Epp.Aot.ExtProc;
using Epp.Native;
using Epp.Native.Wire;
using Epp.Testing;
using Google.Protobuf;
using Proto = Epp.Testing.Protos;

namespace Epp.Aot.Tests.ExtProc;

/// <summary>The one table of refusals (contract §2.6), in both dialects, and what leads to each.</summary>
[Collection("ext_proc")]
[Trait("Category", "Unit")]
public sealed class FailureTests
{
    public static TheoryData<string, string, int, string, string?> Table => new()
    {
        { "LlmD", "BadRequest", 400, "inference error: BadRequest - detail", null },
        { "LlmD", "ModelMissing", 400, "inference error: BadRequest - model not found in request body", null },
        { "LlmD", "NoCandidates", 503, "inference error: ServiceUnavailable - failed to find endpoint candidates for serving the request", "rejected-no-endpoints" },
        { "LlmD", "NoCandidatesWithoutBody", 500, "inference error: Internal - no pods available in datastore", null },
        { "LlmD", "SheddableDropped", 429, "inference error: ResourceExhausted - system saturated, sheddable request dropped", null },
        { "LlmD", "FiltersRemovedAll", 429, "inference error: ResourceExhausted - no endpoints available for the given request", "rejected-saturated" },
        { "LlmD", "NoCachedPrefix", 412, "inference error: PreconditionFailed - no decode worker has the requested KV cache", null },
        { "LlmD", "BodyTooLarge", 413, "inference error: PayloadTooLarge - detail", null },
        { "LlmD", "BodyBudgetSpent", 503, "inference error: ServiceUnavailable - detail", null },
        { "LlmD", "HeadersTooLarge", 431, "inference error: RequestHeaderFieldsTooLarge - detail", null },
        { "LlmD", "Evicted", 429, "request evicted by flow control", null },
        { "LlmD", "EvictedForPriority", 429, "request evicted by flow control", "evicted-priority" },
        { "LlmD", "FlowCapacity", 429, "inference error: ResourceExhausted - request rejected pre-queue: queue at capacity", "rejected-saturated" },
        { "LlmD", "FlowCapacityNoEndpoints", 503, "inference error: ServiceUnavailable - no endpoints available: request rejected pre-queue: queue at capacity", "rejected-no-endpoints" },
        { "LlmD", "FlowExpired", 429, "inference error: ResourceExhausted - request timed out in queue: request evicted from queue: request TTL expired", "rejected-ttl-expired" },
        { "LlmD", "FlowExpiredNoEndpoints", 503, "inference error: ServiceUnavailable - request timed out in queue and no endpoints are available: request evicted from queue: request TTL expired: no endpoints available", "rejected-no-endpoints" },
        { "LlmD", "FlowClientGone", 503, "inference error: ServiceUnavailable - client disconnected: request evicted from queue: the client went away", "rejected-context-cancelled" },
        { "LlmD", "FlowShutdown", 503, "inference error: ServiceUnavailable - flow controller shutting down: the request was not dispatched; retry", "rejected-shutting-down" },
        { "LlmD", "FlowInternal", 500, "inference error: Internal - internal flow control error: the request has no outcome", null },
        { "Gaie", "BadRequest", 400, "inference gateway: BadRequest - detail", null },
        { "Gaie", "ModelMissing", 400, "inference gateway: BadRequest - model not found in request body", null },
        { "Gaie", "NoCandidates", 503, "inference gateway: ServiceUnavailable - failed to find candidate pods for serving the request", null },
        { "Gaie", "NoCandidatesWithoutBody", 500, "inference gateway: Internal - no pods available in datastore", null },
        { "Gaie", "SheddableDropped", 429, "inference gateway: InferencePoolResourceExhausted - system saturated, sheddable request dropped", null },
        { "Gaie", "FiltersRemovedAll", 429, "inference gateway: InferencePoolResourceExhausted - failed to find target pod: failed to run scheduler profile 'detail'", null },
        { "Gaie", "NoCachedPrefix", 412, "inference gateway: PreconditionFailed - no decode worker has the requested KV cache", null },
        { "Gaie", "BodyTooLarge", 413, "inference gateway: PayloadTooLarge - detail", null },
        { "Gaie", "BodyBudgetSpent", 503, "inference gateway: ServiceUnavailable - detail", null },
        { "Gaie", "HeadersTooLarge", 431, "inference gateway: RequestHeaderFieldsTooLarge - detail", null },
        { "Gaie", "Evicted", 429, "request evicted by flow control", null },
        { "Gaie", "EvictedForPriority", 429, "request evicted by flow control", null },
        { "Gaie", "FlowCapacity", 429, "inference gateway: InferencePoolResourceExhausted - request rejected pre-queue: queue at capacity", null },
        { "Gaie", "FlowCapacityNoEndpoints", 503, "inference gateway: ServiceUnavailable - no endpoints available: request rejected pre-queue: queue at capacity", null },
        { "Gaie", "FlowExpired", 503, "inference gateway: ServiceUnavailable - request timed out in queue: request evicted from queue: request TTL expired", null },
        { "Gaie", "FlowExpiredNoEndpoints", 503, "inference gateway: ServiceUnavailable - request timed out in queue and no endpoints are available: request evicted from queue: request TTL expired: no endpoints available", null },
        { "Gaie", "FlowClientGone", 503, "inference gateway: ServiceUnavailable - client disconnected: request evicted from queue: the client went away", null },
        { "Gaie", "FlowShutdown", 500, "inference gateway: Internal - flow controller shutting down: the request was not dispatched; retry", null },
        { "Gaie", "FlowInternal", 500, "inference gateway: Internal - internal flow control error: the request has no outcome", null },
    };

    [Theory]
    [MemberData(nameof(Table))]
    public void Failure_Encoded_HasStatusTextAndReason(string dialect, string kind, int status, string text, string? reason)
    {
        var writer = new ProtoWriter();
        new RequestFailure(Enum.Parse<FailureKind>(kind), "detail").Encode(writer, Enum.Parse<Dialect>(dialect));
        var answer = Proto.ProcessingResponse.Parser.ParseFrom(writer.Written[5..]).ImmediateResponse;
        Assert.Equal(status, answer.Status.Code);
        Assert.Equal(text, answer.Body.ToStringUtf8());
        Assert.Equal(reason, answer.Header("x-llm-d-request-dropped-reason"));
    }

    [Fact]
    public void Table_HoldsEveryKindInBothDialects()
    {
        var listed = Table.Select(row => ((string)row[0], (string)row[1]));
        Assert.Equal(Enum.GetNames<Dialect>().SelectMany(d => Enum.GetNames<FailureKind>().Select(k => (d, k))).Order(), listed.Order());
    }

    [Theory]
    [InlineData(Dialect.LlmD, "{", 400)]
    [InlineData(Dialect.LlmD, "[]", 400)]
    [InlineData(Dialect.LlmD, "", 400)]
    [InlineData(Dialect.LlmD, """{"messages":[{"role":"user","content":"x"}]}""", 400)]
    [InlineData(Dialect.Gaie, """{"messages":[{"role":"user","content":"x"}]}""", 400)]
    [InlineData(Dialect.Gaie, """{"model":"m"}""", 400)]
    public void Body_Invalid_IsRefusedAndCountedOnce(Dialect dialect, string body, int status)
    {
        var rig = new Rig(new ExtProcOptions(dialect));
        using (var exchange = rig.Open())
        {
            exchange.Send(Ask.Post());
            var answer = exchange.Refused(Ask.Body(body));
            Assert.Equal(status, answer.Status.Code);
            Assert.StartsWith(dialect == Dialect.Gaie ? "inference gateway: BadRequest - " : "inference error: BadRequest - ", answer.Body.ToStringUtf8(), StringComparison.Ordinal);
        }

        rig.AssertAtRest();
        var exposition = rig.Exposition();
        Assert.Matches("(?m)^llm_d_epp_request_error_total\\{error_code=\"BadRequest\".*\\} 1$", exposition);
        Assert.DoesNotContain("llm_d_epp_request_total{", exposition, StringComparison.Ordinal);
        Assert.Contains("llm_d_epp_request_processing_duration_seconds_count 1\n", exposition, StringComparison.Ordinal);
    }

    [Fact]
    public void Pool_Empty_PostIs503AndGetIs500()
    {
        var rig = new Rig(endpoints: 0);
        using var post = rig.Open();
        post.Send(Ask.Post());
        var answer = post.Refused(Ask.Body(Ask.ChatBody()));
        Assert.Equal(503, answer.Status.Code);
        Assert.Equal("rejected-no-endpoints", answer.Header("x-llm-d-request-dropped-reason"));
        using var get = rig.Open();
        Assert.Equal(500, get.Refused(Ask.Get()).Status.Code);
    }

    [Fact]
    public void Filters_ThatLeaveNobody_Are429()
    {
        const string Config = """
            apiVersion: llm-d.ai/v1alpha1
            kind: EndpointPickerConfig
            plugins: [{type: header-based-testing-filter}]
            """;
        using var post = new Rig(config: Config).Open();
        post.Send(Ask.Post());
        Assert.Equal(429, post.Refused(Ask.Body(Ask.ChatBody())).Status.Code);
        using var get = new Rig(config: Config).Open();
        Assert.Equal(429, get.Refused(Ask.Get()).Status.Code);
    }

    [Fact]
    public void Case34_Path_NoParserClaims_Is400WithThePath()
    {
        const string Config = """
            apiVersion: llm-d.ai/v1alpha1
            kind: EndpointPickerConfig
            plugins: [{type: queue-scorer}]
            requestHandler: {parsers: [{pluginRef: openai-parser}]}
            """;
        using var exchange = new Rig(config: Config).Open();
        Assert.Equal("inference error: BadRequest - no parser registered matching path suffix for: /upload", exchange.Refused(Ask.Post("/upload")).Body.ToStringUtf8());
    }

    [Theory]
    [InlineData("if-available", true)]
    [InlineData("wait=10, If-Available;q=1", true)]
    [InlineData("if-available-later", false)]
    public void Prefer_IfAvailable_WantsAnEndpointThatHoldsThePrefix(string prefer, bool applies)
    {
        var rig = new Rig();
        var body = Ask.ChatBody(prompt: new string('p', 2000));
        for (var round = 0; round < 2; round++)
        {
            using var exchange = rig.Open();
            exchange.Send(Ask.Post(more: ("prefer", prefer)));
            if (round == 0 && applies)
            {
                Assert.Equal(412, exchange.Refused(Ask.Body(body)).Status.Code);
                using var plain = rig.Open();
                plain.Send(Ask.Post());
                plain.Send(Ask.Body(body));
            }
            else
            {
                Assert.Equal(2, exchange.Send(Ask.Body(body)).Count);
            }
        }

        rig.AssertAtRest();
    }

    [Fact]
    public void Prefer_GaieDialect_IsNotLookedAt()
    {
        using var exchange = new Rig(new ExtProcOptions(Dialect.Gaie)).Open();
        exchange.Send(Ask.Post(more: ("prefer", "if-available")));
        Assert.Equal(2, exchange.Send(Ask.Body(Ask.ChatBody())).Count);
    }

    [Fact]
    public void Body_BeyondTheStreamsLimit_Is413AtOnce()
    {
        var rig = new Rig(new ExtProcOptions(MaxBodyBytes: 100));
        using (var exchange = rig.Open())
        {
            exchange.Send(Ask.Post("/upload"));
            Assert.Empty(exchange.Send(Ask.Body(new byte[100], endOfStream: false)));
            var answer = exchange.Refused(Ask.Body(new byte[1], endOfStream: false));
            Assert.Equal(413, answer.Status.Code);
            Assert.Contains("--max-request-body-bytes", answer.Body.ToStringUtf8(), StringComparison.Ordinal);
        }

        rig.AssertAtRest();
    }

    [Fact]
    public void Bodies_BeyondTheLimitOfAllStreams_Are503UntilOneEnds()
    {
        var rig = new Rig(new ExtProcOptions(MaxBufferedBytes: 100));
        using (var first = rig.Open())
        {
            first.Send(Ask.Post("/upload"));
            Assert.Empty(first.Send(Ask.Body(new byte[60], endOfStream: false)));
            using var second = rig.Open();
            second.Send(Ask.Post("/upload"));
            var answer = second.Refused(Ask.Body(new byte[41]));
            Assert.Equal(503, answer.Status.Code);
            Assert.Contains("--max-buffered-bytes", answer.Body.ToStringUtf8(), StringComparison.Ordinal);
            Assert.Equal(60, rig.Services.Budget.UsedBytes);
        }

        using (var third = rig.Open())
        {
            third.Send(Ask.Post("/upload"));
            Assert.Equal(2, third.Send(Ask.Body(new byte[100])).Count);
        }

        rig.AssertAtRest();
    }

    [Fact]
    public void Headers_BeyondTheLimit_Are431()
    {
        var headers = Ask.Post();
        for (var i = 0; i < 1024; i++)
        {
            headers.RequestHeaders.Headers.Headers.Add(new Proto.HeaderValue { Key = "x", RawValue = ByteString.CopyFromUtf8("y") });
        }

        var rig = new Rig();
        using (var exchange = rig.Open())
        {
            Assert.Equal(431, exchange.Refused(headers).Status.Code);
        }

        rig.AssertAtRest();
    }
}
