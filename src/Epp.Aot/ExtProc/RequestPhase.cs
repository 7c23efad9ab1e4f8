using Epp.Aot.FlowControl;
using Epp.Aot.Tracing;
using Epp.Native.Memory;
using Epp.Native.Requests;

namespace Epp.Aot.ExtProc;

/// <summary>What a stream holds between its request headers and its answer; given back as soon as the answer is written.</summary>
internal sealed class RequestPhase : IDisposable
{
    private const int MaxPooled = 256;

    private static readonly System.Collections.Concurrent.ConcurrentQueue<RequestPhase> Idle = new();
    private static int _idleCount;

    private RequestPhase()
    {
    }

    public HeaderTable Headers { get; } = new();

    public BodyBuffer Body { get; } = new();

    public RequestScanner Scanner { get; } = new();

    public SubsetHint Subset { get; } = new();

    public RequestApi Api { get; set; }

    /// <summary>Bytes taken from the <see cref="BodyBudget"/>.</summary>
    public int BudgetBytes { get; set; }

    /// <summary>The body as it goes back: the received bytes, the model replaced where a rewrite asks for it.</summary>
    public ModelRewrite Reply { get; } = new();

    /// <summary>Token ids that an engine was asked for; null = none was.</summary>
    public PromptTokens? Tokens { get; set; }

    /// <summary>Its turn in flow control; null = none was taken.</summary>
    public WaitingRequest? Turn { get; set; }

    /// <summary>What was decided before it waited; null = it did not.</summary>
    public HeldDecision? Held { get; set; }

    /// <summary>Monotonic milliseconds of the first message.</summary>
    public long ReceivedMs { get; set; }

    /// <summary>The trace context that the worker gets.</summary>
    public TraceHeader Trace { get; } = new();

    public static RequestPhase Rent()
    {
        if (!Idle.TryDequeue(out var phase))
        {
            return new RequestPhase();
        }

        Interlocked.Decrement(ref _idleCount);
        return phase;
    }

    /// <summary>The turn was used, or its stream is gone: nothing counts as dispatched for it any more.</summary>
    public void EndTurn()
    {
        if (Turn is not { } turn)
        {
            return;
        }

        Turn = null;
        if (!turn.IsDone)
        {
            turn.Cancel();
        }

        turn.Gate.Recycle(turn);
    }

    /// <summary>Returns every buffer, and the object to the pool.</summary>
    public void Dispose()
    {
        Headers.Dispose();
        Body.Dispose();
        Subset.Clear();
        Trace.Clear();
        Tokens = null;
        EndTurn();
        Held = null;
        Api = RequestApi.Passthrough;
        BudgetBytes = 0;
        if (Interlocked.Increment(ref _idleCount) <= MaxPooled)
        {
            Idle.Enqueue(this);
        }
        else
        {
            Interlocked.Decrement(ref _idleCount);
        }
    }
}
