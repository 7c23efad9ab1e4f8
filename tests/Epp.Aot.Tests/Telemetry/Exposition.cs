using System.Buffers;
using System.Text;
using System.Text.RegularExpressions;
using Epp.Aot.Telemetry;
using Epp.Native;
using Epp.Native.FlowControl;
using Epp.Native.Pool;
using Xunit.Sdk;

namespace Epp.Aot.Tests.Telemetry;

/// <summary>A strict, slow reader of expositions: the independent half of the tests.</summary>
internal sealed class Exposition
{
    public Dictionary<string, Family> Families { get; } = new(StringComparer.Ordinal);

    public static Exposition Read(string text)
    {
        var exposition = new Exposition();
        Family? family = null;
        foreach (var line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (Regex.Match(line, "^# HELP ([^ ]+) (.*)$") is { Success: true } help)
            {
                family = new Family(help.Groups[1].Value, help.Groups[2].Value);
                exposition.Families.Add(family.Name, family);
            }
            else if (Regex.Match(line, "^# TYPE ([^ ]+) (.*)$") is { Success: true } type)
            {
                Assert.Equal(family!.Name, type.Groups[1].Value);
                family.Type = type.Groups[2].Value;
            }
            else if (line == "# EOF")
            {
                family = null;
            }
            else
            {
                var sample = Regex.Match(line, @"^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$");
                if (!sample.Success || family is null || !sample.Groups[1].Value.StartsWith(family.Name, StringComparison.Ordinal))
                {
                    throw new XunitException($"unexpected line: {line}");
                }

                family.Samples.Add(sample.Groups[1].Value + "{" + sample.Groups[2].Value + "}", sample.Groups[3].Value);
                foreach (Match label in Regex.Matches(sample.Groups[2].Value, @"(\w+)=""((?:[^""\\]|\\.)*)"""))
                {
                    if (family.Type == "histogram" && label.Groups[1].Value == "le")
                    {
                        family.Bounds.Add(label.Groups[2].Value);
                    }
                    else
                    {
                        family.Labels.Add(label.Groups[1].Value);
                    }
                }
            }
        }

        return exposition;
    }

    public static string Write(EppMetrics metrics, bool openMetrics = false)
    {
        var output = new ArrayBufferWriter<byte>();
        new MetricsEndpoint(metrics.Families).Write(output, openMetrics);
        return Encoding.UTF8.GetString(output.WrittenSpan);
    }

    /// <summary>Metrics in which every family has at least one sample.</summary>
    public static EppMetrics Exercised(Pool? pool = null, Dialect dialect = Dialect.LlmD)
    {
        pool ??= new Pool();
        var endpoint = new Endpoint("default", "vllm-0", "127.0.0.1", 18000);
        pool.Publish([endpoint]);
        pool.Update(endpoint, new EndpointMetrics { Waiting = 2, Running = 3, KvUsage = 0.125 }, EppMetrics.MonotonicMs(TimeProvider.System));
        var metrics = new EppMetrics(new EppMetricsOptions("pool", dialect, StreamMetrics: true), pool, TimeProvider.System);
        var series = metrics.Requests("fake-model"u8, "target-model"u8, default, 0);
        series.Picked(300);
        series.Running(1);
        series.Running(-1);
        series.Error("BadRequest");
        series.Completed(0.3, 500, 20, 5, 0);
        series.FirstToken(0.1, true);
        series.FirstToken(0.2, false);
        series.StreamingTpot(0.01);
        series.StreamingItl(0.01);
        metrics.SchedulerAttempt(endpoint, "target-model"u8, true);
        metrics.SchedulerDuration(0.0001);
        metrics.RequestProcessing(0.001);
        metrics.ResponseProcessing(0.001);
        metrics.PluginDuration("Scorer", "queue-scorer", "queue-scorer").Observe(0.00001);
        metrics.Prefix(0.5, 100);
        metrics.PrefixIndexSize(() => 12);
        metrics.RewriteDecision("rewrite"u8, "fake-model"u8, "target-model"u8);
        metrics.StaleEndpoints(0);
        metrics.ScrapeSeconds.Observe(0.003);
        metrics.Streams.Opened();
        metrics.Streams.Opened();
        metrics.Streams.Ended(1.5, 1);
        metrics.RefreshPoolGauges();
        ExerciseFlowControl(metrics, series);
        return metrics;
    }

    private static void ExerciseFlowControl(EppMetrics metrics, RequestSeries series)
    {
        var settings = new FlowSettings([], new BandSettings(), new BandSettings(), maxBytes: 1000, maxRequests: 10);
        var flow = metrics.BeginFlowControl(new FlowController(settings, new StaticUsageLimit()));
        flow.Saturation(0.5, 0.25, 0.5);
        flow.CycleSeconds.Observe(0.00001);
        (flow.ReclaimTarget, flow.PendingReclaim) = (0.5, 0.25);
        flow.RevocationIssued(-5);
        flow.RevocationEnded(told: true, 0.01);
        series.Flow.Entered(300);
        series.Flow.Enqueued(FlowOutcome.NotYetFinalized, 0.00001);
        series.Flow.Left(FlowOutcome.Dispatched, 0.2, 300);
    }

    internal sealed class Family(string name, string help)
    {
        public string Name { get; } = name;

        public string Help { get; } = help;

        public string Type { get; set; } = "";

        public SortedSet<string> Labels { get; } = new(StringComparer.Ordinal);

        public HashSet<string> Bounds { get; } = [];

        public Dictionary<string, string> Samples { get; } = [];
    }
}
