using System.IO.Pipelines;
using System.Text.Json;
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

        Action<Utf8JsonWriter>? page = request.Path switch
        {
            Root or Root + "/" => json => report.Index(json, Pages),
            "/debug/pool" => report.Pool,
            "/debug/config" => report.Configuration,
            "/debug/picks" => report.Picks,
            "/debug/plugins/state" => report.States,
            _ => null,
        };
        if (page is null)
        {
            response.StatusCode = 404;
            return;
        }

        response.Headers.ContentType = "application/json";
        Write(writer, page);
        await writer.FlushAsync();
    }

    private static void Write(PipeWriter writer, Action<Utf8JsonWriter> page)
    {
        using var json = new Utf8JsonWriter(writer, new JsonWriterOptions { Indented = true });
        json.WriteStartObject();
        page(json);
        json.WriteEndObject();
    }
}
