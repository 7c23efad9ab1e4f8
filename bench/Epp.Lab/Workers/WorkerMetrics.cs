using System.Globalization;
using System.Text;

namespace Epp.Lab.Workers;

/// <summary>A Prometheus histogram with fixed upper bounds; thread-safe through its owner's lock.</summary>
internal sealed class Histogram(string name, string help, double[] bounds)
{
    readonly long[] _counts = new long[bounds.Length + 1];
    double _sum;

    public void Observe(double value)
    {
        var at = Array.FindIndex(bounds, b => value <= b);
        _counts[at < 0 ? bounds.Length : at]++;
        _sum += value;
    }

    public void Write(StringBuilder to, string labels)
    {
        to.Append(CultureInfo.InvariantCulture, $"# HELP {name} {help}\n# TYPE {name} histogram\n");
        long total = 0;
        for (var i = 0; i < _counts.Length; i++)
        {
            total += _counts[i];
            var bound = i < bounds.Length ? bounds[i].ToString("0.0###", CultureInfo.InvariantCulture) : "+Inf";
            to.Append(CultureInfo.InvariantCulture, $"{name}_bucket{{{labels},le=\"{bound}\"}} {total}.0\n");
        }
        to.Append(CultureInfo.InvariantCulture, $"{name}_count{{{labels}}} {total}.0\n{name}_sum{{{labels}}} {_sum:R}\n");
        to.Append(CultureInfo.InvariantCulture, $"# HELP {name}_created {help}\n# TYPE {name}_created gauge\n{name}_created{{{labels}}} 1.7322310031234567e+09\n");
    }
}

