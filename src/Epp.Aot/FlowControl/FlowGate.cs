using System.Collections.Concurrent;
using Epp.Aot.Telemetry;
using Epp.Native.FlowControl;
using Epp.Native.Objectives;
using Epp.Native.Pool;
using Epp.Native.Scheduling.Saturation;
using Microsoft.Extensions.Logging;

namespace Epp.Aot.FlowControl;

/// <summary>What the gate works with.</summary>
/// <param name="Pool">Whose saturation gates dispatch.</param>
/// <param name="Objectives">Whose priorities bring bands; null = only configured bands.</param>
/// <param name="Saturation">The detector in force.</param>
/// <param name="Metrics">Where its figures go.</param>
/// <param name="Time">Clock and ticks.</param>
/// <param name="Logger">Says what must not happen.</param>
internal sealed record FlowContext(
    Pool Pool, ObjectiveStore? Objectives, Func<ISaturationDetector> Saturation, EppMetrics Metrics, TimeProvider Time, ILogger Logger);

/// <summary>
/// Where requests wait for their turn (plugins §12.2): one actor without a thread of its own. Whoever signals first runs it, everyone else
/// leaves a message, so the queues have one user at a time, nobody waits for a lock, and a request that need not wait is decided on its own
/// thread. A waiting request holds no thread. While requests wait the actor ticks every millisecond: at most one is dispatched on each
/// arrival and each tick, so that a load which metrics show late is not overrun.
/// </summary>
internal sealed partial class FlowGate : IThreadPoolWorkItem, IDisposable
{
    /// <summary>Messages to the actor at most; a request beyond is refused as over capacity.</summary>
    public const int MaxInputs = 16_384;

    private const int RoundsBeforeHandOver = 64;
    private const long SweepMs = 100;

    private static readonly TimeSpan BusyTick = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan IdleTick = TimeSpan.FromSeconds(1);

    [ThreadStatic]
    private static WaitingRequest? t_spare;

    private readonly FlowController _controller;
    private readonly FlowContext _context;
    private readonly FlowFigures _figures;
    private readonly FlowEviction? _eviction;
    private readonly PoolStages _stages = new();
    private readonly ConcurrentQueue<WaitingRequest> _arrived = new();
    private readonly ConcurrentQueue<WaitingRequest> _leaving = new();
    private readonly ConcurrentQueue<WaitingRequest> _served = new();
    private readonly List<FlowItem> _out = [];
    private readonly ITimer _timer;
    private IReadOnlyList<InferenceObjective>? _objectives;
    private int _signals;
    private int _inputs;
    private int _dispatched;
    private int _tickDue;
    private long _sweptMs;
    private bool _busy;
    private volatile bool _stopped;

    /// <param name="controller">Queues and their decisions.</param>
    /// <param name="context">What they need.</param>
    /// <param name="eviction">Ends requests in flight for blocked bands; null = nothing is evicted.</param>
    public FlowGate(FlowController controller, FlowContext context, FlowEviction? eviction = null)
    {
        (_controller, _context, _eviction) = (controller, context, eviction);
        _figures = context.Metrics.BeginFlowControl(controller);
        CountsService = controller.Settings is var s
            && (IsProgramAware(s.DefaultBand) || IsProgramAware(s.NegativeBand) || s.Bands.Any(IsProgramAware));
        _eviction?.Begin(_figures, Signal);
        _timer = context.Time.CreateTimer(static state => ((FlowGate)state!).Tick(), this, IdleTick, IdleTick);
        Signal();
    }

    /// <summary>True where a band's policy wants to know what responses cost.</summary>
    public bool CountsService { get; }

    /// <summary>Requests waiting now.</summary>
    public int Waiting => _controller.Count;

    /// <summary>Queues a request; where its turn comes at once, or it is refused, it is done when this returns.</summary>
    public WaitingRequest Submit(int priority, ReadOnlySpan<byte> fairnessId, long sizeBytes, long receivedMs, long sloMs, RequestSeries series)
    {
        var request = t_spare is { } spare && spare.Gate == this ? spare : new WaitingRequest(this);
        t_spare = null;
        request.Begin(_context.Objectives is null ? 0 : priority, fairnessId, sizeBytes, receivedMs, sloMs);
        request.Renew(series, _context.Time.GetTimestamp());
        series.Flow.Entered(sizeBytes);
        if (_stopped || Interlocked.Increment(ref _inputs) > MaxInputs)
        {
            Finish(request, _stopped ? FlowOutcome.RejectedOther : FlowOutcome.RejectedCapacity, arriving: true);
            return request;
        }

        _arrived.Enqueue(request);
        Signal();
        return request;
    }

    /// <summary>Ends the use of a request; one that nobody waited for is used again.</summary>
    public void Recycle(WaitingRequest request)
    {
        request.Settle();
        if (request.IsReusable && request.IsDone && !CountsService)
        {
            t_spare = request;
        }
    }

    /// <summary>Refuses whoever waits, and whoever comes.</summary>
    public void Shutdown()
    {
        _stopped = true;
        Signal();
    }

    public void Dispose() => _timer.Dispose();

    /// <summary>A request's client has gone.</summary>
    internal void Post(WaitingRequest request)
    {
        _leaving.Enqueue(request);
        Signal();
    }

    /// <summary>A request's response ended.</summary>
    internal void PostServed(WaitingRequest request)
    {
        _served.Enqueue(request);
        Signal();
    }

    /// <summary>A dispatched request is counted elsewhere now.</summary>
    internal void Release() => Interlocked.Decrement(ref _dispatched);

