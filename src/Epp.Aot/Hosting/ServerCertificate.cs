using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Epp.Aot.Hosting;

/// <summary>The certificate of the ext_proc port (contract §4.5).</summary>
internal static class ServerCertificate
{
    /// <summary>As <see cref="Load"/>, with null and a line for the operator where the folder's files cannot be used.</summary>
    public static X509Certificate2? TryLoad(string folder, TimeProvider time, out string error)
    {
        error = "";
        try
        {
            return Load(folder, time);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
        {
            error = $"--cert-path {folder}: cannot use tls.crt and tls.key: {e.Message}";
            return null;
        }
    }

    /// <summary>
    /// Reads <c>tls.crt</c> and <c>tls.key</c> of a folder, or makes a self-signed certificate when it is empty.
    /// </summary>
    /// <exception cref="IOException">A file is missing or cannot be read.</exception>
    /// <exception cref="CryptographicException">A file is not valid PEM, or the key does not belong to the certificate.</exception>
    public static X509Certificate2 Load(string folder, TimeProvider time) => folder.Length == 0
        ? SelfSigned(time)
        : X509Certificate2.CreateFromPemFile(Path.Combine(folder, "tls.crt"), Path.Combine(folder, "tls.key"));

    /// <summary>
    /// As the references make it (subject <c>O=Inference Ext</c>, no SAN, ten years, server authentication), but with a P-256 key where
    /// they use RSA 4096: it is made in a millisecond instead of up to a second, and a handshake costs a tenth (docs/adr/0006).
    /// </summary>
    private static X509Certificate2 SelfSigned(TimeProvider time)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("O=Inference Ext", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyEncipherment | X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], critical: false));
        var now = time.GetUtcNow();
        return request.CreateSelfSigned(now.AddMinutes(-5), now.AddYears(10));
    }
}
