using System.Text;
using Epp.Aot.ExtProc;
using Epp.Native;
using Epp.Testing;
using Google.Protobuf.WellKnownTypes;
using static Epp.Testing.Protos.ProcessingResponse.ResponseOneofCase;
using Proto = Epp.Testing.Protos;

namespace Epp.Aot.Tests.ExtProc;

/// <summary>The request half in full duplex (contract §1.5, §1.6, §2): message sequences in, exact mutations out.</summary>
[Collection("ext_proc")]
[Trait("Category", "Unit")]
public sealed class RequestTests
{
    private static Proto.StreamedBodyResponse Streamed(Proto.ProcessingResponse message) => message.RequestBody.Response.BodyMutation.StreamedResponse;

    private static Proto.ProcessingResponse Head(IReadOnlyList<Proto.ProcessingResponse> answers)
    {
        Assert.Equal(RequestHeaders, answers[0].ResponseCase);
        return answers[0];
    }

    [Fact]
    public void FullExchange_EveryMessage_HasItsExactAnswer()
    {
        var rig = new Rig();
        using (var exchange = rig.Open())
        {
            Assert.Empty(exchange.Send(Ask.Post(more: ("x-request-id", "r1"))));
            Assert.Empty(exchange.Send(Ask.Body(Ask.ChatBody()[..20], endOfStream: false)));
            var answers = exchange.Send(Ask.Body(Ask.ChatBody()[20..]));
            Assert.Equal(2, answers.Count);
            var head = Head(answers);
            var common = head.RequestHeaders.Response;
            Assert.True(common.ClearRouteCache);
            Assert.Null(common.BodyMutation);
            Assert.Equal(
                [("x-gateway-destination-endpoint", "10.0.0.1:8000"), ("Content-Length", $"{Ask.ChatBody().Length}")],
                common.HeaderMutation.SetHeaders.Select(h => (h.Header.Key, h.Header.RawValue.ToStringUtf8())));
            Assert.All(common.HeaderMutation.SetHeaders, h => Assert.Equal((0, "", null), (h.AppendAction, h.Header.Value, h.Append)));
            Assert.Empty(common.HeaderMutation.RemoveHeaders);
            Assert.Equal("10.0.0.1:8000", head.Destination());
            Assert.Equal(Ask.ChatBody(), Streamed(answers[1]).Body.ToStringUtf8());
            Assert.True(Streamed(answers[1]).EndOfStream);

            var headers = exchange.Ask(Ask.ResponseHeaders());
            Assert.Equal("true", headers.Header("x-went-into-resp-headers"));
            Assert.False(headers.ResponseHeaders.Response.ClearRouteCache);
            var body = exchange.Ask(Ask.ResponseBody("{}")).ResponseBody.Response.BodyMutation.StreamedResponse;
            Assert.Equal(("{}", true), (body.Body.ToStringUtf8(), body.EndOfStream));
            Assert.Null(exchange.Status);
        }

        rig.AssertAtRest();
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(61_999, 1)]
    [InlineData(62_000, 1)]
    [InlineData(62_001, 2)]
    [InlineData((2 * 62_000) + 1000, 3)]
    public void Case20_BodyOfSize_IsCutInto62000ByteMessages(int bytes, int messages)
    {
        var body = new byte[bytes];
        new Random(bytes).NextBytes(body);
        using var exchange = new Rig().Open();
        exchange.Send(Ask.Post("/upload"));
        var answers = exchange.Send(Ask.Body(body));
        Assert.Equal(bytes > 0 ? $"{bytes}" : null, Head(answers).Header("Content-Length"));
        var chunks = answers.Skip(1).Select(Streamed).ToList();
        Assert.Equal(messages, chunks.Count);
        Assert.Equal(body, chunks.SelectMany(c => c.Body));
        Assert.All(chunks.SkipLast(1), c => Assert.Equal((62_000, false), (c.Body.Length, c.EndOfStream)));
        Assert.True(chunks[^1].EndOfStream);
    }

    [Fact]
    public void Trailers_InsteadOfEndOfStream_EndTheBodyAndAreAnswered()
    {
        using var exchange = new Rig().Open();
        exchange.Send(Ask.Post());
        Assert.Empty(exchange.Send(Ask.Body(Ask.ChatBody(), endOfStream: false)));
        var answers = exchange.Send(Ask.Trailers(("x-sum", "1")));
        Assert.Equal([RequestHeaders, RequestBody, RequestTrailers], answers.Select(a => a.ResponseCase));
        Assert.Equal(Ask.ChatBody(), Streamed(answers[1]).Body.ToStringUtf8());
        Assert.False(Streamed(answers[1]).EndOfStream);
    }

