using System.Collections.Concurrent;
using Epp.Native.Chat;

namespace Epp.Aot.Models;

/// <summary>One loaded model and the scratch memory of its callers. Thread-safe.</summary>
internal sealed class LocalModel(PromptEncoder encoder)
{
    private const int MaxIdle = 64;

    private readonly ConcurrentQueue<PromptScratch> _idle = new();

    public PromptEncoder Encoder => encoder;

    public PromptScratch Rent() => _idle.TryDequeue(out var scratch) ? scratch : encoder.CreateScratch();

    public void Return(PromptScratch scratch)
    {
        if (_idle.Count < MaxIdle)
        {
            _idle.Enqueue(scratch);
        }
    }
}
