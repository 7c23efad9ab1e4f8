using Epp.Aot.Configuration;
using Epp.Aot.Telemetry;
using Epp.Native.KvEvents;
using Epp.Native.Pool;
using Epp.Native.Prefix;
using Microsoft.Extensions.Logging;

namespace Epp.Aot.Hosting;

/// <summary>
/// The event sources of a configuration: for each precise producer an index, and for each endpoint of the pool a subscription. An endpoint that
/// leaves loses its blocks before its slot is given to another.
/// </summary>
internal sealed class KvEventMode : IAsyncDisposable
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);

    private readonly Dictionary<string, KvSource> _sources = new(StringComparer.Ordinal);
    private readonly List<Follower> _followers = [];
    private readonly List<DynamoDiscovery> _discoveries = [];

    private KvEventMode()
    {
    }

    /// <summary>Those who want to know the workers' discovery records.</summary>
    public IReadOnlyList<DynamoDiscovery> DynamoDiscoveries => _discoveries;

    /// <summary>What engines say, by the name of the producer that reads it.</summary>
    public IReadOnlyDictionary<string, KvSource> Sources => _sources;

    /// <param name="config">A checked configuration.</param>
    /// <param name="budgetBytes">Memory of each index whose plugin does not say.</param>
    /// <param name="staleAfter">How long nobody may be connected; zero = for ever.</param>
    /// <param name="seed">Seed of tables and of the spread of reconnects.</param>
    /// <param name="pool">The pool.</param>
    /// <param name="metrics">Takes the figures.</param>
    /// <param name="parity">Sees what engines store; null = nobody compares it.</param>
    /// <param name="environment">Variables that say where Dynamo's broker is.</param>
    /// <param name="logger">Takes changes of state.</param>
    /// <param name="time">The clock.</param>
    public static KvEventMode Create(
        EppConfig config, long budgetBytes, TimeSpan staleAfter, ulong seed, Pool pool, EppMetrics metrics, PromptParity? parity,
        Func<string, string?> environment, ILogger logger, TimeProvider time)
    {
        var mode = new KvEventMode();
        foreach (var plugin in config.Plugins)
        {
            if (plugin.Parameters is PrecisePrefixParameters precise)
            {
                var source = new KvSource(new KvIndex(seed, precise.BudgetBytes ?? budgetBytes));
                mode._sources.Add(plugin.Name, source);
                var follower = new Follower(
                    plugin.Name, precise.Events, precise.Config.BlockTokens, source, staleAfter, seed, pool, metrics, parity, environment, logger, time);
                mode._followers.Add(follower);
                if (follower.Discovery is { } discovery)
                {
                    mode._discoveries.Add(discovery);
                }
            }
        }

        return mode;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var follower in _followers)
        {
            await follower.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Follows the pool for one producer.</summary>
    private sealed class Follower : IAsyncDisposable
    {
        private readonly Lock _gate = new();
        private readonly Dictionary<Endpoint, ulong> _workers = [];
        private readonly string _name;
        private readonly KvSource _source;
        private readonly TimeSpan _staleAfter;
        private readonly Pool _pool;
        private readonly ILogger _logger;
        private readonly TimeProvider _time;
        private readonly KvIndexWriter _writer;
        private readonly ParityTap? _tap;
        private readonly IKvEventFeed _feed;
        private readonly ITimer _timer;
        private long _connectedAt;

        public Follower(
            string name, KvEventsConfig events, int blockTokens, KvSource source, TimeSpan staleAfter, ulong seed, Pool pool, EppMetrics metrics,
            PromptParity? parity, Func<string, string?> environment, ILogger logger, TimeProvider time)
        {
            (_name, _source, _staleAfter, _pool, _logger, _time) = (name, source, staleAfter, pool, logger, time);
            _writer = new KvIndexWriter(source.Index, source.Shapes);
            if (events.Dynamo is { } dynamo)
            {
                // Such events name hashes, not tokens: how prompts are cut is known from the configuration alone.
                source.Shapes.Learn(new PromptShape(blockTokens, SaltsEveryBlock: true));
                _feed = new DynamoEvents(dynamo, _writer, pool, environment, time, logger, seed);
            }
            else
            {
                _tap = parity?.Before(_writer, source);
                _feed = new EngineEvents(events, (IKvEventTarget?)_tap ?? _writer, source.Shapes.LearnModel, time, logger, seed);
            }

            _connectedAt = time.GetTimestamp();
            pool.Removed += Remove;
            pool.Published += Publish;
            Publish(pool.Current);
            metrics.AddKvSource(name, Read);
            _timer = time.CreateTimer(static self => ((Follower)self!).Tick(), this, Period, Period);
        }

        public DynamoDiscovery? Discovery => (_feed as DynamoEvents)?.Discovery;

        public async ValueTask DisposeAsync()
        {
            _pool.Removed -= Remove;
            _pool.Published -= Publish;
            await _timer.DisposeAsync().ConfigureAwait(false);
            await _feed.DisposeAsync().ConfigureAwait(false);
        }

        private void Publish(PoolSnapshot pool)
        {
            lock (_gate)
            {
                foreach (var slot in pool.Indexes)
                {
                    var endpoint = pool[slot];
                    if (!_workers.ContainsKey(endpoint))
                    {
                        var worker = _feed.WorkerOf(endpoint);
                        _workers.Add(endpoint, worker);
                        _source.Index.SetOwner(worker, slot);
                        _tap?.SetOwner(worker, endpoint);
                        _feed.Add(worker, endpoint);
                    }
                }
            }
        }

        private void Remove(Endpoint endpoint)
        {
            lock (_gate)
            {
                if (_workers.Remove(endpoint, out var worker))
                {
                    _feed.Remove(worker);
                }
            }
        }

        private void Tick()
        {
            _source.Index.Maintain();
            if (_feed.Series.Connected > 0)
            {
                _connectedAt = _time.GetTimestamp();
            }

            var isStale = _staleAfter > TimeSpan.Zero && _pool.Current.Count > 0 && _time.GetElapsedTime(_connectedAt) > _staleAfter;
            if (isStale == _source.IsStale)
            {
                return;
            }

            _source.IsStale = isStale;
            if (isStale)
            {
                KvEventModeLog.Stale(_logger, _name, _staleAfter.TotalSeconds);
            }
            else
            {
                KvEventModeLog.Fresh(_logger, _name);
            }
        }

        private KvSourceFigures Read()
        {
            var series = _feed.Series;
            var totals = _writer.Totals;
            var index = _source.Index;
            return new KvSourceFigures(
                series.Messages, totals.StoredBlocks, totals.RemovedBlocks, totals.Cleared, series.UndecodableMessages + series.UndecodableEvents,
                totals.UnknownParents, series.Gaps, series.Repairs, series.FailedRepairs, series.Dropped, series.Connected, _source.IsStale,
                index.Blocks, index.HolderBlocks, index.BytesUsed, index.BudgetBytes, index.Evicted);
        }
    }
}

/// <summary>Messages about event sources as a whole. Ids: 1110.</summary>
internal static partial class KvEventModeLog
{
    [LoggerMessage(EventId = 1110, Level = LogLevel.Warning, Message = "KV events of {Producer}: nothing is connected for {Seconds} s; picks go by what was sent lately until events arrive again")]
    public static partial void Stale(ILogger logger, string producer, double seconds);

    [LoggerMessage(EventId = 1111, Level = LogLevel.Information, Message = "KV events of {Producer} arrive again; picks go by what engines hold")]
    public static partial void Fresh(ILogger logger, string producer);
}
