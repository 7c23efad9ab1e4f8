using System.Text;
using Epp.Aot.ExtProc;
using Epp.Testing;
using static Epp.Testing.Protos.ProcessingResponse.ResponseOneofCase;
using Proto = Epp.Testing.Protos;

namespace Epp.Aot.Tests.ExtProc;

/// <summary>The response half in full duplex (contract §1.7, docs/adr/0007): streams pass one for one, other bodies are held to their end.</summary>
[Collection("ext_proc")]
[Trait("Category", "Unit")]
public sealed class ResponseTests
{
    private static readonly (string, string)[] EventStream = [(":status", "200"), ("content-type", "text/event-stream; charset=utf-8")];

    private static Exchange Begin(Rig rig, string? rewrite = null, (string, string)[]? responseHeaders = null, string model = "m")
    {
        var exchange = rig.Open();
        exchange.Send(rewrite is null ? Ask.Post() : Ask.Post(more: ("x-llm-d-model-name-rewrite", rewrite)));
        exchange.Send(Ask.Body(Ask.ChatBody(model)));
        exchange.Send(Ask.ResponseHeaders(headers: responseHeaders ?? []));
        return exchange;
    }

    private static (string Body, bool End)[] Chunks(IReadOnlyList<Proto.ProcessingResponse> answers) =>
        [.. answers.Select(a => a.ResponseBody.Response.BodyMutation.StreamedResponse).Select(s => (s.Body.ToStringUtf8(), s.EndOfStream))];

    [Fact]
    public void Stream_EveryChunk_IsPassedOnOneForOne()
    {
        using var exchange = Begin(new Rig(), responseHeaders: EventStream);
        Assert.Equal([("data: a\n\n", false)], Chunks(exchange.Send(Ask.ResponseBody("data: a\n\n", endOfStream: false))));
        Assert.Equal([("", false)], Chunks(exchange.Send(Ask.ResponseBody("", endOfStream: false))));
        Assert.Equal([("data: [DONE]\n\n", true)], Chunks(exchange.Send(Ask.ResponseBody("data: [DONE]\n\n"))));
        Assert.Empty(exchange.Send(Ask.ResponseBody("late")));
    }

    [Fact]
    public void Stream_AskedForByTheRequest_IsNotHeldWhateverItsContentType()
    {
        var rig = new Rig();
        using var exchange = rig.Open();
        exchange.Send(Ask.Post());
        exchange.Send(Ask.Body(Ask.ChatBody(stream: true)));
        exchange.Send(Ask.ResponseHeaders());
        Assert.Single(exchange.Send(Ask.ResponseBody("{", endOfStream: false)));
    }

    [Fact]
    public void Document_IsHeldUntilItsEnd()
    {
        var rig = new Rig();
        using (var exchange = Begin(rig))
        {
            Assert.Empty(exchange.Send(Ask.ResponseBody("{\"a\":", endOfStream: false)));
            Assert.Empty(exchange.Send(Ask.ResponseBody("1}", endOfStream: false)));
            Assert.Equal(7, rig.Services.Budget.UsedBytes);
            Assert.Equal([("{\"a\":1}", true)], Chunks(exchange.Send(Ask.ResponseBody(""))));
            Assert.Equal(0, rig.Services.Budget.UsedBytes);
        }

        rig.AssertAtRest();
    }

    [Fact]
    public void Document_HeldAndLong_GoesOutIn62000ByteMessages()
    {
        using var exchange = Begin(new Rig());
        var body = new string('x', 70_000);
        Assert.Empty(exchange.Send(Ask.ResponseBody(body, endOfStream: false)));
        Assert.Equal([(body[..62_000], false), (body[62_000..], true)], Chunks(exchange.Send(Ask.ResponseBody(""))));
    }

    [Fact]
    public void Document_EndedByTrailers_GoesOutBeforeThem()
    {
        using var exchange = Begin(new Rig());
        Assert.Empty(exchange.Send(Ask.ResponseBody("{}", endOfStream: false)));
        var answers = exchange.Send(Ask.ResponseTrailers(("a", "b")));
        Assert.Equal([ResponseBody, ResponseTrailers], answers.Select(a => a.ResponseCase));
        Assert.Equal([("{}", false)], Chunks([answers[0]]));
    }

    [Fact]
    public void Document_LargerThanIsHeld_PassesOnInOrder()
    {
        var rig = new Rig();
        using (var exchange = Begin(rig))
        {
            var first = new string('a', ResponsePhase.MaxHeldBytes - 10);
            Assert.Empty(exchange.Send(Ask.ResponseBody(first, endOfStream: false)));
            var passed = exchange.Send(Ask.ResponseBody(new string('b', 11), endOfStream: false));
            Assert.Equal(first + new string('b', 11), string.Concat(Chunks(passed).Select(c => c.Body)));
            Assert.DoesNotContain(Chunks(passed), c => c.End);
            Assert.Equal(0, rig.Services.Budget.UsedBytes);
            Assert.Equal([("c", false)], Chunks(exchange.Send(Ask.ResponseBody("c", endOfStream: false))));
            Assert.Equal([("d", true)], Chunks(exchange.Send(Ask.ResponseBody("d"))));
        }

        rig.AssertAtRest();
    }

