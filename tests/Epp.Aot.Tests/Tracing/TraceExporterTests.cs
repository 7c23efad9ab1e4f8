using System.Text;
using Epp.Aot.Tests.ExtProc;
using Epp.Aot.Tracing;
using Epp.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace Epp.Aot.Tests.Tracing;

/// <summary>Exchanges traced to a collector of its own, over both wire formats.</summary>
[Trait("Category", "Integration")]
public sealed class TraceExporterTests
{
    private const string Client = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    [Theory]
    [InlineData("grpc", "/opentelemetry.proto.collector.trace.v1.TraceService/Export")]
    [InlineData("http/protobuf", "/v1/traces")]
    public async Task Exchange_Sampled_ReachesTheCollectorAsAChildOfTheClient(string protocol, string path)
    {
        await using var collector = await FakeCollector.StartAsync();
        var rig = new Rig();
        var tracer = Open(rig, collector.Port, protocol, out var exporter);
        string sent;
        await using (exporter)
        {
            using (var exchange = new Exchange(rig.Services with { Tracer = tracer }))
            {
                exchange.Send(Ask.Post(Ask.Chat, ("traceparent", Client), ("x-request-id", "r1")));
                var answer = exchange.Send(Ask.Body(Ask.ChatBody("m")))[0];
                var headers = answer.RequestHeaders.Response.HeaderMutation.SetHeaders.Where(h => h.Header.Key == "traceparent").ToList();
                sent = Assert.Single(headers).Header.RawValue.ToStringUtf8();
            }

            await Wait.UntilAsync(() => collector.Spans.Count == 1);
        }

        var span = collector.Spans[0];
        Assert.Equal("gateway.request", span.Name);
        Assert.Equal(2, span.Kind);
        Assert.Equal("0af7651916cd43dd8448eb211c80319c", Hex(span.TraceId));
        Assert.Equal("b7ad6b7169203331", Hex(span.ParentSpanId));
        Assert.Equal($"00-0af7651916cd43dd8448eb211c80319c-{Hex(span.SpanId)}-01", sent);
        Assert.True(span.EndTimeUnixNano >= span.StartTimeUnixNano && span.StartTimeUnixNano > 1_600_000_000_000_000_000);
        var attributes = span.Attributes.ToDictionary(a => a.Key, a => a.Value);
        Assert.Equal("m", attributes["gen_ai.request.model"].StringValue);
        Assert.Equal("10.0.0.1:8000", attributes["epp.endpoint.address"].StringValue);
        Assert.Equal("r1", attributes["epp.request_id"].StringValue);
        Assert.Null(span.Status);
        Assert.Contains(collector.Received[0].Resource.Attributes, a => a.Key == "service.name" && a.Value.StringValue == "llm-d-epp");
        Assert.Equal(path, collector.LastPath);
        Assert.Equal("secret", collector.LastHeaders["api-key"]);
        Assert.Equal((1, 0), (rig.Metrics.TraceSpansExported.Value, rig.Metrics.TraceSpansDropped.Value));
    }

    [Fact]
    public async Task Exchange_Refused_HasAnErrorStatus()
    {
        await using var collector = await FakeCollector.StartAsync();
        var rig = new Rig(endpoints: 0);
        var tracer = Open(rig, collector.Port, "grpc", out var exporter);
        await using (exporter)
        {
            using (var exchange = new Exchange(rig.Services with { Tracer = tracer }))
            {
                exchange.Send(Ask.Post(Ask.Chat, ("traceparent", Client)));
                exchange.Send(Ask.Body(Ask.ChatBody("m")));
            }

            await Wait.UntilAsync(() => collector.Spans.Count == 1);
        }

        Assert.Equal((2, "ServiceUnavailable"), (collector.Spans[0].Status.Code, collector.Spans[0].Status.Message));
        Assert.Equal(503, collector.Spans[0].Attributes.Single(a => a.Key == "http.response.status_code").Value.IntValue);
    }

    [Fact]
    public async Task Collector_AwayOrRefusing_CostsOnlyTheSpans()
    {
        var rig = new Rig();
        var port = Ports.Free();
        var tracer = Open(rig, port, "grpc", out var exporter);
        await using (exporter)
        {
            Trace(rig, tracer);
            await Wait.UntilAsync(() => rig.Metrics.TraceSpansDropped.Value == 1);
            await using var collector = await FakeCollector.StartAsync(port);
            collector.GrpcStatus = 14;
            Trace(rig, tracer);
            await Wait.UntilAsync(() => rig.Metrics.TraceSpansDropped.Value == 2);
            collector.GrpcStatus = 0;
            Trace(rig, tracer);
            await Wait.UntilAsync(() => collector.Spans.Count == 1);

            // The collector has the span before its answer is here; the end of the exporter would cut that off.
            await Wait.UntilAsync(() => rig.Metrics.TraceSpansExported.Value == 1);
        }

        Assert.Equal(1, rig.Metrics.TraceSpansExported.Value);
    }

    private static void Trace(Rig rig, Tracer tracer)
    {
        using var exchange = new Exchange(rig.Services with { Tracer = tracer });
        exchange.Send(Ask.Get(more: ("traceparent", Client)));
    }

    private static Tracer Open(Rig rig, int port, string protocol, out TraceExporter exporter)
    {
        var env = new Dictionary<string, string>
        {
            ["OTEL_TRACES_EXPORTER"] = "otlp",
            ["OTEL_EXPORTER_OTLP_ENDPOINT"] = $"http://127.0.0.1:{port}",
            ["OTEL_EXPORTER_OTLP_PROTOCOL"] = protocol,
            ["OTEL_EXPORTER_OTLP_HEADERS"] = "api-key=secret",
            ["OTEL_BSP_SCHEDULE_DELAY"] = "20",
        };
        var warnings = new List<string>();
        var settings = TraceSettings.Read(name => env.GetValueOrDefault(name), Epp.Native.Dialect.LlmD, "1.0", warnings)!;
        Assert.Empty(warnings);
        var tracer = new Tracer(settings, rig.Metrics, rig.Time);
        exporter = new TraceExporter(tracer, settings, "1.0", rig.Metrics, NullLogger.Instance);
        exporter.Start();
        return tracer;
    }

    private static string Hex(Google.Protobuf.ByteString bytes) => Convert.ToHexStringLower(bytes.Span);
}
