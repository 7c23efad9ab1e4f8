using System.Collections.Concurrent;
using System.Net;
using Epp.Testing.Protos.Otlp;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace Epp.Testing;

/// <summary>An OpenTelemetry collector: takes OTLP over gRPC and over HTTP on one plaintext port and keeps the spans.</summary>
public sealed class FakeCollector : IAsyncDisposable
{
    private readonly WebApplication _application;
    private readonly ConcurrentQueue<ResourceSpans> _received = new();

    private FakeCollector(WebApplication application, int port)
    {
        _application = application;
        Port = port;
        application.Run(AnswerAsync);
    }

    public int Port { get; }

    /// <summary>What a gRPC call is answered with; 0 = OK.</summary>
    public int GrpcStatus { get; set; }

    /// <summary>Request headers of the last export.</summary>
    public IReadOnlyDictionary<string, string> LastHeaders { get; private set; } = new Dictionary<string, string>();

    /// <summary>Path of the last export.</summary>
    public string LastPath { get; private set; } = "";

    public IReadOnlyList<ResourceSpans> Received => [.. _received];

    public IReadOnlyList<Span> Spans => [.. _received.SelectMany(r => r.ScopeSpans).SelectMany(s => s.Spans)];

    public static async Task<FakeCollector> StartAsync(int port = 0)
    {
        port = port == 0 ? Ports.Free() : port;
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AllowAlternateSchemes = true;
            kestrel.Listen(IPAddress.Loopback, port, listen =>
            {
                listen.Protocols = HttpProtocols.Http1AndHttp2;
                listen.Use(PlainHttp2.DetectAsync);
            });
        });
        var collector = new FakeCollector(builder.Build(), port);
        await collector._application.StartAsync();
        return collector;
    }

    public ValueTask DisposeAsync() => _application.DisposeAsync();

    private async Task AnswerAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        var grpc = context.Request.ContentType == "application/grpc";
        LastHeaders = context.Request.Headers.ToDictionary(h => h.Key.ToLowerInvariant(), h => h.Value.ToString());
        LastPath = context.Request.Path;
        var request = ExportTraceServiceRequest.Parser.ParseFrom(body.ToArray().AsSpan(grpc ? 5 : 0).ToArray());
        if (GrpcStatus == 0)
        {
            foreach (var spans in request.ResourceSpans)
            {
                _received.Enqueue(spans);
            }
        }

        context.Response.ContentType = grpc ? "application/grpc" : "application/x-protobuf";
        if (grpc)
        {
            context.Response.DeclareTrailer("grpc-status");
            await context.Response.Body.WriteAsync(new byte[5]);
            context.Response.AppendTrailer("grpc-status", GrpcStatus.ToString(System.Globalization.CultureInfo.InvariantCulture));
        }
    }
}
