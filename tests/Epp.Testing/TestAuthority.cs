using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Epp.Testing;

/// <summary>A certificate authority of a test: a root, one intermediate below it, and what that signs.</summary>
public sealed class TestAuthority : IDisposable
{
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly ECDsa _rootKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private int _serial;

    public TestAuthority(string name = "test")
    {
        var root = new CertificateRequest($"CN={name} root", _rootKey, HashAlgorithmName.SHA256);
        root.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        Root = root.CreateSelfSigned(DateTimeOffset.Now.AddDays(-1), DateTimeOffset.Now.AddDays(30));
        var intermediate = new CertificateRequest($"CN={name} intermediate", _key, HashAlgorithmName.SHA256);
        intermediate.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        Intermediate = intermediate.Create(Root, DateTimeOffset.Now.AddDays(-1), DateTimeOffset.Now.AddDays(20), Serial());
    }

    public X509Certificate2 Root { get; }

    public X509Certificate2 Intermediate { get; }

    /// <summary>A certificate with its key, signed by the intermediate.</summary>
    public X509Certificate2 Issue(string name, bool client = false)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(client ? "1.3.6.1.5.5.7.3.2" : "1.3.6.1.5.5.7.3.1")], false));
        using var issuer = Intermediate.CopyWithPrivateKey(_key);
        using var issued = request.Create(issuer, DateTimeOffset.Now.AddDays(-1), DateTimeOffset.Now.AddDays(10), Serial());
        return issued.CopyWithPrivateKey(key);
    }

    /// <summary>Writes <c>tls.crt</c> with the intermediate behind the certificate, and <c>tls.key</c>.</summary>
    public void Write(string folder, X509Certificate2 certificate)
    {
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "tls.crt"), certificate.ExportCertificatePem() + "\n" + Intermediate.ExportCertificatePem() + "\n");
        using var key = certificate.GetECDsaPrivateKey()!;
        File.WriteAllText(Path.Combine(folder, "tls.key"), key.ExportPkcs8PrivateKeyPem());
    }

    public void Dispose()
    {
        Root.Dispose();
        Intermediate.Dispose();
        _key.Dispose();
        _rootKey.Dispose();
    }

    private byte[] Serial() => BitConverter.GetBytes(++_serial);
}
