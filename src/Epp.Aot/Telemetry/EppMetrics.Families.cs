using System.Globalization;
using Epp.Native;

namespace Epp.Aot.Telemetry;

/// <summary>The catalogue: names, HELP texts, types, labels and buckets as the references expose them (contract §7.1, §7.2).</summary>
public sealed partial class EppMetrics
{
    private const string New = "llm_d_epp_";
    private const string OldRequests = "inference_objective_";
    private const string OldPool = "inference_pool_";
    private const string OldExtension = "inference_extension_";

    private static readonly string[] RequestLabels = ["fairness_id", "model_name", "priority", "target_model_name"];
    private static readonly string[] ModelLabels = ["model_name", "target_model_name"];
    private static readonly string[] PoolLabels = ["name"];

    private readonly double _startSeconds;

    private IEnumerable<MetricFamily> Declare() =>
    [
        .. RequestCounters(), .. RequestHistograms(), .. StreamedHistograms(), .. PoolFamilies(), .. SchedulerFamilies(), .. PrefixFamilies(),
        .. DecisionFamilies(), .. FlowFamilies(), .. OwnFamilies(), .. KubernetesFamilies(), .. KvFamilies(), .. ProcessFamilies(_startSeconds), .. _options.StreamMetrics ? StreamFamilies() : [],
    ];

    private string OldHelp(string successor, string text) =>
        _options.Dialect == Dialect.Gaie ? "[ALPHA] " + text : $"[ALPHA] [Deprecated: Use {New}{successor}] {text}";

    private MetricFamily[] RequestCounters()
    {
        var gaie = _options.Dialect == Dialect.Gaie;
        return
        [
            new(New + "request_total", MetricKind.Counter, "[ALPHA] Total number of processed requests.", RequestLabels,
                s => Each(r => { if (r.Requests > 0) { s.Add(r.Requests, r.FairnessId, r.Model, r.Priority, r.Target); } })),
            new(OldRequests + "request_total", MetricKind.Counter,
                OldHelp("request_total", "Counter of inference objective requests broken out for each model and target model."),
                gaie ? ModelLabels : ["model_name", "priority", "target_model_name"],
                s => Each(r =>
                {
                    if (r.Requests > 0)
                    {
                        s.Add(r.Requests, gaie ? [r.Model, r.Target] : [r.Model, r.Priority, r.Target]);
                    }
                })),
            new(New + "request_error_total", MetricKind.Counter, "[ALPHA] Total number of request errors.", ["error_code", .. RequestLabels],
                s => Each(r => { foreach (var (code, n) in r.Errors()) { s.Add(n, code, r.FairnessId, r.Model, r.Priority, r.Target); } })),
            new(OldRequests + "request_error_total", MetricKind.Counter,
                OldHelp("request_error_total", "Counter of inference objective requests errors broken out for each model and target model."),
                ["error_code", .. ModelLabels],
                s => Each(r => { foreach (var (code, n) in r.Errors()) { s.Add(n, code, r.Model, r.Target); } })),
            new(New + "request_running", MetricKind.Gauge, "[ALPHA] Current number of active running requests.", RequestLabels,
                s => Each(r => { if (r.RunningNow is { } n) { s.Add(n, r.FairnessId, r.Model, r.Priority, r.Target); } })),
            new(OldRequests + "running_requests", MetricKind.Gauge,
                OldHelp("request_running", "Inference objective number of running requests in each model."), ["model_name"],
                s => Each(r => { if (r.RunningNow is { } n) { s.Add(n, r.Model); } })),
        ];
    }

    private IEnumerable<MetricFamily> RequestHistograms() =>
    [
        .. Pair("request_duration_seconds", "End-to-end request latency distribution in seconds.", "request_duration_seconds",
            "Inference objective response latency distribution in seconds for each model and target model.", Buckets.Latency, r => r.Duration),
        .. Pair("request_size_bytes", "Incoming request body size distribution in bytes.", "request_sizes",
            "Inference objective requests size distribution in bytes for each model and target model.", Buckets.RequestBytes, r => r.RequestBytes),
        .. Pair("response_size_bytes", "Outgoing response body size distribution in bytes.", "response_sizes",
            "Inference objective responses size distribution in bytes for each model and target model.", Buckets.ResponseBytes, r => r.ResponseBytes),
        .. Pair("request_input_tokens", "Input token count distribution per request.", "input_tokens",
            "Inference objective input token count distribution for requests in each model.", Buckets.InputTokens, r => r.InputTokens),
        .. Pair("request_output_tokens", "Output token count distribution per request.", "output_tokens",
            "Inference objective output token count distribution for requests in each model.", Buckets.OutputTokens, r => r.OutputTokens),
        .. Pair("request_cached_tokens", "Distribution of prompt tokens read from cache per request, as reported by the model server in the response.",
            "prompt_cached_tokens", "Inference objective prompt cached token count distribution for requests in each model.", Buckets.InputTokens, r => r.CachedTokens),
        .. Pair("request_ntpot_seconds", "Normalized time per output token in seconds (end-to-end latency divided by output token count).",
            "normalized_time_per_output_token_seconds",
            "Inference objective latency divided by number of output tokens in seconds for each model and target model.", Buckets.TimePerToken, r => r.PerToken),
    ];

