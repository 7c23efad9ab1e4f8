using Epp.Aot.Grpc;

namespace Epp.Aot.Hosting;

/// <summary>What health depends on, each asked at every check.</summary>
/// <param name="Live">The pool is known and its endpoints were seen.</param>
internal sealed record HealthSources(Func<bool> Live)
{
    /// <summary>Does this replica lead; null = no leader election.</summary>
    public Func<bool>? Leads { get; init; }

    /// <summary>The parsers understand the pool's protocol.</summary>
    public Func<bool> ProtocolMatches { get; init; } = static () => true;
}

/// <summary>
/// The answers to health checks (contract §4.4). Without leader election any service name gets the same answer; with it only the known
/// names do, and <c>liveness</c> is always SERVING.
/// </summary>
internal sealed class Readiness(HealthSources sources)
{
    private const string ExtProc = "envoy.service.ext_proc.v3.ExternalProcessor";

    private volatile bool _draining;

    public bool Draining
    {
        get => _draining;
        set => _draining = value;
    }

    /// <summary>Names that List reports.</summary>
    public IReadOnlyList<string> Listed => sources.Leads is null ? [ExtProc] : ["liveness", "readiness", ExtProc];

    /// <summary>Names that List reports at the ext_proc port, which knows no others.</summary>
    public static IReadOnlyList<string> ListedAtExtProc { get; } = ["", ExtProc];

    /// <summary>At the ext_proc port proxies check the health of their cluster by the service's name; other names are not found.</summary>
    public ServingStatus CheckAtExtProc(string service) => service is "" or ExtProc ? Check(service) : ServingStatus.Unknown;

    public ServingStatus Check(string service)
    {
        if (sources.Leads is not { } leads)
        {
            return Ready() ? ServingStatus.Serving : ServingStatus.NotServing;
        }

        return service switch
        {
            "liveness" => ServingStatus.Serving,
            "" or "readiness" or ExtProc => Ready() && leads() ? ServingStatus.Serving : ServingStatus.NotServing,
            _ => ServingStatus.ServiceUnknown,
        };
    }

    private bool Ready() => !_draining && sources.Live() && sources.ProtocolMatches();
}
