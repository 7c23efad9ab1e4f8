using Epp.Native.Pool;

namespace Epp.Native.Scheduling.Scorers;

/// <summary>
/// Looks for the target model among the engine's LoRA adapters: active 1, else a free slot 0.8, else waiting 0.6, else 0; 0 where the
/// engine reports no adapters.
/// </summary>
public sealed class LoraAffinityScorer(string name) : IScorer
{
    public const string PluginType = "lora-affinity-scorer";

    private const double Active = 1.0;
    private const double FreeSlot = 0.8;
    private const double Waiting = 0.6;

    public string Name => name;

    public string Type => PluginType;

    public void Score(RoutingRequest request, in Candidates candidates, Span<double> scores)
    {
        var lora = candidates.Pool.Columns.Lora;
        var indexes = candidates.Indexes;
        for (var i = 0; i < scores.Length; i++)
        {
            scores[i] = lora[indexes[i]] is { } state ? Rate(state, request.TargetModel) : 0;
        }
    }

    private static double Rate(LoraState state, ReadOnlySpan<byte> model)
    {
        if (Contains(state.Running, model))
        {
            return Active;
        }

        if (state.Running.Length + state.Waiting.Length < state.MaxAdapters)
        {
            return FreeSlot;
        }

        return Contains(state.Waiting, model) ? Waiting : 0;
    }

    private static bool Contains(byte[][] adapters, ReadOnlySpan<byte> model)
    {
        foreach (var adapter in adapters)
        {
            if (model.SequenceEqual(adapter))
            {
                return true;
            }
        }

        return false;
    }
}
