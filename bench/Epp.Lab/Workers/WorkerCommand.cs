using Epp.Lab.Workers.Events;

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
        new("events-port", "0", "first of the ports where workers publish KV events; tokens are bytes then; 0 = no events"),
        new("replay-port", "0", "first of the ports where workers repeat KV events; needed with --events-port"),
        new("nats", "", "nats://HOST:PORT where workers publish KV events as Dynamo's workers do, instead; worker N is the pod sim-N"),
        new("model-folder", "", "folder that the tokenizer of such workers is written to"),
    ];

    public static async Task<int> RunAsync(Flags flags, CancellationToken stop)
    {
        var hasEvents = flags.Int("events-port") > 0;
        if (hasEvents != flags.Int("replay-port") > 0)
        {
            throw new UsageException("--events-port and --replay-port: found one of them, expected both or neither");
        }
        var nats = flags.Text("nats");
        if (hasEvents && nats.Length > 0)
        {
            throw new UsageException("--events-port and --nats: found both, expected one of them");
        }
        var engine = new EngineOptions(
            flags.Int("prefill-rate"), flags.Number("decode-ms"), flags.Int("max-running"), flags.Int("cache-blocks"), flags.Text("model"), hasEvents || nats.Length > 0 ? 1 : 4);
        if (flags.Text("model-folder") is { Length: > 0 } folder)
        {
            ModelDirectory.Write(Directory.CreateDirectory(folder).FullName);
        }
        var workers = new List<SimulatedWorker>();
        for (var i = 0; i < flags.Int("count"); i++)
        {
            var events = hasEvents ? Publishers.Zmq(PortRow.Listen(flags.Int("events-port") + i), PortRow.Listen(flags.Int("replay-port") + i), engine.Model, i)
                : nats.Length > 0 ? await Publishers.NatsAsync(nats, i).ConfigureAwait(false)
                : null;
            workers.Add(await SimulatedWorker.StartAsync(flags.Int("port") + i, engine, events).ConfigureAwait(false));
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
