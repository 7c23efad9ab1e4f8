using Epp.Aot.Telemetry;
using Microsoft.AspNetCore.Http.Features;

namespace Epp.Aot.Hosting;

/// <summary>HTTP on the metrics port: <c>GET /metrics</c>; everything else is 404 (contract §4.3).</summary>
internal sealed class MetricsPort(MetricsEndpoint endpoint)
{
    public async Task HandleAsync(IFeatureCollection features)
    {
        var request = features.GetRequiredFeature<IHttpRequestFeature>();
        var response = features.GetRequiredFeature<IHttpResponseFeature>();
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
