using System.Text;
using Epp.Native.Pool;
using Epp.Native.Wire;
using Epp.Testing;

namespace Epp.Native.Tests.Wire;

[Trait("Category", "Unit")]
public sealed class PrometheusTextTests
{
    private static EngineMetricsSpec Engine(string name) => EngineMetricsSpec.BuiltIn.Single(e => e.Name == name);

    private static EndpointMetrics Parse(string text, string engine = "vllm", EngineScrapeState? state = null) =>
        Parse(text, Engine(engine), state);

    private static EndpointMetrics Parse(string text, EngineMetricsSpec spec, EngineScrapeState? state = null)
    {
        Assert.Equal(ExpositionOutcome.Read, PrometheusText.Parse(Encoding.UTF8.GetBytes(text), spec, state ?? new EngineScrapeState(), out var metrics));
        return metrics;
    }

    [Fact]
    public void Parse_PlainVllm_ReadsAll()
    {
        var metrics = Parse("""
            # HELP vllm:num_requests_waiting text with vllm:num_requests_running 9
            vllm:num_requests_waiting_by_reason{engine="0"} 77
            vllm:num_requests_waiting{engine="0",model_name="a}b\"c"} 3.7
            vllm:num_requests_running 4.0
            vllm:kv_cache_usage_perc{engine="0"} 0.25
            vllm:cache_config_info{mamba_block_size="None",block_size="16",num_gpu_blocks="512",num_gpu_blocks_override="None"} 1.0
            """);
        Assert.Equal((3d, 4d, 0.25, 16, 512), (metrics.Waiting, metrics.Running, metrics.KvUsage, metrics.CacheBlockTokens, metrics.CacheBlocks));
        Assert.Null(metrics.Lora);
    }

    [Fact]
    public void Parse_TwoEngines_SumsRequestsAndAveragesKv()
    {
        var metrics = Parse("""
            vllm:num_requests_waiting{engine="0"} 2
            vllm:num_requests_waiting{engine="1"} 5
            vllm:num_requests_running{engine="0"} 3
            vllm:num_requests_running{engine="1"} 4
            vllm:kv_cache_usage_perc{engine="0"} 0.5
            vllm:kv_cache_usage_perc{engine="1"} 0.25
            """);
        Assert.Equal((7d, 7d, 0.375), (metrics.Waiting, metrics.Running, metrics.KvUsage));
    }

    [Theory]
    [InlineData("m{a=\"1\"} 5 100\nm{a=\"2\"} 6 300\nm{a=\"3\"} 7 200\n", 6)]
    [InlineData("m{a=\"1\"} 5\nm{a=\"2\"} 6\n", 5)]
    [InlineData("m{a=\"1\"} 5\nm{a=\"2\"} 6 -1\n", 6)]
    [InlineData("m{engine=\"0\"} 5 100\nm{engine=\"1\"} 6 300\n", 6)]
    [InlineData("m 5 # {trace_id=\"x\"} 0.5 9\n", 5)]
    [InlineData("  m\t5\t\r\n", 5)]
    [InlineData("m NaN\nm 8\n", 8)]
    [InlineData("m +Inf\nm{} 8\n", 8)]
    [InlineData("m bogus\nm{x=\"} 4\nm 9e0", 9)]
    [InlineData("m -3\n", 0)]
    [InlineData("m 1e300\n", int.MaxValue)]
    public void Parse_SeveralSeries_TakesTheRightOne(string text, double expected)
    {
        var spec = new EngineMetricsSpec("own", PrometheusTextSelector.Parse("m"));
        Assert.Equal(expected, Parse(text, spec).Waiting);
    }

    [Fact]
    public void Parse_LabelConditions_MatchUnescapedValues()
    {
        var spec = new EngineMetricsSpec("own", PrometheusTextSelector.Parse("m{tier=gpu, path=\"a\\\\b\\\"c\\n\"}"));
        Assert.Equal(3, Parse("m{tier=\"gpu\"} 1\nm{path=\"a\\\\b\\\"c\\n\",tier=\"cpu\"} 2\nm{path=\"a\\\\b\\\"c\\n\" , tier=\"gpu\",} 3\n", spec).Waiting);
    }

