using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Epp.Aot.KvEvents.Nats;

/// <summary>TLS towards a NATS server, with the files named by the options, read at every connect so that they may be renewed.</summary>
internal static class NatsTls
{
    /// <summary>Null with the reason where a file cannot be used.</summary>
    public static SslClientAuthenticationOptions? Options(NatsOptions options, string host, out string failure)
    {
        failure = "";
        var tls = new SslClientAuthenticationOptions { TargetHost = host };
        try
        {
            if (options.Insecure)
            {
#pragma warning disable CA5359 // Asked for by name: NATS_TLS_INSECURE.
                tls.RemoteCertificateValidationCallback = static (_, _, _, _) => true;
#pragma warning restore CA5359
            }
            else if (options.CaFile is not null)
            {
                var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
                policy.CustomTrustStore.ImportFromPemFile(options.CaFile);
                tls.CertificateChainPolicy = policy;
            }

            if (options.CertificateFile is not null)
            {
                var certificate = X509Certificate2.CreateFromPemFile(options.CertificateFile, options.KeyFile);
                var chain = new X509Certificate2Collection();
                chain.ImportFromPemFile(options.CertificateFile);
                tls.ClientCertificateContext = SslStreamCertificateContext.Create(certificate, chain, offline: true);
            }

            return tls;
        }
        catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException or ArgumentException)
        {
            failure = $"TLS files: {e.Message}";
            return null;
        }
    }
}
