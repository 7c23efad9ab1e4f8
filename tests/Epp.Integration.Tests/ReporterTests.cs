using Epp.Testing;
using static Epp.Testing.Protos.ProcessingResponse.ResponseOneofCase;

namespace Epp.Integration.Tests;

/// <summary>Plugins that read a request's headers or report on its response, in a running process.</summary>
[Trait("Category", "Integration")]
public sealed class ReporterTests(ReporterTests.WithReporters running) : IClassFixture<ReporterTests.WithReporters>
{
    private EppProcess Epp => running.Epp;

    /// <summary>An agent's identity, and the sum of the tokens as the cost.</summary>
    public sealed class WithReporters : RunningEpp
    {
        protected override IReadOnlyList<string> Flags => ["--allow-experimental-plugins"];

        protected override string Config => """
            apiVersion: llm-d.ai/v1alpha1
            kind: EndpointPickerConfig
            plugins:
            - {type: file-discovery, parameters: {path: "@ENDPOINTS@", watchFile: true}}
            - type: queue-scorer
            - type: agent-identity
              parameters: {additionalSessionHeaders: [X-My-Agent]}
            - type: request-attribute-reporter
              parameters:
                attributes:
                - key: {name: x-gateway-inference-request-cost}
                  expression: |
                    usage.prompt_tokens + usage.completion_tokens
                  condition: has(usage.prompt_tokens) && has(usage.completion_tokens)
            dataLayer:
              discovery: {pluginRef: file-discovery}
            """;
    }

    [Fact]
    public async Task Case24_AgentIdentity_IsTheFairnessIdUnlessTheHeaderIsSet()
    {
        await Epp.PickAsync(Ask.ChatBody("case24"), headers: [("X-Claude-Code-Session-Id", "session-1")]);
        await Epp.PickAsync(Ask.ChatBody("case24"), headers: [("x-claude-code-session-id", "loser"), ("x-my-agent", "session-2")]);
        await Epp.PickAsync(Ask.ChatBody("case24"), headers: [("session_id", "loser"), ("x-gateway-inference-fairness-id", "tenant")]);
        await Epp.PickAsync(Ask.ChatBody("case24"));
        var metrics = await Epp.MetricsAsync();
        foreach (var id in new[] { "session-1", "session-2", "tenant", "default-flow" })
        {
            Assert.Equal(1, metrics.Sum("llm_d_epp_request_total", ("model_name", "case24"), ("fairness_id", id)));
        }

        Assert.Equal(0, metrics.Sum("llm_d_epp_request_total", ("fairness_id", "loser")));
    }

    [Fact]
    public async Task Case35_Metadata_StandsOnTheLastBodyMessageOnly()
    {
        await using var stream = Epp.Open();
        await stream.SendAsync(Ask.Post());
        await stream.SendAsync(Ask.Body(Ask.ChatBody("case35", stream: true)));
        Assert.Equal(["x-gateway-destination-endpoint"], (await stream.AnswerAsync()).Headers!.DynamicMetadata.Fields["envoy.lb"].StructValue.Fields.Keys);
        await stream.SendAsync(Ask.ResponseHeaders(headers: [(":status", "200"), ("content-type", "text/event-stream")]));
        Assert.Null((await stream.ExpectAsync(ResponseHeaders)).DynamicMetadata);
        await stream.SendAsync(Ask.ResponseBody("data: {\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":10,\"total_tokens\":17}}\n\n", endOfStream: false));
        Assert.Null((await stream.ExpectAsync(ResponseBody)).DynamicMetadata);
        await stream.SendAsync(Ask.ResponseBody("data: [DONE]\n\n"));
        var last = (await stream.ExpectAsync(ResponseBody)).DynamicMetadata;
        Assert.Equal(17, Assert.Single(Assert.Single(last.Fields).Value.StructValue.Fields).Value.NumberValue);
        Assert.Equal("x-gateway-inference-request-cost", Assert.Single(last.Fields["envoy.lb"].StructValue.Fields).Key);
    }
}
