using Epp.Native.Templates;

namespace Epp.Native.Tests.Templates;

[Trait("Category", "Unit")]
public sealed class NestedFloatTests
{
    /// <summary>By itself a float is printed by the engine's own rule; within a list or map minijinja leaves it to Rust.</summary>
    [Theory]
    [InlineData(TemplateFlavour.Jinja2, "1e-07 [1e-07, 1e+16, 0.0001, 5e-05, -0.0]")]
    [InlineData(TemplateFlavour.Dynamo12, "0.0000001 [1e-7, 1e16, 0.0001, 5e-5, -0.0]")]
    [InlineData(TemplateFlavour.Dynamo14, "0.0000001 [1e-7, 1e16, 0.0001, 5e-5, -0.0]")]
    [InlineData(TemplateFlavour.Dynamo16, "1e-07 [1e-7, 1e16, 0.0001, 5e-5, -0.0]")]
    public void Render_FloatInAList_FollowsTheEngine(TemplateFlavour flavour, string expected) =>
        Assert.Equal(expected, Rendering.Of("{{ x[0] }} {{ x }}", """{"x":[1e-07,1e16,0.0001,0.00005,-0.0]}""", flavour).Prompt);
}
