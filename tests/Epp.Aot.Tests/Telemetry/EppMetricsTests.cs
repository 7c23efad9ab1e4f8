using System.Diagnostics;
using System.Globalization;
using System.Text;
using Epp.Aot.Telemetry;
using Epp.Native.Pool;
using Epp.Testing;

namespace Epp.Aot.Tests.Telemetry;

[Trait("Category", "Unit")]
public sealed class EppMetricsTests
{
    private static EppMetrics Create(Pool? pool = null, TimeProvider? time = null) =>
        new(new EppMetricsOptions("pool"), pool ?? new Pool(), time ?? TimeProvider.System);

    private static string Sample(EppMetrics metrics, string family, string sample) =>
        Exposition.Read(Exposition.Write(metrics)).Families[family].Samples[sample];

    [Fact]
    public void Requests_TwoFairnessIds_DeprecatedFamiliesHoldTheirSum()
    {
        var metrics = Create();
        foreach (var tenant in new[] { "a", "b" })
        {
            var series = metrics.Requests("m"u8, "t"u8, Encoding.UTF8.GetBytes(tenant), 1);
            series.Picked(100);
            series.Running(1);
            series.Completed(0.25, 10, 5, 0, -1);
        }

        Assert.Equal("1", Sample(metrics, "llm_d_epp_request_total", "llm_d_epp_request_total{fairness_id=\"a\",model_name=\"m\",priority=\"1\",target_model_name=\"t\"}"));
        Assert.Equal("2", Sample(metrics, "inference_objective_request_total", "inference_objective_request_total{model_name=\"m\",priority=\"1\",target_model_name=\"t\"}"));
        Assert.Equal("2", Sample(metrics, "inference_objective_running_requests", "inference_objective_running_requests{model_name=\"m\"}"));
        Assert.Equal("0.5", Sample(metrics, "inference_objective_request_duration_seconds", "inference_objective_request_duration_seconds_sum{model_name=\"m\",target_model_name=\"t\"}"));
        var families = Exposition.Read(Exposition.Write(metrics)).Families;
        Assert.DoesNotContain("llm_d_epp_request_output_tokens", families.Keys);
        Assert.DoesNotContain("llm_d_epp_request_ntpot_seconds", families.Keys);
        Assert.DoesNotContain("llm_d_epp_request_cached_tokens", families.Keys);
    }

    [Fact]
    public void Completed_RecordingRules_Hold()
    {
        var metrics = Create();
        var series = metrics.Requests("m"u8, "m"u8, default, 0);
        series.Completed(0, 10, 0, 4, 0);
        var families = Exposition.Read(Exposition.Write(metrics)).Families;
        Assert.DoesNotContain("llm_d_epp_request_duration_seconds", families.Keys);
        Assert.DoesNotContain("llm_d_epp_request_ntpot_seconds", families.Keys);
        Assert.DoesNotContain("llm_d_epp_request_input_tokens", families.Keys);
        Assert.Equal("1", families["llm_d_epp_request_cached_tokens"].Samples["llm_d_epp_request_cached_tokens_count{fairness_id=\"default-flow\",model_name=\"m\",priority=\"0\",target_model_name=\"m\"}"]);
        series.Completed(2, 10, 0, 4, 0);
        Assert.Equal("0.5", Sample(metrics, "llm_d_epp_request_ntpot_seconds", "llm_d_epp_request_ntpot_seconds_sum{fairness_id=\"default-flow\",model_name=\"m\",priority=\"0\",target_model_name=\"m\"}"));
    }

