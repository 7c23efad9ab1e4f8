using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Epp.Testing;
using Google.Protobuf;
using static Epp.Testing.Protos.ProcessingResponse.ResponseOneofCase;

namespace Epp.Integration.Tests;

/// <summary>TLS of the ext_proc and metrics ports with real handshakes (contract §4.1, §4.5).</summary>
[Trait("Category", "Integration")]
public sealed class TlsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("epp-tls").FullName;
    private readonly TestAuthority _authority = new();

    public void Dispose()
    {
        _authority.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Certificate_Renewed_NewConnectionsGetItAndOpenStreamsGoOn()
    {
        using var first = _authority.Issue("first");
        using var second = _authority.Issue("second");
        _authority.Write(_folder, first);
        await using var worker = await FakeWorker.StartAsync();
        await using var epp = await StartAsync([worker.HostPort], "--enable-cert-reload");
        await using var stream = epp.Open();
        await stream.SendAsync(Ask.Post());
        await stream.SendAsync(Ask.Body(Ask.ChatBody()));
        await stream.AnswerAsync();
        var shown = await ShakeAsync(epp.GrpcPort);
        Assert.Equal(first.Thumbprint, shown.Certificate);
        Assert.True(shown.ChainsToRoot, "the intermediate of tls.crt was not sent");
        Assert.Equal("h2", shown.Alpn);

        File.WriteAllText(Path.Combine(_folder, "tls.crt"), "half a file");
        await epp.WaitForMetricAsync("certwatcher_read_certificate_errors_total", 1);
        Assert.Equal(first.Thumbprint, (await ShakeAsync(epp.GrpcPort)).Certificate);

        _authority.Write(_folder, second);
        await epp.WaitForMetricAsync("certwatcher_read_certificate_total", 2);
        Assert.Equal(second.Thumbprint, (await ShakeAsync(epp.GrpcPort)).Certificate);
        await stream.SendAsync(Ask.ResponseHeaders());
        await stream.ExpectAsync(ResponseHeaders);
        await stream.SendAsync(Ask.ResponseBody("{}"));
        await stream.ExpectAsync(ResponseBody);
        await stream.HalfCloseAsync();
        Assert.Equal(0, (await stream.EndAsync()).Code);
    }

    /// <summary>Envoy's gRPC client says <c>http</c> in <c>:scheme</c> whatever the transport is; Go's server takes that.</summary>
    [Fact]
    public async Task Scheme_HttpOverTls_AsEnvoySaysIt_IsServed()
    {
        await using var worker = await FakeWorker.StartAsync();
        await using var epp = await EppProcess.StartAsync(new EppOptions { Endpoints = [worker.HostPort], Tls = true });
        using var tcp = new TcpClient();
        await tcp.ConnectAsync("127.0.0.1", epp.GrpcPort);
        await using var tls = new SslStream(tcp.GetStream(), false, (_, shown, _, _) => shown is not null);
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "epp", ApplicationProtocols = [SslApplicationProtocol.Http2] }).WaitAsync(Wait.Limit);
        byte[] messages = [.. GrpcChannel.Frame(Ask.Post().ToByteArray()), .. GrpcChannel.Frame(Ask.Body(Ask.ChatBody("scheme")).ToByteArray())];
        await tls.WriteAsync((byte[])
        [
            .. RawHttp2.Preface, .. RawHttp2.Frame(RawHttp2.Settings, 0, 0, []),
            .. RawHttp2.Frame(RawHttp2.Headers, RawHttp2.EndHeaders, 1, RawHttp2.ProcessHeaders()), .. RawHttp2.Frame(RawHttp2.Data, 0, 1, messages),
        ]);
        await epp.WaitForMetricAsync("llm_d_epp_request_total", 1, ("model_name", "scheme"));
    }

    [Fact]
    public async Task Versions_AndSuites_AreThoseOfTheFlags()
    {
        using var certificate = _authority.Issue("epp");
        _authority.Write(_folder, certificate);
        await using (var only13 = await StartAsync([], "--tls-min-version=VersionTLS13"))
        {
            Assert.Equal(SslProtocols.Tls13, (await ShakeAsync(only13.GrpcPort)).Protocol);
            await Assert.ThrowsAnyAsync<Exception>(() => ShakeAsync(only13.GrpcPort, SslProtocols.Tls12));
        }

        await using var suite = await StartAsync([], "--tls-cipher-suites=TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384");
        Assert.Equal(TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, (await ShakeAsync(suite.GrpcPort, SslProtocols.Tls12)).Suite);
        Assert.Equal(SslProtocols.Tls13, (await ShakeAsync(suite.GrpcPort)).Protocol);
        await Assert.ThrowsAnyAsync<Exception>(() => ShakeAsync(suite.GrpcPort, SslProtocols.Tls12, TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256));
    }

    [Fact]
    public async Task MetricsPort_ClientAuthority_LetsOnlyItsClientsIn()
    {
        using var certificate = _authority.Issue("epp");
        _authority.Write(_folder, certificate);
        var authorities = Path.Combine(_folder, "ca.crt");
        File.WriteAllText(authorities, _authority.Root.ExportCertificatePem() + "\n" + _authority.Intermediate.ExportCertificatePem());
        await using var epp = EppProcess.Launch(new EppOptions { Flags = [$"--metrics-cert-dir={_folder}", $"--metrics-client-ca-file={authorities}"] });
        using var client = _authority.Issue("prometheus", client: true);
        await Wait.UntilAsync(async () => await MetricsAsync(epp.MetricsPort, client) is { } text && text.Contains("llm_d_epp_info", StringComparison.Ordinal));

        using var strangers = new TestAuthority("strangers");
        using var stranger = strangers.Issue("prometheus", client: true);
        using var server = _authority.Issue("server");
        Assert.Null(await MetricsAsync(epp.MetricsPort, stranger));
        Assert.Null(await MetricsAsync(epp.MetricsPort, server));
        Assert.Null(await MetricsAsync(epp.MetricsPort, null));
    }

    private Task<EppProcess> StartAsync(string[] endpoints, params string[] flags) =>
        EppProcess.StartAsync(new EppOptions { Endpoints = endpoints, Tls = true, Flags = [$"--cert-path={_folder}", .. flags] });

    private async Task<Handshake> ShakeAsync(int port, SslProtocols protocols = SslProtocols.None, TlsCipherSuite? only = null)
    {
        using var tcp = new TcpClient();
        await tcp.ConnectAsync("127.0.0.1", port);
        var chains = false;
        await using var tls = new SslStream(tcp.GetStream());
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = "epp",
            EnabledSslProtocols = protocols,
            CipherSuitesPolicy = only is { } suite && OperatingSystem.IsLinux() ? new CipherSuitesPolicy([suite]) : null,
            ApplicationProtocols = [SslApplicationProtocol.Http2],
            RemoteCertificateValidationCallback = (_, shown, sent, _) =>
            {
                using var chain = new X509Chain { ChainPolicy = { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck } };
                chain.ChainPolicy.CustomTrustStore.Add(_authority.Root);
                chain.ChainPolicy.ExtraStore.AddRange(sent!.ChainPolicy.ExtraStore);
                chains = chain.Build((X509Certificate2)shown!);
                return shown is not null;
            },
        }).WaitAsync(Wait.Limit);
        return new Handshake(((X509Certificate2)tls.RemoteCertificate!).Thumbprint, chains, tls.NegotiatedApplicationProtocol.ToString(), tls.SslProtocol, tls.NegotiatedCipherSuite);
    }

    /// <summary>The exposition; null where the server refused the connection.</summary>
    private static async Task<string?> MetricsAsync(int port, X509Certificate2? certificate)
    {
        using var handler = new SocketsHttpHandler
        {
            SslOptions = new SslClientAuthenticationOptions
            {
                RemoteCertificateValidationCallback = (_, shown, _, _) => shown is not null,
                LocalCertificateSelectionCallback = certificate is null ? null : (_, _, _, _, _) => certificate,
            },
        };
        using var client = new HttpClient(handler) { Timeout = Wait.Limit };
        try
        {
            return await client.GetStringAsync($"https://127.0.0.1:{port}/metrics");
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            return null;
        }
    }

    private sealed record Handshake(string Certificate, bool ChainsToRoot, string Alpn, SslProtocols Protocol, TlsCipherSuite Suite);
}
