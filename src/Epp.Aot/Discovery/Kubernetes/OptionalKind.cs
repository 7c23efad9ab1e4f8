using Epp.Aot.Kubernetes;
using Microsoft.Extensions.Logging;

namespace Epp.Aot.Discovery.Kubernetes;

/// <summary>
/// A kind whose CRD may be absent: finds the first of its groups that serves it, watches there, and looks again every 30 s where none does.
/// </summary>
internal sealed class OptionalKind(KubeClient client, KubernetesDiscoveryOptions options, string plural, ILogger logger, TimeProvider time)
{
    /// <summary>Version of objectives and rewrites in both groups.</summary>
    private const string Version = "v1alpha2";

    private static readonly TimeSpan RetryAfterFailure = TimeSpan.FromSeconds(2);

    /// <summary>Runs until cancelled.</summary>
    /// <param name="watch">Watches the kind; ends where the server does not know it any more.</param>
    /// <param name="clear">The kind is not there: forget its objects.</param>
    /// <param name="state">Makes the state of the kind's watch.</param>
    /// <param name="cancellation">Ends the run.</param>
    public async Task RunAsync(
        Func<KubeResource, WatchState, Task> watch, Action clear, Func<KubeResource, WatchState> state, CancellationToken cancellation)
    {
        var current = state(new KubeResource(options.ObjectGroups[0], Version, plural));
        var saidAbsent = false;
        try
        {
            while (!cancellation.IsCancellationRequested)
            {
                var (group, failure) = await FindGroupAsync(cancellation).ConfigureAwait(false);
                if (failure is not null)
                {
                    current.Failed(failure);
                    await Task.Delay(RetryAfterFailure, time, cancellation).ConfigureAwait(false);
                    continue;
                }

                if (group is null)
                {
                    clear();
                    current.Idle();
                    if (!saidAbsent)
                    {
                        KubernetesDiscoveryLog.KindAbsent(logger, plural, string.Join(" and ", options.ObjectGroups));
                        saidAbsent = true;
                    }

                    await Task.Delay(options.SlowCheck, time, cancellation).ConfigureAwait(false);
                    continue;
                }

                saidAbsent = false;
                var resource = new KubeResource(group, Version, plural);
                if (current.Resource != resource)
                {
                    current.Idle();
                    current = state(resource);
                }

                KubernetesDiscoveryLog.WatchingKind(logger, resource.FullName, options.Namespace);
                await watch(resource, current).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // The owner has had enough.
        }
    }

    /// <summary>The first group that serves the kind; null = none does. Where discovery is not allowed, the preferred group is tried.</summary>
    private async Task<(string? Group, KubeFailure? Failure)> FindGroupAsync(CancellationToken cancellation)
    {
        foreach (var group in options.ObjectGroups)
        {
            var resource = new KubeResource(group, Version, plural);
            var (list, failure) = await client.GetAsync(resource.GroupPath, KubeJson.Default.ResourceList, KubeClient.AnswerTimeout, cancellation).ConfigureAwait(false);
            if (failure is { Fault: KubeFault.Forbidden })
            {
                return (group, null);
            }

            if (failure is not null && failure.Fault != KubeFault.NotFound)
            {
                return (null, failure);
            }

            if (list is not null && (list.Resources ?? []).Exists(r => r?.Name == plural))
            {
                return (group, null);
            }
        }

        return (null, null);
    }
}