    private MetricFamily[] StreamedHistograms()
    {
        return
        [
            new(New + "request_ttft_seconds", MetricKind.Histogram,
                "[ALPHA] Time to first token in seconds, measured from request received to first response byte. For non-streaming requests, this equals total request duration.",
                ["fairness_id", "model_name", "priority", "streaming", "target_model_name"],
                s => Each(r =>
                {
                    s.Add(r.FirstTokens(streaming: false), r.FairnessId, r.Model, r.Priority, "false", r.Target);
                    s.Add(r.FirstTokens(streaming: true), r.FairnessId, r.Model, r.Priority, "true", r.Target);
                }),
                Buckets.FirstToken),
            OfRequests("request_streaming_tpot_seconds",
                "Average time per output token in seconds for streaming requests, computed as (e2e - TTFT) / (output_tokens - 1).",
                Buckets.StreamingTimePerToken, r => r.StreamingPerToken),
            OfRequests("request_streaming_itl_seconds",
                "Inter-token latency in seconds for streaming requests, measured as the time between consecutive response body chunks.",
                Buckets.InterToken, r => r.InterToken),
        ];
    }

    private MetricFamily[] Pair(string name, string help, string oldName, string oldHelp, double[] buckets, Func<RequestSeries, Histogram?> get) =>
    [
        OfRequests(name, help, buckets, get),
        new(OldRequests + oldName, MetricKind.Histogram, OldHelp(name, oldHelp), ModelLabels, s => Each(r => s.Add(get(r), r.Model, r.Target)), buckets),
    ];

    private MetricFamily OfRequests(string name, string help, double[] buckets, Func<RequestSeries, Histogram?> get) =>
        new(New + name, MetricKind.Histogram, "[ALPHA] " + help, RequestLabels, s => Each(r => s.Add(get(r), r.FairnessId, r.Model, r.Priority, r.Target)), buckets);

    private void Each(Action<RequestSeries> collect)
    {
        foreach (var series in _requests.All())
        {
            collect(series);
        }
    }

    private MetricFamily[] SchedulerFamilies()
    {
        const string E2e = "End-to-end scheduling latency distribution in seconds.";
        const string Tried = "Total number of scheduling attempts.";
        const string Plugin = "Plugin processing latency distribution in seconds for each extension point, plugin type and plugin name.";
        string[] pluginLabels = ["extension_point", "plugin_name", "plugin_type"];
        void CollectPlugins(FamilySamples s)
        {
            foreach (var p in Volatile.Read(ref _plugins))
            {
                s.Add(p.Seconds, p.ExtensionPoint, p.Name, p.Type);
            }
        }
        return
        [
            new(New + "scheduler_e2e_duration_seconds", MetricKind.Histogram, "[ALPHA] " + E2e, [], s => s.Add(_scheduler), Buckets.Small),
            new(OldExtension + "scheduler_e2e_duration_seconds", MetricKind.Histogram, OldHelp("scheduler_e2e_duration_seconds", E2e), [],
                s => s.Add(_scheduler), Buckets.Small),
            new(New + "scheduler_attempts_total", MetricKind.Counter, "[ALPHA] " + Tried,
                ["endpoint_name", "namespace", "port", "status", "target_model_name"],
                s => { foreach (var a in Attempts.All()) { s.Add(a.Counter.Value, a.EndpointName, a.Namespace, a.Port, a.Status, a.TargetModel); } }),
            new(OldExtension + "scheduler_attempts_total", MetricKind.Counter, OldHelp("scheduler_attempts_total", Tried),
                ["namespace", "pod_name", "port", "status", "target_model_name"],
                s => { foreach (var a in Attempts.All()) { s.Add(a.Counter.Value, a.Namespace, a.EndpointName, a.Port, a.Status, a.TargetModel); } }),
            new(New + "plugin_duration_seconds", MetricKind.Histogram, "[ALPHA] " + Plugin, pluginLabels, CollectPlugins, Buckets.Small),
            new(OldExtension + "plugin_duration_seconds", MetricKind.Histogram, OldHelp("plugin_duration_seconds", Plugin), pluginLabels,
                CollectPlugins, Buckets.Small),
            new(New + "request_processing_duration_seconds", MetricKind.Histogram,
                "[ALPHA] EPP request processing latency distribution in seconds, from request receipt until the request body has been handled, including admission control.",
                [], s => s.Add(_requestProcessing), Buckets.RequestProcessing),
            new(New + "response_processing_duration_seconds", MetricKind.Histogram,
                "[ALPHA] EPP response processing latency distribution in seconds: the sum of per-chunk handler time for a streamed response, or the interval from response headers to completion for a non-streaming response.",
                [], s => s.Add(_responseProcessing), Buckets.ResponseProcessing),
        ];
    }

