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

    /// <summary>Returns every buffer, and the object to the pool.</summary>
    public void Dispose()
    {
        Headers.Dispose();
        Body.Dispose();
        Subset.Clear();
        Trace.Clear();
        Tokens = null;
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
