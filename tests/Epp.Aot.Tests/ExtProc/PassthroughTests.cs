using Epp.Testing;

namespace Epp.Aot.Tests.ExtProc;

/// <summary>A configuration whose only parser reads nothing (contract §10 row 19).</summary>
[Collection("ext_proc")]
[Trait("Category", "Unit")]
public sealed class PassthroughTests
{
    private const string Config = """
        apiVersion: llm-d.ai/v1alpha1
        kind: EndpointPickerConfig
        plugins: [{type: queue-scorer}, {type: passthrough-parser}]
        requestHandler: {parsers: [{pluginRef: passthrough-parser}]}
        """;

    [Theory]
    [InlineData("passthrough-parser")]
    [InlineData("{\"model\":\"m\"")]
    [InlineData("\0\u0001")]
    public void Case19_Body_IsRoutedByLoad_Unchanged_WithoutAModel(string body)
    {
        var rig = new Rig(config: Config, endpoints: 3);
        using var exchange = rig.Open();
        exchange.Send(Ask.Post(more: ("x-llm-d-model-name-rewrite", "other")));
        var answers = exchange.Send(Ask.Body(body));
        Assert.Equal("10.0.0.1:8000", answers[0].Destination());
        Assert.Equal(body, answers[1].RequestBody.Response.BodyMutation.StreamedResponse.Body.ToStringUtf8());
        Assert.Contains("inference_objective_request_total{model_name=\"\",", rig.Exposition(), StringComparison.Ordinal);
    }
}
