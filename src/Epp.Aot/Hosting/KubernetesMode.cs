using System.Security.Cryptography;
using Epp.Aot.Cli;
using Epp.Aot.Configuration;
using Epp.Aot.Discovery.Kubernetes;
using Epp.Aot.Kubernetes;
using Epp.Aot.Telemetry;
using Epp.Native.Objectives;
using Epp.Native.Pool;
using Microsoft.Extensions.Logging;

namespace Epp.Aot.Hosting;

/// <summary>
/// Everything that talks to the Kubernetes API: client, discovery, leader election, reviews of requests to the metrics port. Made when
/// no file discovery is configured.
/// </summary>
internal sealed class KubernetesMode : IDisposable
{
    private readonly KubeClient _client;
    private readonly KubernetesDiscoveryOptions _options;
    private readonly EppMetrics _metrics;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly Random _random;
    private readonly KubernetesDiscovery _discovery;
    private readonly LeaderElection? _election;
    private readonly CancellationTokenSource _stopDiscovery = new();
    private readonly CancellationTokenSource _stopElection = new();
    private Task _discovering = Task.CompletedTask;
    private Task _electing = Task.CompletedTask;
    private Task _followingDynamo = Task.CompletedTask;

    private KubernetesMode(KubernetesStart start, EppConfig config, Pool pool, ObjectiveStore objectives, EppMetrics metrics, LineLoggerProvider logs, TimeProvider time)
    {
        var settings = start.Settings;
        // Chance only spreads the retries of replicas.
        _random = new Random(RandomNumberGenerator.GetInt32(int.MaxValue));
        _logger = logs.CreateLogger("kubernetes");
        (_options, _metrics, _time) = (settings.Discovery, metrics, time);
        _client = new KubeClient(start.Access, time);
        _discovery = new KubernetesDiscovery(_client, settings.Discovery, pool, objectives, metrics, _logger, time, _random);
        Reviewer = settings.MetricsAuth ? new RequestReviewer(_client, _logger, time) : null;
        if (settings.LeaderElection)
        {
            var identity = $"{Environment.MachineName}_{Guid.NewGuid()}";
            _election = new LeaderElection(_client, new LeaderElectionOptions(settings.Discovery.Namespace, settings.LeaseName, identity), _logger, time);
            metrics.IsLeader = () => _election.Leads;
        }

        Health = new HealthSources(() => _discovery.Live)
        {
            Leads = _election is null ? null : () => _election.Leads,
            ProtocolMatches = () => AppProtocols.Match(config, _discovery.AppProtocol),
        };
    }

    /// <summary>What health depends on.</summary>
    public HealthSources Health { get; }

    /// <summary>Decides who may read metrics; null = everybody.</summary>
    public RequestReviewer? Reviewer { get; }

    /// <summary>Connects nothing yet: an API server that is away at the start is waited for.</summary>
    public static KubernetesMode Create(
        KubernetesStart start, EppConfig config, Pool pool, ObjectiveStore objectives, EppMetrics metrics, LineLoggerProvider logs, TimeProvider time) =>
        new(start, config, pool, objectives, metrics, logs, time);

    /// <summary>Starts watching and, where asked for, the election; call once.</summary>
    public void Start()
    {
        _discovering = Task.Run(() => _discovery.RunAsync(_stopDiscovery.Token));
        _electing = _election is null ? Task.CompletedTask : Task.Run(() => _election.RunAsync(_stopElection.Token));
    }

    /// <summary>Follows the records of Dynamo's workers for those who want them; call once, after <see cref="Start"/>.</summary>
    public void FollowDynamo(IReadOnlyList<DynamoDiscovery> sinks)
    {
        if (sinks.Count > 0)
        {
            _followingDynamo = Task.WhenAll(sinks.Select(FollowAsync));
        }
    }

    private async Task FollowAsync(DynamoDiscovery sink)
    {
        var resource = DynamoDiscovery.Resource;
        var state = new WatchState(resource, _options.Namespace, required: false, _metrics.Watch(resource.FullName), _logger, _time);
        var watch = new ReflectorOptions(resource, _options.Namespace) { Optional = true, WatchSeconds = _options.WatchSeconds, SlowCheck = _options.SlowCheck };
        while (!_stopDiscovery.IsCancellationRequested)
        {
            await new Reflector<DynamoWorkerObject>(
                _client, watch, KubeJson.Default.DynamoWorkerObject, KubeJson.Default.KubeListDynamoWorkerObject, sink, state, _logger, _time, _random)
                .RunAsync(_stopDiscovery.Token);

            // The kind is not there, or not yet.
            sink.Replace([]);
            await Task.Delay(_options.SlowCheck, _time, _stopDiscovery.Token);
        }
    }

    /// <summary>The process drains: another replica may lead at once.</summary>
    public async Task ReleaseAsync()
    {
        await _stopElection.CancelAsync();
        await _electing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>Ends every watch.</summary>
    public async Task StopAsync()
    {
        await ReleaseAsync();
        await _stopDiscovery.CancelAsync();
        await _discovering.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _followingDynamo.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    public void Dispose()
    {
        _client.Dispose();
        _stopDiscovery.Dispose();
        _stopElection.Dispose();
    }
}

/// <summary>Access and settings, checked together before anything starts.</summary>
/// <param name="Access">The API server.</param>
/// <param name="Settings">What to watch.</param>
internal sealed record KubernetesStart(KubeAccess Access, KubernetesSettings Settings)
{
    /// <summary>Null with every error where Kubernetes mode cannot start.</summary>
    public static (KubernetesStart? Start, IReadOnlyList<string> Errors) Read(FlagSet flags, PoolIdentity pool, EppConfig config)
    {
        var (access, error) = new KubeAccessFinder(Environment.GetEnvironmentVariable).Find(flags.Text("kubeconfig"));
        var (settings, errors) = KubernetesSettings.Read(flags, pool, config.Dialect);
        if (access is not null && settings is not null)
        {
            return (new(access, settings), []);
        }

        access?.Dispose();
        return (null, error.Length > 0 ? [.. errors, error] : errors);
    }
}
