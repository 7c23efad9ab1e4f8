using Epp.Aot.Configuration;
using Epp.Aot.Hosting;
using Epp.Native;

namespace Epp.Aot.Tests.Hosting;

/// <summary>Contract §4.4, §10 rows 38 and 39.</summary>
[Trait("Category", "Unit")]
public sealed class ReadinessTests
{
    private const string ExtProc = "envoy.service.ext_proc.v3.ExternalProcessor";

    private static readonly string[] Names = ["", "liveness", "readiness", ExtProc, "inference-extension", "no-such-service"];

    [Theory]
    [InlineData(true, true, false, "Serving")]
    [InlineData(false, true, false, "NotServing")]
    [InlineData(true, false, false, "NotServing")]
    [InlineData(true, true, true, "NotServing")]
    public void Case38_WithoutLeaderElection_AnyNameHasTheSameAnswer(bool live, bool protocol, bool draining, string expected)
    {
        var readiness = new Readiness(new HealthSources(() => live) { ProtocolMatches = () => protocol }) { Draining = draining };
        Assert.All(Names, name => Assert.Equal(expected, readiness.Check(name).ToString()));
        Assert.Equal([ExtProc], readiness.Listed);
        Assert.Equal(["", ExtProc], Readiness.ListedAtExtProc);
        Assert.All(Names, name => Assert.Equal(name is "" or ExtProc ? expected : "Unknown", readiness.CheckAtExtProc(name).ToString()));
    }

    [Theory]
    [InlineData(true, true, true, false, "Serving")]
    [InlineData(true, false, true, false, "NotServing")]
    [InlineData(false, true, true, false, "NotServing")]
    [InlineData(true, true, false, false, "NotServing")]
    [InlineData(true, true, true, true, "NotServing")]
    public void Case39_WithLeaderElection_OnlyKnownNamesAreAnswered(bool live, bool leads, bool protocol, bool draining, string expected)
    {
        var readiness = new Readiness(new HealthSources(() => live) { Leads = () => leads, ProtocolMatches = () => protocol }) { Draining = draining };
        Assert.Equal("Serving", readiness.Check("liveness").ToString());
        Assert.All((string[])["", "readiness", ExtProc], name => Assert.Equal(expected, readiness.Check(name).ToString()));
        Assert.All((string[])["inference-extension", "no-such-service"], name => Assert.Equal("ServiceUnknown", readiness.Check(name).ToString()));
        Assert.Equal(["liveness", "readiness", ExtProc], readiness.Listed);
    }

    [Theory]
    [InlineData("", true, "openai-parser", "vllmgrpc-parser")]
    [InlineData("http", true, "openai-parser", "passthrough-parser")]
    [InlineData("kubernetes.io/h2c", true, "openai-parser", "vllmgrpc-parser")]
    [InlineData("http", false, "openai-parser", "vllmgrpc-parser")]
    [InlineData("http", true)]
    public void Case38_ProtocolOfThePool_EveryBoundParserMustHaveIt(string protocol, bool matches, params string[] parsers)
    {
        var loaded = EppConfigLoader.Load(EppConfigLoader.BuiltIn, "built-in").Config!;
        var config = loaded with { Dialect = Dialect.LlmD, Parsers = [.. parsers.Select(p => new PluginConfig(p, p, PluginKind.Parser, new NoParameters()))] };
        Assert.Equal(matches, AppProtocols.Match(config, protocol));
        Assert.True(AppProtocols.Match(config with { Dialect = Dialect.Gaie }, protocol));
    }
}
