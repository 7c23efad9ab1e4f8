using System.Globalization;
using System.Text;
using Epp.Aot.Configuration;
using Epp.Aot.KvEvents;
using Epp.Aot.KvEvents.Dynamo;
using Epp.Aot.KvEvents.Nats;
using Epp.Hashing;
using Epp.Native.KvEvents;
using Epp.Native.KvEvents.Dynamo;
using Epp.Native.Pool;
using Epp.Native.Prefix;
using Microsoft.Extensions.Logging;

namespace Epp.Aot.Hosting;

/// <summary>
/// KV events of a Dynamo deployment: over NATS (its variables say where and how to log in), in JetStream's durable mode, or over ZMQ from named
/// publishers or those that the workers' records name. Workers carry the instance id that Dynamo derives from their pod's name (kv-routing §5.2).
/// </summary>
internal sealed class DynamoEvents : IKvEventFeed, IDynamoLoadSink
{
    private readonly Dictionary<ulong, Endpoint> _workers = [];
    private readonly Dictionary<ulong, Dictionary<uint, (long Running, long Waiting)>> _requests = [];
    private readonly Lock _gate = new();
    private readonly Pool _pool;
    private readonly TimeProvider _time;
    private readonly DynamoEventIntake _intake;
    private readonly NatsConnection? _nats;
    private readonly DynamoDurableSubscription? _durable;
    private readonly DynamoZmqSubscriptions _zmq;

    public DynamoEvents(
        DynamoEventsConfig config, IKvEventTarget target, Pool pool, Func<string, string?> environment, TimeProvider time, ILogger logger, ulong seed)
    {
        (_pool, _time) = (pool, time);
        var options = new DynamoEventOptions(config.Namespace, config.Component);
        _intake = new DynamoEventIntake(options, target, this, time, logger, Series, seed);
        _zmq = new DynamoZmqSubscriptions(_intake, options, time, logger, seed);
        Discovery = new DynamoDiscovery(options, _intake, _zmq, logger);
        foreach (var endpoint in config.ZmqEndpoints)
        {
            _zmq.Add(endpoint);
        }

        if (config.ZmqEndpoints.Count > 0 || environment("DYN_EVENT_PLANE") == "zmq")
        {
            return;
        }

        _nats = new NatsConnection(NatsOptions.FromEnvironment(environment), time, logger, Series, seed);
        if (config.Durable)
        {
            _durable = new DynamoDurableSubscription(_nats, options, seed.ToString(CultureInfo.InvariantCulture), target, time, logger);
        }
        else
        {
            _ = new DynamoNatsSubscription(_nats, _intake, options);
        }

        _nats.Start();
    }

    public KvEventSeries Series { get; } = new();

    /// <summary>Takes the workers' own records where Kubernetes has them.</summary>
    public DynamoDiscovery Discovery { get; }

    public ulong WorkerOf(Endpoint endpoint)
    {
        var rank = endpoint.Name.LastIndexOf("-rank-", StringComparison.Ordinal);
        return SipHash13.InstanceId(Encoding.UTF8.GetBytes(rank < 0 ? endpoint.Name : endpoint.Name[..rank]));
    }

    public void Add(ulong worker, Endpoint endpoint)
    {
        lock (_gate)
        {
            _workers[worker] = endpoint;
        }

        _intake.AddWorker(worker);
    }

    public void Remove(ulong worker)
    {
        lock (_gate)
        {
            _workers.Remove(worker);
            _requests.Remove(worker);
        }

        _intake.RemoveWorker(worker);
    }

    /// <summary>KV blocks in use, as a share of those the engine reported to have; requests that run and wait.</summary>
    public void OnLoad(in DynamoLoad load)
    {
        Endpoint? endpoint;
        lock (_gate)
        {
            _workers.TryGetValue(load.Rank.WorkerId, out endpoint);
        }

        var metrics = EndpointMetrics.None;
        if (endpoint is null)
        {
            return;
        }

        if (load.Running >= 0)
        {
            (metrics.Running, metrics.Waiting) = Requests(load);
        }
        else if (load.KvUsedBlocks >= 0 && _pool.Current.Columns.CacheBlocks[endpoint.Index.Value] is > 0 and var total)
        {
            metrics.KvUsage = Math.Min(1, (double)load.KvUsedBlocks / total);
        }
        else
        {
            return;
        }

        _pool.Update(endpoint, metrics, (long)_time.GetElapsedTime(0).TotalMilliseconds);
    }

    /// <summary>The sums over a worker's ranks, each as it said last.</summary>
    private (long Running, long Waiting) Requests(in DynamoLoad load)
    {
        lock (_gate)
        {
            if (!_requests.TryGetValue(load.Rank.WorkerId, out var ranks))
            {
                _requests[load.Rank.WorkerId] = ranks = [];
            }

            if (ranks.Count < KvIndex.MaxRanks || ranks.ContainsKey(load.Rank.DpRank))
            {
                ranks[load.Rank.DpRank] = (load.Running, load.Waiting);
            }

            var (running, waiting) = (0L, 0L);
            foreach (var rank in ranks.Values)
            {
                (running, waiting) = (running + rank.Running, waiting + rank.Waiting);
            }

            return (running, waiting);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_durable is not null)
        {
            await _durable.DisposeAsync().ConfigureAwait(false);
        }

        if (_nats is not null)
        {
            await _nats.DisposeAsync().ConfigureAwait(false);
        }

        _zmq.Dispose();
        await _intake.DisposeAsync().ConfigureAwait(false);
    }
}

/// <summary>Subscriptions that follow the workers of a pool.</summary>
internal interface IKvEventFeed : IAsyncDisposable
{
    /// <summary>The figures.</summary>
    KvEventSeries Series { get; }

    /// <summary>The id under which an endpoint's events come.</summary>
    ulong WorkerOf(Endpoint endpoint);

    /// <summary>An endpoint joined.</summary>
    void Add(ulong worker, Endpoint endpoint);

    /// <summary>An endpoint left: its blocks go before this returns.</summary>
    void Remove(ulong worker);
}
