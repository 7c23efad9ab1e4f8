using Epp.Aot.Cli;
using Epp.Aot.Telemetry;
using Microsoft.Extensions.Logging;

namespace Epp.Aot.Hosting;

/// <summary>Certificates and TLS of the ext_proc and metrics ports as the flags ask for them (contract §4.1, §4.5). Owns the watches.</summary>
internal sealed class TlsSetup : IDisposable
{
    private TlsSetup(ListenerTls? extProc, ListenerTls? metrics) => (ExtProc, Metrics) = (extProc, metrics);

    /// <summary>Null = plaintext.</summary>
    public ListenerTls? ExtProc { get; }

    /// <summary>Null = plaintext.</summary>
    public ListenerTls? Metrics { get; }

    /// <summary>Opens what the flags name and starts the watches; null and a line for the operator where a file cannot be used.</summary>
    public static TlsSetup? TryOpen(FlagSet flags, CertificateCounters metrics, ILogger logger, TimeProvider time, out string error)
    {
        error = "";
        var extProc = default(ListenerTls);
        if (flags.Bool("secure-serving"))
        {
            if (CertificateStore.TryOpen("--cert-path", flags.Text("cert-path"), metrics, logger, time, out error) is not { } store)
            {
                return null;
            }

            if (flags.Bool("enable-cert-reload"))
            {
                store.Watch(time);
            }

            extProc = new ListenerTls(store, TlsPolicy.Read(flags, []));
        }

        if (flags.Text("metrics-cert-dir") is not { Length: > 0 } folder)
        {
            return new TlsSetup(extProc, null);
        }

        var authorities = flags.Text("metrics-client-ca-file") is { Length: > 0 } path ? ListenerTls.TryReadAuthorities(path, out error) : null;
        var metricsStore = error.Length > 0 ? null : CertificateStore.TryOpen("--metrics-cert-dir", folder, metrics, logger, time, out error);
        if (metricsStore is null)
        {
            extProc?.Certificates.Dispose();
            return null;
        }

        // As the references do, always: a scraper has no other way to notice.
        metricsStore.Watch(time);
        return new TlsSetup(extProc, new ListenerTls(metricsStore, TlsPolicy.Default, authorities));
    }

    /// <summary>Makes a self-signed certificate now, in the background, so that the first handshake does not wait for it.</summary>
    public void Prepare()
    {
        if (ExtProc is { } listener)
        {
            _ = Task.Run(() => listener.Certificates.Current);
        }
    }

    public void Dispose()
    {
        ExtProc?.Certificates.Dispose();
        Metrics?.Certificates.Dispose();
    }
}
