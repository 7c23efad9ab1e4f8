using Epp.Aot.Telemetry;
using Epp.Native.Prefix;

namespace Epp.Aot.Models;

/// <summary>
/// Looks once a second at the requests whose ids were compared with what their engines stored, and tells the models. Matching goes on
/// exactly or not as the self-test decides it, with more patience: one request's difference may be another's blocks.
/// </summary>
internal sealed class TrafficParity : IAsyncDisposable
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);

    private readonly LocalModels _models;
    private readonly TimeProvider _time;
    private readonly ITimer _timer;
    private long _equal;
    private long _different;

    public TrafficParity(LocalModels models, TimeProvider time, TimeSpan? period = null)
    {
        (_models, _time) = (models, time);
        _timer = time.CreateTimer(static self => ((TrafficParity)self!).Settle(), this, period ?? Period, period ?? Period);
    }

    /// <summary>What requests and events are shown to.</summary>
    public PromptParity Requests { get; } = new();

    /// <summary>Requests whose ids were the engine's.</summary>
    public long Equal => Volatile.Read(ref _equal);

    /// <summary>Requests whose ids were not.</summary>
    public long Different => Volatile.Read(ref _different);

    public ValueTask DisposeAsync() => _timer.DisposeAsync();

    private void Settle()
    {
        var now = EppMetrics.MonotonicMs(_time);
        while (Requests.TrySettle(now, out var outcome))
        {
            _models.Observe(outcome);
            Interlocked.Increment(ref outcome.Verdict == ParityVerdict.Equal ? ref _equal : ref _different);
        }

        _models.TryAgain();
    }
}