/// <summary>
/// The exposition of one worker: vLLM's metric names and about its size (72 KB), so that scraping it costs an EPP what a
/// real one costs. The owner locks around every call.
/// </summary>
internal sealed class WorkerMetrics
{
    static readonly double[] Seconds = [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160, 640, 2560];
    static readonly double[] Tokens = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000, 100000, 131072, 200000, 262144, 500000, 1000000, 2000000];
    static readonly double[] HttpSeconds = [.. Enumerable.Range(1, 66).Select(static i => i * 0.05)];

    // Exists in the engine and grows its answer; the simulation has nothing to observe in them.
    static readonly string[] Unobserved =
    [
        "vllm:request_params_n", "vllm:request_params_max_tokens", "vllm:request_max_num_generation_tokens",
        "vllm:iteration_tokens_total", "vllm:request_prefill_kv_computed_tokens", "vllm:kv_block_lifetime_seconds",
        "vllm:kv_block_idle_before_evict_seconds", "vllm:kv_block_reuse_gap_seconds", "vllm:request_num_preemptions",
        "vllm:time_per_output_token_seconds", "vllm:time_in_queue_requests_seconds", "vllm:kv_transfer_latency_seconds",
        "vllm:model_forward_time_seconds", "vllm:model_execute_time_seconds",
    ];

    readonly string _labels;
    readonly Histogram[] _more;
    readonly Histogram _http = new("http_request_duration_highr_seconds", "Latency with many buckets but no API specific labels.", HttpSeconds);

    public WorkerMetrics(string model)
    {
        _labels = $"engine=\"0\",model_name=\"{model}\"";
        _more = [.. Unobserved.Select(static name => new Histogram(name, $"Histogram of {name[5..]}.", name.EndsWith("seconds", StringComparison.Ordinal) ? Seconds : Tokens))];
    }

    public int Running { get; set; }

    public int Waiting { get; set; }

    public double KvUsage { get; set; }

    public long PrefixQueries { get; set; }

    public long PrefixHits { get; set; }

    public long PromptTokens { get; set; }

    public long GenerationTokens { get; set; }

    public long Finished { get; set; }

    public long Aborted { get; set; }

    public Histogram FirstToken { get; } = new("vllm:time_to_first_token_seconds", "Histogram of time to first token in seconds.", Seconds);

    public Histogram InterToken { get; } = new("vllm:inter_token_latency_seconds", "Histogram of inter-token latency in seconds.", Seconds);

    public Histogram PerOutputToken { get; } = new("vllm:request_time_per_output_token_seconds", "Histogram of time per output token in seconds per request.", Seconds);

    public Histogram EndToEnd { get; } = new("vllm:e2e_request_latency_seconds", "Histogram of e2e request latency in seconds.", Seconds);

    public Histogram Queue { get; } = new("vllm:request_queue_time_seconds", "Histogram of time spent in WAITING phase for request.", Seconds);

    public Histogram Prefill { get; } = new("vllm:request_prefill_time_seconds", "Histogram of time spent in PREFILL phase for request.", Seconds);

    public Histogram Decode { get; } = new("vllm:request_decode_time_seconds", "Histogram of time spent in DECODE phase for request.", Seconds);

    public Histogram Inference { get; } = new("vllm:request_inference_time_seconds", "Histogram of time spent in RUNNING phase for request.", Seconds);

    public Histogram PromptSizes { get; } = new("vllm:request_prompt_tokens", "Number of prefill tokens processed.", Tokens);

    public Histogram GenerationSizes { get; } = new("vllm:request_generation_tokens", "Number of generation tokens processed.", Tokens);

    public void ObserveHttp(double seconds) => _http.Observe(seconds);

    public string Render(int numBlocks)
    {
        var text = new StringBuilder(80 * 1024);
        Gauge(text, "vllm:num_requests_running", "Number of requests in model execution batches.", Running);
        Gauge(text, "vllm:num_requests_waiting", "Number of requests waiting to be processed.", Waiting);
        Gauge(text, "vllm:engine_sleep_state", "Engine sleep state; awake = 0 means engine is sleeping.", 1);
        Gauge(text, "vllm:kv_cache_usage_perc", "KV-cache usage. 1 means 100 percent usage.", KvUsage);
        Counter(text, "vllm:prefix_cache_queries", "Prefix cache queries, in terms of number of queried tokens.", PrefixQueries);
        Counter(text, "vllm:prefix_cache_hits", "Prefix cache hits, in terms of number of cached tokens.", PrefixHits);
        Counter(text, "vllm:num_preemptions", "Cumulative number of preemption from the engine.", 0);
        Counter(text, "vllm:prompt_tokens", "Number of prefill tokens processed.", PromptTokens);
        Counter(text, "vllm:generation_tokens", "Number of generation tokens processed.", GenerationTokens);
        text.Append("# HELP vllm:request_success_total Count of successfully processed requests.\n# TYPE vllm:request_success_total counter\n");
        foreach (var (reason, count) in new[] { ("stop", 0L), ("length", Finished), ("abort", Aborted), ("error", 0L) })
        {
            text.Append(CultureInfo.InvariantCulture, $"vllm:request_success_total{{{_labels},finished_reason=\"{reason}\"}} {count}.0\n");
        }
        text.Append("# HELP vllm:cache_config_info Information of the LLMEngine CacheConfig\n# TYPE vllm:cache_config_info gauge\n");
        text.Append(CultureInfo.InvariantCulture, $"vllm:cache_config_info{{block_size=\"{PrefixCache.BlockTokens}\",cache_dtype=\"auto\",enable_prefix_caching=\"True\",engine=\"0\",num_gpu_blocks=\"{numBlocks}\"}} 1.0\n");
        foreach (var histogram in (Histogram[])[FirstToken, InterToken, PerOutputToken, EndToEnd, Queue, Prefill, Decode, Inference, PromptSizes, GenerationSizes, .. _more])
        {
            histogram.Write(text, _labels);
        }
        _http.Write(text, "handler=\"none\",method=\"POST\"");
        return text.ToString();
    }

    void Gauge(StringBuilder to, string name, string help, double value) =>
        to.Append(CultureInfo.InvariantCulture, $"# HELP {name} {help}\n# TYPE {name} gauge\n{name}{{{_labels}}} {value:0.0###########}\n");

    void Counter(StringBuilder to, string name, string help, long value)
    {
        to.Append(CultureInfo.InvariantCulture, $"# HELP {name}_total {help}\n# TYPE {name}_total counter\n{name}_total{{{_labels}}} {value}.0\n");
        to.Append(CultureInfo.InvariantCulture, $"# HELP {name}_created {help}\n# TYPE {name}_created gauge\n{name}_created{{{_labels}}} 1.7322310031234567e+09\n");
    }
}
