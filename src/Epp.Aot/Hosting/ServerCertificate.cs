using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Epp.Aot.Hosting;

/// <summary>Certificates of the listeners (contract §4.5).</summary>
internal static class ServerCertificate
{
    /// <summary>Largest <c>tls.crt</c> or <c>tls.key</c>: a chain of ten certificates has 20 KiB.</summary>
    public const int MaxFileBytes = 1 << 20;

    /// <summary>Reads the server's certificate, then its intermediates, all of which clients are sent.</summary>
    /// <param name="certificates">PEM, the server's own first.</param>
    /// <param name="key">PEM.</param>
    /// <exception cref="CryptographicException">Not valid PEM, or the key does not belong to the certificate.</exception>
    public static SslStreamCertificateContext Parse(string certificates, string key)
    {
        var all = new X509Certificate2Collection();
        all.ImportFromPem(certificates);
        if (all.Count == 0)
        {
            throw new CryptographicException("tls.crt holds no PEM block CERTIFICATE");
        }

        var intermediates = new X509Certificate2Collection(all.Skip(1).ToArray());
        try
        {
            // Offline: a certificate that names an issuer's or a revocation server's address must not make the start wait for it.
            return SslStreamCertificateContext.Create(X509Certificate2.CreateFromPem(certificates, key), intermediates, offline: true);
        }
        catch (ArgumentException e)
        {
            throw new CryptographicException("tls.key is not the key of the first certificate of tls.crt", e);
        }
    }

    /// <summary>Reads <c>tls.crt</c> and <c>tls.key</c> of a folder.</summary>
    /// <exception cref="IOException">A file is missing, unreadable or larger than <see cref="MaxFileBytes"/>.</exception>
    public static (string Certificates, string Key) ReadFiles(string folder) => (Read(folder, "tls.crt"), Read(folder, "tls.key"));

    private static string Read(string folder, string name)
    {
        var file = new FileInfo(Path.Combine(folder, name));
        if (file.Exists && file.Length > MaxFileBytes)
        {
            throw new IOException($"{name} is larger than {MaxFileBytes} bytes: a certificate chain is far smaller");
        }

        return File.ReadAllText(file.FullName);
    }

    /// <summary>
    /// As the references make it (subject <c>O=Inference Ext</c>, no SAN, ten years, server authentication), but with a P-256 key where
    /// they use RSA 4096: it is made in a millisecond instead of up to a second, and a handshake costs a tenth (docs/adr/0006).
    /// </summary>
    public static SslStreamCertificateContext SelfSigned(TimeProvider time)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("O=Inference Ext", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyEncipherment | X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], critical: false));
        var now = time.GetUtcNow();
        return SslStreamCertificateContext.Create(request.CreateSelfSigned(now.AddMinutes(-5), now.AddYears(10)), additionalCertificates: null, offline: true);
    }
}
