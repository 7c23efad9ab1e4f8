using Epp.Aot.Telemetry;
using Epp.Native.FlowControl;
using Epp.Native.Objectives;

namespace Epp.Aot.FlowControl;

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
    private readonly Mailbox _arrived = new(Mailbox.Arrived);
    private readonly Mailbox _leaving = new(Mailbox.Leaving);
    private readonly Mailbox _served = new(Mailbox.Served);
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
        CountsService = controller.Settings.CountsService;
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
        if (Interlocked.Increment(ref _inputs) > MaxInputs || _stopped)
        {
            Interlocked.Decrement(ref _inputs);
            Finish(request, _stopped ? FlowOutcome.RejectedOther : FlowOutcome.RejectedCapacity, arriving: true);
            return request;
        }

        _arrived.Post(request);
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
        _leaving.Post(request);
        Signal();
    }

    /// <summary>A request's response ended.</summary>
    internal void PostServed(WaitingRequest request)
    {
        _served.Post(request);
        Signal();
    }

    /// <summary>A dispatched request is counted elsewhere now.</summary>
    internal void Release() => Interlocked.Decrement(ref _dispatched);

    void IThreadPoolWorkItem.Execute() => Run();

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
}
