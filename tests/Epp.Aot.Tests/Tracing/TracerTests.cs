using System.Text;
using Epp.Aot.Telemetry;
using Epp.Aot.Tracing;
using Epp.Native;
using Epp.Native.Pool;
using Epp.Native.Requests;

namespace Epp.Aot.Tests.Tracing;

[Trait("Category", "Unit")]
public sealed class TracerTests
{
    private const string Valid = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    private readonly EppMetrics _metrics = new(new EppMetricsOptions(), new Pool(), TimeProvider.System);

    [Theory]
    [InlineData(Valid, true)]
    [InlineData("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00", true)]
    [InlineData("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", true)]
    [InlineData("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what-comes", true)]
    [InlineData("ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false)]
    [InlineData("00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01", false)]
    [InlineData("00-00000000000000000000000000000000-b7ad6b7169203331-01", false)]
    [InlineData("00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", false)]
    [InlineData("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x", false)]
    [InlineData("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01x", false)]
    [InlineData("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331", false)]
    [InlineData("", false)]
    public void TraceParent_Text_IsReadAsTheRecommendationSays(string text, bool valid)
    {
        Assert.Equal(valid, TraceParent.TryParse(Encoding.ASCII.GetBytes(text), out var parent));
        if (valid && text.StartsWith("00", StringComparison.Ordinal))
        {
            var written = new byte[TraceParent.Length];
            parent.Write(written);
            Assert.Equal(text, Encoding.ASCII.GetString(written));
        }
    }

    [Fact]
    public void TraceParent_AnyBytes_NeverThrow()
    {
        var random = new Random(20261121);
        for (var i = 0; i < 20_000; i++)
        {
            var bytes = Encoding.ASCII.GetBytes(Valid).Concat("-abc"u8.ToArray()).Take(random.Next(60)).ToArray();
            for (var n = random.Next(3); n > 0 && bytes.Length > 0; n--)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }

            Assert.True(!TraceParent.TryParse(bytes, out var parent) || parent.Span != 0);
        }
    }

    [Fact]
    public void Begin_SampledParent_GivesItsChild()
    {
        var tracer = Tracer(ratio: 0);
        var (span, header) = Begin(tracer, Valid);
        Assert.NotNull(span);
        Assert.Equal(0xb7ad6b7169203331, span.Parent);
        Assert.True(TraceParent.TryParse(Encoding.ASCII.GetBytes(header!), out var sent));
        Assert.Equal((0x0af7651916cd43ddUL, 0x8448eb211c80319cUL, true), (sent.TraceHigh, sent.TraceLow, sent.Sampled));
        Assert.Equal(span.Context.Span, sent.Span);
        Assert.NotEqual(span.Parent, sent.Span);
    }

    [Fact]
    public void Begin_UnsampledParent_LeavesTheClientsHeaderAlone()
    {
        var (span, header) = Begin(Tracer(ratio: 1), Valid[..^1] + "0");
        Assert.Null(span);
        Assert.Null(header);
    }

    [Fact]
    public void Begin_WithoutParent_KeepsTheRatioAndSaysSoDownstream()
    {
        var tracer = Tracer(ratio: 0.1);
        var kept = 0;
        for (var i = 0; i < 20_000; i++)
        {
            var (span, header) = Begin(tracer, i % 2 == 0 ? null : "garbage");
            Assert.EndsWith(span is null ? "-00" : "-01", header, StringComparison.Ordinal);
            kept += span is null ? 0 : 1;
            tracer.End(span);
            while (tracer.Finished.TryRead(out var done))
            {
                tracer.Return(done);
            }
        }

        Assert.InRange(kept, 1_800, 2_200);
    }

    [Fact]
    public void End_QueueFull_DropsAndCounts()
    {
        var tracer = Tracer(ratio: 1, queue: 2);
        for (var i = 0; i < 5; i++)
        {
            tracer.End(Begin(tracer, null).Span);
        }

        Assert.Equal(3, _metrics.TraceSpansDropped.Value);
        Assert.Equal(2, tracer.Finished.Count);
    }

    [Fact]
    public void Spans_Sampled_AreReused()
    {
        var tracer = Tracer(ratio: 1);
        using var headers = new HeaderTable();
        var outgoing = new TraceHeader();
        void Round()
        {
            tracer.End(tracer.Begin(headers, outgoing));
            tracer.Finished.TryRead(out var done);
            tracer.Return(done!);
        }

        for (var i = 0; i < 200; i++)
        {
            Round();
        }

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
        {
            Round();
        }

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 4096);
    }

    private Tracer Tracer(double ratio, int queue = 64) =>
        new(new TraceSettings(TraceTarget.Console, null, [], null, TimeSpan.FromSeconds(1), ratio, true, [], TimeSpan.FromSeconds(1), queue, queue), _metrics, TimeProvider.System);