    void IThreadPoolWorkItem.Execute() => Run();

    private static bool IsProgramAware(BandSettings band) => band.Fairness == FlowFairness.ProgramAware;

    private void Tick()
    {
        Volatile.Write(ref _tickDue, 1);
        Signal();
    }

    // The first signal makes its sender the actor; signals that come meanwhile are worked off before it leaves.
    private void Signal()
    {
        if (Interlocked.Increment(ref _signals) == 1)
        {
            Run();
        }
    }

    private void Run()
    {
        for (var round = 0; ; round++)
        {
            var seen = Volatile.Read(ref _signals);
            try
            {
                Work();
            }
            catch (Exception e)
            {
                // A defect must not leave the token taken: nobody would be served any more.
                FlowLog.Failed(_context.Logger, e);
            }

            if (Interlocked.Add(ref _signals, -seen) == 0)
            {
                return;
            }

            if (round == RoundsBeforeHandOver)
            {
                // This thread has a request of its own to go on with.
                ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
                return;
            }
        }
    }

    private void Work()
    {
        var nowMs = EppMetrics.MonotonicMs(_context.Time);
        Provision();
        _eviction?.Confirm(nowMs);
        while (_served.TryDequeue(out var served))
        {
            _controller.Served(served.Priority, served.FairnessId, served.Service, nowMs);
        }

        while (_arrived.TryDequeue(out var request))
        {
            Interlocked.Decrement(ref _inputs);
            Admit(request, nowMs);
        }

        while (_leaving.TryDequeue(out var request))
        {
            if (_controller.Cancel(request, FlowOutcome.EvictedContextCancelled))
            {
                Finish(request, FlowOutcome.EvictedContextCancelled);
            }
        }

        if (_stopped)
        {
            _controller.Drain(FlowOutcome.EvictedOther, _out);
            FinishAll();
        }

        if (Interlocked.Exchange(ref _tickDue, 0) == 1)
        {
            Sweep(nowMs);
            Cycle(nowMs);
        }

        SetTick();
    }

    private void Admit(WaitingRequest request, long nowMs)
    {
        // A client may have gone before its request was seen here: the cancellation then finds nothing to take out.
        var outcome = _stopped ? FlowOutcome.RejectedOther
            : request.IsCancelled ? FlowOutcome.EvictedContextCancelled
            : _controller.Enqueue(request, nowMs, _context.Pool.Current.Count == 0);
        if (outcome != FlowOutcome.NotYetFinalized)
        {
            Finish(request, outcome, arriving: true);
            return;
        }

        request.Series.Flow.Enqueued(outcome, Seconds(request));
        Cycle(nowMs);
    }

    private void Cycle(long nowMs)
    {
        var started = _context.Time.GetTimestamp();
        var pool = _context.Pool.Current;
        var saturation = _stages.Read(pool, _context.Saturation(), nowMs, Volatile.Read(ref _dispatched));
        _figures.Saturation(_stages.Prefill, _stages.Decode, saturation);
        if (_stages.StaleEndpoints >= 0)
        {
            _context.Metrics.StaleEndpoints(_stages.StaleEndpoints);
        }

        if (_controller.Count == 0)
        {
            return;
        }

        if (_controller.Dispatch(nowMs, saturation, pool.Count == 0) is WaitingRequest request)
        {
            Interlocked.Increment(ref _dispatched);
            if (!request.TryHold())
            {
                Release();
            }

            Finish(request, FlowOutcome.Dispatched);
        }
        else if (_controller.Blocked is { } blocked)
        {
            _eviction?.Consider(blocked, saturation, pool, nowMs);
        }

        _figures.CycleSeconds.Observe(_context.Time.GetElapsedTime(started).TotalSeconds);
    }

    private void Sweep(long nowMs)
    {
        if (nowMs - _sweptMs >= SweepMs)
        {
            _sweptMs = nowMs;
            _controller.Expire(nowMs, _context.Pool.Current.Count == 0, _out);
            FinishAll();
        }
    }

    private void FinishAll()
    {
        foreach (var item in _out)
        {
            Finish((WaitingRequest)item, item.Outcome);
        }

        _out.Clear();
    }

    private void Finish(WaitingRequest request, FlowOutcome outcome, bool arriving = false)
    {
        var seconds = Seconds(request);
        var flow = request.Series.Flow;
        if (arriving)
        {
            flow.Enqueued(outcome, seconds);
        }

        flow.Left(outcome, seconds, request.SizeBytes);
        request.Decide(outcome);
    }

    private void Provision()
    {
        if (_context.Objectives?.Objectives is { } objectives && !ReferenceEquals(objectives, _objectives))
        {
            _objectives = objectives;
            var priorities = new int[objectives.Count];
            for (var i = 0; i < priorities.Length; i++)
            {
                priorities[i] = objectives[i].Priority;
            }

            _controller.Provision(priorities);
        }
    }

    private void SetTick()
    {
        var busy = _controller.Count > 0;
        if (busy != _busy)
        {
            _busy = busy;
            _timer.Change(busy ? BusyTick : IdleTick, busy ? BusyTick : IdleTick);
        }
    }

    private double Seconds(WaitingRequest request) => _context.Time.GetElapsedTime(request.SubmittedAt).TotalSeconds;
}

/// <summary>Messages of flow control. Ids: 2100.</summary>
internal static partial class FlowLog
{
    [LoggerMessage(EventId = 2100, Level = LogLevel.Error, Message = "Flow control failed in one round and goes on")]
    public static partial void Failed(ILogger logger, Exception error);
}
