using System.Security.Cryptography;
using Epp.Aot.Kubernetes;
using Microsoft.Extensions.Logging;

namespace Epp.Aot.Bbr;

/// <summary>
/// What the body-based router asks the Kubernetes API for: the labelled ConfigMaps, and reviews of requests to the metrics port. Routing
/// never waits for it.
/// </summary>
internal sealed class BbrKubernetes : IDisposable
{
    private static readonly KubeResource ConfigMaps = new("", "v1", "configmaps");

    private readonly KubeClient _client;
    private readonly Reflector<ConfigMap>? _reflector;
    private readonly CancellationTokenSource _stop = new();
    private Task _watching = Task.CompletedTask;

    /// <param name="access">The API server.</param>
    /// <param name="store">Gets the ConfigMaps; null = they are not wanted.</param>
    /// <param name="ns">Namespace of the ConfigMaps; empty = all.</param>
    /// <param name="reviews">Review requests to the metrics port.</param>
    /// <param name="metrics">Instruments of the watch.</param>
    /// <param name="logger">Of everything here.</param>
    /// <param name="time">Clock.</param>
    public BbrKubernetes(KubeAccess access, BaseModelStore? store, string ns, bool reviews, BbrMetrics metrics, ILogger logger, TimeProvider time)
    {
        _client = new KubeClient(access, time);
        Reviewer = reviews ? new RequestReviewer(_client, logger, time) : null;
        if (store is null)
        {
            return;
        }

        var where = ns.Length > 0 ? ns : "all namespaces";
        // Optional: a missing right is a warning that names it, asked about again every 30 s.
        var options = new ReflectorOptions(ConfigMaps, ns, "&labelSelector=" + Uri.EscapeDataString(BaseModelStore.Label)) { Optional = true };
        var state = new WatchState(ConfigMaps, where, required: false, metrics.ConfigMaps, logger, time);
        // Chance only spreads the retries of replicas.
        _reflector = new Reflector<ConfigMap>(
            _client, options, KubeJson.Default.ConfigMap, KubeJson.Default.KubeListConfigMap, store, state, logger, time, new Random(RandomNumberGenerator.GetInt32(int.MaxValue)));
        metrics.BaseModelNames = () => store.Current.Count;
        BbrLog.Watching(logger, where, BaseModelStore.Label);
    }

    /// <summary>Decides who may read metrics; null = everybody.</summary>
    public RequestReviewer? Reviewer { get; }

    /// <summary>Starts watching; call once.</summary>
    public void Start()
    {
        if (_reflector is { } reflector)
        {
            _watching = Task.Run(() => reflector.RunAsync(_stop.Token));
        }
    }

    /// <summary>Ends the watch.</summary>
    public Task StopAsync()
    {
        // A cancelled watch ends without an exception.
        _stop.Cancel();
        return _watching;
    }

    public void Dispose()
    {
        _client.Dispose();
        _stop.Dispose();
    }
}
