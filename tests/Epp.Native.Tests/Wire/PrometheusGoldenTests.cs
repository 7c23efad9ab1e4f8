using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Epp.Native.Wire;
using Epp.Testing;

namespace Epp.Native.Tests.Wire;

[Trait("Category", "Golden")]
public sealed class PrometheusGoldenTests
{
    [SkippableFact]
    public void Parse_RealExpositions_EqualsNaiveParser()
    {
        var files = Directory.GetFiles(Golden.Require("kv/metrics"), "*.prom");
        Assert.NotEmpty(files);
        foreach (var file in files)
        {
            var engine = Path.GetFileName(file).Split('-')[0];
            var sglang = engine == "sglang";
            var spec = EngineMetricsSpec.BuiltIn.Single(e => e.Name == engine);
            var bytes = File.ReadAllBytes(file);
            var series = Naive(Encoding.UTF8.GetString(bytes));
            Assert.Equal(ExpositionOutcome.Read, PrometheusText.Parse(bytes, spec, new EngineScrapeState(), out var metrics));

            double[] Values(string name) => [.. series.Where(s => s.Name == name).Select(s => s.Value)];
            Assert.Equal(Math.Truncate(Values(sglang ? "sglang:num_queue_reqs" : "vllm:num_requests_waiting").Sum()), metrics.Waiting);
            Assert.Equal(Math.Truncate(Values(sglang ? "sglang:num_running_reqs" : "vllm:num_requests_running").Sum()), metrics.Running);
            Assert.Equal(Values(sglang ? "sglang:token_usage" : "vllm:kv_cache_usage_perc").Average(), metrics.KvUsage);

            var info = series.FirstOrDefault(s => s.Name == engine + ":cache_config_info").Labels;
            var tokens = info?[sglang ? "page_size" : "block_size"] ?? Values("sglang:page_size").FirstOrDefault().ToString(CultureInfo.InvariantCulture);
            var blocks = info?[sglang ? "num_pages" : "num_gpu_blocks"] ?? Values("sglang:num_pages").FirstOrDefault().ToString(CultureInfo.InvariantCulture);
            Assert.Equal((int.Parse(tokens, CultureInfo.InvariantCulture), int.Parse(blocks, CultureInfo.InvariantCulture)), (metrics.CacheBlockTokens, metrics.CacheBlocks));

            var lora = series.Where(s => s.Name == "vllm:lora_requests_info").OrderByDescending(s => s.Value).FirstOrDefault().Labels;
            Assert.Equal(lora is null, metrics.Lora is null);
            if (lora is not null)
            {
                Assert.Equal(Names(lora["running_lora_adapters"]), metrics.Lora!.Running.Select(Encoding.UTF8.GetString));
                Assert.Equal(Names(lora["waiting_lora_adapters"]), metrics.Lora.Waiting.Select(Encoding.UTF8.GetString));
                Assert.Equal(int.Parse(lora["max_lora"], CultureInfo.InvariantCulture), metrics.Lora.MaxAdapters);
            }
        }
    }

    private static string[] Names(string list) => list.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    private static List<(string Name, Dictionary<string, string> Labels, double Value)> Naive(string text)
    {
        var series = new List<(string, Dictionary<string, string>, double)>();
        foreach (var line in text.Split('\n').Where(l => l.Length > 0 && l[0] != '#'))
        {
            var sample = Regex.Match(line, @"^([^{\s]+)(?:\{(.*)\})?\s+(\S+)$");
            Assert.True(sample.Success, line);
            var labels = Regex.Matches(sample.Groups[2].Value, @"(\w+)=""((?:[^""\\]|\\.)*)""").ToDictionary(m => m.Groups[1].Value, m => m.Groups[2].Value);
            series.Add((sample.Groups[1].Value, labels, double.Parse(sample.Groups[3].Value.Replace("+Inf", "Infinity", StringComparison.Ordinal), CultureInfo.InvariantCulture)));
        }

        return series;
    }
}
