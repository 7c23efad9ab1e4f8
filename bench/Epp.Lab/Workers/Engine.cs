using System.Diagnostics;
using Epp.Lab.Workers.Events;

namespace Epp.Lab.Workers;

/// <summary>
/// Service times of a simulated engine. Defaults are a mid-size model on one GPU, sped up so that a demo takes seconds:
/// prefill 16,000 tokens/s, one prefill at a time; 4 ms a generated token; 8 requests run, the rest wait in order.
/// </summary>
internal sealed record EngineOptions(
    int PrefillTokensPerSecond = 16_000, double DecodeMsPerToken = 4, int MaxRunning = 8, int CacheBlocks = 1_800, string Model = "lab-model",
    int BytesPerToken = 4)
{
    /// <summary>The same engine with the tokenizer of <see cref="ModelDirectory"/>: a token is a byte, so there are four times as many.</summary>
    public static EngineOptions OfBytes => new(PrefillTokensPerSecond: 64_000, CacheBlocks: 7_200, BytesPerToken: 1);
}

/// <summary>What one request cost: tokens of the prompt, and how many of them the prefix cache held.</summary>
internal sealed record Usage(int PromptTokens, int CachedTokens, int CompletionTokens);

/// <summary>The engine behind one worker: queue, prefix cache, prefill and decode times, metrics. Thread-safe.</summary>
internal sealed class Engine : IDisposable
{
    readonly Lock _lock = new();
    readonly EngineOptions _options;
    readonly ICachePublisher? _events;
    readonly PrefixCache _cache;
    readonly WorkerMetrics _metrics;
    readonly SemaphoreSlim _slots;
    readonly SemaphoreSlim _prefill = new(1);
    int _blocksInUse;
    string _rendered = "";
    long _renderedAt;

    /// <param name="options">Service times and sizes.</param>
    /// <param name="events">Takes what happens to the cache; null = nobody is told.</param>
    public Engine(EngineOptions options, ICachePublisher? events)
    {
        (_options, _events) = (options, events);
        _cache = new PrefixCache(options.CacheBlocks, events);
        _metrics = new WorkerMetrics(options.Model);
        _slots = new SemaphoreSlim(options.MaxRunning);
    }

    public EngineOptions Options => _options;

    /// <summary>What was published so far.</summary>
    public EventTotals Published
    {
        get
        {
            lock (_lock)
            {
                return _events?.Totals ?? default;
            }
        }
    }

    /// <summary>Tokens of a prompt that a request would find cached now.</summary>
    public int Held(uint[] ids)
    {
        lock (_lock)
        {
            return _cache.Held(ids);
        }
    }

    /// <summary>Empties the prefix cache.</summary>
    public void Reset()
    {
        lock (_lock)
        {
            _cache.Clear();
            Publish();
        }
    }

    /// <summary>Runs one request; <paramref name="onToken"/> is awaited per generated token, with its index.</summary>
    public async Task<Usage> RunAsync(uint[] prompt, int maxTokens, Func<Usage, int, ValueTask> onToken, CancellationToken cancel)
    {
        var started = Stopwatch.GetTimestamp();
        await QueueAsync(cancel).ConfigureAwait(false);
        var queued = Stopwatch.GetElapsedTime(started).TotalSeconds;
        var blocks = (prompt.Length / PrefixCache.BlockTokens) + 1;
        Change(running: 1, blocks: blocks);
        try
        {
            var usage = await PrefillAsync(prompt, cancel).ConfigureAwait(false);
            var first = Stopwatch.GetElapsedTime(started).TotalSeconds;
            for (var i = 0; i < maxTokens; i++)
            {
                if (i > 0)
                {
                    await Task.Delay(TimeSpan.FromMilliseconds(_options.DecodeMsPerToken), cancel).ConfigureAwait(false);
                }
                usage = usage with { CompletionTokens = i + 1 };
                await onToken(usage, i).ConfigureAwait(false);
            }
            Finish(usage, queued, first, Stopwatch.GetElapsedTime(started).TotalSeconds);
            return usage;
        }
        catch
        {
            lock (_lock)
            {
                _metrics.Aborted++;
            }
            throw;
        }
        finally
        {
            Change(running: -1, blocks: -blocks);
            _slots.Release();
        }
    }

    async Task QueueAsync(CancellationToken cancel)
    {
        Change(waiting: 1);
        try
        {
            await _slots.WaitAsync(cancel).ConfigureAwait(false);
        }
        finally
        {
            Change(waiting: -1);
        }
    }

    async Task<Usage> PrefillAsync(uint[] prompt, CancellationToken cancel)
    {
        await _prefill.WaitAsync(cancel).ConfigureAwait(false);
        try
        {
            var tokens = prompt.Length;
            int cached;
            lock (_lock)
            {
                cached = _cache.Use(prompt);
                Publish();
                _metrics.PrefixQueries += tokens;
                _metrics.PrefixHits += cached;
            }
            await Task.Delay(TimeSpan.FromSeconds((double)(tokens - cached) / _options.PrefillTokensPerSecond), cancel).ConfigureAwait(false);
            return new Usage(tokens, cached, 0);
        }
        finally
        {
            _prefill.Release();
        }
    }

    /// <summary>Sends what was done to the cache; inside the lock, so that numbers follow the order of the changes.</summary>
    void Publish() => _events?.Publish();

    void Change(int running = 0, int waiting = 0, int blocks = 0)
    {
        lock (_lock)
        {
            _metrics.Running += running;
            _metrics.Waiting += waiting;
            _blocksInUse += blocks;
            _metrics.KvUsage = Math.Min(1, (double)_blocksInUse / _options.CacheBlocks);
        }
    }

    void Finish(Usage usage, double queued, double first, double total)
    {
        lock (_lock)
        {
            _metrics.Finished++;
            _metrics.PromptTokens += usage.PromptTokens;
            _metrics.GenerationTokens += usage.CompletionTokens;
            _metrics.FirstToken.Observe(first);
            _metrics.EndToEnd.Observe(total);
            _metrics.Queue.Observe(queued);
            _metrics.Prefill.Observe(first - queued);
            _metrics.Decode.Observe(total - first);
            _metrics.Inference.Observe(total - queued);
            _metrics.PromptSizes.Observe(usage.PromptTokens);
            _metrics.GenerationSizes.Observe(usage.CompletionTokens);
            var gap = (total - first) / Math.Max(1, usage.CompletionTokens - 1);
            _metrics.InterToken.Observe(gap);
            _metrics.PerOutputToken.Observe(gap);
            _metrics.ObserveHttp(total);
        }
    }

    /// <summary>The exposition; rendered at most every 20 ms, so that scraping costs the bench little.</summary>
    public string RenderMetrics()
    {
        lock (_lock)
        {
            if (_rendered.Length == 0 || Stopwatch.GetElapsedTime(_renderedAt).TotalMilliseconds >= 20)
            {
                _rendered = _metrics.Render(_options.CacheBlocks);
                _renderedAt = Stopwatch.GetTimestamp();
            }
            return _rendered;
        }
    }

    public void Dispose()
    {
        _slots.Dispose();
        _prefill.Dispose();
    }
}
