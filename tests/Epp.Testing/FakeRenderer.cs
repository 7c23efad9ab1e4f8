using System.Collections.Concurrent;
using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace Epp.Testing;

/// <summary>What a renderer says to one request.</summary>
/// <param name="Status">HTTP status.</param>
/// <param name="Body">JSON.</param>
/// <param name="Delay">Time before the answer.</param>
public sealed record Rendering(int Status, string Body, TimeSpan Delay = default)
{
    /// <summary>Ids as vLLM's chat endpoint gives them.</summary>
    public static Rendering Ids(params IEnumerable<int> ids) => new(200, $"{{\"request_id\":\"r\",\"token_ids\":[{string.Join(',', ids)}],\"sampling_params\":{{}}}}");
}

/// <summary>A server that renders, as vLLM's <c>/v1/…/render</c>, with answers that the test decides. Records what it was asked.</summary>
public sealed class FakeRenderer : IAsyncDisposable
{
    private readonly WebApplication _application;
    private readonly ConcurrentQueue<(string Path, string Body)> _asked = new();

    private FakeRenderer(WebApplication application, int port)
    {
        _application = application;
        Url = $"http://127.0.0.1:{port}";
        application.Run(AnswerAsync);
    }

    public string Url { get; }

    /// <summary>Says what a body is answered with.</summary>
    public Func<string, Rendering> Answer { get; set; } = static _ => new Rendering(500, "{}");

    /// <summary>Paths and bodies, oldest first.</summary>
    public IReadOnlyCollection<(string Path, string Body)> Asked => _asked;

    public static async Task<FakeRenderer> StartAsync()
    {
        var port = Ports.Free();
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, port, static listen => listen.Protocols = HttpProtocols.Http1));
        var renderer = new FakeRenderer(builder.Build(), port);
        await renderer._application.StartAsync();
        return renderer;
    }

    public async ValueTask DisposeAsync()
    {
        using var now = new CancellationTokenSource();
        await now.CancelAsync();
        await _application.StopAsync(now.Token);
        await _application.DisposeAsync();
    }

    private async Task AnswerAsync(HttpContext context)
    {
        using var reader = new StreamReader(context.Request.Body, Encoding.UTF8);
        var body = await reader.ReadToEndAsync();
        _asked.Enqueue((context.Request.Path, body));
        var rendering = Answer(body);
        try
        {
            await Task.Delay(rendering.Delay, context.RequestAborted);
        }
        catch (OperationCanceledException)
        {
            return;
        }

        context.Response.StatusCode = rendering.Status;
        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync(rendering.Body);
    }
}
