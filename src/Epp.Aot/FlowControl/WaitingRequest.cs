using Epp.Aot.Telemetry;
using Epp.Native.FlowControl;

namespace Epp.Aot.FlowControl;

/// <summary>
/// A request and its turn. The stream that submitted it and the gate share it: the gate decides once, the stream may wait, cancel and
/// settle at any time, and every order of these ends with nothing reserved.
/// </summary>
internal sealed class WaitingRequest(FlowGate gate) : FlowItem
{
    private const int NotHeld = 0;
    private const int Held = 1;
    private const int Settled = 2;

    private static readonly object Decided = new();

    private WaitingRequest? _nextArrived;
    private WaitingRequest? _nextLeaving;
    private WaitingRequest? _nextServed;
    private object? _waiter;
    private int _hold;
    private int _cancelled;

    public FlowGate Gate => gate;

    /// <summary>Instruments of its label set.</summary>
    public RequestSeries Series { get; private set; } = null!;

    /// <summary>Timestamp of its arrival.</summary>
    public long SubmittedAt { get; private set; }

    /// <summary>What its response cost, for the policies that count it.</summary>
    public double Service { get; private set; }

    /// <summary>True once the outcome stands.</summary>
    public bool IsDone => ReferenceEquals(Volatile.Read(ref _waiter), Decided);

    /// <summary>True once its client has gone.</summary>
    public bool IsCancelled => Volatile.Read(ref _cancelled) == 1;

    public WaitingRequest? NextArrived
    {
        get => _nextArrived;
        set => _nextArrived = value;
    }

    public WaitingRequest? NextLeaving => _nextLeaving;

    public WaitingRequest? NextServed => _nextServed;

    /// <summary>True where nobody waited for it: it may be used again once settled.</summary>
    public bool IsReusable { get; private set; }

    /// <summary>Ends when the outcome stands. Asked for once.</summary>
    public Task WaitAsync()
    {
        IsReusable = false;
        var waiter = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        return Interlocked.CompareExchange(ref _waiter, waiter, null) is null ? waiter.Task : Task.CompletedTask;
    }

    /// <summary>Its client has gone. From any thread; nothing happens once the outcome stands.</summary>
    public void Cancel()
    {
        // The message may still lie in the mailbox when the outcome stands: this one is not used again.
        IsReusable = false;
        if (Interlocked.Exchange(ref _cancelled, 1) == 0 && !IsDone)
        {
            gate.Post(this);
        }
    }

    /// <summary>An endpoint counts it now, or it was refused: it no longer counts as dispatched. The first call counts.</summary>
    public void Settle()
    {
        if (Interlocked.Exchange(ref _hold, Settled) == Held)
        {
            gate.Release();
        }
    }

    /// <summary>Its response ended.</summary>
    public void Served(double service)
    {
        Service = service;
        gate.PostServed(this);
    }

    /// <summary>Its link in a mailbox.</summary>
    public ref WaitingRequest? Link(int mailbox)
    {
        if (mailbox == Mailbox.Arrived)
        {
            return ref _nextArrived;
        }

        return ref mailbox == Mailbox.Leaving ? ref _nextLeaving : ref _nextServed;
    }

    /// <summary>Makes it a new request of the gate.</summary>
    public void Renew(RequestSeries series, long submittedAt)
    {
        (Series, SubmittedAt, IsReusable, _cancelled) = (series, submittedAt, true, 0);
        _hold = NotHeld;
        Volatile.Write(ref _waiter, null);
    }

    /// <summary>The gate's side of <see cref="Settle"/>: false where it is settled already.</summary>
    public bool TryHold() => Interlocked.CompareExchange(ref _hold, Held, NotHeld) == NotHeld;

    /// <summary>The gate has decided: the outcome stands and whoever waits goes on, on another thread.</summary>
    public void Decide(FlowOutcome outcome)
    {
        Outcome = outcome;
        if (Interlocked.Exchange(ref _waiter, Decided) is TaskCompletionSource waiter)
        {
            waiter.SetResult();
        }
    }
}
