using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Epp.Aot.Kubernetes;

/// <summary>Reads PEM certificates; failures are values.</summary>
internal static class KubeCertificates
{
    /// <summary>All certificates of a bundle; false where there is none or one is unreadable.</summary>
    public static bool TryReadAuthorities(string pem, [NotNullWhen(true)] out X509Certificate2Collection? authorities)
    {
        authorities = null;
        try
        {
            var read = new X509Certificate2Collection();
            read.ImportFromPem(pem);
            authorities = read.Count > 0 ? read : null;
        }
        catch (CryptographicException)
        {
            return false;
        }

        return authorities is not null;
    }

    /// <summary>A certificate with its key, then the intermediates of its file; false with the reason where they do not fit.</summary>
    public static bool TryReadPair(string certificatePem, string keyPem, [NotNullWhen(true)] out X509Certificate2Collection? pair, out string error)
    {
        pair = null;
        error = "";
        try
        {
            var chain = new X509Certificate2Collection();
            chain.ImportFromPem(certificatePem);
            var leaf = X509Certificate2.CreateFromPem(certificatePem, keyPem);
            pair = [leaf, .. chain.Skip(1)];
            return true;
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            error = e.Message;
            return false;
        }
    }
}
