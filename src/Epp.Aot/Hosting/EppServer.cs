using System.Net;
using Epp.Aot.Grpc;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Epp.Aot.Hosting;

/// <summary>Ports and limits of the listeners.</summary>
/// <param name="GrpcPort">ext_proc and health.</param>
/// <param name="HealthPort">Health only, plaintext.</param>
/// <param name="MetricsPort">HTTP/1.1.</param>
/// <param name="Tls">Null = plaintext HTTP/2 on the ext_proc port.</param>
/// <param name="Grpc">Message limits.</param>
/// <param name="MetricsTls">Null = plaintext on the metrics port.</param>
internal sealed record EppServerOptions(int GrpcPort, int HealthPort, int MetricsPort, ListenerTls? Tls, GrpcOptions Grpc, ListenerTls? MetricsTls = null);

/// <summary>
/// The one Kestrel of the process: ext_proc, health and metrics ports. Without ASP.NET's pipeline: requests go straight to
/// <see cref="GrpcServer"/>.
/// </summary>
internal sealed class EppServer : IAsyncDisposable
{
    private readonly IHost _host;
    private readonly IServer _server;
    private readonly GrpcServer _grpc;

    public EppServer(
        EppServerOptions options,
        Dictionary<string, GrpcMethod> extProc,
        Dictionary<string, GrpcMethod> health,
        Func<IFeatureCollection, Task> metrics,
        TimeProvider time,
        ILoggerProvider logging)
    {
        // Never run, only asked for its server. A WebApplication would bring routing, and with it all of the regular expressions.
        _host = new HostBuilder()
            .ConfigureLogging(log => log.AddProvider(logging).SetMinimumLevel(LogLevel.Warning))
            .ConfigureWebHost(
                web => web.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel => Configure(kestrel, options)),
                web => web.SuppressEnvironmentConfiguration = true)
            .Build();
        _server = _host.Services.GetRequiredService<IServer>();
        _grpc = new GrpcServer(
            new Dictionary<int, Dictionary<string, GrpcMethod>> { [options.GrpcPort] = extProc, [options.HealthPort] = health },
            new Dictionary<int, Func<IFeatureCollection, Task>> { [options.MetricsPort] = metrics },
            options.Grpc,
            time);
    }

    /// <summary>Starts listening.</summary>
    /// <exception cref="IOException">A port is taken.</exception>
    public Task StartAsync() => _server.StartAsync(_grpc, CancellationToken.None);

    /// <summary>Stops accepting, lets open streams end until <paramref name="deadline"/> is cancelled, then cuts them.</summary>
    public Task StopAsync(CancellationToken deadline) => _server.StopAsync(deadline);

    public async ValueTask DisposeAsync()
    {
        if (_host is IAsyncDisposable host)
        {
            await host.DisposeAsync();
        }
    }

    private static void Configure(KestrelServerOptions kestrel, EppServerOptions options)
    {
        kestrel.AddServerHeader = false;
        kestrel.AllowSynchronousIO = false;
        // Envoy's gRPC client says http in :scheme over TLS too; a Go server takes either, Kestrel would reset the stream.
        kestrel.AllowAlternateSchemes = true;
        var limits = kestrel.Limits;
        // A gateway multiplexes thousands of exchanges on one connection, each as slow as its model: no rate limits, no idle timeouts.
        limits.MinRequestBodyDataRate = null;
        limits.MinResponseDataRate = null;
        limits.MaxRequestBodySize = null;
        // Not infinite: Kestrel adds that to a timestamp, which overflows and closes every idle connection at its next heartbeat.
        limits.KeepAliveTimeout = TimeSpan.FromDays(365);
        limits.Http2.MaxStreamsPerConnection = 1_000_000;
        limits.Http2.InitialStreamWindowSize = 1 << 20;
        limits.Http2.InitialConnectionWindowSize = 16 << 20;
        limits.Http2.MaxFrameSize = 64 * 1024;
        kestrel.Listen(IPAddress.IPv6Any, options.GrpcPort, listen =>
        {
            listen.Protocols = HttpProtocols.Http2;
            UseTls(listen, options.Tls);
        });
        kestrel.Listen(IPAddress.IPv6Any, options.HealthPort, listen => listen.Protocols = HttpProtocols.Http2);
        kestrel.Listen(IPAddress.IPv6Any, options.MetricsPort, listen =>
        {
            listen.Protocols = HttpProtocols.Http1;
            UseTls(listen, options.MetricsTls);
        });
    }

    private static void UseTls(ListenOptions listen, ListenerTls? tls)
    {
        if (tls is not null)
        {
            listen.UseHttps(new TlsHandshakeCallbackOptions { OnConnection = _ => ValueTask.FromResult(tls.Options()) });
        }
    }
}
