using Epp.Aot.Cli;
using Epp.Aot.Discovery.Kubernetes;
using Epp.Aot.Hosting;
using Epp.Native;

namespace Epp.Aot.Tests.Hosting;

[Trait("Category", "Unit")]
public sealed class KubernetesSettingsTests
{
    [Fact]
    public void Pool_Namespace_FlagThenVariableThenDefault()
    {
        Assert.Equal("f", Read(["--pool-name=p", "--pool-namespace=f"], "v").Namespace);
        Assert.Equal("v", Read(["--pool-name=p"], "v").Namespace);
        Assert.Equal("default", Read(["--pool-name=p"], null).Namespace);
    }

    [Theory]
    [InlineData(Dialect.Gaie, "epp-ns-p.gateway-api-inference-extension.sigs.k8s.io")]
    [InlineData(Dialect.LlmD, "epp-ns-p.llm-d.ai")]
    public void Lease_NameIsTheReferences(Dialect dialect, string name) =>
        Assert.Equal(name, Parse(["--pool-name=p", "--pool-namespace=ns"], dialect).Settings!.LeaseName);

    [Fact]
    public void Selector_TakesPoolNameFromThePod_AndPortsOnce()
    {
        var options = Read(["--endpoint-selector=app=vllm", "--endpoint-target-ports=8001,8000,8001"], null, "my-epp-7d9f-x2x");
        Assert.Equal(("my-epp", "app=vllm"), (options.PoolName, options.EndpointSelector));
        Assert.Equal([8001, 8000], options.TargetPorts);
    }

    [Theory]
    [InlineData("either --pool-name or --endpoint-selector must be set")]
    [InlineData("exclude each other", "--pool-name=p", "--endpoint-selector=a=b", "--endpoint-target-ports=1")]
    [InlineData("expected 1 to 8 ports", "--endpoint-selector=a=b")]
    [InlineData("expected 1 to 8 ports", "--endpoint-selector=a=b", "--endpoint-target-ports=1,2,3,4,5,6,7,8,9")]
    [InlineData("each 1 to 65535", "--endpoint-selector=a=b", "--endpoint-target-ports=70000")]
    [InlineData("is no requirement", "--endpoint-selector=a=b=c", "--endpoint-target-ports=1")]
    [InlineData("invalid value 'example.com' for flag --pool-group", "--pool-name=p", "--pool-group=example.com")]
    public void Mistake_IsNamed(string reason, params string[] args)
    {
        var (settings, errors) = Parse(args, Dialect.Gaie);
        Assert.Null(settings);
        Assert.Contains(reason, string.Join('\n', errors), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null, "POD_NAME is not set")]
    [InlineData("epp", "expected the name of a Deployment's pod")]
    [InlineData("-a-b", "expected the name of a Deployment's pod")]
    [InlineData("epp-A-b", "expected the name of a Deployment's pod")]
    [InlineData("epp--b", "expected the name of a Deployment's pod")]
    [InlineData("epp-a-", "expected the name of a Deployment's pod")]
    public void Selector_WithoutAPodOfADeployment_IsRefused(string? pod, string reason)
    {
        var (settings, errors) = Parse(["--endpoint-selector=a=b", "--endpoint-target-ports=1"], Dialect.LlmD, pod);
        Assert.Null(settings);
        Assert.Contains(reason, Assert.Single(errors), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("app=vllm")]
    [InlineData("app==vllm,tier!=x")]
    [InlineData("app in (a, b),!beta , llm-d.ai/role notin (prefill)")]
    [InlineData("app")]
    [InlineData("app=")]
    [InlineData("app in ()")]
    public void SelectorText_OfKubernetes_IsAccepted(string text) => Assert.Null(LabelSelectorText.Problem(text));

    [Theory]
    [InlineData("")]
    [InlineData(",")]
    [InlineData("a=b,")]
    [InlineData("=b")]
    [InlineData("!")]
    [InlineData("a b")]
    [InlineData("a in b")]
    [InlineData("a in (b")]
    [InlineData("a=b)")]
    [InlineData("-a=b")]
    [InlineData("/a=b")]
    [InlineData("x_y/a=b")]
    [InlineData("a=ä")]
    public void SelectorText_Malformed_IsRefused(string text) => Assert.NotNull(LabelSelectorText.Problem(text));

    private static KubernetesDiscoveryOptions Read(string[] args, string? ns, string? pod = null)
    {
        var (settings, errors) = Read(args, Dialect.LlmD, n => n == "NAMESPACE" ? ns : n == "POD_NAME" ? pod : null);
        Assert.Empty(errors);
        return settings!.Discovery;
    }

    private static (KubernetesSettings? Settings, IReadOnlyList<string> Errors) Parse(string[] args, Dialect dialect, string? pod = "a-b-c") =>
        Read(args, dialect, n => n == "POD_NAME" ? pod : null);

    private static (KubernetesSettings? Settings, IReadOnlyList<string> Errors) Read(string[] args, Dialect dialect, Func<string, string?> environment)
    {
        var flags = new FlagSet(EppFlags.All);
        flags.Parse(args);
        var errors = new List<string>(flags.Errors);
        var pool = PoolIdentity.Read(flags, environment, errors);
        return errors.Count > 0 ? (null, errors) : KubernetesSettings.Read(flags, pool, dialect);
    }
}
