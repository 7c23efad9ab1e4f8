using System.Text;
using Epp.Aot.Configuration;

namespace Epp.Aot.Tests.Configuration;

/// <summary>What concerns an exchange beside its endpoint: identities, reports, and what llm-d calls experimental.</summary>
public partial class EppConfigLoaderTests
{
    [Fact]
    public void Load_ExperimentalPlugin_NeedsTheFlag()
    {
        const string Text = Head + "plugins: [{type: queue-scorer}, {type: agent-identity, parameters: {additionalSessionHeaders: [A, b]}}]\n";
        AssertError(Text, "test:3:40: plugins[1].type: 'agent-identity' is experimental in llm-d; start with --allow-experimental-plugins");
        var config = EppConfigLoader.Load(Encoding.UTF8.GetBytes(Text), "test", allowExperimental: true).Config;
        Assert.Equal(["A", "b"], Assert.IsType<AgentIdentityParameters>(config!.Plugin("agent-identity").Parameters).Headers);
        foreach (var type in (string[])["sheddable-eviction-filter", "priority-then-time-eviction-order-policy", "soft-reflective-ceiling-policy", "priority-holdback-policy"])
        {
            AssertError($"{Head}plugins: [{{type: {type}, parameters: {{minCeiling: 0.5}}}}]\n", $"'{type}' is experimental in llm-d");
        }

        AssertError(Head + "plugins: [{type: agent-identity, parameters: {additionalSessionHeaders: [[x]]}}]\n", "additionalSessionHeaders[0]: found a list, expected the name of a header");
    }

    [Theory]
    [InlineData("{}", "plugins[0].parameters.attributes: has 0 entries; expected exactly one")]
    [InlineData("{attributes: [{key: {name: a}, expression: '1'}, {key: {name: b}, expression: '2'}]}", "has 2 entries")]
    [InlineData("{attributes: [{key: {name: a}}]}", "attributes[0].expression: is missing or empty")]
    [InlineData("{attributes: [{expression: '1'}]}", "attributes[0].key.name: is missing or empty")]
    [InlineData("{attributes: [{key: {name: a}, expression: usage.prompt_tokens + -}]}", "attributes[0].expression: character 24: found the end")]
    [InlineData("{attributes: [{key: {name: a}, expression: '1', condition: 'usage.prompt_tokens > '}]}", "attributes[0].condition: character 23: found the end")]
    [InlineData("{attributes: [{key: {name: a, space: b}, expression: '1'}]}", "attributes[0].key.space: unknown key")]
    [InlineData("{attributes: [{key: {name: a}, expression: '1', when: x}]}", "attributes[0].when: unknown key")]
    public void Load_BadReporter_IsAnErrorWithItsPlace(string parameters, string expected) =>
        AssertError($"{Head}plugins: [{{type: request-attribute-reporter, parameters: {parameters}}}]\n", expected);

    [Fact]
    public void Load_Reporter_KeepsWhatWasWritten_AndWarnsOfUnknownFields()
    {
        var result = Load(Head + """
            plugins:
            - {type: queue-scorer}
            - {type: request-attribute-reporter, parameters: {attributes: [{key: {name: cost}, expression: usage.reasoning_tokens, condition: "true"}]}}
            """);
        Assert.Contains("attributes[0].expression: reads a field that usage never has", Assert.Single(result.Warnings).ToString(), StringComparison.Ordinal);
        var parameters = Assert.IsType<UsageReporterParameters>(result.Config!.Plugin("request-attribute-reporter").Parameters);
        Assert.Equal("envoy.lb cost = usage.reasoning_tokens if true", parameters.ToString());
        Assert.Contains("reporter: request-attribute-reporter, envoy.lb cost = ", ConfigSummary.Of(result.Config), StringComparison.Ordinal);
    }
}
