using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Epp.Aot.Scraping;
using Epp.Aot.Telemetry;
using Epp.Native.Pool;

namespace Epp.Aot.Tests.Scraping;

[Trait("Category", "Unit")]
[Collection("Scraper")]
public sealed class HttpsScrapeTests
{
    [Theory]
    [InlineData(true, false, true)]
    [InlineData(false, true, true)]
    [InlineData(false, false, false)]
    public void Scrape_OverTls_ObeysVerification(bool skipVerify, bool knowsAuthority, bool live)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=worker", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        var authority = Path.GetTempFileName();
        File.WriteAllText(authority, certificate.ExportCertificatePem());
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        _ = ServeAsync(listener, certificate);

        var pool = new Pool();
        pool.Publish([new Endpoint("d", "e", "127.0.0.1", ((IPEndPoint)listener.LocalEndpoint).Port)]);
        var metrics = new EppMetrics(new EppMetricsOptions(), pool, TimeProvider.System);
        var tls = new ScraperTlsOptions(skipVerify, knowsAuthority ? authority : null);
        using (var scraper = new ModelServerScraper(pool, new ScraperOptions(Scheme: "https", Timeout: TimeSpan.FromSeconds(10), Tls: tls), TimeProvider.System, metrics, new ListLogger()))
        {
            scraper.Start();
            Assert.True(SpinWait.SpinUntil(() => live ? pool.Current.Columns.Live[0] : metrics.PollErrors.Value > 0, TimeSpan.FromSeconds(30)));
            Assert.Equal(live ? 3 : 0, pool.Current.Columns.Waiting[0]);
        }

        File.Delete(authority);
    }

    private static async Task ServeAsync(TcpListener listener, X509Certificate2 certificate)
    {
        while (true)
        {
            try
            {
                using var client = await listener.AcceptTcpClientAsync();
                using var stream = new SslStream(client.GetStream());
                await stream.AuthenticateAsServerAsync(certificate);
                var buffer = new byte[4096];
                while (await stream.ReadAsync(buffer) > 0)
                {
                    await stream.WriteAsync(FakeWorker.Ok("vllm:num_requests_waiting 3\n"));
                }
            }
            catch (Exception e) when (e is IOException or System.Security.Authentication.AuthenticationException)
            {
                // The client refused the certificate or left.
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
            {
                return;
            }
        }
    }
}
