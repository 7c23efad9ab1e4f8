using Epp.Native.Pool;
using Epp.Native.Scheduling;

namespace Epp.Native.Prefix;

/// <summary>Says how much of a request's prompt each endpoint has cached. Shared by all requests: implementations are thread-safe.</summary>
public interface IPrefixProducer
{
    /// <summary>The plugin's <c>name</c>.</summary>
    string Name { get; }

    /// <summary>The plugin's <c>type</c>.</summary>
    string Type { get; }

    /// <summary>Distinct blocks known to be held by someone.</summary>
    int Blocks { get; }

    /// <summary>True where it goes by token ids and they are worth computing.</summary>
    bool WantsTokens { get; }

    /// <summary>Fills the match: blocks of the request, and how many of them each endpoint holds. The first candidate is the pool's order.</summary>
    void Produce(RoutingRequest request, PrefixMatch match, PoolSnapshot pool, ushort firstCandidate);

    /// <summary>Records that the request went to an endpoint; nothing where the endpoint has left meanwhile.</summary>
    void Record(PrefixMatch match, Endpoint endpoint);

    /// <summary>Stops following the pool: for a producer that no scheduler uses any more.</summary>
    void Detach();
}
