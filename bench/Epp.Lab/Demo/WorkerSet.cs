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

    /// <summary>Port of worker 0's replay socket; worker N is at port + N.</summary>
    public int ReplayPort { get; private init; }

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
            workers[i] = await SimulatedWorker.StartAsync(0, options, (publishers[i], replays[i]), rank: i).ConfigureAwait(false);
        }
        var model = Directory.CreateTempSubdirectory("epp-lab-model-");
        ModelDirectory.Write(model.FullName);
        return new WorkerSet(workers, model) { EventsPort = PortRow.PortOf(publishers[0]), ReplayPort = PortRow.PortOf(replays[0]) };
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
