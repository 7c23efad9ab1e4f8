using Epp.Aot.Kubernetes;
using Epp.Aot.Telemetry;
using Epp.Native.Objectives;
using Epp.Native.Pool;
using Microsoft.Extensions.Logging;

namespace Epp.Aot.Discovery.Kubernetes;

/// <summary>
/// Keeps the pool equal to the pods that an InferencePool, or a selector, names, and the objective store equal to the objects of this
/// pool (contract §6). Through outages of the API server both keep what was last known. Started once.
/// </summary>
internal sealed class KubernetesDiscovery(
    KubeClient client, KubernetesDiscoveryOptions options, Pool pool, ObjectiveStore objectives, EppMetrics metrics, ILogger logger, TimeProvider time, Random random)
{
    private static readonly KubeResource Pods = new("", "v1", "pods");

    private static readonly TimeSpan OptionalLimit = TimeSpan.FromSeconds(10);

    private readonly KubernetesDiscoveryOptions _options = options;
    private readonly Pool _pool = pool;
    private readonly ILogger _logger = logger;
    private readonly TimeProvider _time = time;
    private readonly Lock _gate = new();
    private readonly PodSet _pods = new(options.Namespace, options.Dialect);
    private readonly List<WatchState> _states = [];
    private PoolSpec? _spec;
    private WatchState? _podState;
    private CancellationTokenSource? _podWatch;
    private Task _podRun = Task.CompletedTask;
    private CancellationToken _stop;
    private volatile bool _synced;
    private long _syncedAt;
    private bool _saidMissing;

    /// <summary>
    /// True while the pool is known, its pods were seen whole, and of every optional kind the objects are known or that there are none to
    /// be had; the optional kinds are waited for ten seconds at most.
    /// </summary>
    public bool Live
    {
        get
        {
            if (!_synced)
            {
                return false;
            }

            lock (_gate)
            {
                return _states.TrueForAll(s => s.Settled) || _time.GetElapsedTime(_syncedAt) > OptionalLimit;
            }
        }
    }

    /// <summary>The pool's <c>appProtocol</c>; empty = not stated.</summary>
    public string AppProtocol
    {
        get
        {
            lock (_gate)
            {
                return _spec?.AppProtocol ?? "";
            }
        }
    }

    /// <summary>Watches until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        _stop = cancellation;
        if (_options.EndpointSelector.Length > 0)
        {
            _pods.SetPorts(_options.TargetPorts);
            StartPods(_options.EndpointSelector);
        }
        else
        {
            await Task.WhenAll(RunPoolAsync(), RunObjectivesAsync(), RunRewritesAsync()).ConfigureAwait(false);
        }

        await Task.Delay(Timeout.InfiniteTimeSpan, _time, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _podRun.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private Task RunPoolAsync()
    {
        var alpha = _options.PoolGroup == KubernetesDiscoveryOptions.AlphaGroup;
        // Any other group only says which references to the pool count, as llm-d has it.
        var resource = alpha
            ? new KubeResource(KubernetesDiscoveryOptions.AlphaGroup, "v1alpha2", "inferencepools")
            : new KubeResource(PoolReference.DefaultGroup, "v1", "inferencepools");
        var query = "&fieldSelector=" + Uri.EscapeDataString("metadata.name=" + _options.PoolName);
        var state = State(resource, required: true);
        var watch = Watch(resource, query);
        return alpha
            ? new Reflector<InferencePoolV1Alpha2>(
                client, watch, KubeJson.Default.InferencePoolV1Alpha2, KubeJson.Default.KubeListInferencePoolV1Alpha2,
                new PoolSink<InferencePoolV1Alpha2>(this, PoolSpec.Of), state, _logger, _time, random).RunAsync(_stop)
            : new Reflector<InferencePoolV1>(
                client, watch, KubeJson.Default.InferencePoolV1, KubeJson.Default.KubeListInferencePoolV1,
                new PoolSink<InferencePoolV1>(this, PoolSpec.Of), state, _logger, _time, random).RunAsync(_stop);
    }

    private Task RunObjectivesAsync()
    {
        var identity = new PoolReference(_options.PoolName, _options.PoolGroup);
        var set = new ObjectSet<ObjectiveObject, InferenceObjective>(o => PoolObjects.Objective(o, identity), objectives.SetObjectives);
        return new OptionalKind(client, _options, "inferenceobjectives", _logger, _time).RunAsync(
            (resource, state) => new Reflector<ObjectiveObject>(
                client, Watch(resource) with { Optional = true }, KubeJson.Default.ObjectiveObject, KubeJson.Default.KubeListObjectiveObject, set, state, _logger, _time, random).RunAsync(_stop),
            set.Clear, r => State(r, required: false), _stop);
    }

    private Task RunRewritesAsync()
    {
        var identity = new PoolReference(_options.PoolName, _options.PoolGroup);
        var set = new ObjectSet<RewriteObject, InferenceModelRewrite>(r => PoolObjects.Rewrite(r, identity), objectives.SetRewrites);
        return new OptionalKind(client, _options, "inferencemodelrewrites", _logger, _time).RunAsync(
            (resource, state) => new Reflector<RewriteObject>(
                client, Watch(resource) with { Optional = true }, KubeJson.Default.RewriteObject, KubeJson.Default.KubeListRewriteObject, set, state, _logger, _time, random).RunAsync(_stop),
            set.Clear, r => State(r, required: false), _stop);
    }

    private ReflectorOptions Watch(KubeResource resource, string query = "") => new(resource, _options.Namespace, query) { WatchSeconds = _options.WatchSeconds, SlowCheck = _options.SlowCheck };

    private WatchState State(KubeResource resource, bool required)
    {
        var state = new WatchState(resource, _options.Namespace, required, metrics.Watch(resource.FullName), _logger, _time);
        lock (_gate)
        {
            _states.RemoveAll(s => s.Resource.Plural == resource.Plural);
            _states.Add(state);
        }

        return state;
    }

    /// <summary>The pool as it is now; null = there is none.</summary>
    private void SetPool(PoolSpec? spec)
    {
        lock (_gate)
        {
            if (spec is null)
            {
                ForgetPool();
                return;
            }

            _saidMissing = false;
            var old = _spec;
            _spec = spec;
            _pods.SetPorts(spec.Ports);
            if (old is null || old.Selector != spec.Selector || !old.Ports.SequenceEqual(spec.Ports))
            {
                KubernetesDiscoveryLog.PoolKnown(_logger, _options.Namespace, _options.PoolName, spec.Selector, string.Join(',', spec.Ports));
            }

            if (old?.Selector != spec.Selector)
            {
                // Until the new list is here, nobody is served whom the new selector does not select.
                _pods.Keep(spec);
                StartPods(spec.Selector);
            }

            Publish();
        }
    }

    private void ForgetPool()
    {
        StopPods();
        _podState?.Idle();
        _synced = false;
        _pods.Clear();
        Publish();
        if (_spec is not null)
        {
            KubernetesDiscoveryLog.PoolDeleted(_logger, _options.Namespace, _options.PoolName);
        }
        else if (!_saidMissing)
        {
            KubernetesDiscoveryLog.PoolMissing(_logger, _options.Namespace, _options.PoolName, _options.PoolGroup);
        }

        _spec = null;
        _saidMissing = true;
    }

    private void StartPods(string selector)
    {
        StopPods();
        _podWatch = CancellationTokenSource.CreateLinkedTokenSource(_stop);
        _podState ??= State(Pods, required: true);
        var reflector = new Reflector<Pod>(
            client, Watch(Pods, "&labelSelector=" + Uri.EscapeDataString(selector)), KubeJson.Default.Pod, KubeJson.Default.KubeListPod,
            new PodSink(this, _podWatch.Token), _podState, _logger, _time, random);
        var token = _podWatch.Token;
        _podRun = Task.Run(() => reflector.RunAsync(token), CancellationToken.None);
    }

    private void StopPods()
    {
        _podWatch?.Cancel();
        _podWatch?.Dispose();
        _podWatch = null;
    }

    /// <summary>Shows what changed; the caller holds the gate.</summary>
    private void Publish()
    {
        if (!_pods.Changed)
        {
            return;
        }

        var dropped = _pool.Publish(_pods.Endpoints());
        if (dropped > 0)
        {
            KubernetesDiscoveryLog.TooManyEndpoints(_logger, dropped, Pool.MaxEndpoints);
        }
    }

    /// <summary>The pods of one selector. A sink whose watch was replaced changes nothing any more.</summary>
    private sealed class PodSink(KubernetesDiscovery owner, CancellationToken replaced) : IObjectSink<Pod>
    {
        public void Replace(IReadOnlyCollection<Pod> objects) => Locked(() =>
        {
            owner._pods.Replace(objects);
            var first = !owner._synced;
            if (first && !owner._pods.Changed)
            {
                owner._pool.Publish([]);
            }

            owner.Publish();
            if (first)
            {
                owner._syncedAt = owner._time.GetTimestamp();
                owner._synced = true;
                KubernetesDiscoveryLog.Synced(owner._logger, owner._options.Namespace, owner._options.PoolName, owner._pool.Current.Count, owner._pods.Count);
            }
        });

        public void Upsert(Pod changed) => Locked(() => owner._pods.Set(changed));

        public void Delete(Pod gone) => Locked(() => owner._pods.Remove(gone.Metadata!.Name));

        public void Flush() => Locked(owner.Publish);

        private void Locked(Action change)
        {
            lock (owner._gate)
            {
                if (!replaced.IsCancellationRequested)
                {
                    change();
                }
            }
        }
    }

    /// <summary>The one InferencePool of a field selector.</summary>
    private sealed class PoolSink<T>(KubernetesDiscovery owner, Func<T, PoolSpec?> read) : IObjectSink<T>
        where T : KubeObject
    {
        public void Replace(IReadOnlyCollection<T> objects) => owner.SetPool(objects.FirstOrDefault() is { } found ? read(found) : null);

        public void Upsert(T changed) => owner.SetPool(read(changed));

        public void Delete(T gone) => owner.SetPool(null);

        public void Flush()
        {
            // Every change is applied at once.
        }
    }
}