    [Fact]
    public void SecondEndOfStream_AfterTheAnswer_IsNotAnsweredAndNotCounted()
    {
        var rig = new Rig();
        using var exchange = rig.Open();
        exchange.Send(Ask.Post());
        exchange.Send(Ask.Body(Ask.ChatBody()));
        Assert.Empty(exchange.Send(Ask.Body("")));
        Assert.Empty(exchange.Send(Ask.Body(Ask.ChatBody())));
        Assert.Null(exchange.Status);
        Assert.Equal(1, rig.Series("m").Requests);
        Assert.Equal(ResponseHeaders, exchange.Ask(Ask.ResponseHeaders()).ResponseCase);
    }

    [Fact]
    public void SecondHeaders_AreIgnored()
    {
        using var exchange = new Rig().Open();
        exchange.Send(Ask.Post());
        Assert.Empty(exchange.Send(Ask.Post("/other")));
        Assert.Equal(2, exchange.Send(Ask.Body(Ask.ChatBody())).Count);
    }

    [Fact]
    public void ResponseFirst_StreamThatStartsWithTheResponse_IsAnswered()
    {
        var rig = new Rig();
        using (var exchange = rig.Open())
        {
            Assert.Equal("true", exchange.Ask(Ask.ResponseHeaders()).Header("x-went-into-resp-headers"));
            var body = exchange.Ask(Ask.ResponseBody("late")).ResponseBody.Response.BodyMutation.StreamedResponse;
            Assert.Equal(("late", true), (body.Body.ToStringUtf8(), body.EndOfStream));
        }

        rig.AssertAtRest();
    }

    [Fact]
    public void EmptyMessage_IsNotAnswered()
    {
        using var exchange = new Rig().Open();
        Assert.Empty(exchange.Send(new Proto.ProcessingRequest()));
        Assert.Null(exchange.Status);
    }

