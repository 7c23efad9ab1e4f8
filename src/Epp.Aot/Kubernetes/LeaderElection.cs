using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;

namespace Epp.Aot.Kubernetes;

/// <summary>Which lease, who asks, how often.</summary>
/// <param name="Namespace">Namespace of the lease.</param>
/// <param name="Name">Name of the lease.</param>
/// <param name="Identity">Unique among the replicas.</param>
internal sealed record LeaderElectionOptions(string Namespace, string Name, string Identity)
{
    /// <summary>How long the others wait after the last renewal they saw.</summary>
    public TimeSpan LeaseDuration { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>A leader that has not renewed for so long steps down.</summary>
    public TimeSpan RenewDeadline { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Between attempts to take or renew.</summary>
    public TimeSpan RetryPeriod { get; init; } = TimeSpan.FromSeconds(2);
}

/// <summary>
/// Leader election over one Lease, with the rules and times of the references (contract §4.8): a candidate waits until it has seen the
/// same renewal for a whole lease duration by its own clock; updates carry the resource version, so two writers never both win. A leader
/// that cannot renew steps down and keeps trying.
/// </summary>
internal sealed class LeaderElection(KubeClient client, LeaderElectionOptions options, ILogger logger, TimeProvider time)
{
    private static readonly KubeResource Leases = new("coordination.k8s.io", "v1", "leases");
    private static readonly TimeSpan RequestTimeout = TimeSpan.FromSeconds(5);

    private readonly string _collection = Leases.Path(options.Namespace);
    private volatile bool _leads;
    private string _observed = "";
    private long _observedAt;
    private long _renewedAt;
    private bool _saidUnavailable;

    /// <summary>True while this replica holds the lease and may rely on it.</summary>
    public bool Leads => _leads && time.GetElapsedTime(Volatile.Read(ref _renewedAt)) < options.RenewDeadline;

    private string Path => $"{_collection}/{Uri.EscapeDataString(options.Name)}";

    /// <summary>Takes and renews the lease until cancelled, then releases it.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        KubeLog.ElectionStarted(logger, options.Namespace, options.Name, options.Identity);
        try
        {
            while (true)
            {
                var started = time.GetTimestamp();
                await StepAsync(cancellation).ConfigureAwait(false);
                var wait = options.RetryPeriod - time.GetElapsedTime(started);
                await Task.Delay(wait > TimeSpan.Zero ? wait : TimeSpan.Zero, time, cancellation).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            await ReleaseAsync().ConfigureAwait(false);
        }
    }

    private async Task StepAsync(CancellationToken cancellation)
    {
        var failure = await TryTakeAsync(cancellation).ConfigureAwait(false);
        if (failure is null)
        {
            _saidUnavailable = false;
            return;
        }

        if (!_saidUnavailable && failure.Fault != KubeFault.Conflict)
        {
            _saidUnavailable = true;
            KubeLog.LeaseUnavailable(logger, options.Name, failure);
        }

        if (_leads && time.GetElapsedTime(_renewedAt) >= options.RenewDeadline)
        {
            StepDown($"the lease was not renewed for {options.RenewDeadline.TotalSeconds:0} s: {failure}");
        }
    }

    /// <summary>One attempt; null = the API server answered, whoever leads.</summary>
    private async Task<KubeFailure?> TryTakeAsync(CancellationToken cancellation)
    {
        var (lease, failure) = await client.GetAsync(Path, KubeJson.Default.JsonObject, RequestTimeout, cancellation).ConfigureAwait(false);
        if (failure is { Fault: KubeFault.NotFound })
        {
            return await WriteAsync(HttpMethod.Post, _collection, NewLease(), 0, null, cancellation).ConfigureAwait(false);
        }

        if (lease is null)
        {
            return failure;
        }

        var spec = Spec(lease);
        Observe(spec);
        var holder = spec.HolderIdentity ?? "";
        if (holder.Length > 0 && holder != options.Identity && !Expired(spec))
        {
            if (_leads)
            {
                StepDown($"{holder} holds the lease");
            }

            return null;
        }

        var transitions = (spec.LeaseTransitions ?? 0) + (holder == options.Identity ? 0 : 1);
        return await WriteAsync(HttpMethod.Put, Path, lease, transitions, holder == options.Identity ? spec.AcquireTime : null, cancellation).ConfigureAwait(false);
    }

    private void Observe(LeaseSpec spec)
    {
        var seen = $"{spec.HolderIdentity}|{spec.RenewTime}|{spec.LeaseTransitions}";
        if (seen != _observed)
        {
            _observed = seen;
            _observedAt = time.GetTimestamp();
        }
    }

    // By the time since this replica saw the renewal: clocks of two nodes need not agree.
    private bool Expired(LeaseSpec spec) =>
        time.GetElapsedTime(_observedAt) >= TimeSpan.FromSeconds(Math.Clamp(spec.LeaseDurationSeconds ?? 15, 1, 3600));

    private async Task<KubeFailure?> WriteAsync(
        HttpMethod method, string path, JsonObject lease, int transitions, string? acquired, CancellationToken cancellation)
    {
        var started = time.GetTimestamp();
        var now = Now();
        var spec = lease["spec"] as JsonObject ?? [];
        lease["spec"] = spec;
        spec["holderIdentity"] = options.Identity;
        spec["leaseDurationSeconds"] = (int)options.LeaseDuration.TotalSeconds;
        spec["acquireTime"] = acquired ?? now;
        spec["renewTime"] = now;
        spec["leaseTransitions"] = transitions;
        var (_, failure) = await client.SendAsync(
            method, path, Encoding.UTF8.GetBytes(lease.ToJsonString()), KubeJson.Default.JsonObject, RequestTimeout, cancellation).ConfigureAwait(false);
        if (failure is not null)
        {
            return failure;
        }

        Volatile.Write(ref _renewedAt, started);
        if (!_leads)
        {
            _leads = true;
            KubeLog.BecameLeader(logger);
        }

        return null;
    }

    private JsonObject NewLease() => new()
    {
        ["apiVersion"] = "coordination.k8s.io/v1",
        ["kind"] = "Lease",
        ["metadata"] = new JsonObject { ["name"] = options.Name, ["namespace"] = options.Namespace },
    };

    private void StepDown(string reason)
    {
        _leads = false;
        KubeLog.LostLeadership(logger, reason);
    }

    /// <summary>Leaves the lease without holder, so that another replica leads at its next attempt.</summary>
    private async Task ReleaseAsync()
    {
        if (!_leads)
        {
            return;
        }

        _leads = false;
        var (lease, _) = await client.GetAsync(Path, KubeJson.Default.JsonObject, RequestTimeout, CancellationToken.None).ConfigureAwait(false);
        if (lease is null || Spec(lease).HolderIdentity != options.Identity || lease["spec"] is not JsonObject spec)
        {
            return;
        }

        spec["holderIdentity"] = "";
        spec["leaseDurationSeconds"] = 1;
        spec["renewTime"] = Now();
        var (_, failure) = await client.SendAsync(
            HttpMethod.Put, Path, Encoding.UTF8.GetBytes(lease.ToJsonString()), KubeJson.Default.JsonObject, RequestTimeout, CancellationToken.None).ConfigureAwait(false);
        if (failure is null)
        {
            KubeLog.LeaseReleased(logger);
        }
    }

    private static LeaseSpec Spec(JsonObject lease)
    {
        try
        {
            return lease["spec"].Deserialize(KubeJson.Default.LeaseSpec) ?? new LeaseSpec();
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return new LeaseSpec();
        }
    }

    private string Now() => time.GetUtcNow().ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);
}
