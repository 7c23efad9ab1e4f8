using Epp.Aot.Debugging;
using Epp.Aot.Telemetry;
using Microsoft.AspNetCore.Http.Features;

namespace Epp.Aot.Hosting;

/// <summary>HTTP on the metrics port: <c>GET /metrics</c> and, where they are on, the debug pages; everything else is 404 (contract §4.3).</summary>
internal sealed class MetricsPort(MetricsEndpoint endpoint, DebugPages? debug = null)
{
    public async Task HandleAsync(IFeatureCollection features)
    {
        var request = features.GetRequiredFeature<IHttpRequestFeature>();
        var response = features.GetRequiredFeature<IHttpResponseFeature>();
        if (debug is not null && DebugPages.Owns(request.Path))
        {
            await debug.HandleAsync(features);
            return;
        }

        if (request.Path != "/metrics")
        {
            response.StatusCode = 404;
            return;
        }

        if (request.Method is not ("GET" or "HEAD"))
        {
            response.StatusCode = 405;
            response.Headers.Allow = "GET, HEAD";
            return;
        }

        var openMetrics = MetricsEndpoint.WantsOpenMetrics(request.Headers.Accept);
        response.Headers.ContentType = openMetrics ? MetricsEndpoint.OpenMetricsContentType : MetricsEndpoint.TextContentType;
        var writer = features.GetRequiredFeature<IHttpResponseBodyFeature>().Writer;
        if (request.Method == "GET")
        {
            endpoint.Write(writer, openMetrics);
        }

        await writer.FlushAsync();
    }
}