    [Fact]
    public void Requests_ModelsBeyondCap_BecomeOther()
    {
        var metrics = Create();
        metrics.KeepModelName("kept"u8);
        for (var i = 0; i < EppMetrics.MaxLabelValues + 50; i++)
        {
            var name = Encoding.UTF8.GetBytes("model-" + i.ToString(CultureInfo.InvariantCulture));
            metrics.Requests(name, name, default, 0).Picked(1);
        }

        metrics.Requests("kept"u8, "kept"u8, default, 0).Picked(1);
        metrics.Requests([0xff, 0xfe], "kept"u8, default, 0).Picked(1);
        metrics.Requests(new byte[5000], "kept"u8, default, 0).Picked(1);
        var samples = Exposition.Read(Exposition.Write(metrics)).Families["llm_d_epp_request_total"].Samples;
        Assert.Equal("50", samples["llm_d_epp_request_total{fairness_id=\"default-flow\",model_name=\"other\",priority=\"0\",target_model_name=\"other\"}"]);
        Assert.Equal("2", samples["llm_d_epp_request_total{fairness_id=\"default-flow\",model_name=\"other\",priority=\"0\",target_model_name=\"kept\"}"]);
        Assert.Equal("1", samples["llm_d_epp_request_total{fairness_id=\"default-flow\",model_name=\"kept\",priority=\"0\",target_model_name=\"kept\"}"]);
    }

    [Fact]
    public void RewriteDecisions_BeyondBounds_BecomeOtherAndAllocateNothingLater()
    {
        var metrics = Create();
        metrics.RewriteDecision("r"u8, default, "v2"u8);
        metrics.RewriteDecision("r"u8, default, "v2"u8);
        var before = GC.GetAllocatedBytesForCurrentThread();
        metrics.RewriteDecision("r"u8, default, "v2"u8);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal("3", Sample(metrics, "llm_d_epp_model_rewrite_decisions_total", "llm_d_epp_model_rewrite_decisions_total{model_name=\"\",model_rewrite_name=\"r\",target_model=\"v2\"}"));
        for (var i = 0; i < 120; i++)
        {
            for (var j = 0; j < 100; j++)
            {
                metrics.RewriteDecision(Encoding.UTF8.GetBytes("r" + i.ToString(CultureInfo.InvariantCulture)), [(byte)'m', (byte)(j + 20)], "t"u8);
            }
        }

        var samples = Exposition.Read(Exposition.Write(metrics)).Families["inference_extension_model_rewrite_decisions_total"].Samples;
        Assert.Equal(EppMetrics.MaxRewriteSeries + 1, samples.Count);
        Assert.Equal("2001", samples["inference_extension_model_rewrite_decisions_total{model_name=\"other\",model_rewrite_name=\"other\",target_model=\"other\"}"]);
    }

    [Fact]
    public void Kept_BeyondItsBound_Stops()
    {
        var table = new LabelTable(1);
        for (var i = 0; i <= LabelTable.MaxKept; i++)
        {
            table.Keep(Encoding.UTF8.GetBytes(i.ToString(CultureInfo.InvariantCulture)));
        }

        Assert.Equal("9999", table.Get("9999"u8).Text);
        Assert.Equal("10000", table.Get("10000"u8).Text);
        Assert.Same(table.Other, table.Get("10001"u8));
    }

    [Fact]
    public void Requests_LabelSetsBeyondBound_ShareOneSeries()
    {
        var metrics = Create();
        for (var i = 0; i < 200; i++)
        {
            for (var j = 0; j < 60; j++)
            {
                metrics.Requests([(byte)('a' + (i % 20)), (byte)('a' + (i / 20))], "t"u8, [(byte)('A' + j)], 0).Running(0);
            }
        }

        var series = Exposition.Read(Exposition.Write(metrics)).Families["llm_d_epp_request_running"].Samples;
        Assert.Equal(EppMetrics.MaxRequestSeries + 1, series.Count);
    }

    [Fact]
    public void Labels_HostileText_IsEscaped()
    {
        var metrics = Create();
        metrics.Requests("a\"b\\c\nd"u8, "t"u8, default, 0).Picked(1);
        Assert.Equal("1", Sample(metrics, "llm_d_epp_request_total", "llm_d_epp_request_total{fairness_id=\"default-flow\",model_name=\"a\\\"b\\\\c\\nd\",priority=\"0\",target_model_name=\"t\"}"));
    }

