namespace Epp.Aot.Cli;

/// <summary>
/// The flags of the EPP: the names, types and defaults of both references (contract §4.1), and our own limits.
/// </summary>
internal static class EppFlags
{
    private const string Pool = "Pool", Serving = "Serving", Tls = "TLS", Metrics = "Metrics", Scraping = "Scraping model servers";
    private const string Config = "Configuration", Limits = "Limits", Logging = "Logging and tracing", Availability = "High availability";

    public static IReadOnlyList<Flag> All { get; } =
    [
        new("pool-name", FlagType.String, "", Pool, "Name of the pool; the label of the pool metrics."),
        new("pool-namespace", FlagType.String, "", Pool, "Namespace of the pool; empty = the variable NAMESPACE, else default."),
        new("pool-group", FlagType.String, "inference.networking.k8s.io", Pool, "API group of the pool: inference.networking.k8s.io or inference.networking.x-k8s.io."),
        new("endpoint-selector", FlagType.String, "", Pool, "Label selector of the pods, instead of a pool: 'app=vllm', 'env in (a,b)', 'key,!other'."),
        new("endpoint-target-ports", FlagType.Ints, "", Pool, "Ports of the pods with --endpoint-selector, comma-separated, 1 to 8 of them."),
        new("kubeconfig", FlagType.String, "", Pool, "Path of a kubeconfig; empty = the variable KUBECONFIG, else the pod's service account."),
        new("disable-endpoint-subset-filter", FlagType.Bool, "false", Pool, "Ignore the gateway's subset hint."),
        new("grpc-port", FlagType.Int, "9002", Serving, "Port of the ext_proc service."),
        new("grpc-health-port", FlagType.Int, "9003", Serving, "Port of the gRPC health service, always plaintext."),
        new("health-checking", FlagType.Bool, "false", Serving, "Accepted for compatibility: health is always served on the ext_proc port too."),
        new("drain-timeout", FlagType.Duration, "30s", Serving, "How long open streams may go on after SIGTERM."),
        new("emit-endpoint-scores", FlagType.Bool, "false", Serving, "Put every scored endpoint and its score into the dynamic metadata."),
        new("secure-serving", FlagType.Bool, "true", Tls, "Serve ext_proc over TLS."),
        new("cert-path", FlagType.String, "", Tls, "Folder with tls.crt and tls.key; empty = a self-signed certificate made at start."),
        new("enable-cert-reload", FlagType.Bool, "false", Tls, "Follow changes of the files in --cert-path; open streams go on."),
        new("tls-min-version", FlagType.String, "", Tls, "Least TLS version of ext_proc: VersionTLS12 (default) or VersionTLS13; VersionTLS10 and VersionTLS11 mean 1.2, which HTTP/2 needs."),
        new("tls-cipher-suites", FlagType.Strings, "", Tls, "Cipher suites of TLS 1.2 by their Go names, comma-separated; TLS 1.3 suites are not configurable."),
        new("ha-enable-leader-election", FlagType.Bool, "false", Availability, "Elect a leader among the replicas; only the leader is ready."),
        new("metrics-port", FlagType.Int, "9090", Metrics, "Port of /metrics."),
        new("metrics-endpoint-auth", FlagType.Bool, "true", Metrics, "Ask Kubernetes whether a reader of /metrics may; without Kubernetes there is nobody to ask."),
        new("metrics-cert-dir", FlagType.String, "", Metrics, "Folder with tls.crt and tls.key: the metrics port serves HTTPS and follows their changes."),
        new("metrics-client-ca-file", FlagType.String, "", Metrics, "PEM file of the authorities a reader's certificate must come from; needs --metrics-cert-dir."),
        new("refresh-prometheus-metrics-interval", FlagType.Duration, "5s", Metrics, "How often the pool gauges are refreshed."),
        new("metrics-staleness-threshold", FlagType.Duration, "2s", Metrics, "Age up to which an endpoint's metrics count in the pool gauges."),
        new("enable-grpc-stream-metrics", FlagType.Bool, "false", Metrics, "Export extproc_streams_*."),
        new("enable-pprof", FlagType.Bool, "true", Metrics, "Serve the debug pages on the metrics port."),
        new("refresh-metrics-interval", FlagType.Duration, "50ms", Scraping, "How often each endpoint is scraped; at least 50ms."),
        new("model-server-metrics-port", FlagType.Int, "0", Scraping, "Port scraped instead of the endpoint's own, where an address has one endpoint only; 0 = the endpoint's."),
        new("model-server-metrics-path", FlagType.String, "/metrics", Scraping, "Path scraped, where the configuration names no metrics-data-source."),
        new("model-server-metrics-scheme", FlagType.String, "http", Scraping, "http or https, where the configuration names no metrics-data-source."),
        new("model-server-metrics-https-insecure-skip-verify", FlagType.Bool, "true", Scraping, "Accept any certificate of a model server."),
        new("total-queued-requests-metric", FlagType.String, "vllm:num_requests_waiting", Scraping, "Metric of waiting requests, name or name{label=value}; empty = not read."),
        new("total-running-requests-metric", FlagType.String, "vllm:num_requests_running", Scraping, "Metric of running requests; empty = not read."),
        new("kv-cache-usage-percentage-metric", FlagType.String, "vllm:gpu_cache_usage_perc", Scraping, "Metric of KV cache use, 0 to 1; of vLLM's two names the other one is read where this one is missing; empty = not read."),
        new("lora-info-metric", FlagType.String, "vllm:lora_requests_info", Scraping, "Metric of LoRA adapters; empty = not read."),
        new("cache-info-metric", FlagType.String, "vllm:cache_config_info", Scraping, "Metric of block size and number of blocks; empty = not read."),
        new("config-file", FlagType.String, "", Config, "Path of an EndpointPickerConfig; none = the built-in default."),
        new("config-text", FlagType.String, "", Config, "An EndpointPickerConfig as text; excludes --config-file."),
        new("watch-config", FlagType.Bool, "false", Config, "Follow changes of --config-file: a valid one is applied, another changes nothing and is logged."),
        new("endpoints-file", FlagType.String, "", Config, "Path of an endpoints file for the built-in default configuration: file discovery without a configuration."),
        new("allow-experimental-plugins", FlagType.Bool, "false", Config, "Load llm-d's experimental plugins.", "those that are built need no flag"),
        new("grpc-max-recv-msg-size", FlagType.Quantity, "16MiB", Limits, "Largest gRPC message accepted."),
        new("grpc-max-send-msg-size", FlagType.Quantity, "", Limits, "Largest gRPC message sent.", "messages sent are at most 62,000 bytes of body and their headers"),
        new("max-request-body-bytes", FlagType.Quantity, "64MiB", Limits, "Largest request body of one stream; beyond it the client gets 413."),
        new("max-buffered-bytes", FlagType.Quantity, "512MiB", Limits, "Request bodies held by all streams together; beyond it the client gets 503."),
        new("prefix-index-memory", FlagType.Quantity, "256MiB", Limits, "Hard memory budget of the approximate prefix index."),
        new("kv-index-memory", FlagType.Quantity, "1GiB", Limits, "Hard memory budget of each index of KV events; the blocks matched longest ago go first."),
        new("kv-events-stale-after", FlagType.Duration, "30s", Limits, "How long no source of KV events may be connected before picks go by what was sent lately; 0 = for ever."),
        new("v", FlagType.Int, "2", Logging, "Verbosity: 2 default, 3 verbose, 4 debug (every pick with its scores), 5 trace."),
        new("tracing", FlagType.Bool, "true", Logging, "Export traces where OTEL_TRACES_EXPORTER=otlp or an OTLP endpoint says where to; false = never."),
        new("zap-encoder", FlagType.String, "", Logging, "Log format: json or console; empty = console, with --zap-devel=false json."),
        new("zap-log-level", FlagType.String, "", Logging, "info, error, debug, panic or an integer verbosity; overrides -v."),
        new("zap-devel", FlagType.Bool, "true", Logging, "Format where --zap-encoder is not given: console, or json when false."),
        new("zap-stacktrace-level", FlagType.String, "", Logging, "Level from which stack traces are logged.", "only failures inside the EPP are logged with a stack trace"),
        new("zap-time-encoding", FlagType.String, "", Logging, "Format of times in the log.", "times are always UTC in ISO 8601"),
    ];
}
