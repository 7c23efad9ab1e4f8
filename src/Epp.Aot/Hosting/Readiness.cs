using Epp.Aot.Grpc;
using Epp.Native.Pool;

namespace Epp.Aot.Hosting;

/// <summary>
/// The answer to health checks (contract §4.4): without leader election any service name gets SERVING while the pool is known and the
/// process is not draining.
/// </summary>
internal sealed class Readiness(Pool pool)
{
    private volatile bool _draining;

    public bool Draining
    {
        get => _draining;
        set => _draining = value;
    }

    public ServingStatus Check(string service) => pool.HasSynced && !_draining ? ServingStatus.Serving : ServingStatus.NotServing;
}
