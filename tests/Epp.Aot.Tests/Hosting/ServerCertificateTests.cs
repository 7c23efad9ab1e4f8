using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Epp.Aot.Hosting;
using Epp.Aot.Telemetry;
using Epp.Native.Pool;
using Epp.Testing;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Epp.Aot.Tests.Hosting;

[Trait("Category", "Unit")]
public sealed class ServerCertificateTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("epp-cert").FullName;
    private readonly EppMetrics _metrics = new(new EppMetricsOptions(), new Pool(), TimeProvider.System);
    private readonly Lines _log = new();

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void SelfSigned_IsAP256ServerCertificateForTenYears()
    {
        var certificate = ServerCertificate.SelfSigned(TimeProvider.System).TargetCertificate;
        Assert.Equal("O=Inference Ext", certificate.Subject);
        Assert.Equal(certificate.Subject, certificate.Issuer);
        Assert.True(certificate.HasPrivateKey);
        using var key = certificate.GetECDsaPublicKey();
        Assert.Equal(256, key!.KeySize);
        Assert.InRange(certificate.NotAfter - DateTime.Now, TimeSpan.FromDays(3650), TimeSpan.FromDays(3655));
        Assert.True(certificate.NotBefore < DateTime.Now);
        Assert.Contains("1.3.6.1.5.5.7.3.1", certificate.Extensions.OfType<X509EnhancedKeyUsageExtension>().Single().EnhancedKeyUsages.Cast<Oid>().Select(o => o.Value));
        Assert.DoesNotContain(certificate.Extensions, e => e is X509SubjectAlternativeNameExtension);
    }

    [Fact]
    public void Files_OfAFolder_AreUsedWithTheirIntermediates()
    {
        using var authority = new TestAuthority();
        using var made = authority.Issue("epp");
        authority.Write(_folder, made);
        using var store = Open()!;
        Assert.Equal(made.Thumbprint, store.Current.TargetCertificate.Thumbprint);
        Assert.True(store.Current.TargetCertificate.HasPrivateKey);
        Assert.Equal([authority.Intermediate.Thumbprint], store.Current.IntermediateCertificates.Select(c => c.Thumbprint));
        Assert.Equal(1, _metrics.Certificates.Reads.Value);
    }

    [Fact]
    public void Files_MissingOrWrong_SayWhichWay()
    {
        Assert.Null(Open(out var missing));
        Assert.StartsWith($"--cert-path {_folder}: cannot use tls.crt and tls.key: ", missing, StringComparison.Ordinal);
        using var authority = new TestAuthority();
        using var one = authority.Issue("one");
        using var other = authority.Issue("other");
        authority.Write(_folder, one);
        File.WriteAllText(Path.Combine(_folder, "tls.crt"), other.ExportCertificatePem());
        Assert.Null(Open(out var foreign));
        Assert.Contains("tls.key is not the key", foreign, StringComparison.Ordinal);
        File.WriteAllText(Path.Combine(_folder, "tls.crt"), "no PEM");
        Assert.Null(Open(out var noPem));
        Assert.Contains("no PEM block CERTIFICATE", noPem, StringComparison.Ordinal);
        File.WriteAllText(Path.Combine(_folder, "tls.crt"), new string('x', ServerCertificate.MaxFileBytes + 1));
        Assert.Null(Open(out var large));
        Assert.Contains("larger than", large, StringComparison.Ordinal);
    }

    [Fact]
    public void Reload_GoodThenBadThenGood_TheBadOneChangesNothingAndIsSaidOnce()
    {
        using var authority = new TestAuthority();
        using var first = authority.Issue("first");
        using var second = authority.Issue("second");
        using var third = authority.Issue("third");
        authority.Write(_folder, first);
        using var store = Open()!;
        Assert.False(store.Reload());
        authority.Write(_folder, second);
        Assert.True(store.Reload());
        Assert.Equal(second.Thumbprint, store.Current.TargetCertificate.Thumbprint);

        File.WriteAllText(Path.Combine(_folder, "tls.key"), "nothing");
        Assert.False(store.Reload());
        Assert.False(store.Reload());
        Assert.Equal(second.Thumbprint, store.Current.TargetCertificate.Thumbprint);
        File.Delete(Path.Combine(_folder, "tls.key"));
        Assert.False(store.Reload());
        Assert.False(store.Reload());
        Assert.Equal((2, 2, 2), (_metrics.Certificates.Errors.Value, _log.Count(LogLevel.Error), _metrics.Certificates.Reads.Value));

        authority.Write(_folder, third);
        Assert.True(store.Reload());
        Assert.Equal(third.Thumbprint, store.Current.TargetCertificate.Thumbprint);
    }

    [Fact]
    public async Task Watch_SecretIsSwappedByItsSymlink_FollowsWithinItsDebounce()
    {
        using var authority = new TestAuthority();
        using var first = authority.Issue("first");
        using var second = authority.Issue("second");
        MountSecret("..2026_01", authority, first);
        using var store = Open()!;
        store.Watch(TimeProvider.System);
        MountSecret("..2026_02", authority, second);
        await Wait.UntilAsync(() => store.Current.TargetCertificate.Thumbprint == second.Thumbprint, TimeSpan.FromSeconds(5));
        Assert.Equal(0, _metrics.Certificates.Errors.Value);
    }

    // As the kubelet does: files are links to ..data/file, ..data is a link to a dated folder and is replaced by renaming.
    private void MountSecret(string dated, TestAuthority authority, X509Certificate2 certificate)
    {
        authority.Write(Path.Combine(_folder, dated), certificate);
        File.CreateSymbolicLink(Path.Combine(_folder, "..data_tmp"), dated);
        var (code, _, errors) = SharedTools.Run("/bin/mv", ["-T", Path.Combine(_folder, "..data_tmp"), Path.Combine(_folder, "..data")], TimeSpan.FromSeconds(5));
        Assert.True(code == 0, errors);
        foreach (var name in (string[])["tls.crt", "tls.key"])
        {
            if (!File.Exists(Path.Combine(_folder, name)))
            {
                File.CreateSymbolicLink(Path.Combine(_folder, name), Path.Combine("..data", name));
            }
        }
    }

    private CertificateStore? Open() => Open(out _);

    private CertificateStore? Open(out string error) =>
        CertificateStore.TryOpen("--cert-path", _folder, _metrics.Certificates, _log, TimeProvider.System, out error);

    private sealed class Lines : ILogger
    {
        private readonly List<LogLevel> _levels = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => NullLogger.Instance.BeginScope(state);

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            lock (_levels)
            {
                _levels.Add(logLevel);
            }
        }

        public int Count(LogLevel level)
        {
            lock (_levels)
            {
                return _levels.Count(l => l == level);
            }
        }
    }
}
