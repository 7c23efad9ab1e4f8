using System.Text;
using BenchmarkDotNet.Attributes;
using Epp.Native.Wire;

namespace Epp.Bench.Wire;

/// <summary>One scrape of an engine with the names and the size of vLLM's exposition: 72 KB, nearly all of it histograms nobody asked for.</summary>
public class PrometheusTextBench
{
    private const int Bytes = 72 * 1024;
    private const string Labels = "engine=\"0\",model_name=\"meta-llama/Llama-3.1-8B-Instruct\"";

    private readonly byte[] _exposition = Exposition();
    private readonly EngineMetricsSpec _vllm = EngineMetricsSpec.BuiltIn.Single(e => e.Name == "vllm");
    private readonly EngineScrapeState _state = new();

    [Benchmark]
    public double PrometheusText_Vllm_72KB()
    {
        if (PrometheusText.Parse(_exposition, _vllm, _state, out var metrics) != ExpositionOutcome.Read)
        {
            throw new InvalidOperationException("the bench's own exposition holds no reading of vLLM's");
        }

        return metrics.KvUsage;
    }

    private static byte[] Exposition()
    {
        var text = new StringBuilder();
        Gauge(text, "vllm:num_requests_running", "17.0");
        Gauge(text, "vllm:num_requests_waiting", "4.0");
        Gauge(text, "vllm:kv_cache_usage_perc", "0.4375");
        text.Append("# HELP vllm:cache_config_info bench\n# TYPE vllm:cache_config_info gauge\n")
            .Append("vllm:cache_config_info{block_size=\"16\",engine=\"0\",num_gpu_blocks=\"27000\"} 1.0\n");
        for (var family = 0; text.Length < Bytes; family++)
        {
            var name = $"vllm:bench_{family}_seconds";
            text.Append($"# HELP {name} Histogram number {family}.\n# TYPE {name} histogram\n");
            for (var bucket = 0; bucket < 20; bucket++)
            {
                text.Append($"{name}_bucket{{{Labels},le=\"{(1 << bucket) / 1000.0}\"}} {family * bucket}.0\n");
            }

            text.Append($"{name}_count{{{Labels}}} {family * 19}.0\n{name}_sum{{{Labels}}} {family}.25\n");
        }

        return Encoding.UTF8.GetBytes(text.ToString());
    }

    private static void Gauge(StringBuilder text, string name, string value) =>
        text.Append($"# HELP {name} bench\n# TYPE {name} gauge\n{name}{{{Labels}}} {value}\n");
}
