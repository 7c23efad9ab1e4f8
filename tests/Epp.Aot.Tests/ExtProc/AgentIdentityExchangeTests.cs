using Epp.Testing;

namespace Epp.Aot.Tests.ExtProc;

/// <summary>The session of an agent as the fairness id (plugins §1.5 step 6, §5.9).</summary>
[Collection("ext_proc")]
[Trait("Category", "Unit")]
public sealed class AgentIdentityExchangeTests
{
    private const string Config = """
        apiVersion: llm-d.ai/v1alpha1
        kind: EndpointPickerConfig
        plugins: [{type: queue-scorer}, {type: agent-identity, parameters: {additionalSessionHeaders: [X-Team]}}, {name: second, type: agent-identity, parameters: {additionalSessionHeaders: [x-other]}}]
        """;

    [Theory]
    [InlineData("default-flow")]
    [InlineData("s1", "x-claude-code-session-id", "s1")]
    [InlineData("s2", "session_id", "s2", "x-went", "x")]
    [InlineData("t", "x-claude-code-session-id", "s1", "x-team", "t")]
    [InlineData("o", "x-claude-code-session-id", "s1", "x-other", "o")]
    [InlineData("f", "x-claude-code-session-id", "s1", "x-llm-d-inference-fairness-id", "f")]
    [InlineData("g", "x-team", "t", "x-gateway-inference-fairness-id", "g")]
    public void Session_IsTheFairnessIdUnlessTheClientSendsOne(string expected, params string[] headers)
    {
        var rig = new Rig(config: Config);
        using var exchange = rig.Open();
        exchange.Send(Ask.Post(more: [.. headers.Chunk(2).Select(h => (h[0], h[1]))]));
        exchange.Send(Ask.Body(Ask.ChatBody()));
        Assert.Contains($"llm_d_epp_request_total{{fairness_id=\"{expected}\",", rig.Exposition(), StringComparison.Ordinal);
    }

    [Fact]
    public void WithoutThePlugin_SessionsAreNotLookedAt()
    {
        var rig = new Rig();
        using var exchange = rig.Open();
        exchange.Send(Ask.Post(more: ("x-claude-code-session-id", "s1")));
        exchange.Send(Ask.Body(Ask.ChatBody()));
        Assert.Contains("llm_d_epp_request_total{fairness_id=\"default-flow\",", rig.Exposition(), StringComparison.Ordinal);
    }
}
