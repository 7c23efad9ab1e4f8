using System.IO.Pipelines;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http.Features;

namespace Epp.Aot.Debugging;

/// <summary>
/// The pages under <c>/debug</c> of the metrics port (contract §4.7): JSON, GET only. Whoever may read the metrics may read these; they
/// hold no prompt and no secret.
/// </summary>
internal sealed class DebugPages(DebugReport report)
{
    /// <summary>Every page's path begins so.</summary>
    public const string Root = "/debug";

    private const string Profiling =
        "This picker is no Go program and has no pprof. See /debug for its own pages and /metrics for time per plugin; for CPU profiles run perf against the process.\n";

    private static readonly Dictionary<string, string> Pages = new(StringComparer.Ordinal)
    {
        ["/debug/pool"] = "every endpoint with its last figures",
        ["/debug/config"] = "flags and configuration in force",
        ["/debug/picks"] = "the last picks with their scores",
        ["/debug/plugins/state"] = "state of each plugin",
        ["/metrics"] = "the metrics",
    };

    /// <summary>True for paths that <see cref="HandleAsync"/> answers.</summary>
    public static bool Owns(string path) => path == Root || path.StartsWith(Root + "/", StringComparison.Ordinal);

    /// <summary>Answers one request.</summary>
    public async Task HandleAsync(IFeatureCollection features)
    {
        var request = features.GetRequiredFeature<IHttpRequestFeature>();
        var response = features.GetRequiredFeature<IHttpResponseFeature>();
        var writer = features.GetRequiredFeature<IHttpResponseBodyFeature>().Writer;
        if (request.Path.StartsWith("/debug/pprof", StringComparison.Ordinal))
        {
            response.StatusCode = 501;
            response.Headers.ContentType = "text/plain; charset=utf-8";
            await writer.WriteAsync(System.Text.Encoding.UTF8.GetBytes(Profiling));
            return;
        }

        if (request.Method != "GET" && (Pages.ContainsKey(request.Path) || request.Path == Root))
        {
            response.StatusCode = 405;
            response.Headers.Allow = "GET";
            return;
        }

        response.Headers.ContentType = "application/json";
        await (request.Path switch
        {
            Root or Root + "/" => WriteAsync(writer, report.Index(Pages), DebugJson.Default.DebugIndex),
            "/debug/pool" => WriteAsync(writer, report.Pool(), DebugJson.Default.DebugPool),
            "/debug/config" => WriteAsync(writer, report.Configuration(), DebugJson.Default.DebugConfig),
            "/debug/picks" => WriteAsync(writer, report.Picks(), DebugJson.Default.DebugPicks),
            "/debug/plugins/state" => WriteAsync(writer, report.States(), DebugJson.Default.DebugStates),
            _ => NotFoundAsync(response),
        });
    }

    private static Task NotFoundAsync(IHttpResponseFeature response)
    {
        response.StatusCode = 404;
        response.Headers.ContentType = default;
        return Task.CompletedTask;
    }

    private static async Task WriteAsync<T>(PipeWriter writer, T document, JsonTypeInfo<T> type)
    {
        await JsonSerializer.SerializeAsync(writer.AsStream(leaveOpen: true), document, type);
        await writer.FlushAsync();
    }
}
