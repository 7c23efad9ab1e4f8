using Epp.Aot.Telemetry;
using Epp.Native.FlowControl;

namespace Epp.Aot.FlowControl;

/// <content>What the actor does in one round. Run by one thread at a time.</content>
internal sealed partial class FlowGate
{
    private void Work()
    {
        var nowMs = EppMetrics.MonotonicMs(_context.Time);
        Provision();
        _eviction?.Confirm(nowMs);
        for (var request = _served.TakeAll(); request is not null; request = request.NextServed)
        {
            _controller.Served(request.Priority, request.FairnessId, request.Service, nowMs);
        }

        AdmitAll(nowMs);
        for (var request = _leaving.TakeAll(); request is not null; request = request.NextLeaving)
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

    private void AdmitAll(long nowMs)
    {
        var request = _arrived.TakeAll();
        while (request is not null)
        {
            // Once it is decided its stream may use it for another request.
            var next = request.NextArrived;
            request.NextArrived = null;
            Interlocked.Decrement(ref _inputs);
            Admit(request, nowMs);
            request = next;
        }
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
            _eviction?.Consider(blocked, _controller.BlockedCeiling, saturation, pool, nowMs);
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
