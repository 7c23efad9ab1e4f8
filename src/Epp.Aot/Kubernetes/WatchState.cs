using Epp.Aot.Telemetry;
using Microsoft.Extensions.Logging;

namespace Epp.Aot.Kubernetes;

/// <summary>What is known about the watch of one kind: for health, metrics and one log line per outage. Thread-safe.</summary>
internal sealed class WatchState(KubeResource resource, string ns, bool required, WatchSeries series, ILogger logger, TimeProvider time)
{
    private readonly Lock _gate = new();
    private KubeFailure? _outage;
    private long _outageSince;
    private volatile bool _synced;
    private volatile bool _idle;

    public KubeResource Resource => resource;

    /// <summary>True once the whole set of objects was seen; stays true through outages.</summary>
    public bool Synced => _synced;

    /// <summary>Why there is no connection now; null = there is one, or none was tried yet.</summary>
    public KubeFailure? Outage
    {
        get
        {
            lock (_gate)
            {
                return _outage;
            }
        }
    }

    /// <summary>True once it is known what to expect of this kind: its objects, or that they cannot be had.</summary>
    public bool Settled => _synced || _idle || (!required && Outage is { Fault: KubeFault.Forbidden or KubeFault.NotFound });

    /// <summary>The stream is open and the whole set of objects known.</summary>
    public void Connected()
    {
        KubeFailure? ended;
        double seconds;
        lock (_gate)
        {
            (ended, _outage) = (_outage, null);
            seconds = time.GetElapsedTime(_outageSince).TotalSeconds;
            _synced = true;
            series.Up = true;
        }

        if (ended is not null)
        {
            KubeLog.WatchRestored(logger, resource.FullName, ns, seconds);
        }
    }

    /// <summary>There is nothing to watch, which is no failure: no such kind, no such pool.</summary>
    public void Idle()
    {
        _idle = true;
        lock (_gate)
        {
            _outage = null;
            series.Up = null;
        }
    }

    /// <summary>An attempt failed. The first of an outage is logged, and one whose kind differs.</summary>
    public void Failed(KubeFailure failure)
    {
        bool first;
        lock (_gate)
        {
            first = _outage is null || _outage.Fault != failure.Fault;
            if (_outage is null)
            {
                _outageSince = time.GetTimestamp();
            }

            _outage = failure;
            series.Up = false;
        }

        series.Failures.Add();
        if (!first)
        {
            return;
        }

        var hint = Hint(failure);
        if (_synced)
        {
            KubeLog.WatchBroken(logger, resource.FullName, ns, failure, hint);
        }
        else if (required)
        {
            KubeLog.WatchNotStarted(logger, resource.FullName, ns, failure, hint);
        }
        else if (failure.Fault is not (KubeFault.Forbidden or KubeFault.NotFound))
        {
            KubeLog.OptionalKindNotStarted(logger, resource.FullName, ns, failure, hint);
        }
        else
        {
            KubeLog.OptionalKindUnavailable(logger, resource.FullName, ns, failure, hint);
        }
    }

    private string Hint(KubeFailure failure) => failure.Fault switch
    {
        KubeFault.Forbidden => $"grant list and watch on {resource.FullName} in namespace {ns} to this service account",
        KubeFault.NotFound => $"install the CRD of {resource.FullName} {resource.Version}",
        KubeFault.Unauthorized => "check the token of this service account or kubeconfig",
        _ => "check the API server and the network to it",
    };
}
