using System.Text;
using Epp.Native.Pool;

namespace Epp.Native.Wire;

/// <summary>
/// Where one kind of engine reports its load (contract §8). A null selector disables that reading. Immutable; safe to share.
/// </summary>
public sealed class EngineMetricsSpec
{
    private const string VllmKvUsage = "vllm:kv_cache_usage_perc";
    private const string VllmKvUsageOld = "vllm:gpu_cache_usage_perc";
    private const string TritonExecutions = "nv_inference_exec_count";

    /// <param name="name">The engine's name in the label <c>llm-d.ai/engine-type</c>.</param>
    /// <param name="waiting">Requests in the engine's queue.</param>
    /// <param name="running">Requests being executed; <c>nv_inference_exec_count</c> is read as a cumulative counter.</param>
    /// <param name="kvUsage">KV cache use, 0 … 1; where either vLLM name is asked for and missing, the other one is read.</param>
    /// <param name="lora">LoRA series, adapters in its labels, time of change as its value.</param>
    /// <param name="cacheInfo">Series whose labels name the block size and the number of blocks.</param>
    /// <param name="blockTokensLabel">Label of <paramref name="cacheInfo"/> with the block size in tokens.</param>
    /// <param name="blocksLabel">Label of <paramref name="cacheInfo"/> with the number of blocks.</param>
    /// <param name="blockTokens">Block size as a gauge; read where the label is absent.</param>
    /// <param name="blocks">Number of blocks as a gauge; read where the label is absent.</param>
    /// <param name="partLabels">Labels that tell several engines behind one endpoint apart: their series are summed (KV use: averaged).</param>
    /// <param name="subtotalLabel">A label whose non-empty values mark a part of the total that the empty value holds.</param>
    public EngineMetricsSpec(
        string name,
        PrometheusTextSelector? waiting = null,
        PrometheusTextSelector? running = null,
        PrometheusTextSelector? kvUsage = null,
        PrometheusTextSelector? lora = null,
        PrometheusTextSelector? cacheInfo = null,
        string blockTokensLabel = "block_size",
        string blocksLabel = "num_gpu_blocks",
        PrometheusTextSelector? blockTokens = null,
        PrometheusTextSelector? blocks = null,
        IReadOnlyList<string>? partLabels = null,
        string? subtotalLabel = null)
    {
        Name = name;
        BlockTokensLabel = Encoding.UTF8.GetBytes(blockTokensLabel);
        BlocksLabel = Encoding.UTF8.GetBytes(blocksLabel);
        PartLabels = [.. (partLabels ?? ["engine"]).Select(Encoding.UTF8.GetBytes)];
        SubtotalLabel = subtotalLabel is null ? [] : Encoding.UTF8.GetBytes(subtotalLabel);
        RunningIsCounter = running is not null && running.Name.SequenceEqual(Encoding.UTF8.GetBytes(TritonExecutions));
        Slots = [.. Wanted(waiting, running, kvUsage, lora, cacheInfo, blockTokens, blocks)];
        TellingPosition = CommonPrefix(Slots);
        foreach (var slot in Slots)
        {
            TellingBytes[slot.Name[TellingPosition]] = true;
        }
    }

    /// <summary>The engine's name in the endpoint label.</summary>
    public string Name { get; }

    internal byte[] BlockTokensLabel { get; }

    internal byte[] BlocksLabel { get; }

    internal byte[][] PartLabels { get; }

    internal byte[] SubtotalLabel { get; }

    internal bool RunningIsCounter { get; }

    internal (Reading Reading, byte[] Name, PrometheusTextSelector Selector)[] Slots { get; }

    /// <summary>Position of the first byte in which the wanted names differ, inside all of them.</summary>
    internal int TellingPosition { get; }

    /// <summary>Bytes that a wanted name has at <see cref="TellingPosition"/>.</summary>
    internal bool[] TellingBytes { get; } = new bool[256];

