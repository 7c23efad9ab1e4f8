using System.Security.Authentication;
using Epp.Aot.Cli;

namespace Epp.Aot.Tests.Cli;

[Trait("Category", "Unit")]
public sealed class TlsFlagsTests
{
    [Theory]
    [InlineData("", SslProtocols.Tls12 | SslProtocols.Tls13)]
    [InlineData("VersionTLS10", SslProtocols.Tls12 | SslProtocols.Tls13)]
    [InlineData("VersionTLS12", SslProtocols.Tls12 | SslProtocols.Tls13)]
    [InlineData("VersionTLS13", SslProtocols.Tls13)]
    public void MinVersion_Known_GivesProtocols(string text, SslProtocols expected)
    {
        var errors = new List<string>();
        Assert.Equal(expected, TlsPolicy.Read(text, "", errors).Protocols);
        Assert.Empty(errors);
    }

    [Fact]
    public void Unknown_VersionAndSuite_AreErrorsThatNameThem()
    {
        var errors = new List<string>();
        TlsPolicy.Read("TLS1.2", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, ECDHE-RSA-AES128-GCM-SHA256", errors);
        Assert.Equal(2, errors.Count);
        Assert.Contains("'TLS1.2'", errors[0], StringComparison.Ordinal);
        Assert.Contains("'ECDHE-RSA-AES128-GCM-SHA256'", errors[1], StringComparison.Ordinal);
    }

    [Fact]
    public void Suites_Known_KeepThoseOfTls13()
    {
        var suites = TlsPolicy.Read("", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", []).Suites!;
        Assert.Equal(4, OperatingSystem.IsLinux() ? suites.AllowedCipherSuites.Count() : 4);
    }

    [Theory]
    [InlineData("--metrics-client-ca-file=/x", "needs --metrics-cert-dir")]
    [InlineData("--metrics-cert-dir=/no/such/folder", "no such folder")]
    [InlineData("--metrics-cert-dir=/tmp --metrics-endpoint-auth=false", "without anybody to check")]
    [InlineData("--metrics-cert-dir=/tmp", null)]
    [InlineData("--metrics-cert-dir=/tmp --metrics-endpoint-auth=false --metrics-client-ca-file=/x", null)]
    public void MetricsFlags_Rules_AreChecked(string arguments, string? expected)
    {
        var flags = new FlagSet(EppFlags.All);
        flags.Parse(arguments.Split(' '));
        var errors = new List<string>(flags.Errors);
        TlsPolicy.Check(flags, errors);
        Assert.Equal(expected is null ? 0 : 1, errors.Count);
        Assert.True(expected is null || errors[0].Contains(expected, StringComparison.Ordinal), string.Join('\n', errors));
    }
}
