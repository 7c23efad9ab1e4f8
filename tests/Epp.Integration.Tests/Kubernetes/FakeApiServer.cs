using System.Text;
using Epp.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Epp.Integration.Tests.Kubernetes;

/// <summary>An API server that misbehaves as a real one cannot be made to. Plain HTTP; every kind but pods is a fixed answer.</summary>
internal sealed class FakeApiServer : IAsyncDisposable
{
    private readonly WebApplication _application;
    private int _podWatches;

    private FakeApiServer(WebApplication application, string kubeconfig)
    {
        (_application, Kubeconfig) = (application, kubeconfig);
        application.Run(ServeAsync);
    }

    public string Kubeconfig { get; }

    /// <summary>Watches of pods so far.</summary>
    public int PodWatches => Volatile.Read(ref _podWatches);

    /// <summary>Answers the n-th watch of pods, from 1; the answer ends when this returns.</summary>
    public Func<int, HttpResponse, CancellationToken, Task> Pods { get; set; } = static (_, _, _) => Task.CompletedTask;

    public static async Task<FakeApiServer> StartAsync()
    {
        var port = Ports.Free();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls($"http://127.0.0.1:{port}");
        var kubeconfig = Path.GetTempFileName();
        File.WriteAllText(kubeconfig, $$"""
            current-context: c
            contexts: [{name: c, context: {cluster: k} }]
            clusters: [{name: k, cluster: {server: "http://127.0.0.1:{{port}}"} }]
            """);
        var server = new FakeApiServer(builder.Build(), kubeconfig);
        await server._application.StartAsync();
        return server;
    }

    /// <summary>A line of a watch with a Ready pod.</summary>
    public static string Pod(int i, string type = "ADDED") =>
        $$"""{"type":"{{type}}","object":{"metadata":{"name":"p{{i}}","uid":"u{{i}}","resourceVersion":"{{100 + i}}","labels":{"app":"vllm"} },"status":{"podIP":"10.{{i >> 16}}.{{(i >> 8) & 255}}.{{i & 255}}","conditions":[{"type":"Ready","status":"True"}]} } }""" + "\n";

    /// <summary>The bookmark that ends a streamed list.</summary>
    public static string End(int version) =>
        $$"""{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"{{version}}","annotations":{"k8s.io/initial-events-end":"true"} } } }""" + "\n";

    public static async Task SendAsync(HttpResponse response, string text)
    {
        await response.Body.WriteAsync(Encoding.UTF8.GetBytes(text));
        await response.Body.FlushAsync();
    }

    public async ValueTask DisposeAsync()
    {
        using var now = new CancellationTokenSource(TimeSpan.FromMilliseconds(100));
        await _application.StopAsync(now.Token);
        await _application.DisposeAsync();
        File.Delete(Kubeconfig);
    }

    private async Task ServeAsync(HttpContext context)
    {
        var path = context.Request.Path.Value!;
        if (path.EndsWith("/pods", StringComparison.Ordinal))
        {
            await Pods(Interlocked.Increment(ref _podWatches), context.Response, context.RequestAborted);
        }
        else if (path.EndsWith("/inferencepools", StringComparison.Ordinal))
        {
            await SendAsync(context.Response, """{"type":"ADDED","object":{"metadata":{"name":"pool","resourceVersion":"1"},"spec":{"selector":{"matchLabels":{"app":"vllm"}},"targetPorts":[{"number":8000}]}}}""" + "\n" + End(1));
            await Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(static _ => { }, TaskScheduler.Default);
        }
        else
        {
            context.Response.StatusCode = 404;
        }
    }
}
