namespace Epp.Aot.Telemetry;

/// <summary>Reads of certificate files, named as the reference's certwatcher names them. Lock-free; safe to share.</summary>
public sealed class CertificateCounters
{
    /// <summary>Certificates read from files, at start and at each reload.</summary>
    public Counter Reads { get; } = new();

    /// <summary>Certificate files that could not be used; the certificate before them stays in use.</summary>
    public Counter Errors { get; } = new();

    internal MetricFamily[] Families() =>
    [
        new("certwatcher_read_certificate_total", MetricKind.Counter, "Total number of certificate reads", [], s => s.Add(Reads.Value)),
        new("certwatcher_read_certificate_errors_total", MetricKind.Counter, "Total number of certificate read errors", [], s => s.Add(Errors.Value)),
    ];
}
