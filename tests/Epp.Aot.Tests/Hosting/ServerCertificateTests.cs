using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Epp.Aot.Hosting;

namespace Epp.Aot.Tests.Hosting;

[Trait("Category", "Unit")]
public sealed class ServerCertificateTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("epp-cert").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void SelfSigned_IsAP256ServerCertificateForTenYears()
    {
        using var certificate = ServerCertificate.Load("", TimeProvider.System);
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
    public void Files_OfAFolder_AreUsed()
    {
        using var made = ServerCertificate.Load("", TimeProvider.System);
        Write(made, made);
        using var read = ServerCertificate.Load(_folder, TimeProvider.System);
        Assert.Equal(made.Thumbprint, read.Thumbprint);
        Assert.True(read.HasPrivateKey);
    }

    [Fact]
    public void Files_MissingOrWrong_SayWhichWay()
    {
        Assert.ThrowsAny<IOException>(() => ServerCertificate.Load(_folder, TimeProvider.System));
        using var one = ServerCertificate.Load("", TimeProvider.System);
        using var other = ServerCertificate.Load("", TimeProvider.System);
        Write(one, other);
        Assert.ThrowsAny<Exception>(() => ServerCertificate.Load(_folder, TimeProvider.System));
        File.WriteAllText(Path.Combine(_folder, "tls.crt"), "no PEM");
        Assert.ThrowsAny<CryptographicException>(() => ServerCertificate.Load(_folder, TimeProvider.System));
    }

    private void Write(X509Certificate2 certificate, X509Certificate2 keyOf)
    {
        using var key = keyOf.GetECDsaPrivateKey()!;
        File.WriteAllText(Path.Combine(_folder, "tls.crt"), certificate.ExportCertificatePem());
        File.WriteAllText(Path.Combine(_folder, "tls.key"), key.ExportPkcs8PrivateKeyPem());
    }
}
