namespace Epp.Lab.Workers;

/// <summary>`epp-lab worker`: simulated workers in the foreground.</summary>
internal static class WorkerCommand
{
    public static readonly Option[] Options =
    [
        new("port", "8000", "first port on 127.0.0.1"),
        new("count", "1", "workers, on consecutive ports"),
        new("prefill-rate", "16000", "uncached prompt tokens per second"),
        new("decode-ms", "4", "milliseconds a generated token"),
        new("max-running", "8", "requests that run at once; the rest wait"),
        new("cache-blocks", "1800", "prefix cache, blocks of 16 tokens"),
        new("model", "lab-model", "model name"),
    ];

    public static async Task<int> RunAsync(Flags flags, CancellationToken stop)
    {
        var engine = new EngineOptions(flags.Int("prefill-rate"), flags.Number("decode-ms"), flags.Int("max-running"), flags.Int("cache-blocks"), flags.Text("model"));
        var workers = new List<SimulatedWorker>();
        for (var i = 0; i < flags.Int("count"); i++)
        {
            workers.Add(await SimulatedWorker.StartAsync(flags.Int("port") + i, engine).ConfigureAwait(false));
        }
        Console.WriteLine($"workers: {string.Join(',', workers.Select(static w => w.Endpoint))}");
        await Task.Delay(Timeout.Infinite, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        foreach (var worker in workers)
        {
            await worker.DisposeAsync().ConfigureAwait(false);
        }
        return 0;
    }
}
