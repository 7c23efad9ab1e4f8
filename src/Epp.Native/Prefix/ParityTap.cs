using Epp.Native.KvEvents;
using Epp.Native.Pool;

namespace Epp.Native.Prefix;

/// <summary>Passes events on, and shows what endpoints store while a request is being compared. Thread-safe where its target is.</summary>
public sealed class ParityTap : IKvEventTarget
{
    private readonly Lock _gate = new();
    private readonly Dictionary<ulong, Endpoint> _endpoints = [];
    private readonly PromptParity _parity;
    private readonly IKvEventTarget _next;

    internal ParityTap(PromptParity parity, IKvEventTarget next)
    {
        _parity = parity;
        _next = next;
    }

    /// <summary>Says whose blocks a worker's are.</summary>
    public void SetOwner(ulong worker, Endpoint endpoint)
    {
        lock (_gate)
        {
            _endpoints[worker] = endpoint;
        }
    }

    /// <inheritdoc/>
    public void Stored(in KvStored stored)
    {
        _next.Stored(stored);
        if (_parity.Pending == 0)
        {
            return;
        }

        Endpoint? endpoint;
        lock (_gate)
        {
            _endpoints.TryGetValue(stored.Head.Holder.WorkerId, out endpoint);
        }

        if (endpoint is not null)
        {
            _parity.Observe(endpoint, stored);
        }
    }

    /// <inheritdoc/>
    public void Removed(in KvRemoved removed) => _next.Removed(removed);

    /// <inheritdoc/>
    public void Cleared(in KvCleared cleared) => _next.Cleared(cleared);

    /// <inheritdoc/>
    public void DropWorker(ulong workerId)
    {
        lock (_gate)
        {
            _endpoints.Remove(workerId);
        }

        _next.DropWorker(workerId);
    }

    /// <inheritdoc/>
    public void DropRank(KvRank rank) => _next.DropRank(rank);
}
