namespace Epp.Aot.Telemetry;

/// <summary>Figures of the process, named as the reference's client library names them.</summary>
public sealed partial class EppMetrics
{
    /// <summary>The families of any process of this program.</summary>
    internal static IReadOnlyList<MetricFamily> ProcessFamilies(double startSeconds) =>
    [
        new("process_cpu_seconds_total", MetricKind.Counter, "Total user and system CPU time spent in seconds.", [], s => s.Add(ProcessFigures.CpuSeconds)),
        ProcessGauge("process_resident_memory_bytes", "Resident memory size in bytes.", static () => ProcessFigures.ResidentBytes),
        ProcessGauge("process_virtual_memory_bytes", "Virtual memory size in bytes.", static () => ProcessFigures.VirtualBytes),
        ProcessGauge("process_virtual_memory_max_bytes", "Maximum amount of virtual memory available in bytes.", static () => ProcessFigures.MaxVirtualBytes),
        ProcessGauge("process_start_time_seconds", "Start time of the process since unix epoch in seconds.", () => startSeconds),
        ProcessGauge("process_open_fds", "Number of open file descriptors.", static () => ProcessFigures.OpenFiles),
        ProcessGauge("process_max_fds", "Maximum number of open file descriptors.", static () => ProcessFigures.MaxFiles),
        ProcessCounter("process_network_receive_bytes_total", "Number of bytes received by the process over the network.",
            static () => ProcessFigures.NetworkBytes("InOctets")),
        ProcessCounter("process_network_transmit_bytes_total", "Number of bytes sent by the process over the network.",
            static () => ProcessFigures.NetworkBytes("OutOctets")),
    ];

    private static MetricFamily ProcessGauge(string name, string help, Func<double?> read) => OfProcess(name, MetricKind.Gauge, help, read);

    private static MetricFamily ProcessCounter(string name, string help, Func<double?> read) => OfProcess(name, MetricKind.Counter, help, read);

    private static MetricFamily OfProcess(string name, MetricKind kind, string help, Func<double?> read) =>
        new(name, kind, help, [], s =>
        {
            if (read() is { } value)
            {
                s.Add(value);
            }
        });
}
