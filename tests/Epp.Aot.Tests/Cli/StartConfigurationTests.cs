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
        return StartConfiguration.Read(flags);
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
        Assert.Contains(Read("--config-text", WithDiscovery).Warnings, w => w.StartsWith("maxNumOfEndpoints is above 1", StringComparison.Ordinal));

    [Theory]
    [InlineData(2, "exclude each other", "--config-file=a", "--config-text=b")]
    [InlineData(2, "--endpoints-file belongs to the built-in configuration", "--endpoints-file=a", "--config-text=b")]
    [InlineData(2, "for flag --grpc-port: expected a port", "--grpc-port=0")]
    [InlineData(2, "for flag --metrics-port: expected a port", "--metrics-port=65536")]
    [InlineData(2, "for flag --grpc-health-port: expected a port", "--grpc-health-port=-1")]
    [InlineData(2, "for flag --zap-encoder: expected json or console", "--zap-encoder=xml")]
    [InlineData(2, "unknown flag", "--no-such-flag=x")]
    [InlineData(2, "for flag --drain-timeout: expected 0 or more", "--drain-timeout=-1s")]
    [InlineData(2, "for flag --refresh-prometheus-metrics-interval: expected more than 0", "--refresh-prometheus-metrics-interval=0")]
    [InlineData(2, "for flag --grpc-max-recv-msg-size: expected more than 0", "--grpc-max-recv-msg-size=0")]
    [InlineData(2, "for flag --max-buffered-bytes: expected more than 0", "--max-buffered-bytes=")]
    [InlineData(1, "cannot read the configuration", "--config-file=does-not-exist.yaml")]
    [InlineData(1, "kind: is missing", "--config-text=apiVersion: llm-d.ai/v1alpha1")]
    public void Mistake_StopsTheStartWithItsCodeAndReason(int exitCode, string reason, params string[] args)
    {
        var start = Read(args);
        Assert.Null(start.Config);
        Assert.Equal(exitCode, start.ExitCode);
        Assert.Contains(reason, string.Join('\n', start.Errors), StringComparison.Ordinal);
    }

    [Fact]
    public void Mistakes_OfFlagsAndTheirCombination_AreReportedTogether() => Assert.Equal(3, Read("--grpc-port=0", "--zap-encoder=x", "--bogus=1").Errors.Count);

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
