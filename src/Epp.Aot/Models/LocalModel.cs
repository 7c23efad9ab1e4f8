using System.Collections.Concurrent;
using Epp.Aot.Telemetry;
using Epp.Native.Chat;

namespace Epp.Aot.Models;

/// <summary>One loaded model and the scratch memory of its callers. Thread-safe.</summary>
/// <param name="encoder">Its prompts.</param>
/// <param name="before">What kept beginnings were good for with the files before these.</param>
internal sealed class LocalModel(PromptEncoder encoder, PrefixFigures before = default)
{
    private const int MaxIdle = 64;

    private readonly ConcurrentQueue<PromptScratch> _idle = new();

    public PromptEncoder Encoder => encoder;

    /// <summary>What kept beginnings of prompts were good for; counts go on where files are replaced.</summary>
    public PrefixFigures Prefixes => encoder.Prefixes is { } cache
        ? new PrefixFigures(before.Hits + cache.Hits, before.HashHits + cache.HashHits, cache.Bytes)
        : before with { Bytes = 0 };

    public PromptScratch Rent() => _idle.TryDequeue(out var scratch) ? scratch : encoder.CreateScratch();

    public void Return(PromptScratch scratch)
    {
        scratch.Release();
        if (_idle.Count < MaxIdle)
        {
            _idle.Enqueue(scratch);
        }
    }
}