    private static (TraceSpan? Span, string? Header) Begin(Tracer tracer, string? traceparent)
    {
        using var headers = new HeaderTable();
        if (traceparent is not null)
        {
            headers.Add("traceparent"u8, Encoding.ASCII.GetBytes(traceparent));
        }

        var outgoing = new TraceHeader();
        var span = tracer.Begin(headers, outgoing);
        var writer = new Epp.Native.Wire.ProtoWriter();
        outgoing.Encode(writer);
        var text = Encoding.ASCII.GetString(writer.Written);
        return (span, text.Length == 0 ? null : text[^TraceParent.Length..]);
    }
}

[Trait("Category", "Unit")]
public sealed class TraceSettingsTests
{
    private readonly List<string> _warnings = [];

    [Theory]
    [InlineData("")]
    [InlineData("OTEL_TRACES_EXPORTER=none;OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4317")]
    [InlineData("OTEL_SDK_DISABLED=true;OTEL_TRACES_EXPORTER=otlp")]
    [InlineData("OTEL_TRACES_SAMPLER_ARG=0.5")]
    public void Off_WithoutATargetOrWhenToldSo(string env)
    {
        Assert.Null(Read(env));
        Assert.Empty(_warnings);
    }

    [Theory]
    [InlineData("OTEL_TRACES_EXPORTER=otlp", "http://localhost:4317/opentelemetry.proto.collector.trace.v1.TraceService/Export")]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4317", "http://127.0.0.1:4317/opentelemetry.proto.collector.trace.v1.TraceService/Export")]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT=127.0.0.1:4317", "http://127.0.0.1:4317/opentelemetry.proto.collector.trace.v1.TraceService/Export")]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT=https://c/x/;OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf", "https://c/x/v1/traces")]
    [InlineData("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://127.0.0.1:4318/own;OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf", "http://127.0.0.1:4318/own")]
    [InlineData("OTEL_TRACES_EXPORTER=otlp;OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=http/protobuf", "http://localhost:4318/v1/traces")]
    public void Endpoint_GivesTheAddress(string env, string expected)
    {
        Assert.Equal(expected, Read(env)!.Url!.ToString());
        Assert.Empty(_warnings);
    }

    [Fact]
    public void Defaults_AreThoseOfTheReferences()
    {
        var settings = Read("OTEL_TRACES_EXPORTER=otlp")!;
        Assert.Equal((0.1, true, TraceTarget.OtlpGrpc), (settings.Ratio, settings.ParentBased, settings.Target));
        Assert.Equal(("service.name", "llm-d-epp"), (settings.Resource[0].Key, settings.Resource[0].Value));
        Assert.Equal("gateway-api-inference-extension", Read("OTEL_TRACES_EXPORTER=otlp", Dialect.Gaie)!.Resource[0].Value);
    }

    [Fact]
    public void Attributes_AndHeaders_AreRead()
    {
        var settings = Read("OTEL_TRACES_EXPORTER=otlp;OTEL_SERVICE_NAME=mine;OTEL_RESOURCE_ATTRIBUTES=k8s.pod.name=p,service.name=other;OTEL_EXPORTER_OTLP_HEADERS=api-key=a%20b;OTEL_TRACES_SAMPLER_ARG=1")!;
        Assert.Equal("mine", settings.Resource[0].Value);
        Assert.Contains(settings.Resource, r => r is { Key: "k8s.pod.name", Value: "p" });
        Assert.Single(settings.Resource, r => r.Key == "service.name");
        Assert.Equal(("api-key", "a b"), (settings.Headers[0].Key, settings.Headers[0].Value));
        Assert.Equal(1, settings.Ratio);
    }

    [Theory]
    [InlineData("OTEL_TRACES_EXPORTER=zipkin")]
    [InlineData("OTEL_TRACES_EXPORTER=otlp;OTEL_TRACES_SAMPLER=jaeger_remote")]
    [InlineData("OTEL_TRACES_EXPORTER=otlp;OTEL_TRACES_SAMPLER_ARG=NaN")]
    [InlineData("OTEL_TRACES_EXPORTER=otlp;OTEL_TRACES_SAMPLER_ARG=2")]
    [InlineData("OTEL_TRACES_EXPORTER=otlp;OTEL_EXPORTER_OTLP_PROTOCOL=http/json")]
    [InlineData("OTEL_TRACES_EXPORTER=otlp;OTEL_EXPORTER_OTLP_COMPRESSION=gzip")]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT=ftp://c")]
    [InlineData("OTEL_TRACES_EXPORTER=otlp;OTEL_RESOURCE_ATTRIBUTES=novalue")]
    public void Odd_Values_AreWarnedAbout(string env)
    {
        Read(env);
        Assert.Single(_warnings);
    }

    private TraceSettings? Read(string env, Dialect dialect = Dialect.LlmD)
    {
        var values = env.Split(';', StringSplitOptions.RemoveEmptyEntries).Select(p => p.Split('=', 2)).ToDictionary(p => p[0], p => p[1]);
        return TraceSettings.Read(name => values.GetValueOrDefault(name), dialect, "1.0", _warnings);
    }
}
