namespace Epp.Aot.FlowControl;

/// <summary>
/// Requests posted by any thread and taken, all at once and in order, by the actor. The links are in the requests: posting allocates
/// nothing. Each request is posted at most once to each mailbox while it is in use.
/// </summary>
/// <param name="link">Which of a request's links is used.</param>
internal sealed class Mailbox(int link)
{
    public const int Arrived = 0;
    public const int Leaving = 1;
    public const int Served = 2;

    private WaitingRequest? _last;

    public void Post(WaitingRequest request)
    {
        WaitingRequest? last;
        do
        {
            last = Volatile.Read(ref _last);
            request.Link(link) = last;
        }
        while (Interlocked.CompareExchange(ref _last, request, last) != last);
    }

    /// <summary>The first one posted, linked to the others; null = none.</summary>
    public WaitingRequest? TakeAll()
    {
        WaitingRequest? first = null;
        var rest = Interlocked.Exchange(ref _last, null);
        while (rest is not null)
        {
            ref var next = ref rest.Link(link);
            (next, first, rest) = (first, rest, next);
        }

        return first;
    }
}
