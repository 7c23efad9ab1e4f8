using System.Text.Json;
using Epp.Lab.Gateway;
using Epp.Lab.Workers.Events;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Epp.Lab.Workers;

/// <summary>
/// One simulated vLLM server on loopback: /v1/chat/completions and /v1/completions (JSON and SSE), /v1/models, /metrics, /health.
/// Usage reports cached tokens as vLLM does; POST /reset_prefix_cache empties the cache. With sockets for it, KV events are published.
/// </summary>
internal sealed class SimulatedWorker : IAsyncDisposable
{
    static readonly JsonSerializerOptions Json = new();
    static readonly string[] Words = ["the", "router", "keeps", "a", "prefix", "where", "it", "was", "seen", "last", "and", "answers", "faster"];

    readonly WebApplication _app;
    readonly ICachePublisher? _events;
    readonly Engine _engine;
    int _served;

    SimulatedWorker(WebApplication app, Engine engine, ICachePublisher? events) =>
        (_app, _engine, _events, Port) = (app, engine, events, LocalServer.PortOf(app));

    public int Port { get; }

    public Engine Engine => _engine;

    public string Endpoint => $"127.0.0.1:{Port}";

    /// <summary>Listens on 127.0.0.1.</summary>
    /// <param name="port">0 takes a free one.</param>
    /// <param name="options">Service times and sizes.</param>
    /// <param name="events">Makes the publisher of a worker at a port; null = no events.</param>
    public static async Task<SimulatedWorker> StartAsync(int port, EngineOptions options, Func<int, ICachePublisher>? events = null)
    {
        SimulatedWorker? ready = null;
        var app = LocalServer.Build(port);
        app.Run(context => ready is { } worker ? worker.HandleAsync(context) : WriteJsonAsync(context, 503, new { detail = "starting" }));
        await app.StartAsync().ConfigureAwait(false);
        // A topic names the port, which is known now.
        var publisher = events?.Invoke(LocalServer.PortOf(app));
        return ready = new SimulatedWorker(app, new Engine(options, publisher), publisher);
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync().ConfigureAwait(false);
        _engine.Dispose();
        if (_events is not null)
        {
            await _events.DisposeAsync().ConfigureAwait(false);
        }
    }

    async Task HandleAsync(HttpContext context)
    {
        try
        {
            await RouteAsync(context).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The client is gone; the engine has counted the abort.
        }
    }

    Task RouteAsync(HttpContext context) => (context.Request.Method, context.Request.Path.Value) switch
    {
        ("POST", "/v1/chat/completions") => CompleteAsync(context, chat: true),
        ("POST", "/v1/completions") => CompleteAsync(context, chat: false),
        ("POST", "/reset_prefix_cache") => ResetAsync(context),
        ("GET", "/metrics") => WriteAsync(context, "text/plain; version=0.0.4; charset=utf-8", _engine.RenderMetrics()),
        ("GET", "/health") => WriteAsync(context, "text/plain", ""),
        ("GET", "/v1/models") => WriteJsonAsync(context, 200, new
        {
            @object = "list",
            data = new[] { new { id = _engine.Options.Model, @object = "model", owned_by = "lab", max_model_len = 131_072 } },
        }),
        _ => WriteJsonAsync(context, 404, new { detail = "Not Found" }),
    };

    Task ResetAsync(HttpContext context)
    {
        _engine.Reset();
        return WriteAsync(context, "text/plain", "");
    }

    async Task CompleteAsync(HttpContext context, bool chat)
    {
        CompletionRequest? request;
        string error;
        try
        {
            using var body = await JsonDocument.ParseAsync(context.Request.Body, default, context.RequestAborted).ConfigureAwait(false);
            request = PromptReader.Read(body.RootElement, chat, out error);
        }
        catch (JsonException e)
        {
            (request, error) = (null, e.Message);
        }
        if (request is null)
        {
            await WriteJsonAsync(context, 400, new { error = new { message = error, type = "BadRequestError", code = 400 } }).ConfigureAwait(false);
            return;
        }
        var id = $"{(chat ? "chatcmpl" : "cmpl")}-{Port}-{Interlocked.Increment(ref _served)}";
        await (request.Stream ? StreamAsync(context, request, id, chat) : AnswerAsync(context, request, id, chat)).ConfigureAwait(false);
    }

