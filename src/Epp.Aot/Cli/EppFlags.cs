namespace Epp.Aot.Cli;

/// <summary>The flags of the EPP: the references' names and defaults (contract §4.1), and our own limits.</summary>
internal static class EppFlags
{
    private const string Pool = "Pool", Serving = "Serving", Metrics = "Metrics", Config = "Configuration", Limits = "Limits", Logging = "Logging";

    public static IReadOnlyList<Flag> All { get; } =
    [
        new("pool-name", FlagType.String, "", Pool, "Name of the pool; the label of the pool metrics."),
        new("pool-namespace", FlagType.String, "", Pool, "Accepted for compatibility: the endpoints file names each endpoint's namespace."),
        new("grpc-port", FlagType.Int, "9002", Serving, "Port of the ext_proc service."),
        new("grpc-health-port", FlagType.Int, "9003", Serving, "Port of the gRPC health service, always plaintext."),
        new("secure-serving", FlagType.Bool, "true", Serving, "Serve ext_proc over TLS."),
        new("cert-path", FlagType.String, "", Serving, "Folder with tls.crt and tls.key; empty = a self-signed certificate made at start."),
        new("enable-cert-reload", FlagType.Bool, "false", Serving, "Follow changes of the files in --cert-path; open streams go on."),
        new("tls-min-version", FlagType.String, "", Serving, "Least TLS version of ext_proc: VersionTLS12 (default) or VersionTLS13; VersionTLS10 and VersionTLS11 mean 1.2, which HTTP/2 needs."),
        new("tls-cipher-suites", FlagType.String, "", Serving, "TLS 1.2 cipher suites of ext_proc by their Go names, comma separated; empty = the platform's."),
        new("health-checking", FlagType.Bool, "false", Serving, "Accepted for compatibility: health is always served on the ext_proc port too."),
        new("drain-timeout", FlagType.Duration, "30s", Serving, "How long open streams may go on after SIGTERM."),
        new("emit-endpoint-scores", FlagType.Bool, "false", Serving, "Put every scored endpoint and its score into the dynamic metadata."),
        new("disable-endpoint-subset-filter", FlagType.Bool, "false", Serving, "Ignore the gateway's subset hint."),
        new("metrics-port", FlagType.Int, "9090", Metrics, "Port of /metrics."),
        new("metrics-endpoint-auth", FlagType.Bool, "true", Metrics, "Ask the Kubernetes API who may read the metrics port; without effect where endpoints come from a file."),
        new("metrics-cert-dir", FlagType.String, "", Metrics, "Folder with tls.crt and tls.key: the metrics port serves HTTPS and follows their changes."),
        new("metrics-client-ca-file", FlagType.String, "", Metrics, "PEM file of authorities: clients of the metrics port must show a certificate of one of them."),
        new("refresh-metrics-interval", FlagType.Duration, "50ms", Metrics, "How often each endpoint is scraped; at least 50ms."),
        new("refresh-prometheus-metrics-interval", FlagType.Duration, "5s", Metrics, "How often the pool gauges are refreshed."),
        new("metrics-staleness-threshold", FlagType.Duration, "2s", Metrics, "Age up to which an endpoint's metrics count in the pool gauges."),
        new("enable-grpc-stream-metrics", FlagType.Bool, "false", Metrics, "Export extproc_streams_*."),
        new("enable-pprof", FlagType.Bool, "true", Metrics, "Serve the debug pages on the metrics port."),
        new("tracing", FlagType.Bool, "true", Metrics, "Export traces where OTEL_TRACES_EXPORTER=otlp or an OTLP endpoint says where to; false = never."),
        new("config-file", FlagType.String, "", Config, "Path of an EndpointPickerConfig; none = the built-in default."),
        new("config-text", FlagType.String, "", Config, "An EndpointPickerConfig as text; excludes --config-file."),
        new("endpoints-file", FlagType.String, "", Config, "Path of an endpoints file for the built-in default configuration: file discovery without a configuration."),
        new("grpc-max-recv-msg-size", FlagType.Quantity, "16MiB", Limits, "Largest gRPC message accepted."),
        new("max-request-body-bytes", FlagType.Quantity, "64MiB", Limits, "Largest request body of one stream; beyond it the client gets 413."),
        new("max-buffered-bytes", FlagType.Quantity, "512MiB", Limits, "Request bodies held by all streams together; beyond it the client gets 503."),
        new("prefix-index-memory", FlagType.Quantity, "256MiB", Limits, "Hard memory budget of the approximate prefix index."),
        new("v", FlagType.Int, "2", Logging, "Verbosity: 2 default, 3 verbose, 4 debug (every pick with its scores), 5 trace."),
        new("zap-encoder", FlagType.String, "console", Logging, "Log format: json or console."),
        new("zap-log-level", FlagType.String, "", Logging, "info, error, debug or an integer verbosity; overrides -v."),
    ];
}
