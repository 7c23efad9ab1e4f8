using Epp.Lab.Gateway;
using Epp.Lab.Load;
using Epp.Lab.Workers;

namespace Epp.Lab.Demo;

/// <summary>
/// `epp-lab demo --mode precise`: what is lost when the EPP's memory of prefixes is wrong. Each policy gets fresh workers, warms up with the
/// first turns of the conversations, then something happens, and the table shows the turns after it.
/// </summary>
internal static class PreciseDemo
{
    const int WarmTurns = 2;

    public static async Task<int> RunAsync(Flags flags, WorkloadOptions options, CancellationToken stop)
    {
        if (options.Turns <= WarmTurns)
        {
            throw new UsageException($"--turns: found {options.Turns}, expected more than the {WarmTurns} that warm the caches up");
        }
        Console.WriteLine($"{options.Sessions} conversations of {options.Turns} turns, {options.SystemPrompts} shared system prompts, {options.Concurrency} requests in flight, {flags.Int("workers")} simulated workers");
        var storm = await CompareAsync(flags, options, isRestart: false, stop).ConfigureAwait(false);
        var restart = await CompareAsync(flags, options, isRestart: true, stop).ConfigureAwait(false);
        Console.WriteLine("\nEviction storm: before each turn every worker's cache is emptied, and another gateway's traffic brings each system prompt to one worker");
        ReportTable.Print(storm);
        Console.WriteLine($"\nRestart: the EPP is stopped and started after turn {WarmTurns}; the workers keep their caches");
        ReportTable.Print(restart);
        return storm.Concat(restart).Any(static r => r.Report.Failed > 0) ? 1 : 0;
    }

    static async Task<List<(string Name, LoadReport Report)>> CompareAsync(Flags flags, WorkloadOptions options, bool isRestart, CancellationToken stop)
    {
        var rows = new List<(string, LoadReport)>();
        foreach (var policy in (string[])["round-robin", "approximate", "precise"])
        {
            Console.WriteLine($"{(isRestart ? "restart" : "storm")}, {policy} ...");
            rows.Add((policy, await MeasureAsync(flags, options, policy, isRestart, stop).ConfigureAwait(false)));
        }
        return rows;
    }

    static async Task<LoadReport> MeasureAsync(Flags flags, WorkloadOptions options, string policy, bool isRestart, CancellationToken stop)
    {
        var engine = EngineOptions.OfBytes;
        var workers = await WorkerSet.StartWithEventsAsync(flags.Int("workers"), engine).ConfigureAwait(false);
        await using var ownedWorkers = workers.ConfigureAwait(false);
        var config = policy switch
        {
            "approximate" => EppConfig.ApproximateFor(engine.CacheBlocks * PrefixCache.BlockTokens),
            "precise" => EppConfig.PreciseFor(workers),
            _ => "",
        };
        var conversations = Workload.Sessions(options);
        var report = new LoadReport();
        var front = await Front.StartAsync(flags.Text("epp"), config, workers, stop).ConfigureAwait(false);
        try
        {
            var warm = await Workload.RunAsync(front.Address, options, conversations, WarmTurns, stop).ConfigureAwait(false);
            if (warm.Failed > 0)
            {
                report.Fail($"while warming up: {warm.FirstError}");
            }
            if (isRestart)
            {
                await front.DisposeAsync().ConfigureAwait(false);
                front = await Front.StartAsync(flags.Text("epp"), config, workers, stop).ConfigureAwait(false);
                await front.UntilRecoveredAsync(policy, workers, stop).ConfigureAwait(false);
                report.Add(await Workload.RunAsync(front.Address, options, conversations, options.Turns, stop).ConfigureAwait(false));
                return report;
            }
            for (var turn = WarmTurns + 1; turn <= options.Turns; turn++)
            {
                await StormAsync(options, workers, turn, stop).ConfigureAwait(false);
                report.Add(await Workload.RunAsync(front.Address, options, conversations, turn, stop).ConfigureAwait(false));
            }
            return report;
        }
        finally
        {
            await front.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Straight to the workers, past the EPP: all caches are emptied, then one conversation of each system prompt has a turn somewhere.</summary>
    static async Task StormAsync(WorkloadOptions options, WorkerSet workers, int turn, CancellationToken stop)
    {
        foreach (var engine in workers.Engines)
        {
            engine.Reset();
        }
        await Task.WhenAll(workers.Endpoints.Select((endpoint, w) =>
        {
            var strangers = Enumerable.Range(0, options.SystemPrompts).Where(s => (s + turn) % workers.Endpoints.Length == w)
                .Select(s => new Conversation(options, s + (options.SystemPrompts * (100_000 + turn)))).ToArray();
            return Workload.RunAsync(new Uri($"http://{endpoint}"), options with { Concurrency = 1 }, strangers, 1, stop);
        })).ConfigureAwait(false);
    }

    /// <summary>What stands before the workers: a gateway, and an EPP unless it hands requests out in turn.</summary>
    sealed class Front(GatewayServer gateway, EppProcess? epp) : IAsyncDisposable
    {
        public Uri Address { get; } = new($"http://127.0.0.1:{gateway.Port}");

        public static async Task<Front> StartAsync(string epp, string config, WorkerSet workers, CancellationToken stop)
        {
            var process = config.Length == 0 ? null : await EppProcess.StartAsync(epp, config, workers, stop).ConfigureAwait(false);
            var gateway = await GatewayServer.StartAsync(0, process is null ? null : new Uri($"http://127.0.0.1:{process.GrpcPort}"), workers.Endpoints).ConfigureAwait(false);
            return new Front(gateway, process);
        }

        /// <summary>A precise EPP replays what the workers published before it came.</summary>
        public async Task UntilRecoveredAsync(string policy, WorkerSet workers, CancellationToken stop)
        {
            if (policy == "precise")
            {
                using var wait = new EventWait(epp!);
                await wait.UntilTakenAsync(workers.Published, stop).ConfigureAwait(false);
            }
        }

        public async ValueTask DisposeAsync()
        {
            await gateway.DisposeAsync().ConfigureAwait(false);
            if (epp is not null)
            {
                await epp.DisposeAsync().ConfigureAwait(false);
            }
        }
    }
}
