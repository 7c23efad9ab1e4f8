using Epp.Testing;

namespace Epp.Integration.Tests;

/// <summary>An EPP with three workers on 127.0.0.1-3, shared by the tests of one class; each test sets the loads it needs.</summary>
public class RunningEpp : IAsyncLifetime
{
    public EppProcess Epp { get; private set; } = null!;

    public FakeWorker[] Workers { get; private set; } = [];

    /// <summary>Flags of the EPP.</summary>
    protected virtual IReadOnlyList<string> Flags => [];

    /// <summary>Configuration of the EPP; null = the default policies.</summary>
    protected virtual string? Config => null;

    public async Task InitializeAsync()
    {
        Workers = await FakeWorker.StartPoolAsync(3);
        Epp = await EppProcess.StartAsync(new EppOptions { Endpoints = [.. Workers.Select(w => w.HostPort)], Flags = Flags, Config = Config });
        await EppProcess.WaitForLoadsAsync(Workers);
    }

    public async Task DisposeAsync()
    {
        await Epp.DisposeAsync();
        foreach (var worker in Workers)
        {
            await worker.DisposeAsync();
        }
    }

    /// <summary>Sets (waiting, KV use, active adapters) of each worker and waits until the EPP decides by it.</summary>
    public async Task LoadAsync(params (int Waiting, double KvUsage, string[] Adapters)[] loads)
    {
        for (var i = 0; i < Workers.Length; i++)
        {
            Workers[i].Load(loads[i].Waiting, loads[i].KvUsage, loads[i].Adapters);
        }

        await EppProcess.WaitForLoadsAsync(Workers);
    }

    /// <summary>Makes one worker idle and the others busy.</summary>
    public Task PreferAsync(int index) =>
        LoadAsync([.. Enumerable.Range(0, Workers.Length).Select(i => (i == index ? 0 : 10, i == index ? 0.1 : 0.9, Array.Empty<string>()))]);
}
