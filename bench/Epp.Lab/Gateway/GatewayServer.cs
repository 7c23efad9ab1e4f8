using System.Globalization;
using System.Net;
using Epp.Lab.Wire;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;

namespace Epp.Lab.Gateway;

/// <summary>
/// HTTP/1.1 gateway. With an EPP it asks over ext_proc for every request (fail closed: no answer = 500); without one it
/// hands requests to the workers in turn. The client sees `x-lab-endpoint`, the worker that answered, and `x-lab-scores`, where the EPP
/// tells what it thinks of each.
/// </summary>
internal sealed class GatewayServer : IAsyncDisposable
{
    const string Destination = "x-gateway-destination-endpoint";

    readonly WebApplication _app;
    readonly Upstream _upstream = new();
    readonly HttpMessageInvoker _eppClient = GrpcStream.CreateClient();
    readonly Uri? _epp;
    readonly string[] _workers;
    int _next = -1;

    GatewayServer(WebApplication app, Uri? epp, string[] workers)
    {
        (_app, _epp, _workers) = (app, epp, workers);
        app.Run(HandleAsync);
    }

    public int Port { get; private set; }

    /// <summary>Listens on 127.0.0.1; port 0 takes a free one. <paramref name="epp"/> null = round-robin over <paramref name="workers"/>.</summary>
    public static async Task<GatewayServer> StartAsync(int port, Uri? epp, string[] workers)
    {
        var gateway = new GatewayServer(LocalServer.Build(port), epp, workers);
        await gateway._app.StartAsync().ConfigureAwait(false);
        gateway.Port = LocalServer.PortOf(gateway._app);
        return gateway;
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync().ConfigureAwait(false);
        _upstream.Dispose();
        _eppClient.Dispose();
    }

    async Task HandleAsync(HttpContext context)
    {
        try
        {
            await (_epp is null ? RoundRobinAsync(context) : AskAsync(context, _epp)).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The client is gone; the streams behind it have been reset on the way out.
        }
        catch (Exception e) when (e is ExtProcException or HttpRequestException or IOException or OperationCanceledException or WireException)
        {
            if (context.Response.HasStarted)
            {
                // The client sees a cut answer only; the reason is told here.
                await Console.Error.WriteLineAsync($"gateway: answer cut off: {e.Message}").ConfigureAwait(false);
                context.Abort();
                return;
            }
            // Envoy: 500 when ext_proc fails closed, 503 when the worker cannot be reached.
            context.Response.StatusCode = e is HttpRequestException ? 503 : 500;
            await context.Response.WriteAsync($"gateway: {e.Message}\n", CancellationToken.None).ConfigureAwait(false);
        }
    }

    async Task RoundRobinAsync(HttpContext context)
    {
        var cancel = context.RequestAborted;
        var endpoint = _workers[(int)((uint)Interlocked.Increment(ref _next) % _workers.Length)];
        var headers = HeaderList.FromRequest(context.Request);
        using var response = await _upstream.SendAsync(endpoint, headers,
            HasBody(context) ? (to, stop) => context.Request.Body.CopyToAsync(to, stop) : null, cancel).ConfigureAwait(false);
        await ForwardAsync(context, endpoint, HeaderList.FromResponse(response), await response.Content.ReadAsStreamAsync(cancel).ConfigureAwait(false)).ConfigureAwait(false);
    }

    async Task AskAsync(HttpContext context, Uri epp)
    {
        var cancel = context.RequestAborted;
        var headers = HeaderList.FromRequest(context.Request);
        var hasBody = HasBody(context);
        var exchange = new ExtProcExchange(_eppClient, epp, cancel);
        await using var reset = exchange.ConfigureAwait(false);

        await exchange.SendAsync(ExtProcMessages.ForRequestHeaders(headers.Items, endOfStream: !hasBody), cancel).ConfigureAwait(false);
        var uplink = hasBody ? exchange.SendBodyAsync(context.Request.Body, request: true, cancel) : Task.CompletedTask;
        // A failure of the upload also fails the answer awaited below, which carries the reason.
        _ = uplink.ContinueWith(static t => t.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);

        var verdict = await exchange.RequestHeadersAsync.ConfigureAwait(false);
        if (verdict.Kind == ReplyKind.Immediate)
        {
            await AnswerImmediatelyAsync(context, verdict).ConfigureAwait(false);
            return;
        }
        headers.Apply(verdict.Headers);
        // An ordered list of fallbacks is legal; the first is the primary.
        var endpoint = headers.Find(Destination)?.Split(',')[0];
        if (string.IsNullOrEmpty(endpoint))
        {
            throw new ExtProcException($"the EPP closed the exchange without a {Destination}");
        }
        if (verdict.Scores.Count > 0)
        {
            context.Response.Headers[EndpointScores.Header] = EndpointScores.Format(verdict.Scores);
        }
        using var response = await _upstream.SendAsync(endpoint, headers,
            hasBody ? (to, stop) => CopyBodyAsync(exchange.RequestBody(stop), to, stop) : null, cancel).ConfigureAwait(false);
        await AnswerAsync(context, exchange, endpoint, response).ConfigureAwait(false);
    }

