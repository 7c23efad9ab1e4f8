using Epp.Aot.Cli;
using Epp.Aot.Configuration;
using Microsoft.Extensions.Logging;

namespace Epp.Aot.Tests.Cli;

[Trait("Category", "Unit")]
public sealed class StartConfigurationTests
{
    private const string WithDiscovery = """
        apiVersion: llm-d.ai/v1alpha1
        kind: EndpointPickerConfig
        plugins:
        - {type: file-discovery, parameters: {path: e.yaml}}
        - {type: max-score-picker, parameters: {maxNumOfEndpoints: 2}}
        dataLayer: {discovery: {pluginRef: file-discovery}}
        """;

    private static StartConfiguration Read(params string[] args)
    {
        var flags = new FlagSet(EppFlags.All);
        flags.Parse(args);
        return StartConfiguration.Read(flags, static name => name == "POD_NAME" ? "epp-5d8f9c-x2z7p" : null);
    }

    [Fact]
    public void EndpointsFile_WithTheBuiltInConfiguration_IsFollowed()
    {
        var start = Read("--endpoints-file", "e.yaml");
        Assert.Empty(start.Errors);
        Assert.Equal(new FileDiscoveryParameters("e.yaml", WatchFile: true), start.Config!.DataLayer.Discovery!.Parameters);
        Assert.Equal(0, start.ExitCode);
    }

    [Fact]
    public void ConfigText_SeveralEndpointsPerPick_Warns() =>
        Assert.Contains(Read("--pool-name=p", "--config-text", WithDiscovery).Warnings, w => w.StartsWith("maxNumOfEndpoints is above 1", StringComparison.Ordinal));

    [Theory]
    [InlineData(1, "exclude each other", "--config-file=a", "--config-text=b")]
    [InlineData(1, "--endpoints-file belongs to the built-in configuration", "--endpoints-file=a", "--config-text=b")]
    [InlineData(2, "for flag --grpc-port: expected a port", "--grpc-port=0")]
    [InlineData(2, "for flag --metrics-port: expected a port", "--metrics-port=65536")]
    [InlineData(2, "for flag --grpc-health-port: expected a port", "--grpc-health-port=-1")]
    [InlineData(2, "for flag --zap-encoder: expected json or console", "--zap-encoder=xml")]
    [InlineData(2, "for flag --zap-log-level: expected debug", "--zap-log-level=loud")]
    [InlineData(2, "unknown flag", "--kubeconf=x")]
    [InlineData(2, "for flag --drain-timeout: expected 0 or more", "--drain-timeout=-1s")]
    [InlineData(2, "for flag --refresh-prometheus-metrics-interval: expected more than 0", "--refresh-prometheus-metrics-interval=0")]
    [InlineData(2, "for flag --grpc-max-recv-msg-size: expected more than 0", "--grpc-max-recv-msg-size=0")]
    [InlineData(2, "for flag --tls-min-version: expected VersionTLS10", "--tls-min-version=1.2")]
    [InlineData(2, "for flag --model-server-metrics-scheme: expected http", "--model-server-metrics-scheme=ftp")]
    [InlineData(2, "for flag --model-server-metrics-port: expected a port", "--model-server-metrics-port=-1")]
    [InlineData(2, "for flag --lora-info-metric: ", "--lora-info-metric=a{b")]
    [InlineData(1, "either --pool-name or --endpoint-selector must be set")]
    [InlineData(1, "--pool-name and --endpoint-selector exclude each other", "--pool-name=p", "--endpoint-selector=a=b", "--endpoint-target-ports=1")]
    [InlineData(1, "with --endpoint-selector expected 1 to 8 ports", "--endpoint-selector=a=b")]
    [InlineData(1, "with --endpoint-selector expected 1 to 8 ports", "--endpoint-selector=a=b", "--endpoint-target-ports=0")]
    [InlineData(2, "needs --metrics-cert-dir", "--pool-name=p", "--metrics-client-ca-file=x")]
    [InlineData(1, "cannot read the configuration", "--pool-name=p", "--config-file=does-not-exist.yaml")]
    [InlineData(1, "kind: is missing", "--pool-name=p", "--config-text=apiVersion: llm-d.ai/v1alpha1")]
    public void Mistake_StopsTheStartWithItsCodeAndReason(int exitCode, string reason, params string[] args)
    {
        var start = Read(args);
        Assert.Null(start.Config);
        Assert.Equal(exitCode, start.ExitCode);
        Assert.Contains(reason, string.Join('\n', start.Errors), StringComparison.Ordinal);
    }

    [Fact]
    public void Mistakes_OfFlagsAndTheirCombination_AreReportedTogether() => Assert.Equal(3, Read("--grpc-port=0", "--zap-encoder=x", "--bogus=1").Errors.Count);

