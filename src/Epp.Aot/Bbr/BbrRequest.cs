using System.Collections.Concurrent;
using Epp.Native.Bbr;
using Epp.Native.Memory;

namespace Epp.Aot.Bbr;

/// <summary>What a stream holds between its request headers and its answer.</summary>
internal sealed class BbrRequest(BbrPlan plan)
{
    public BodyBuffer Body { get; } = new();

    public BodyFieldScanner Fields { get; } = new(plan.Dialect, plan.Fields);

    /// <summary>Bytes taken from the budget of bodies.</summary>
    public int BudgetBytes { get; set; }
}

/// <summary>Requests that go round between streams; at most 256 rest. Thread-safe.</summary>
internal sealed class BbrRequests(BbrPlan plan)
{
    private const int MaxIdle = 256;

    private readonly ConcurrentQueue<BbrRequest> _idle = new();
    private int _count;

    public BbrRequest Rent()
    {
        if (!_idle.TryDequeue(out var request))
        {
            return new BbrRequest(plan);
        }

        Interlocked.Decrement(ref _count);
        return request;
    }

    /// <summary>Takes a request back, empty.</summary>
    public void Return(BbrRequest request)
    {
        request.Body.Dispose();
        request.Fields.Reset();
        request.BudgetBytes = 0;
        if (Interlocked.Increment(ref _count) <= MaxIdle)
        {
            _idle.Enqueue(request);
        }
        else
        {
            Interlocked.Decrement(ref _count);
        }
    }
}