    [Fact]
    public void SchedulerAttempt_RecreatedEndpoint_ContinuesItsCounter()
    {
        var pool = new Pool();
        var metrics = Create(pool);
        for (var round = 0; round < 3; round++)
        {
            var endpoint = new Endpoint("ns", "e", "10.0.0." + (round + 1).ToString(CultureInfo.InvariantCulture), 80);
            pool.Publish([endpoint]);
            metrics.SchedulerAttempt(endpoint, "m"u8, true);
        }

        metrics.SchedulerAttempt(null, "m"u8, false);
        Assert.Equal("3", Sample(metrics, "llm_d_epp_scheduler_attempts_total", "llm_d_epp_scheduler_attempts_total{endpoint_name=\"e\",namespace=\"ns\",port=\"80\",status=\"success\",target_model_name=\"m\"}"));
        Assert.Equal("1", Sample(metrics, "inference_extension_scheduler_attempts_total", "inference_extension_scheduler_attempts_total{namespace=\"\",pod_name=\"\",port=\"\",status=\"failure\",target_model_name=\"m\"}"));
    }

    [Fact]
    public void Histogram_ConcurrentObservers_LoseNothing()
    {
        var histogram = new Histogram([1, 2, 3]);
        Parallel.For(0, 4, t =>
        {
            for (var i = 0; i < 20_000; i++)
            {
                histogram.Observe(i % 5);
            }
        });
        Assert.Equal((80_000L, 160_000.0), (histogram.Count, histogram.Sum));
    }

    [Fact]
    public void PoolGauges_OnlyFreshEndpoints_CountAndLastValuesStay()
    {
        var time = new ManualTime();
        var pool = new Pool();
        Endpoint[] endpoints = [.. Enumerable.Range(0, 4).Select(i => new Endpoint("d", "e" + i.ToString(CultureInfo.InvariantCulture), "10.0.0.1", 80 + i))];
        pool.Publish(endpoints);
        var metrics = Create(pool, time);
        time.Advance(TimeSpan.FromSeconds(10));
        var now = EppMetrics.MonotonicMs(time);
        pool.Update(endpoints[0], new EndpointMetrics { Waiting = 1, Running = 4, KvUsage = 0.333 }, now - 100);
        pool.Update(endpoints[1], new EndpointMetrics { Waiting = 2, Running = 4, KvUsage = 0.5 }, now - 100);
        pool.Update(endpoints[2], new EndpointMetrics { Waiting = 99, Running = 99, KvUsage = 1 }, now - 3000);
        metrics.RefreshPoolGauges();
        Assert.Equal("2", Sample(metrics, "llm_d_epp_ready_endpoints", "llm_d_epp_ready_endpoints{name=\"pool\"}"));
        Assert.Equal("1.5", Sample(metrics, "llm_d_epp_average_queue_size", "llm_d_epp_average_queue_size{name=\"pool\"}"));
        Assert.Equal("0.42", Sample(metrics, "llm_d_epp_average_kv_cache_utilization", "llm_d_epp_average_kv_cache_utilization{name=\"pool\"}"));
        Assert.Equal("0.71", Sample(metrics, "llm_d_epp_std_dev_queue_size", "llm_d_epp_std_dev_queue_size{name=\"pool\"}"));
        Assert.Equal("1", Sample(metrics, "epp_endpoints_not_live", "epp_endpoints_not_live{name=\"pool\"}"));
        time.Advance(TimeSpan.FromSeconds(5));
        metrics.RefreshPoolGauges();
        Assert.Equal("0", Sample(metrics, "inference_pool_ready_pods", "inference_pool_ready_pods{name=\"pool\"}"));
        Assert.Equal("1.5", Sample(metrics, "inference_pool_average_queue_size", "inference_pool_average_queue_size{name=\"pool\"}"));
        Assert.Equal("99", Sample(metrics, "llm_d_epp_per_endpoint_queue_size", "llm_d_epp_per_endpoint_queue_size{model_server_endpoint=\"e2\",name=\"pool\"}"));
    }

