using System.Buffers;
using System.Text;
using Epp.Aot.Configuration;
using Epp.Aot.Telemetry;
using Epp.Native.Chat;
using Epp.Native.Memory;
using Epp.Native.Requests;
using Microsoft.Extensions.Logging;

namespace Epp.Aot.Models;

/// <summary>
/// The models whose prompts are tokenized in this process. Each is loaded in the background, and anew when its files change; until it is loaded,
/// and where it cannot be, its requests have no exact ids.
/// </summary>
internal sealed partial class LocalModels : IPromptTokenizer, IAsyncDisposable
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(10);

    private static readonly string[] Files =
        ["tokenizer.json", "tokenizer_config.json", "config.json", "chat_template.jinja", "chat_template.json"];

    private readonly Slot[] _slots;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly TimeSpan _period;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loading;
    private volatile bool _isReady;
    private long _exact;
    private long _refused;

    /// <param name="models">Names and directories.</param>
    /// <param name="logger">Takes what was loaded.</param>
    /// <param name="time">The clock, also of templates that print the date.</param>
    /// <param name="period">Pause between looks at the files; null = 10 s.</param>
    public LocalModels(IReadOnlyList<LocalModelConfig> models, ILogger logger, TimeProvider time, TimeSpan? period = null)
    {
        (_logger, _time, _period) = (logger, time, period ?? Period);
        _slots = new Slot[models.Count];
        for (var i = 0; i < _slots.Length; i++)
        {
            _slots[i] = new Slot(models[i], Encoding.UTF8.GetBytes(models[i].Name));
        }

        _loading = FollowAsync();
    }

    /// <summary>True once every model was loaded or failed to.</summary>
    public bool IsReady => _isReady;

    /// <summary>Requests tokenized.</summary>
    public long Exact => Volatile.Read(ref _exact);

    /// <summary>Requests that have no exact ids.</summary>
    public long Refused => Volatile.Read(ref _refused);

    /// <summary>Models loaded.</summary>
    public int Loaded
    {
        get
        {
            var loaded = 0;
            foreach (var slot in _slots)
            {
                loaded += slot.Model is null ? 0 : 1;
            }

            return loaded;
        }
    }

    /// <summary>What the kept beginnings of prompts were good for, all models together.</summary>
    public PrefixFigures Prefixes
    {
        get
        {
            var sum = default(PrefixFigures);
            foreach (var slot in _slots)
            {
                var figures = slot.Model?.Prefixes ?? default;
                sum = new PrefixFigures(sum.Hits + figures.Hits, sum.HashHits + figures.HashHits, sum.Bytes + figures.Bytes);
            }

            return sum;
        }
    }

    /// <summary>The encoder of a model; null until it is loaded.</summary>
    public PromptEncoder? EncoderOf(string name) => Find(Encoding.UTF8.GetBytes(name))?.Model?.Encoder;

    public bool TryTokenize(RequestScanner scan, BodyBuffer body, ReadOnlySpan<byte> model, PromptTokens into)
    {
        into.Clear();
        if (EndpointOf(scan) is not { } endpoint || Find(model) is not { Model: { } local, IsTrusted: true } slot)
        {
            Interlocked.Increment(ref _refused);
            return false;
        }

        var rented = scan.IsVllmGrpc || body.SegmentCount > 1 ? ArrayPool<byte>.Shared.Rent(scan.IsVllmGrpc ? GrpcText.MostBytes(scan) : body.Length) : null;
        var length = body.Length;
        if (scan.IsVllmGrpc)
        {
            length = GrpcText.AsCompletions(scan, body, rented);
        }
        else if (rented is not null)
        {
            body.CopyTo(0, rented.AsSpan(0, length));
        }

        var scratch = local.Rent();
        var bytes = rented is not null ? rented.AsSpan(0, length) : body.SegmentCount == 0 ? default : body.Segment(0);
        var known = local.Encoder.TryEncode(bytes, endpoint, _time.GetUtcNow().ToUnixTimeSeconds(), scratch);
        if (known)
        {
            for (var i = 0; i < scratch.PromptCount; i++)
            {
                var ids = scratch.Ids(i);
                ids.CopyTo(into.Space(ids.Length));
                into.Advance(ids.Length);
                into.EndPrompt(scratch.Beginning(i));
            }

            into.IsKnown = true;
            into.IsComputed = true;
            Interlocked.Increment(ref _exact);
        }
        else
        {
            Interlocked.Increment(ref _refused);
            if (_logger.IsEnabled(LogLevel.Debug))
            {
                LocalModelLog.Refused(_logger, slot.Config.Name, scratch.Refusal.ToString(), scratch.RefusalDetail);
            }
        }

        local.Return(scratch);
        if (rented is not null)
        {
            ArrayPool<byte>.Shared.Return(rented);
        }

        return known;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _loading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    private static ChatEndpoint? EndpointOf(RequestScanner scan) => scan.EffectiveApi switch
    {
        RequestApi.VllmGrpcGenerate when scan.GrpcPrompt is { IsText: true, IsAltered: false, TextBytes: <= GrpcText.MaxBytes } => ChatEndpoint.Completions,
        RequestApi.ChatCompletions => ChatEndpoint.Chat,
        RequestApi.Completions => ChatEndpoint.Completions,
        RequestApi.Responses => ChatEndpoint.Responses,
        RequestApi.AnthropicMessages => ChatEndpoint.Messages,
        RequestApi.Embeddings => ChatEndpoint.Embeddings,
        _ => null,
    };

    /// <summary>The model of that name; an adapter, whose name nobody told us, shares the only model there is.</summary>
    private Slot? Find(ReadOnlySpan<byte> model)
    {
        foreach (var slot in _slots)
        {
            if (model.SequenceEqual(slot.Name))
            {
                return slot;
            }
        }

        return _slots.Length == 1 ? _slots[0] : null;
    }

    private async Task FollowAsync()
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        while (!_stop.IsCancellationRequested)
        {
            foreach (var slot in _slots)
            {
                if (Stamp(slot.Config) is var stamp && stamp != slot.Stamp)
                {
                    slot.Stamp = stamp;
                    Load(slot);
                }
            }

            _isReady = true;
            await Task.Delay(_period, _time, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private void Load(Slot slot)
    {
        var config = slot.Config;
        var before = GC.GetTotalMemory(forceFullCollection: false);
        var start = _time.GetTimestamp();
        var tokenizer = TokenizerDirectory.Load(config.Path, config.Transformers, config.Pattern, out var warning, out var error);
        var model = tokenizer is null ? null : ChatModelDirectory.Load(config.Path, tokenizer, config.Flavour, config.Flags ?? EngineFlags.Unknown, out error);
        if (warning is not null)
        {
            LocalModelLog.Uncertain(_logger, config.Name, warning);
        }

        if (model is null)
        {
            LocalModelLog.Failed(_logger, config.Name, slot.Model is null ? "its requests are matched by their bytes" : "the files loaded before stay in use", error);
            return;
        }

        slot.Model = new LocalModel(new PromptEncoder(model, config.PrefixCacheBytes), slot.Model?.Prefixes ?? default);
        slot.Traffic = new TrafficTrust();
        LocalModelLog.Loaded(
            _logger, config.Name, tokenizer!.VocabularySize, _time.GetElapsedTime(start).TotalMilliseconds, Math.Max(0, GC.GetTotalMemory(forceFullCollection: false) - before) >> 20);
    }

    /// <summary>Changes when any file of the model does.</summary>
    private static long Stamp(LocalModelConfig config)
    {
        var stamp = config.Flags?.ChatTemplate is { } template ? StampOf(template) : 17L;
        foreach (var name in Files)
        {
            stamp = (stamp * 31) + StampOf(Path.Combine(config.Path, name));
        }

        return stamp;
    }

    private static long StampOf(string path)
    {
        var file = new FileInfo(path);
        return file.Exists ? file.LastWriteTimeUtc.Ticks ^ file.Length : 0;
    }
}