    [Fact]
    public void Parse_SglangWithPriorities_TakesTheTotal()
    {
        var metrics = Parse("""
            sglang:num_queue_reqs{model_name="m",priority="1"} 4
            sglang:num_queue_reqs{model_name="m",priority=""} 9
            sglang:num_queue_reqs{model_name="m",priority="2"} 5
            sglang:page_size{model_name="m"} 64.0
            sglang:num_pages{model_name="m"} 4000.0
            """, "sglang");
        Assert.Equal((9d, 64, 4000), (metrics.Waiting, metrics.CacheBlockTokens, metrics.CacheBlocks));
        var info = Parse("sglang:cache_config_info{num_pages=\"100\",page_size=\"32\"} 1\nsglang:page_size 64\n", "sglang");
        Assert.Equal((32, 100), (info.CacheBlockTokens, info.CacheBlocks));
    }

    [Fact]
    public void Parse_KvNameMissing_ReadsTheOtherName()
    {
        var state = new EngineScrapeState();
        Assert.Equal(0.5, Parse("vllm:gpu_cache_usage_perc 0.5\n", "vllm", state).KvUsage);
        Assert.True(state.UsedOtherKvName);
        Assert.Equal(0.25, Parse("vllm:kv_cache_usage_perc 0.25\n", EngineMetricsSpec.GaieVllm).KvUsage);
        Assert.Equal(0.75, Parse("vllm:gpu_cache_usage_perc 0.5\nvllm:kv_cache_usage_perc 0.75\n", "vllm", state).KvUsage);
        Assert.False(state.UsedOtherKvName);
    }

    [Fact]
    public void Parse_Lora_LargestValueWinsAndObjectIsKept()
    {
        var state = new EngineScrapeState();
        const string First = """
            vllm:lora_requests_info{max_lora="4",running_lora_adapters="old",waiting_lora_adapters=""} 1.7e+09
            vllm:lora_requests_info{max_lora="4",running_lora_adapters=" sql , chat\"x",waiting_lora_adapters="other,"} 1.8e+09
            vllm:lora_requests_info{max_lora="4",running_lora_adapters="older",waiting_lora_adapters=""} 1.6e+09

            """;
        var lora = Parse(First, "vllm", state).Lora!;
        Assert.Equal(["sql", "chat\"x"], lora.Running.Select(Encoding.UTF8.GetString));
        Assert.Equal(["other"], lora.Waiting.Select(Encoding.UTF8.GetString));
        Assert.Equal(4, lora.MaxAdapters);
        Assert.Same(lora, Parse(First.Replace("1.8e", "1.9e", StringComparison.Ordinal), "vllm", state).Lora);
        Assert.NotSame(lora, Parse(First.Replace("sql", "sq", StringComparison.Ordinal), "vllm", state).Lora);
    }

    [Fact]
    public void Parse_TritonCounter_YieldsItsGrowth()
    {
        var state = new EngineScrapeState();
        Assert.Equal(double.NaN, Parse("nv_inference_exec_count{model=\"a\",version=\"1\"} 100\n", "triton", state).Running);
        var next = Parse("nv_inference_exec_count{model=\"a\",version=\"1\"} 103\nnv_inference_exec_count{model=\"b\",version=\"1\"} 4\n", "triton", state);
        Assert.Equal(7, next.Running);
        Assert.Equal(2, Parse("nv_inference_exec_count{model=\"a\",version=\"1\"} 2\n", "triton", state).Running);
    }

    [Fact]
    public void Parse_TensorRtLabels_PickTheirSeries()
    {
        var metrics = Parse("""
            nv_trt_llm_request_metrics{model="m",request_type="waiting",version="1"} 6
            nv_trt_llm_request_metrics{model="m",request_type="scheduled",version="1"} 2
            nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type="max",model="m",version="1"} 300
            nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type="tokens_per",model="m",version="1"} 32
            nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type="fraction",model="m",version="1"} 0.125
            """, "triton-tensorrt-llm");
        Assert.Equal((6d, 2d, 0.125, 32, 300), (metrics.Waiting, metrics.Running, metrics.KvUsage, metrics.CacheBlockTokens, metrics.CacheBlocks));
    }

