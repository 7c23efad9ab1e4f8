using System.Text;
using Epp.Aot.ExtProc;
using Epp.Aot.Models;
using Epp.Aot.Telemetry;
using Epp.Native.Requests;
using Microsoft.Extensions.Logging;

namespace Epp.Aot.Hosting;

/// <summary>
/// Token ids from an engine that renders (plugins §5.1). What it refuses, or does not answer in time, is matched by its bytes. After three
/// failures in a row it is asked once a second only, so that an endpoint that is away does not cost every request its timeout. Thread-safe.
/// </summary>
internal sealed class RenderBackend(RenderClient client, string model, ILogger logger, TimeProvider time, CancellationToken stop)
{
    private const int FailuresUntilRare = 3;
    private const long PauseMs = 1000;

    private readonly byte[] _model = Encoding.UTF8.GetBytes(model);
    private int _failures;
    private int _refusalIsSaid;
    private long _notBeforeMs;
    private long _exact;
    private long _unknown;

    /// <summary>Requests whose ids it gave.</summary>
    public long Exact => Volatile.Read(ref _exact);

    /// <summary>Requests without ids.</summary>
    public long Unknown => Volatile.Read(ref _unknown);

    public async Task AskAsync(RequestPhase request)
    {
        var api = request.Scanner.EffectiveApi;
        if (api is not (RequestApi.ChatCompletions or RequestApi.Completions) || !MayAsk())
        {
            Interlocked.Increment(ref _unknown);
            return;
        }

        var tokens = new PromptTokens();
        var failure = await client.AskAsync(Body(request), api == RequestApi.ChatCompletions, tokens, stop).ConfigureAwait(false);
        Interlocked.Increment(ref failure is null ? ref _exact : ref _unknown);
        if (failure is { IsRefusal: false } silence)
        {
            Volatile.Write(ref _notBeforeMs, EppMetrics.MonotonicMs(time) + PauseMs);
            if (Interlocked.Increment(ref _failures) == 1)
            {
                LocalModelLog.NoAnswer(logger, client.Url, silence.Reason);
            }

            return;
        }

        if (Interlocked.Exchange(ref _failures, 0) > 0)
        {
            LocalModelLog.AnswersAgain(logger, client.Url);
        }

        if (failure is { } refusal)
        {
            if (Interlocked.Exchange(ref _refusalIsSaid, 1) == 0)
            {
                LocalModelLog.RefusesToRender(logger, client.Url, refusal.Reason);
            }

            return;
        }

        Volatile.Write(ref _refusalIsSaid, 0);
        request.Tokens = tokens;
    }

    /// <summary>Always, or for one caller a second while nobody answers.</summary>
    private bool MayAsk()
    {
        if (Volatile.Read(ref _failures) < FailuresUntilRare)
        {
            return true;
        }

        var notBefore = Volatile.Read(ref _notBeforeMs);
        var now = EppMetrics.MonotonicMs(time);
        return now >= notBefore && Interlocked.CompareExchange(ref _notBeforeMs, now + PauseMs, notBefore) == notBefore;
    }

    /// <summary>The request's own body with the model's name that the endpoint knows.</summary>
    private byte[] Body(RequestPhase request)
    {
        var rewrite = new ModelRewrite();
        rewrite.Begin(request.Body, request.Scanner, _model);
        var body = new byte[rewrite.Length];
        for (var at = 0; rewrite.TryRead(body.Length - at, out var part); at += part.Length)
        {
            part.CopyTo(body.AsSpan(at));
        }

        return body;
    }
}