    [Fact]
    public void Document_BudgetSpentByOthers_PassesOnInsteadOfFailing()
    {
        var rig = new Rig(new ExtProcOptions(MaxBufferedBytes: 200));
        using (var exchange = Begin(rig))
        {
            using var other = rig.Open();
            other.Send(Ask.Post("/upload"));
            other.Send(Ask.Body(new byte[199], endOfStream: false));
            Assert.Equal([("{\"a\":", false)], Chunks(exchange.Send(Ask.ResponseBody("{\"a\":", endOfStream: false))));
            Assert.Equal([("1}", true)], Chunks(exchange.Send(Ask.ResponseBody("1}"))));
        }

        rig.AssertAtRest();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void RestoredModel_SplitAnywhere_IsWhole(bool stream)
    {
        const string Body = "data: {\"model\":\"target-model\",\"x\":\"model\"}\n\ndata: {\"model\": \"target-model\"}\n\n";
        for (var cut = 0; cut <= Body.Length; cut++)
        {
            using var exchange = Begin(new Rig(), "target-model", stream ? EventStream : null, model: "client");
            var answers = exchange.Send(Ask.ResponseBody(Body[..cut], endOfStream: false)).Concat(exchange.Send(Ask.ResponseBody(Body[cut..]))).ToList();
            Assert.Equal(Body.Replace("target-model", "client", StringComparison.Ordinal), string.Concat(Chunks(answers).Select(c => c.Body)));
            Assert.Equal(1, Chunks(answers).Count(c => c.End));
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void RestoredModel_BodyEndedByTrailers_LosesNothing(bool stream)
    {
        using var exchange = Begin(new Rig(), "target", stream ? EventStream : null, model: "client");
        var answers = exchange.Send(Ask.ResponseBody("x \"mod", endOfStream: false)).Concat(exchange.Send(Ask.ResponseTrailers(("a", "b")))).ToList();
        Assert.Equal(ResponseTrailers, answers[^1].ResponseCase);
        Assert.Equal("x \"mod", string.Concat(Chunks(answers[..^1]).Select(c => c.Body)));
    }

    [Fact]
    public void NoRewrite_ModelInTheResponse_IsNotTouched()
    {
        using var exchange = Begin(new Rig());
        Assert.Equal([("{\"model\":\"other\"}", true)], Chunks(exchange.Send(Ask.ResponseBody("{\"model\":\"other\"}"))));
    }

    [Fact]
    public void SecondResponseHeaders_AreIgnored()
    {
        using var exchange = Begin(new Rig());
        Assert.Empty(exchange.Send(Ask.ResponseHeaders()));
    }

    [Fact]
    public void Usage_InTheLastEvents_IsCountedOnce()
    {
        var rig = new Rig();
        using (var exchange = Begin(rig, responseHeaders: EventStream))
        {
            rig.Time.Advance(0.5);
            exchange.Send(Ask.ResponseBody("data: {\"choices\":[]}\n\n", endOfStream: false));
            rig.Time.Advance(1);
            exchange.Send(Ask.ResponseBody("data: {\"usage\":{\"prompt_tokens\":7,\"compl", endOfStream: false));
            exchange.Send(Ask.ResponseBody("etion_tokens\":5,\"total_tokens\":12}}\n\ndata: [DONE]\n\n"));
        }

        var text = rig.Exposition();
        Assert.Contains("llm_d_epp_request_input_tokens_sum{fairness_id=\"default-flow\",model_name=\"m\",priority=\"0\",target_model_name=\"m\"} 7\n", text, StringComparison.Ordinal);
        Assert.Contains("llm_d_epp_request_output_tokens_sum{fairness_id=\"default-flow\",model_name=\"m\",priority=\"0\",target_model_name=\"m\"} 5\n", text, StringComparison.Ordinal);
        Assert.Contains("llm_d_epp_request_duration_seconds_sum{fairness_id=\"default-flow\",model_name=\"m\",priority=\"0\",target_model_name=\"m\"} 1.5\n", text, StringComparison.Ordinal);
        Assert.Contains("streaming=\"true\",target_model_name=\"m\"} 0.5\n", text, StringComparison.Ordinal);
        // (1.5 s - 0.5 s) / 4 further tokens
        Assert.Contains("llm_d_epp_request_streaming_tpot_seconds_sum{fairness_id=\"default-flow\",model_name=\"m\",priority=\"0\",target_model_name=\"m\"} 0.25\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Chunk_LargerThanTheReferencesMessages_IsCut()
    {
        using var exchange = Begin(new Rig(), responseHeaders: EventStream);
        var body = Encoding.UTF8.GetString(new byte[62_001]);
        Assert.Equal([62_000, 1], Chunks(exchange.Send(Ask.ResponseBody(body, endOfStream: false))).Select(c => c.Body.Length));
    }
}
