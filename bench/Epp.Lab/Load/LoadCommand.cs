using System.Globalization;

namespace Epp.Lab.Load;

/// <summary>`epp-lab load`: the conversation workload against any gateway.</summary>
internal static class LoadCommand
{
    static readonly WorkloadOptions Defaults = new();

    public static readonly Option[] Workload =
    [
        new("sessions", Text(Defaults.Sessions), "conversations"),
        new("turns", Text(Defaults.Turns), "turns of each"),
        new("concurrency", Text(Defaults.Concurrency), "requests in flight"),
        new("system-prompts", Text(Defaults.SystemPrompts), "different system prompts, shared by the sessions"),
        new("system-bytes", Text(Defaults.SystemBytes), "size of a system prompt"),
        new("turn-bytes", Text(Defaults.TurnBytes), "size of a user message"),
        new("max-tokens", Text(Defaults.MaxTokens), "generated tokens a turn"),
        new("seed", Text(Defaults.Seed), "seed of all text"),
    ];

    public static readonly Option[] Options = [new("gateway", "http://127.0.0.1:8080", "address of the gateway"), .. Workload];

    public static WorkloadOptions Read(Flags flags) => new(
        flags.Int("sessions"), flags.Int("turns"), flags.Int("concurrency"), flags.Int("system-prompts"),
        flags.Int("system-bytes"), flags.Int("turn-bytes"), flags.Int("max-tokens"), flags.Int("seed"));

    public static async Task<int> RunAsync(Flags flags, CancellationToken stop)
    {
        var report = await Epp.Lab.Load.Workload.RunAsync(new Uri(flags.Text("gateway")), Read(flags), stop).ConfigureAwait(false);
        ReportTable.Print([("this run", report)]);
        return report.Failed == 0 ? 0 : 1;
    }

    static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);
}

/// <summary>Prints reports side by side, one row each.</summary>
internal static class ReportTable
{
    public static void Print(IReadOnlyList<(string Name, LoadReport Report)> rows)
    {
        Console.WriteLine($"{"policy",-12} {"requests",8} {"failed",6} {"cache hits",10} {"TTFT p50",9} {"TTFT p99",9} {"seconds",7}  requests per worker");
        foreach (var (name, report) in rows)
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{name,-12} {report.Requests,8} {report.Failed,6} {report.HitRate * 100,8:0.0} % {report.FirstTokenMs(0.5),6:0} ms {report.FirstTokenMs(0.99),6:0} ms {report.Seconds,7:0.0}  {string.Join(" ", report.PerWorker.Values)}"));
        }
        foreach (var (name, report) in rows.Where(static r => r.Report.Failed > 0))
        {
            Console.WriteLine($"{name}: {report.Failed} requests failed; the first said: {report.FirstError}");
        }
    }
}
