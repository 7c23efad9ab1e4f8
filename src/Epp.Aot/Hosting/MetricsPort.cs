using System.Text;
using Epp.Aot.Debugging;
using Epp.Aot.Kubernetes;
using Epp.Aot.Telemetry;
using Microsoft.AspNetCore.Http.Features;

namespace Epp.Aot.Hosting;

/// <summary>
/// HTTP on the metrics port: <c>GET /metrics</c> and, where they are on, the debug pages; everything else is 404 (contract §4.3). Every path
/// is reviewed first.
/// </summary>
/// <param name="endpoint">Writes the exposition.</param>
/// <param name="debug">The debug pages; null = off.</param>
/// <param name="reviewer">Decides who may ask; null = everybody.</param>
internal sealed class MetricsPort(MetricsEndpoint endpoint, DebugPages? debug = null, RequestReviewer? reviewer = null)
{
    public async Task HandleAsync(IFeatureCollection features)
    {
        var request = features.GetRequiredFeature<IHttpRequestFeature>();
        var response = features.GetRequiredFeature<IHttpResponseFeature>();
        if (reviewer is not null && !await AllowedAsync(reviewer, features, request, response))
        {
            return;
        }

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

    private static async Task<bool> AllowedAsync(RequestReviewer reviewer, IFeatureCollection features, IHttpRequestFeature request, IHttpResponseFeature response)
    {
        var aborted = features.Get<IHttpRequestLifetimeFeature>()?.RequestAborted ?? CancellationToken.None;
        var verdict = await reviewer.ReviewAsync(request.Headers.Authorization.ToString(), request.Path, request.Method, aborted);
        if (verdict.StatusCode == 200)
        {
            return true;
        }

        response.StatusCode = verdict.StatusCode;
        response.Headers.ContentType = "text/plain; charset=utf-8";
        if (verdict.StatusCode == 401)
        {
            response.Headers.WWWAuthenticate = "Bearer";
        }

        var writer = features.GetRequiredFeature<IHttpResponseBodyFeature>().Writer;
        await writer.WriteAsync(Encoding.UTF8.GetBytes(verdict.Message + "\n"));
        return false;
    }
}