    [Theory]
    [InlineData("{\"a\":1}", ExpositionOutcome.NotText)]
    [InlineData("[]", ExpositionOutcome.NotText)]
    [InlineData("<html>", ExpositionOutcome.NotText)]
    [InlineData("", ExpositionOutcome.NothingWanted)]
    [InlineData("# only comments\n", ExpositionOutcome.NothingWanted)]
    [InlineData("other 1\n", ExpositionOutcome.NothingWanted)]
    public void Parse_NothingUseful_SaysWhy(string text, ExpositionOutcome expected)
    {
        Assert.Equal(expected, PrometheusText.Parse(Encoding.UTF8.GetBytes(text), Engine("vllm"), new EngineScrapeState(), out _));
    }

    [Theory]
    [InlineData("")]
    [InlineData("9a")]
    [InlineData("a b")]
    [InlineData("a{")]
    [InlineData("a{x}")]
    [InlineData("a{x=\"1}")]
    [InlineData("a{x=1} z")]
    [InlineData("a{x:y=1}")]
    [InlineData("a{x=\"1\" y=2}")]
    public void Selector_Malformed_IsRefusedWithReason(string text)
    {
        Assert.False(PrometheusTextSelector.TryParse(text, out _, out var error));
        Assert.NotEmpty(error);
    }

    [Fact]
    public void Parse_MutatedExpositions_NeverThrows()
    {
        const int Seed = 71;
        var random = new Random(Seed);
        var template = Encoding.UTF8.GetBytes(
            "# HELP x y\nvllm:num_requests_waiting{engine=\"0\",m=\"a\\\"b\"} 3.0 12\nvllm:num_requests_running 4\n"
            + "vllm:lora_requests_info{max_lora=\"4\",running_lora_adapters=\"a,b\",waiting_lora_adapters=\"\"} 1.7e+09\n"
            + "vllm:cache_config_info{block_size=\"16\",num_gpu_blocks=\"99\"} 1.0\n");
        var alphabet = "{}\"\\=, \n#1eNa\0\r\t"u8.ToArray();
        var state = new EngineScrapeState();
        for (var round = 0; round < 20_000; round++)
        {
            var text = template.ToArray();
            for (var edits = random.Next(1, 8); edits > 0; edits--)
            {
                text[random.Next(text.Length)] = alphabet[random.Next(alphabet.Length)];
            }

            var cut = text.AsSpan(0, random.Next(text.Length + 1));
            _ = PrometheusText.Parse(cut, Engine("vllm"), state, out var metrics);
            Assert.True(double.IsNaN(metrics.Waiting) || (metrics.Waiting >= 0 && metrics.Waiting == Math.Truncate(metrics.Waiting)), $"seed {Seed} round {round}");
        }
    }

    [Fact]
    public void Parse_SteadyState_AllocatesNothing()
    {
        var text = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("vllm:other_bucket{le=\"1\"} 1\n", 500))
            + "vllm:num_requests_waiting{engine=\"0\"} 3.0\nvllm:num_requests_running 4\nvllm:kv_cache_usage_perc 0.1\n"
            + "vllm:lora_requests_info{max_lora=\"4\",running_lora_adapters=\"a\\\"x, b\",waiting_lora_adapters=\"c\"} 1.7e+09\n"
            + "vllm:cache_config_info{block_size=\"16\",num_gpu_blocks=\"99\"} 1.0\n");
        var state = new EngineScrapeState();
        var spec = Engine("vllm");
        for (var i = 0; i < 100; i++)
        {
            _ = PrometheusText.Parse(text, spec, state, out _);
        }

        Assert.Equal(0, Allocated.Least(() =>
        {
            for (var i = 0; i < 1000; i++)
            {
                _ = PrometheusText.Parse(text, spec, state, out _);
            }
        }));
    }
}
