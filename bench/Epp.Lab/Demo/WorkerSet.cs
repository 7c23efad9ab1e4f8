using Epp.Lab.Workers;
using Epp.Lab.Workers.Events;

namespace Epp.Lab.Demo;

/// <summary>Simulated workers of one pool; with events, also the directory of the model that they serve.</summary>
internal sealed class WorkerSet : IAsyncDisposable
{
    readonly SimulatedWorker[] _workers;
    readonly DirectoryInfo? _model;

    WorkerSet(SimulatedWorker[] workers, DirectoryInfo? model) => (_workers, _model) = (workers, model);

    public int[] Ports => [.. _workers.Select(static w => w.Port)];

    public string[] Endpoints => [.. _workers.Select(static w => w.Endpoint)];

    public Engine[] Engines => [.. _workers.Select(static w => w.Engine)];

    public string Model => _workers[0].Engine.Options.Model;

    public string ModelFolder => _model?.FullName ?? "";

    /// <summary>Port of worker 0's publisher; worker N is at port + N.</summary>
    public int EventsPort { get; private init; }

    /// <summary>Server where the workers publish as Dynamo's do; empty = they publish as engines do.</summary>
    public string Nats { get; private init; } = "";

    /// <summary>Port of worker 0's replay socket; worker N is at port + N.</summary>
    public int ReplayPort { get; private init; }

    /// <summary>One engine with a rank each, or, in Dynamo, a pod each.</summary>
    public string NameOf(int worker) => Nats.Length > 0 ? $"sim-{worker}" : $"sim-rank-{worker}";

    /// <summary>What all workers published so far.</summary>
    public EventTotals Published => _workers.Aggregate(default(EventTotals), static (sum, w) => sum + w.Engine.Published);

    /// <summary>Workers that tell nobody what they hold.</summary>
    public static async Task<WorkerSet> StartAsync(int count, EngineOptions options)
    {
        var workers = new SimulatedWorker[count];
        for (var i = 0; i < count; i++)
        {
            workers[i] = await SimulatedWorker.StartAsync(0, options).ConfigureAwait(false);
        }
        return new WorkerSet(workers, null);
    }

    /// <summary>Workers whose tokens are bytes and that publish KV events.</summary>
    public static async Task<WorkerSet> StartWithEventsAsync(int count, EngineOptions options)
    {
        var publishers = PortRow.ListenInRow(count);
        var replays = PortRow.ListenInRow(count);
        var workers = new SimulatedWorker[count];
        for (var i = 0; i < count; i++)
        {
            workers[i] = await SimulatedWorker.StartAsync(0, options, Publishers.Zmq(publishers[i], replays[i], options.Model, i)).ConfigureAwait(false);
        }
        return new WorkerSet(workers, NewModel()) { EventsPort = PortRow.PortOf(publishers[0]), ReplayPort = PortRow.PortOf(replays[0]) };
    }

    /// <summary>The same, publishing as Dynamo's workers do.</summary>
    public static async Task<WorkerSet> StartWithNatsAsync(int count, EngineOptions options, string nats)
    {
        var workers = new SimulatedWorker[count];
        for (var i = 0; i < count; i++)
        {
            workers[i] = await SimulatedWorker.StartAsync(0, options, await Publishers.NatsAsync(nats, i).ConfigureAwait(false)).ConfigureAwait(false);
        }
        return new WorkerSet(workers, NewModel()) { Nats = nats };
    }

    static DirectoryInfo NewModel()
    {
        var model = Directory.CreateTempSubdirectory("epp-lab-model-");
        ModelDirectory.Write(model.FullName);
        return model;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var worker in _workers)
        {
            await worker.DisposeAsync().ConfigureAwait(false);
        }
        _model?.Delete(recursive: true);
    }
}
