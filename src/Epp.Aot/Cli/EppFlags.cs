namespace Epp.Aot.Cli;

/// <summary>The flags of the EPP: the references' names and defaults (contract §4.1), and our own limits.</summary>
internal static class EppFlags
{
    private const string Pool = "Pool", Serving = "Serving", Metrics = "Metrics", Config = "Configuration", Limits = "Limits", Logging = "Logging";

    public static IReadOnlyList<Flag> All { get; } =
    [
        new("pool-name", FlagType.String, "", Pool, "Name of the pool; the label of the pool metrics."),
        new("pool-namespace", FlagType.String, "", Pool, "Namespace of the pool; empty = NAMESPACE, then the service account's or context's, then default. With an endpoints file: without effect."),
        new("pool-group", FlagType.String, "inference.networking.k8s.io", Pool, "API group of the InferencePool; inference.networking.x-k8s.io reads v1alpha2."),
        new("endpoint-selector", FlagType.String, "", Pool, "Label selector of the pods to serve without an InferencePool; excludes --pool-name, needs POD_NAME."),
        new("endpoint-target-ports", FlagType.String, "", Pool, "Ports of the selected pods, separated by commas, 1 to 8 of them."),
        new("kubeconfig", FlagType.String, "", Pool, "Path of a kubeconfig; empty = KUBECONFIG, then the pod's service account, then ~/.kube/config."),
        new("ha-enable-leader-election", FlagType.Bool, "false", Serving, "Only the replica that holds the lease is ready."),
        new("grpc-port", FlagType.Int, "9002", Serving, "Port of the ext_proc service."),
        new("grpc-health-port", FlagType.Int, "9003", Serving, "Port of the gRPC health service, always plaintext."),
        new("secure-serving", FlagType.Bool, "true", Serving, "Serve ext_proc over TLS."),
        new("cert-path", FlagType.String, "", Serving, "Folder with tls.crt and tls.key; empty = a self-signed certificate made at start."),
        new("health-checking", FlagType.Bool, "false", Serving, "Accepted for compatibility: health is always served on the ext_proc port too."),
        new("drain-timeout", FlagType.Duration, "30s", Serving, "How long open streams may go on after SIGTERM."),
        new("emit-endpoint-scores", FlagType.Bool, "false", Serving, "Put every scored endpoint and its score into the dynamic metadata."),
        new("disable-endpoint-subset-filter", FlagType.Bool, "false", Serving, "Ignore the gateway's subset hint."),
        new("metrics-port", FlagType.Int, "9090", Metrics, "Port of /metrics."),
        new("metrics-endpoint-auth", FlagType.Bool, "true", Metrics, "Review requests to the metrics port by TokenReview and SubjectAccessReview; only with Kubernetes discovery."),
        new("refresh-metrics-interval", FlagType.Duration, "50ms", Metrics, "How often each endpoint is scraped; at least 50ms."),
        new("refresh-prometheus-metrics-interval", FlagType.Duration, "5s", Metrics, "How often the pool gauges are refreshed."),
        new("metrics-staleness-threshold", FlagType.Duration, "2s", Metrics, "Age up to which an endpoint's metrics count in the pool gauges."),
        new("enable-grpc-stream-metrics", FlagType.Bool, "false", Metrics, "Export extproc_streams_*."),
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
