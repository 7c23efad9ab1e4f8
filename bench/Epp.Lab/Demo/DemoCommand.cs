using System.Diagnostics;
using Epp.Lab.Gateway;
using Epp.Lab.Load;
using Epp.Lab.Workers;

namespace Epp.Lab.Demo;

/// <summary>
/// `epp-lab demo`: the same conversations under round-robin and under the EPP, each with fresh workers, then a gateway that
/// stays up for curl. Everything it started ends with it.
/// </summary>
internal static class DemoCommand
{
    public static readonly Option[] Options =
    [
        new("epp", "artifacts/epp", "the EPP: a binary, or epp.dll to run with dotnet"),
        new("port", "0", "port of the gateway that stays up, 0 = a free one"),
        new("workers", "4", "simulated workers"),
        new("mode", "", "precise: round-robin, approximate and precise prefixes after a cache storm and after a restart of the EPP, then end"),
        new("once", "false", "end after the table; exit code 1 when a request failed"),
        .. LoadCommand.Workload,
    ];

    public static async Task<int> RunAsync(Flags flags, CancellationToken stop)
    {
        var options = LoadCommand.Read(flags);
        if (flags.Text("mode") is { Length: > 0 } mode)
        {
            return mode == "precise"
                ? await PreciseDemo.RunAsync(flags, options, stop).ConfigureAwait(false)
                : throw new UsageException($"--mode: found '{mode}', expected precise");
        }
        var count = flags.Int("workers");
        Console.WriteLine($"{options.Sessions} conversations of {options.Turns} turns, {options.SystemPrompts} shared system prompts, {options.Concurrency} requests in flight, {count} simulated workers");

        Console.WriteLine("round-robin ...");
        var roundRobin = await RoundRobinAsync(flags, options, stop).ConfigureAwait(false);

        Console.WriteLine("EPP ...");
        var workers = await WorkerSet.StartAsync(count, new EngineOptions()).ConfigureAwait(false);
        await using var ownedWorkers = workers.ConfigureAwait(false);
        var started = Stopwatch.GetTimestamp();
        var epp = await EppProcess.StartAsync(flags.Text("epp"), EppConfig.Approximate, workers, stop).ConfigureAwait(false);
        await using var ownedEpp = epp.ConfigureAwait(false);
        Console.WriteLine($"the EPP serves after {Stopwatch.GetElapsedTime(started).TotalMilliseconds:0} ms");
        var gateway = await GatewayServer.StartAsync(flags.Int("port"), new Uri($"http://127.0.0.1:{epp.GrpcPort}"), workers.Endpoints).ConfigureAwait(false);
        await using var ownedGateway = gateway.ConfigureAwait(false);
        var address = new Uri($"http://127.0.0.1:{gateway.Port}");
        var picked = await Workload.RunAsync(address, options, stop).ConfigureAwait(false);

        Console.WriteLine();
        ReportTable.Print([("round-robin", roundRobin), ("EPP", picked)]);
        var failed = roundRobin.Failed + picked.Failed > 0;
        if (!flags.On("once"))
        {
            Invite(address, epp);
            await Task.Delay(Timeout.Infinite, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            Console.WriteLine("stopping");
        }
        return failed ? 1 : 0;
    }

    static async Task<LoadReport> RoundRobinAsync(Flags flags, WorkloadOptions options, CancellationToken stop)
    {
        var workers = await WorkerSet.StartAsync(flags.Int("workers"), new EngineOptions()).ConfigureAwait(false);
        await using var ownedWorkers = workers.ConfigureAwait(false);
        var gateway = await GatewayServer.StartAsync(0, null, workers.Endpoints).ConfigureAwait(false);
        await using var ownedGateway = gateway.ConfigureAwait(false);
        return await Workload.RunAsync(new Uri($"http://127.0.0.1:{gateway.Port}"), options, stop).ConfigureAwait(false);
    }

    static void Invite(Uri address, EppProcess epp) => Console.WriteLine($$"""

        The gateway stays up. Paste one of these in another terminal:

          curl -s {{address}}v1/chat/completions -H 'content-type: application/json' \
            -d '{"model":"lab-model","max_tokens":8,"messages":[{"role":"user","content":"Where does this go?"}]}'

          curl -sN {{address}}v1/chat/completions -H 'content-type: application/json' \
            -d '{"model":"lab-model","max_tokens":8,"stream":true,"messages":[{"role":"user","content":"Where does this go?"}]}'

          curl -s http://127.0.0.1:{{epp.MetricsPort}}/metrics

        Add -i to see the chosen worker (x-lab-endpoint). Ctrl-C stops everything.
        """);
}