    [Fact]
    public void Recording_SteadyState_AllocatesNothing()
    {
        var pool = new Pool();
        var endpoint = new Endpoint("d", "e", "10.0.0.1", 80);
        pool.Publish([endpoint]);
        var metrics = Create(pool);
        void Record()
        {
            var series = metrics.Requests("model"u8, "target"u8, "tenant"u8, 3);
            series.Picked(900);
            series.Running(1);
            series.Running(-1);
            series.Error("BadRequest");
            series.Completed(0.5, 300, 7, 9, 0);
            series.FirstToken(0.1, true);
            series.StreamingTpot(0.1);
            series.StreamingItl(0.1);
            metrics.SchedulerAttempt(endpoint, "target"u8, true);
            metrics.SchedulerDuration(0.1);
            metrics.RequestProcessing(0.1);
            metrics.ResponseProcessing(0.1);
            metrics.Prefix(0.5, 64);
        }

        for (var i = 0; i < 200; i++)
        {
            Record();
        }

        Assert.Equal(0, Allocated.Least(() =>
        {
            for (var i = 0; i < 1000; i++)
            {
                Record();
            }
        }));
    }

    [Fact]
    public void OpenMetrics_Exposition_FollowsItsRules()
    {
        var text = Exposition.Write(Exposition.Exercised(), openMetrics: true);
        Assert.EndsWith("# EOF\n", text, StringComparison.Ordinal);
        Assert.Contains("# TYPE llm_d_epp_request counter\nllm_d_epp_request_total{", text, StringComparison.Ordinal);
        Assert.Contains(",le=\"1.0\"} 1\n", text, StringComparison.Ordinal);
        Assert.Contains("llm_d_epp_ready_endpoints{name=\"pool\"} 1.0\n", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null, false)]
    [InlineData("*/*", false)]
    [InlineData("application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5", true)]
    [InlineData("text/plain, application/openmetrics-text;q=0.2", false)]
    [InlineData("application/openmetrics-text", true)]
    public void Accept_Header_DecidesTheFormat(string? accept, bool expected) => Assert.Equal(expected, MetricsEndpoint.WantsOpenMetrics(accept));

    [Theory]
    [InlineData(1e6, "1e+06")]
    [InlineData(999999, "999999")]
    [InlineData(1234567.5, "1.2345675e+06")]
    [InlineData(0.0001, "0.0001")]
    [InlineData(0.00001, "1e-05")]
    [InlineData(-0.5, "-0.5")]
    [InlineData(0, "0")]
    [InlineData(1e300, "1e+300")]
    [InlineData(double.NaN, "NaN")]
    [InlineData(double.PositiveInfinity, "+Inf")]
    [InlineData(double.NegativeInfinity, "-Inf")]
    [InlineData(1e-7, "1e-07")]
    public void GoNumber_Value_IsWrittenAsGoWrites(double value, string expected)
    {
        Span<byte> text = stackalloc byte[GoNumber.MaxBytes];
        Assert.Equal(expected, Encoding.ASCII.GetString(text[..GoNumber.Format(value, text)]));
    }

    [SkippableFact]
    public void Exposition_Promtool_AcceptsIt()
    {
        var text = Exposition.Write(Exposition.Exercised());
        Process? promtool = null;
        try
        {
            promtool = Process.Start(new ProcessStartInfo("promtool", "check metrics") { RedirectStandardInput = true, RedirectStandardError = true, RedirectStandardOutput = true });
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Skip.If(true, "promtool is not installed (Debian package prometheus)");
        }

        using (promtool)
        {
            promtool!.StandardInput.Write(text);
            promtool.StandardInput.Close();
            var complaints = promtool.StandardError.ReadToEnd() + promtool.StandardOutput.ReadToEnd();
            promtool.WaitForExit();
            // The reference's own prefix llm_d_ reads as an abbreviated unit (days); every other complaint is ours.
            var ours = complaints.Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Where(l => !(l.StartsWith("llm_d_", StringComparison.Ordinal) && l.EndsWith("metric names should not contain abbreviated units", StringComparison.Ordinal)));
            Assert.Empty(ours);
        }
    }
}

internal sealed class ManualTime : TimeProvider
{
    private long _ticks = TimeSpan.TicksPerHour;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => Volatile.Read(ref _ticks);

    public void Advance(TimeSpan by) => Interlocked.Add(ref _ticks, by.Ticks);
}
