using Epp.Aot.Configuration;
using Epp.Aot.ExtProc;
using Epp.Aot.Models;
using Epp.Aot.Telemetry;
using Epp.Native.Prefix;
using Epp.Native.Requests;
using Microsoft.Extensions.Logging;

namespace Epp.Aot.Hosting;

/// <summary>Where token ids come from: models in this process, a render endpoint, or neither.</summary>
internal sealed class TokenMode : IAsyncDisposable
{
    private static readonly TimeSpan ParityPeriod = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan ParityRetry = TimeSpan.FromSeconds(5);

    private readonly CancellationTokenSource _stop = new();
    private readonly LocalModels? _models;
    private readonly TrafficParity? _traffic;
    private readonly RenderClient? _render;
    private readonly RenderBackend? _backend;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly Task _checking = Task.CompletedTask;
    private long _compared;
    private long _differed;

    private TokenMode(TokenProducerParameters parameters, EppMetrics metrics, ILogger logger, TimeProvider time)
    {
        (_logger, _time) = (logger, time);
        _models = parameters.Models.Count > 0 ? new LocalModels(parameters.Models, logger, time) : null;
        _traffic = _models is not null && parameters.ComparesTraffic ? new TrafficParity(_models, time) : null;
        _render = parameters.RenderUrl is { } url ? new RenderClient(url, parameters.RenderTimeout) : null;
        _backend = _models is null && _render is not null ? new RenderBackend(_render, parameters.RenderModel, logger, time, _stop.Token) : null;
        metrics.AddTokenSource(Read);
        if (_models is not null && _render is not null)
        {
            _checking = CheckAsync(parameters.RenderModel);
        }
    }

    /// <summary>Tokenizes in this process; null where no model is configured.</summary>
    public IPromptTokenizer? Local => _models;

    /// <summary>Compares our ids with those that engines store; null where there are none, or that is not wanted.</summary>
    public PromptParity? Parity => _traffic?.Requests;

    /// <summary>Asks an engine, where that is the backend.</summary>
    public TokenAsking? Asking => _backend is null ? null : _backend.AskAsync;

    /// <summary>False while models are being loaded for the first time.</summary>
    public bool IsReady => _models?.IsReady ?? true;

    /// <summary>The mode of a configuration; null where nothing but the estimate is configured.</summary>
    public static TokenMode? Create(EppConfig config, EppMetrics metrics, ILogger logger, TimeProvider time)
    {
        foreach (var plugin in config.Plugins)
        {
            if (plugin.Parameters is TokenProducerParameters parameters)
            {
                return new TokenMode(parameters, metrics, logger, time);
            }
        }

        return null;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _checking.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (_traffic is not null)
        {
            await _traffic.DisposeAsync().ConfigureAwait(false);
        }

        if (_models is not null)
        {
            await _models.DisposeAsync().ConfigureAwait(false);
        }

        _render?.Dispose();
        _stop.Dispose();
    }

    private async Task CheckAsync(string model)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        while (!_stop.IsCancellationRequested)
        {
            var check = new ParityCheck(_models!, model, _models!.EncoderOf(model), _render!, _logger, _time);
            var outcome = await check.RunAsync(_stop.Token).ConfigureAwait(false);
            Interlocked.Add(ref _compared, check.Compared);
            Interlocked.Add(ref _differed, check.Differed);
            await Task.Delay(outcome is null ? ParityRetry : ParityPeriod, _time, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private TokenFigures Read() => new(
        _models?.Exact ?? _backend?.Exact ?? 0,
        _models?.Refused ?? _backend?.Unknown ?? 0,
        _models?.Loaded ?? 0,
        Volatile.Read(ref _compared),
        Volatile.Read(ref _differed),
        _traffic?.Equal ?? 0,
        _traffic?.Different ?? 0,
        _models?.Prefixes ?? default);
}
