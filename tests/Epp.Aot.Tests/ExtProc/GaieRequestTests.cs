using Epp.Aot.ExtProc;
using Epp.Native;
using Epp.Testing;

namespace Epp.Aot.Tests.ExtProc;

/// <summary>Where GAIE's request and response differ from llm-d's (recorded: transcripts-kube/gaie).</summary>
[Collection("ext_proc")]
[Trait("Category", "Unit")]
public sealed class GaieRequestTests
{
    [Theory]
    [InlineData("x-llm-d-model-name-rewrite", "m", "m")]
    [InlineData("x-gateway-model-name-rewrite", "m", "target")]
    [InlineData("x-none", "", "")]
    public void OlderHeaderNamesOnly_AndTheEmptyModel(string header, string model, string expected)
    {
        using var exchange = new Rig(new ExtProcOptions(Dialect.Gaie)).Open();
        exchange.Send(Ask.Post(more: (header, "target")));
        var answers = exchange.Send(Ask.Body(Ask.ChatBody(model)));
        Assert.Equal(Ask.ChatBody(expected), answers[1].RequestBody.Response.BodyMutation.StreamedResponse.Body.ToStringUtf8());
    }

    [Theory]
    [InlineData("""{"messages":[{"role":"user","content":"hi"}]}""")]
    [InlineData("""{"model":null,"messages":[{"role":"user","content":"hi"}]}""")]
    public void RewriteHeader_DoesNotSupplyAModel(string body)
    {
        using var exchange = new Rig(new ExtProcOptions(Dialect.Gaie)).Open();
        exchange.Send(Ask.Post(more: ("x-gateway-model-name-rewrite", "target")));
        Assert.Equal("inference gateway: BadRequest - model not found in request body", exchange.Refused(Ask.Body(body)).Body.ToStringUtf8());
    }

    [Theory]
    [InlineData(Dialect.Gaie, "target")]
    [InlineData(Dialect.LlmD, "m")]
    public void Response_KeepsTheTargetsNameInGaie(Dialect dialect, string expected)
    {
        using var exchange = new Rig(new ExtProcOptions(dialect)).Open();
        exchange.Send(Ask.Post(more: ("x-gateway-model-name-rewrite", "target")));
        exchange.Send(Ask.Body(Ask.ChatBody()));
        exchange.Send(Ask.ResponseHeaders());
        var answer = exchange.Send(Ask.ResponseBody("""{"model":"target"}"""));
        Assert.Equal($$"""{"model":"{{expected}}"}""", answer[0].ResponseBody.Response.BodyMutation.StreamedResponse.Body.ToStringUtf8());
    }
}