    [Fact]
    public void Pool_FromFlagsAndEnvironment()
    {
        Assert.Equal(("p", "default", "inference.networking.k8s.io"), Identity(Read("--pool-name=p")));
        Assert.Equal(("p", "n", "inference.networking.x-k8s.io"), Identity(Read("--pool-name", "p", "--pool-namespace", "n", "--pool-group", "inference.networking.x-k8s.io")));
        var selected = Read("--endpoint-selector=app in (a,b)", "--endpoint-target-ports=8000,8001").Pool!;
        Assert.Equal(("epp", "app in (a,b)"), (selected.Name, selected.Selector));
        Assert.Equal([8000, 8001], selected.TargetPorts);
        var flags = new FlagSet(EppFlags.All);
        flags.Parse(["--endpoint-selector=a=b", "--endpoint-target-ports=1"]);
        Assert.Contains("variable POD_NAME is not set", Assert.Single(StartConfiguration.Read(flags, static _ => "").Errors), StringComparison.Ordinal);
        Assert.Contains("POD_NAME is 'x'", Assert.Single(StartConfiguration.Read(flags, static _ => "x").Errors), StringComparison.Ordinal);

        static (string, string, string) Identity(StartConfiguration start) => (start.Pool!.Name, start.Pool.Namespace, start.Pool.Group);
    }

    [Fact]
    public void ScrapeFlags_StandForTheirPlaceInTheConfiguration()
    {
        var start = Read(
            "--pool-name=p", "--total-queued-requests-metric", "q{a=b}", "--lora-info-metric", "", "--model-server-metrics-port=9000",
            "--model-server-metrics-path=m", "--model-server-metrics-scheme=https", "--model-server-metrics-https-insecure-skip-verify=false");
        Assert.Equal(2, start.Warnings.Count);
        Assert.All(start.Warnings, w => Assert.Contains("in llm-d, applied to the default", w, StringComparison.Ordinal));
        var source = Assert.Single(start.Config!.DataLayer.Sources);
        Assert.Equal(new MetricsSourceParameters("https", "/m", 9000, InsecureSkipVerify: false, PortIfAlone: true), source.Source.Parameters);
        var engine = Assert.Single(Assert.IsType<MetricsExtractorParameters>(Assert.Single(source.Extractors).Parameters).Engines!);
        Assert.Equal(("vllm", "q{a=b}", "", "vllm:kv_cache_usage_perc"), (engine.Name, engine.QueuedRequestsSpec, engine.LoraSpec, engine.KvUsageSpec));

        const string Own = """
            apiVersion: inference.networking.x-k8s.io/v1alpha1
            kind: EndpointPickerConfig
            plugins:
            - {type: metrics-data-source, parameters: {port: 1}}
            - {type: core-metrics-extractor, parameters: {engineConfigs: [{name: vllm, queuedRequestsSpec: own}]}}
            dataLayer: {sources: [{pluginRef: metrics-data-source, extractors: [{pluginRef: core-metrics-extractor}]}]}
            """;
        var kept = Read("--pool-name=p", "--config-text", Own, "--total-queued-requests-metric=q", "--model-server-metrics-port=9000");
        Assert.Equal(2, kept.Warnings.Count(w => w.Contains(": ignored, the configuration's", StringComparison.Ordinal)));
        Assert.Equal(new MetricsSourceParameters(Port: 1), Assert.Single(kept.Config!.DataLayer.Sources).Source.Parameters);
    }

    [Theory]
    [InlineData(0, "profile: default", "--config-text=" + WithDiscovery)]
    [InlineData(1, "error: --config-text:3:18: plugins[0].type: unknown plugin type 'no-such'", "--config-text=apiVersion: llm-d.ai/v1alpha1\nkind: EndpointPickerConfig\nplugins: [{type: no-such}]")]
    [InlineData(2, "error: nothing to validate")]
    [InlineData(2, "unknown flag: --no-such-flag", "--config-text=x", "--no-such-flag")]
    public void Validate_PrintsTheConfigurationInForce_OrEveryError(int exitCode, string expected, params string[] args)
    {
        using var output = new StringWriter();
        Assert.Equal(exitCode, ValidateCommand.Run(args, static _ => null, output, output));
        Assert.Contains(expected, output.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("0", 0)]
    [InlineData("1000000", 1_000_000)]
    [InlineData("10MiB", 10L << 20)]
    [InlineData("25MB", 25_000_000)]
    [InlineData("512Mi", 512L << 20)]
    [InlineData("1.5Gi", 3L << 29)]
    [InlineData("3k", 3000)]
    [InlineData("2Ti", 2L << 40)]
    [InlineData("7B", 7)]
    public void ByteQuantity_OfKubernetes_IsRead(string text, long expected)
    {
        Assert.True(ByteQuantity.TryParse(text, out var bytes));
        Assert.Equal(expected, bytes);
    }

    [Theory]
    [InlineData("")]
    [InlineData("B")]
    [InlineData("Mi")]
    [InlineData("-1")]
    [InlineData("1.2.3")]
    [InlineData("1 Mi")]
    [InlineData("1Zi")]
    [InlineData("99999999999999Ti")]
    public void ByteQuantity_Else_IsRefused(string text) => Assert.False(ByteQuantity.TryParse(text, out _));

    [Theory]
    [InlineData(-3, "", LogLevel.Information)]
    [InlineData(0, "", LogLevel.Information)]
    [InlineData(2, "", LogLevel.Information)]
    [InlineData(3, "", LogLevel.Information)]
    [InlineData(4, "", LogLevel.Debug)]
    [InlineData(5, "", LogLevel.Trace)]
    [InlineData(2, "debug", LogLevel.Debug)]
    [InlineData(5, "error", LogLevel.Error)]
    [InlineData(5, "info", LogLevel.Information)]
    [InlineData(2, "4", LogLevel.Debug)]
    public void Verbosity_ZapLevelWinsOverV(int v, string zap, LogLevel expected) => Assert.Equal(expected, Verbosity.Level(v, zap));
}
