using Epp.Aot.ExtProc;
using Microsoft.Extensions.Logging;

namespace Epp.Aot.Bbr;

/// <summary>What every stream of the body-based router shares. Thread-safe.</summary>
internal sealed class BbrServices
{
    private int _saidUselessMode;
    private int _openStreams;

    /// <param name="options">What the operator set.</param>
    /// <param name="models">Base models in force; null = none are wanted.</param>
    /// <param name="metrics">Instruments.</param>
    /// <param name="time">Clock.</param>
    /// <param name="logger">Of the exchange.</param>
    public BbrServices(BbrOptions options, BaseModelStore? models, BbrMetrics metrics, TimeProvider time, ILogger logger)
    {
        (Options, Models, Metrics, Time, Logger) = (options, models, metrics, time, logger);
        Plan = new BbrPlan(options, metrics);
        Budget = new BodyBudget(options.MaxBufferedBytes);
        Requests = new BbrRequests(Plan);
    }

    public BbrOptions Options { get; }

    public BaseModelStore? Models { get; }

    public BbrMetrics Metrics { get; }

    public TimeProvider Time { get; }

    public ILogger Logger { get; }

    public BbrPlan Plan { get; }

    /// <summary>Request bodies and held answers of all streams together.</summary>
    public BodyBudget Budget { get; }

    public BbrRequests Requests { get; }

    /// <summary>Streams open now: a drain waits for them.</summary>
    public int OpenStreams => Volatile.Read(ref _openStreams);

    public void StreamOpened() => Interlocked.Increment(ref _openStreams);

    public void StreamEnded() => Interlocked.Decrement(ref _openStreams);

    /// <summary>Says once that the gateway's body mode leaves nothing to do.</summary>
    public void SayUselessMode(string mode)
    {
        if (Interlocked.Exchange(ref _saidUselessMode, 1) == 0)
        {
            BbrLog.UselessBodyMode(Logger, mode);
        }
    }
}
