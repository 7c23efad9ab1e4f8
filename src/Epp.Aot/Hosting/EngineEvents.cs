using Epp.Aot.Configuration;
using Epp.Aot.KvEvents;
using Epp.Aot.KvEvents.Engines;
using Epp.Native.KvEvents;
using Epp.Native.Pool;
using Microsoft.Extensions.Logging;

namespace Epp.Aot.Hosting;

/// <summary>KV events straight from the pool's engines over ZMQ; each endpoint is a worker of its own.</summary>
internal sealed class EngineEvents : IKvEventFeed
{
    private readonly EngineEventSubscriptions _engines;
    private readonly Dictionary<ulong, Endpoint> _workers = [];
    private readonly Lock _gate = new();
    private readonly EngineModelSeen _modelSeen;
    private ulong _lastWorker;

    public EngineEvents(KvEventsConfig config, IKvEventTarget target, EngineModelSeen modelSeen, TimeProvider time, ILogger logger, ulong seed)
    {
        _modelSeen = modelSeen;
        var options = new EngineEventOptions(config.SocketPort, config.ReplayPort, config.TopicFilter, config.ListenPort) { ModelSeen = modelSeen };
        _engines = new EngineEventSubscriptions(options, target, time, logger, Series, seed, FindWorker);
    }

    public KvEventSeries Series { get; } = new();

    public ulong WorkerOf(Endpoint endpoint) => Interlocked.Increment(ref _lastWorker);

    public void Add(ulong worker, Endpoint endpoint)
    {
        lock (_gate)
        {
            _workers.Add(worker, endpoint);
        }

        _engines.Add(worker, endpoint.Address, RankOf(endpoint.Name));
    }

    public void Remove(ulong worker)
    {
        lock (_gate)
        {
            _workers.Remove(worker);
        }

        _engines.Remove(worker);
    }

    public ValueTask DisposeAsync() => _engines.DisposeAsync();

    /// <summary>The data-parallel rank that an endpoint's name says, <c>…-rank-N</c> (contract §6.2); 0 where it says none.</summary>
    internal static uint RankOf(string name)
    {
        const string Mark = "-rank-";
        var at = name.LastIndexOf(Mark, StringComparison.Ordinal);
        return at >= 0 && uint.TryParse(name.AsSpan(at + Mark.Length), System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out var rank) && rank < 1024
            ? rank
            : 0;
    }

    /// <summary>The endpoint that a topic's pod names: by address and port, by address, or by name.</summary>
    private bool FindWorker(ReadOnlySpan<byte> pod, ReadOnlySpan<byte> model, out ulong workerId)
    {
        _modelSeen(model);
        var name = System.Text.Encoding.UTF8.GetString(pod);
        lock (_gate)
        {
            foreach (var (worker, endpoint) in _workers)
            {
                if (endpoint.HostPort == name || endpoint.Address == name || endpoint.Name == name || endpoint.Name.StartsWith(name + "-rank-", StringComparison.Ordinal))
                {
                    workerId = worker;
                    return true;
                }
            }
        }

        workerId = 0;
        return false;
    }
}
