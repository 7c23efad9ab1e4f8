using System.Net.Security;
using System.Security.Authentication;

namespace Epp.Aot.Cli;

/// <summary>What handshakes a listener accepts. Immutable; safe to share.</summary>
/// <param name="Protocols">TLS 1.2 and 1.3, or 1.3 alone.</param>
/// <param name="Suites">Suites of TLS 1.2, and always all of TLS 1.3; null = the platform's.</param>
internal sealed record TlsPolicy(SslProtocols Protocols, CipherSuitesPolicy? Suites)
{
    /// <summary>TLS 1.2 and 1.3 with the platform's suites, as Go's default.</summary>
    public static readonly TlsPolicy Default = new(SslProtocols.Tls12 | SslProtocols.Tls13, null);

    // TLS 1.3's are not configurable, in Go neither.
    private static readonly TlsCipherSuite[] Tls13 =
        [TlsCipherSuite.TLS_AES_128_GCM_SHA256, TlsCipherSuite.TLS_AES_256_GCM_SHA384, TlsCipherSuite.TLS_CHACHA20_POLY1305_SHA256];

    /// <summary>Reads <c>--tls-min-version</c> and <c>--tls-cipher-suites</c>; what is wrong is added to <paramref name="errors"/>.</summary>
    /// <param name="minVersion"><c>VersionTLS10</c> to <c>VersionTLS13</c>, or empty. HTTP/2 needs 1.2, so the two below mean 1.2.</param>
    /// <param name="suites">Go's names, comma separated, or empty.</param>
    /// <param name="errors">Gets one line per mistake.</param>
    public static TlsPolicy Read(string minVersion, string suites, List<string> errors)
    {
        var protocols = minVersion switch
        {
            "VersionTLS13" => SslProtocols.Tls13,
            "" or "VersionTLS10" or "VersionTLS11" or "VersionTLS12" => Default.Protocols,
            _ => SslProtocols.None,
        };
        if (protocols == SslProtocols.None)
        {
            errors.Add($"invalid value '{minVersion}' for flag --tls-min-version: expected VersionTLS10, VersionTLS11, VersionTLS12 or VersionTLS13");
        }

        var chosen = new List<TlsCipherSuite>();
        foreach (var name in suites.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (Suite(name) is { } suite)
            {
                chosen.Add(suite);
            }
            else
            {
                errors.Add($"invalid value '{name}' for flag --tls-cipher-suites: expected a name of Go's crypto/tls such as TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256");
            }
        }

        return new TlsPolicy(protocols, chosen.Count == 0 || errors.Count > 0 ? null : Policy(chosen));
    }

    /// <summary>As above, from the flags.</summary>
    public static TlsPolicy Read(FlagSet flags, List<string> errors) => Read(flags.Text("tls-min-version"), flags.Text("tls-cipher-suites"), errors);

    /// <summary>Rules over the TLS flags alone; what is broken is added to <paramref name="errors"/>.</summary>
    public static void Check(FlagSet flags, List<string> errors)
    {
        TlsPolicy.Read(flags, errors);
        var folder = flags.Text("metrics-cert-dir");
        if (flags.Text("metrics-client-ca-file").Length > 0 && folder.Length == 0)
        {
            errors.Add("--metrics-client-ca-file needs --metrics-cert-dir: client certificates exist on HTTPS only");
        }

        if (folder.Length > 0 && !Directory.Exists(folder))
        {
            errors.Add($"--metrics-cert-dir {folder}: no such folder; expected one with tls.crt and tls.key");
        }

        if (folder.Length > 0 && flags.Text("metrics-client-ca-file").Length == 0 && !flags.Bool("metrics-endpoint-auth"))
        {
            errors.Add("--metrics-cert-dir without anybody to check: give --metrics-client-ca-file, or leave --metrics-endpoint-auth on");
        }
    }

    // The names of Go's crypto/tls, those it calls insecure too; the two short ones are its old spellings.
    private static TlsCipherSuite? Suite(string name) => name switch
    {
        "TLS_AES_128_GCM_SHA256" => TlsCipherSuite.TLS_AES_128_GCM_SHA256,
        "TLS_AES_256_GCM_SHA384" => TlsCipherSuite.TLS_AES_256_GCM_SHA384,
        "TLS_CHACHA20_POLY1305_SHA256" => TlsCipherSuite.TLS_CHACHA20_POLY1305_SHA256,
        "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256" => TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384" => TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256" or "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305" => TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
        "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA" => TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA,
        "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256" => TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256,
        "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA" => TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA,
        "TLS_ECDHE_ECDSA_WITH_RC4_128_SHA" => TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_RC4_128_SHA,
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256" => TlsCipherSuite.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
        "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384" => TlsCipherSuite.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
        "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256" or "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305" => TlsCipherSuite.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
        "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA" => TlsCipherSuite.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA,
        "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256" => TlsCipherSuite.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256,
        "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA" => TlsCipherSuite.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA,
        "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA" => TlsCipherSuite.TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA,
        "TLS_ECDHE_RSA_WITH_RC4_128_SHA" => TlsCipherSuite.TLS_ECDHE_RSA_WITH_RC4_128_SHA,
        "TLS_RSA_WITH_AES_128_GCM_SHA256" => TlsCipherSuite.TLS_RSA_WITH_AES_128_GCM_SHA256,
        "TLS_RSA_WITH_AES_256_GCM_SHA384" => TlsCipherSuite.TLS_RSA_WITH_AES_256_GCM_SHA384,
        "TLS_RSA_WITH_AES_128_CBC_SHA" => TlsCipherSuite.TLS_RSA_WITH_AES_128_CBC_SHA,
        "TLS_RSA_WITH_AES_128_CBC_SHA256" => TlsCipherSuite.TLS_RSA_WITH_AES_128_CBC_SHA256,
        "TLS_RSA_WITH_AES_256_CBC_SHA" => TlsCipherSuite.TLS_RSA_WITH_AES_256_CBC_SHA,
        "TLS_RSA_WITH_3DES_EDE_CBC_SHA" => TlsCipherSuite.TLS_RSA_WITH_3DES_EDE_CBC_SHA,
        "TLS_RSA_WITH_RC4_128_SHA" => TlsCipherSuite.TLS_RSA_WITH_RC4_128_SHA,
        _ => null,
    };

    private static CipherSuitesPolicy? Policy(List<TlsCipherSuite> chosen)
    {
        foreach (var always in Tls13)
        {
            if (!chosen.Contains(always))
            {
                chosen.Add(always);
            }
        }

        return OperatingSystem.IsLinux() ? new CipherSuitesPolicy(chosen) : null;
    }
}