    [Fact]
    public void Get_HeadersOnly_AreAnsweredAtOnceAndNotCountedAsRunning()
    {
        var rig = new Rig();
        using var exchange = rig.Open();
        var answer = exchange.Ask(Ask.Get());
        Assert.Equal("10.0.0.1:8000", answer.Header("x-gateway-destination-endpoint"));
        Assert.Equal("10.0.0.1:8000", answer.Destination());
        Assert.True(answer.RequestHeaders.Response.ClearRouteCache);
        Assert.Null(answer.Header("Content-Length"));
        rig.AssertAtRest();
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    public void RequestId_Missing_IsAVersion4Uuid(string? given)
    {
        using var exchange = new Rig().Open();
        exchange.Send(given is null ? Ask.Post() : Ask.Post(more: ("x-request-id", given)));
        var id = Head(exchange.Send(Ask.Body(Ask.ChatBody()))).Header("x-request-id");
        Assert.True(Guid.TryParseExact(id, "D", out var guid));
        Assert.Equal(4, guid.Version);
        Assert.Equal(id, id!.ToLowerInvariant());
    }

    [Fact]
    public void ControlHeaders_SentByAClient_AreRemovedInEveryMode()
    {
        string[] control = ["x-prefiller-host-port", "x-data-parallel-host-port", "x-encoder-hosts-ports", "x-kv-cache-source-host-port"];
        foreach (var name in control)
        {
            using var post = new Rig().Open();
            post.Send(Ask.Post(more: (name, "6.6.6.6:1")));
            Assert.Equal([name], Head(post.Send(Ask.Body(Ask.ChatBody()))).Removed());
            using var get = new Rig().Open();
            Assert.Equal([name], get.Ask(Ask.Get(more: (name, "6.6.6.6:1"))).Removed());
        }
    }

    [Theory]
    [InlineData("10.0.0.3", "10.0.0.3:8000")]
    [InlineData("10.0.0.3:1", "10.0.0.3:8000")]
    [InlineData("10.0.0.2,10.0.0.3", "10.0.0.2:8000")]
    public void SubsetHint_NarrowsPostAndGet(string hint, string expected)
    {
        var rig = new Rig(endpoints: 3);
        using var post = rig.Open();
        post.Send(Ask.Post());
        Assert.Equal(expected, Head(post.Send(Ask.Body(Ask.ChatBody()).WithSubset(hint.Split(',')))).Destination());
        using var get = rig.Open();
        Assert.Contains(get.Ask(Ask.Get().WithSubset(hint.Split(','))).Destination()![..8], hint, StringComparison.Ordinal);
    }

    [Fact]
    public void SubsetHint_EmptyList_LeavesNobody_AndTheSwitchIgnoresIt()
    {
        using var refused = new Rig().Open();
        refused.Send(Ask.Post());
        Assert.Equal(503, refused.Refused(Ask.Body(Ask.ChatBody()).WithSubset()).Status.Code);
        using var ignored = new Rig(new ExtProcOptions(DisableSubsetFilter: true)).Open();
        ignored.Send(Ask.Post());
        Assert.Equal(2, ignored.Send(Ask.Body(Ask.ChatBody()).WithSubset()).Count);
    }

    [Fact]
    public void SubsetHint_NotAList_IsIgnored()
    {
        using var exchange = new Rig().Open();
        exchange.Send(Ask.Post());
        Assert.Equal(2, exchange.Send(Ask.Body(Ask.ChatBody()).WithSubsetValue(Value.ForNumber(5))).Count);
    }

    [Theory]
    [InlineData(Dialect.LlmD)]
    [InlineData(Dialect.Gaie)]
    public void Rewrite_ReplacesTheModelOnly(Dialect dialect)
    {
        using var exchange = new Rig(new ExtProcOptions(dialect)).Open();
        exchange.Send(Ask.Post(more: ("x-gateway-model-name-rewrite", "a-longer-name")));
        var answers = exchange.Send(Ask.Body(Ask.ChatBody()));
        Assert.Equal(Ask.ChatBody("a-longer-name"), Streamed(answers[1]).Body.ToStringUtf8());
        Assert.Equal($"{Ask.ChatBody("a-longer-name").Length}", Head(answers).Header("Content-Length"));
    }

    [Theory]
    [InlineData(Dialect.LlmD, "own")]
    [InlineData(Dialect.Gaie, "alias")]
    public void Rewrite_OfTwoNames_EachDialectTakesItsOwn(Dialect dialect, string expected)
    {
        using var exchange = new Rig(new ExtProcOptions(dialect)).Open();
        exchange.Send(Ask.Post(more: [("x-gateway-model-name-rewrite", "alias"), ("x-llm-d-model-name-rewrite", "own")]));
        Assert.Equal(Ask.ChatBody(expected), Streamed(exchange.Send(Ask.Body(Ask.ChatBody()))[1]).Body.ToStringUtf8());
    }

    [Fact]
    public void Scores_Emitted_NameEveryScoredEndpoint()
    {
        using var exchange = new Rig(new ExtProcOptions(EmitEndpointScores: true), endpoints: 3).Open();
        exchange.Send(Ask.Post());
        var metadata = Head(exchange.Send(Ask.Body(Ask.ChatBody()))).DynamicMetadata.Fields["envoy.lb"].StructValue.Fields;
        Assert.Equal(["x-gateway-destination-endpoint", "x-gateway-destination-endpoint-scores"], metadata.Keys.Order());
        // Queue 2 · {1, 0.5, 0}, KV cache 2 · 1, no prefix match.
        Assert.Equal(
            [("10.0.0.1:8000", 4.0), ("10.0.0.2:8000", 3.0), ("10.0.0.3:8000", 2.0)],
            metadata["x-gateway-destination-endpoint-scores"].StructValue.Fields.Select(f => (f.Key, f.Value.NumberValue)).Order());
    }

    [Fact]
    public void DestinationList_WhereAskedFor_IsOrderedBestFirst()
    {
        const string Config = """
            apiVersion: llm-d.ai/v1alpha1
            kind: EndpointPickerConfig
            plugins:
            - type: queue-scorer
            - {type: max-score-picker, parameters: {maxNumOfEndpoints: 2}}
            """;
        using var exchange = new Rig(config: Config, endpoints: 3).Open();
        exchange.Send(Ask.Post());
        var head = Head(exchange.Send(Ask.Body(Ask.ChatBody())));
        Assert.Equal("10.0.0.1:8000,10.0.0.2:8000", head.Header("x-gateway-destination-endpoint"));
        Assert.Equal("10.0.0.1:8000,10.0.0.2:8000", head.Destination());
    }

    [Fact]
    public void BodyFirst_StreamWithoutHeaders_IsReadAsCompletions()
    {
        using var exchange = new Rig().Open();
        var answers = exchange.Send(Ask.Body("""{"model":"m","prompt":"hi"}"""));
        Assert.Equal([RequestHeaders, RequestBody], answers.Select(a => a.ResponseCase));
    }

    [Fact]
    public void Body_CutAnywhere_GoesOutAsItCame()
    {
        const int Seed = 20260102;
        var random = new Random(Seed);
        var body = Encoding.UTF8.GetBytes(Ask.ChatBody(prompt: new string('ä', 40_000)));
        for (var round = 0; round < 20; round++)
        {
            using var exchange = new Rig().Open();
            exchange.Send(Ask.Post());
            var at = 0;
            while (random.Next(6) > 0)
            {
                var n = random.Next(body.Length - at + 1);
                Assert.Empty(exchange.Send(Ask.Body(body.AsSpan(at, n), endOfStream: false)));
                at += n;
            }

            var answers = exchange.Send(Ask.Body(body.AsSpan(at)));
            Assert.True(body.AsSpan().SequenceEqual(answers.Skip(1).SelectMany(a => Streamed(a).Body).ToArray()), $"seed {Seed}, round {round}");
        }
    }
}