    /// <summary>The engines known without configuration; the first is the default.</summary>
    public static IReadOnlyList<EngineMetricsSpec> BuiltIn { get; } =
    [
        Vllm(VllmKvUsage),
        new("sglang", Of("sglang:num_queue_reqs"), Of("sglang:num_running_reqs"), Of("sglang:token_usage"),
            cacheInfo: Of("sglang:cache_config_info"), blockTokensLabel: "page_size", blocksLabel: "num_pages",
            blockTokens: Of("sglang:page_size"), blocks: Of("sglang:num_pages"), partLabels: ["dp_rank"], subtotalLabel: "priority"),
        new("trtllm-serve", Of("trtllm_num_requests_waiting"), Of("trtllm_num_requests_running"), Of("trtllm_kv_cache_utilization"),
            blockTokens: Of("trtllm_kv_cache_tokens_per_block"), blocks: Of("trtllm_kv_cache_max_blocks")),
        new("triton-tensorrt-llm", Of("nv_trt_llm_request_metrics{request_type=waiting}"), Of("nv_trt_llm_request_metrics{request_type=scheduled}"),
            Of("nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type=fraction}"),
            blockTokens: Of("nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type=tokens_per}"),
            blocks: Of("nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type=max}"), partLabels: ["model", "version"]),
        new("triton", Of("nv_inference_pending_request_count"), Of(TritonExecutions), partLabels: ["model", "version"]),
    ];

    /// <summary>vLLM with the KV name of the GAIE lineage (contract §8, the column's [G] default).</summary>
    public static EngineMetricsSpec GaieVllm { get; } = Vllm(VllmKvUsageOld);

    private static int CommonPrefix((Reading Reading, byte[] Name, PrometheusTextSelector Selector)[] slots)
    {
        var length = slots.Length == 0 ? 0 : slots.Min(s => s.Name.Length - 1);
        foreach (var slot in slots)
        {
            length = Math.Min(length, slot.Name.AsSpan().CommonPrefixLength(slots[0].Name));
        }

        return length;
    }

    private static EngineMetricsSpec Vllm(string kvUsage) =>
        new("vllm", Of("vllm:num_requests_waiting"), Of("vllm:num_requests_running"), Of(kvUsage), Of("vllm:lora_requests_info"), Of("vllm:cache_config_info"));

    private static PrometheusTextSelector Of(string text) => PrometheusTextSelector.Parse(text);

    private static IEnumerable<(Reading, byte[], PrometheusTextSelector)> Wanted(
        PrometheusTextSelector? waiting,
        PrometheusTextSelector? running,
        PrometheusTextSelector? kvUsage,
        PrometheusTextSelector? lora,
        PrometheusTextSelector? cacheInfo,
        PrometheusTextSelector? blockTokens,
        PrometheusTextSelector? blocks)
    {
        var kvOther = kvUsage is null ? null
            : Encoding.UTF8.GetString(kvUsage.Name) switch
            {
                VllmKvUsage => kvUsage.WithName(VllmKvUsageOld),
                VllmKvUsageOld => kvUsage.WithName(VllmKvUsage),
                _ => null,
            };
        (Reading, PrometheusTextSelector?)[] all =
        [
            (Reading.Waiting, waiting), (Reading.Running, running), (Reading.KvUsage, kvUsage), (Reading.KvUsageOther, kvOther),
            (Reading.Lora, lora), (Reading.CacheInfo, cacheInfo), (Reading.BlockTokens, blockTokens), (Reading.Blocks, blocks),
        ];
        foreach (var (reading, selector) in all)
        {
            if (selector is not null)
            {
                yield return (reading, selector.Name.ToArray(), selector);
            }
        }
    }

    /// <summary>What a series is read for; also the slot of its accumulator.</summary>
    internal enum Reading
    {
        Waiting = 0,
        Running,
        KvUsage,
        KvUsageOther,
        Lora,
        CacheInfo,
        BlockTokens,
        Blocks,
        Count,
    }
}

/// <summary>What one endpoint's scrapes remember between two expositions. Not thread-safe: one scrape at a time.</summary>
public sealed class EngineScrapeState
{
    /// <summary>Adapters found last; the same object as long as they do not change.</summary>
    public LoraState? Lora { get; internal set; }

    /// <summary>True when the last exposition lacked the configured KV name and the other vLLM name was read.</summary>
    public bool UsedOtherKvName { get; internal set; }

    internal double LastCounter { get; set; } = double.NaN;
}
