using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Epp.Aot.Cli;

namespace Epp.Aot.Hosting;

/// <summary>TLS of one listener: each new connection gets the certificate in force at its handshake. Thread-safe.</summary>
/// <param name="Certificates">Where the certificate comes from.</param>
/// <param name="Policy">Accepted handshakes.</param>
/// <param name="ClientAuthorities">Set = clients must show a certificate that one of these signed.</param>
internal sealed record ListenerTls(CertificateStore Certificates, TlsPolicy Policy, X509Certificate2Collection? ClientAuthorities = null)
{
    private const string ClientAuthentication = "1.3.6.1.5.5.7.3.2";

    /// <summary>Options for one handshake.</summary>
    public SslServerAuthenticationOptions Options()
    {
        var options = new SslServerAuthenticationOptions
        {
            ServerCertificateContext = Certificates.Current,
            EnabledSslProtocols = Policy.Protocols,
            CipherSuitesPolicy = Policy.Suites,
            CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
        };
        if (ClientAuthorities is not null)
        {
            options.ClientCertificateRequired = true;
            options.CertificateChainPolicy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
            options.CertificateChainPolicy.CustomTrustStore.AddRange(ClientAuthorities);
            options.CertificateChainPolicy.ApplicationPolicy.Add(new Oid(ClientAuthentication));
        }

        return options;
    }

    /// <summary>Reads a PEM file of authorities; null and a line for the operator where that fails.</summary>
    public static X509Certificate2Collection? TryReadAuthorities(string path, out string error)
    {
        error = "";
        var authorities = new X509Certificate2Collection();
        try
        {
            authorities.ImportFromPem(File.ReadAllText(path));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
        {
            error = $"--metrics-client-ca-file {path}: {e.Message}";
            return null;
        }

        if (authorities.Count == 0)
        {
            error = $"--metrics-client-ca-file {path}: expected PEM blocks CERTIFICATE, found none";
            return null;
        }

        return authorities;
    }
}