    private MetricFamily[] PrefixFamilies()
    {
        const string Size = "Size of the prefix indexer.";
        const string Ratio = "Ratio of prefix length matched to total prefix length in the cache lookup.";
        const string Bytes = "Length of the prefix match in number of bytes in the cache lookup.";
        string[] labels = ["plugin_name", "plugin_type"];
        void EachPrefix(Action<PrefixSeries> collect)
        {
            foreach (var prefix in Volatile.Read(ref _prefixes))
            {
                collect(prefix);
            }
        }
        return
        [
            new(New + "prefix_indexer_size", MetricKind.Gauge, "[ALPHA] " + Size, labels,
                s => EachPrefix(p => { if (p.Size is { } size) { s.Add(size(), p.Name, p.Type); } })),
            new(OldExtension + "prefix_indexer_size", MetricKind.Gauge, OldHelp("prefix_indexer_size", Size), [],
                s => EachPrefix(p => { if (p.Size is { } size) { s.Add(size()); } })),
            new(New + "prefix_indexer_hit_ratio", MetricKind.Histogram, "[ALPHA] " + Ratio, labels,
                s => EachPrefix(p => s.Add(p.HitRatio, p.Name, p.Type)), Buckets.HitRatio),
            new(OldExtension + "prefix_indexer_hit_ratio", MetricKind.Histogram, OldHelp("prefix_indexer_hit_ratio", Ratio), [],
                s => EachPrefix(p => s.Add(p.HitRatio)), Buckets.HitRatio),
            new(New + "prefix_indexer_hit_bytes", MetricKind.Histogram, "[ALPHA] " + Bytes, labels,
                s => EachPrefix(p => s.Add(p.HitBytes, p.Name, p.Type)), Buckets.HitBytes),
            new(OldExtension + "prefix_indexer_hit_bytes", MetricKind.Histogram, OldHelp("prefix_indexer_hit_bytes", Bytes), [],
                s => EachPrefix(p => s.Add(p.HitBytes)), Buckets.HitBytes),
        ];
    }

    private IEnumerable<MetricFamily> OwnFamilies()
    {
        const string Poll = "Data-source poll errors per source type.";
        const string Source = "metrics-data-source";
        const string Info = "[ALPHA] General information of the current build of Inference Extension.";
        yield return new(New + "datalayer_poll_errors_total", MetricKind.Counter, "[ALPHA] " + Poll, ["source_type"],
            s => s.Add(PollErrors.Value, Source));
        yield return new("llm_d_inference_scheduler_datalayer_poll_errors_total", MetricKind.Counter,
            $"[ALPHA] [Deprecated: Use {New}datalayer_poll_errors_total] {Poll}", ["source_type"], s => s.Add(PollErrors.Value, Source));
        yield return new(New + "info", MetricKind.Gauge, Info, ["build_ref", "commit"], s => s.Add(1, _options.BuildRef, _options.Commit));
        yield return new(OldExtension + "info", MetricKind.Gauge, Info, ["build_ref", "commit"], s => s.Add(1, _options.BuildRef, _options.Commit));
        yield return new("epp_endpoints_not_live", MetricKind.Gauge,
            "Endpoints never scraped or whose last scrape failed; they rank behind every live one.", PoolLabels, s => s.Add(NotLive(), _options.PoolName));
        yield return new("epp_scrape_duration_seconds", MetricKind.Histogram,
            "Seconds from sending a scrape to its parsed answer or its failure.", [], s => s.Add(ScrapeSeconds), Buckets.ScrapeSeconds);
        yield return new("epp_accounting_anomalies_total", MetricKind.Counter,
            "Streams whose end was seen twice or out of order; above zero is a defect.", [], s => s.Add(AccountingAnomalies.Value));
        yield return new("epp_malformed_usage_total", MetricKind.Counter,
            "Responses whose usage was malformed and therefore not counted.", [], s => s.Add(MalformedUsage.Value));
        yield return new("epp_subset_items_ignored_total", MetricKind.Counter,
            "Subset hint items that were no endpoint address and were ignored.", [], s => s.Add(SubsetItemsIgnored.Value));
        yield return new("epp_usage_reports_failed_total", MetricKind.Counter,
            "Attributes of responses that were not reported because their expression had no value.", [], s => s.Add(UsageReportsFailed.Value));
    }

    private MetricFamily[] StreamFamilies()
    {
        return
        [
            new(New + "extproc_streams_inflight", MetricKind.Gauge, "[ALPHA] Number of ext_proc gRPC streams currently open.", [],
                s => s.Add(Streams.Open)),
            new(New + "extproc_streams_total", MetricKind.Counter, "[ALPHA] Total ext_proc gRPC streams completed, by gRPC status code.", ["code"],
                s => { foreach (var (code, n) in Streams.Ends()) { s.Add(n, code); } }),
            new(New + "extproc_stream_duration_seconds", MetricKind.Histogram,
                "[ALPHA] Duration an ext_proc gRPC stream stays open, in seconds.", [], s => s.Add(Streams.Seconds), Buckets.StreamSeconds),
        ];
    }
}