    /// <summary>The response phase: headers, then every chunk, each sent on only after the EPP handed it back.</summary>
    static async Task AnswerAsync(HttpContext context, ExtProcExchange exchange, string endpoint, HttpResponseMessage response)
    {
        var cancel = context.RequestAborted;
        var headers = HeaderList.FromResponse(response);
        var body = await response.Content.ReadAsStreamAsync(cancel).ConfigureAwait(false);
        if (exchange.ResponseHeadersAsync.IsCompletedSuccessfully)
        {
            // The EPP has closed the stream with OK: the response phase goes unprocessed.
            await ForwardAsync(context, endpoint, headers, body).ConfigureAwait(false);
            return;
        }
        var empty = HttpMethods.IsHead(context.Request.Method) || response.Content.Headers.ContentLength == 0;
        await exchange.SendAsync(ExtProcMessages.ForResponseHeaders(headers.Items, endOfStream: empty), cancel).ConfigureAwait(false);
        // Envoy does not hold the body back while the answer to the headers is under way.
        var uplink = empty ? Task.CompletedTask : exchange.SendBodyAsync(body, request: false, cancel);
        var verdict = await exchange.ResponseHeadersAsync.ConfigureAwait(false);
        if (verdict.Kind == ReplyKind.Immediate)
        {
            await AnswerImmediatelyAsync(context, verdict).ConfigureAwait(false);
            return;
        }
        headers.Apply(verdict.Headers);
        SetHeaders(context, endpoint, headers);
        await context.Response.StartAsync(cancel).ConfigureAwait(false);
        if (!empty)
        {
            var downlink = CopyBodyAsync(exchange.ResponseBody(cancel), context.Response.Body, cancel);
            // Whichever fails first ends the exchange: a worker that resets must not leave the client waiting.
            await await Task.WhenAny(uplink, downlink).ConfigureAwait(false);
            await downlink.ConfigureAwait(false);
        }
    }

    static async Task CopyBodyAsync(IAsyncEnumerable<Reply> chunks, Stream to, CancellationToken cancel)
    {
        await foreach (var chunk in chunks.ConfigureAwait(false))
        {
            if (chunk.Body.Length > 0)
            {
                await to.WriteAsync(chunk.Body, cancel).ConfigureAwait(false);
                await to.FlushAsync(cancel).ConfigureAwait(false);
            }
            if (chunk.EndOfStream)
            {
                return;
            }
        }
        throw new ExtProcException("the EPP closed the stream in the middle of a body");
    }

    static async Task ForwardAsync(HttpContext context, string endpoint, HeaderList headers, Stream body)
    {
        SetHeaders(context, endpoint, headers);
        await context.Response.StartAsync(context.RequestAborted).ConfigureAwait(false);
        var buffer = new byte[ExtProcExchange.FrameBytes];
        int got;
        while ((got = await body.ReadAsync(buffer, context.RequestAborted).ConfigureAwait(false)) > 0)
        {
            await context.Response.Body.WriteAsync(buffer.AsMemory(0, got), context.RequestAborted).ConfigureAwait(false);
            await context.Response.Body.FlushAsync(context.RequestAborted).ConfigureAwait(false);
        }
    }

    static void SetHeaders(HttpContext context, string endpoint, HeaderList headers)
    {
        context.Response.StatusCode = int.Parse(headers.Find(":status") ?? "200", CultureInfo.InvariantCulture);
        foreach (var (name, value) in headers.Items)
        {
            if (HeaderList.IsForwarded(name))
            {
                context.Response.Headers.Append(name, value);
            }
        }
        context.Response.Headers["x-lab-endpoint"] = endpoint;
    }

    static async Task AnswerImmediatelyAsync(HttpContext context, Reply verdict)
    {
        var headers = new HeaderList();
        headers.Add(":status", verdict.Status.ToString(CultureInfo.InvariantCulture));
        headers.Apply(verdict.Headers);
        SetHeaders(context, "", headers);
        await context.Response.Body.WriteAsync(verdict.Body, context.RequestAborted).ConfigureAwait(false);
    }

    static bool HasBody(HttpContext context) =>
        context.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody == true && context.Request.ContentLength != 0;
}

/// <summary>Bare Kestrel servers on loopback: no logging, no configuration files, no header limits that a test would trip over.</summary>
internal static class LocalServer
{
    public static WebApplication Build(int port, Microsoft.AspNetCore.Server.Kestrel.Core.HttpProtocols protocols = Microsoft.AspNetCore.Server.Kestrel.Core.HttpProtocols.Http1)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(options =>
        {
            options.AddServerHeader = false;
            options.Limits.MaxRequestBodySize = null;
            options.Limits.MinRequestBodyDataRate = null;
            options.Limits.MinResponseDataRate = null;
            options.Limits.Http2.MaxStreamsPerConnection = 10_000;
            options.Listen(IPAddress.Loopback, port, listen => listen.Protocols = protocols);
        });
        return builder.Build();
    }

    public static int PortOf(WebApplication app) =>
        new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()).Port;
}