    async Task AnswerAsync(HttpContext context, CompletionRequest request, string id, bool chat)
    {
        var usage = await _engine.RunAsync(PromptIds.Of(request.Prompt, _engine.Options.BytesPerToken), request.MaxTokens, static (_, _) => ValueTask.CompletedTask, context.RequestAborted).ConfigureAwait(false);
        var text = string.Concat(Enumerable.Range(0, request.MaxTokens).Select(Word));
        object choice = chat
            ? new { index = 0, message = new { role = "assistant", content = text }, finish_reason = "length" }
            : new { index = 0, text, finish_reason = "length" };
        await WriteJsonAsync(context, 200, new
        {
            id,
            @object = chat ? "chat.completion" : "text_completion",
            created = 1_700_000_000,
            model = request.Model,
            choices = new[] { choice },
            usage = Describe(usage),
        }).ConfigureAwait(false);
    }

    async Task StreamAsync(HttpContext context, CompletionRequest request, string id, bool chat)
    {
        context.Response.ContentType = "text/event-stream; charset=utf-8";
        var kind = chat ? "chat.completion.chunk" : "text_completion";
        var usage = await _engine.RunAsync(PromptIds.Of(request.Prompt, _engine.Options.BytesPerToken), request.MaxTokens, async (_, i) =>
        {
            var finish = i == request.MaxTokens - 1 ? "length" : null;
            object choice = chat
                ? new { index = 0, delta = new { role = i == 0 ? "assistant" : null, content = Word(i) }, finish_reason = finish }
                : new { index = 0, text = Word(i), finish_reason = finish };
            await EventAsync(context, new { id, @object = kind, created = 1_700_000_000, model = request.Model, choices = new[] { choice } }).ConfigureAwait(false);
        }, context.RequestAborted).ConfigureAwait(false);
        if (request.IncludeUsage)
        {
            await EventAsync(context, new
            {
                id,
                @object = kind,
                created = 1_700_000_000,
                model = request.Model,
                choices = Array.Empty<object>(),
                usage = Describe(usage),
            }).ConfigureAwait(false);
        }
        await context.Response.WriteAsync("data: [DONE]\n\n", context.RequestAborted).ConfigureAwait(false);
    }

    static string Word(int index) => Words[index % Words.Length] + " ";

    static object Describe(Usage usage) => new
    {
        prompt_tokens = usage.PromptTokens,
        total_tokens = usage.PromptTokens + usage.CompletionTokens,
        completion_tokens = usage.CompletionTokens,
        prompt_tokens_details = new { cached_tokens = usage.CachedTokens },
    };

    static async Task EventAsync(HttpContext context, object value)
    {
        await context.Response.WriteAsync($"data: {JsonSerializer.Serialize(value, Json)}\n\n", context.RequestAborted).ConfigureAwait(false);
        await context.Response.Body.FlushAsync(context.RequestAborted).ConfigureAwait(false);
    }

    static Task WriteJsonAsync(HttpContext context, int status, object value)
    {
        context.Response.StatusCode = status;
        return WriteAsync(context, "application/json", JsonSerializer.Serialize(value, Json));
    }

    static Task WriteAsync(HttpContext context, string type, string text)
    {
        var bytes = System.Text.Encoding.UTF8.GetBytes(text);
        context.Response.ContentType = type;
        context.Response.ContentLength = bytes.Length;
        return context.Response.Body.WriteAsync(bytes, context.RequestAborted).AsTask();
    }
}
