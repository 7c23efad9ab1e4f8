using System.Diagnostics;
using System.Text.Json;

namespace Epp.Bench.Running;

/// <summary>
/// <c>--allocations</c>: managed bytes each benchmark allocates per call in steady state against <c>bench/baselines/micro.json</c>. Bytes
/// do not depend on the machine's speed, so they can gate where times cannot.
/// </summary>
internal static class Allocations
{
    private const double Tolerance = 1.1;
    private const int Calls = 20;
    private const int MaxRounds = 12;

    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    /// <summary>Exit code 1 when a benchmark allocates over 10 % more than expected, or stands on one side only.</summary>
    public static int Run(bool save, TextWriter output)
    {
        var path = BaselinePath();
        var expected = File.Exists(path) ? JsonSerializer.Deserialize<Dictionary<string, long>>(File.ReadAllText(path))! : [];
        var measured = new SortedDictionary<string, long>(StringComparer.Ordinal);
        var failed = 0;
        foreach (var benchmark in BenchmarkSet.All())
        {
            var known = expected.TryGetValue(benchmark.Name, out var bytes);
            var actual = Measure(benchmark.Call, known && !save ? bytes : 0);
            measured.Add(benchmark.Name, actual);
            var verdict = save ? "saved" : Verdict(known, bytes, actual);
            failed += verdict.StartsWith("FAIL", StringComparison.Ordinal) ? 1 : 0;
            output.WriteLine($"{actual,10} B  {benchmark.Name,-75} {verdict}");
        }

        if (save)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, JsonSerializer.Serialize(measured, Indented) + "\n");
            return 0;
        }

        foreach (var gone in expected.Keys.Where(name => !measured.ContainsKey(name)))
        {
            failed++;
            output.WriteLine($"FAIL {gone} is in {path}, but no benchmark has that name; remove the entry or run with --save");
        }

        output.WriteLine($"allocations: {measured.Count} benchmarks, {failed} failed");
        return failed > 0 ? 1 : 0;
    }

    private static string Verdict(bool known, long expected, long actual) => (known, actual <= expected * Tolerance) switch
    {
        (false, _) => "FAIL no expectation in bench/baselines/micro.json; run with --save and review the figure",
        (_, true) => $"ok, expected {expected}",
        _ => $"FAIL expected {expected} + 10 %",
    };

    /// <summary>Bytes of one call: the least of several rounds, because the first ones run code that is not optimized yet and fill caches.</summary>
    private static long Measure(Action call, long expected)
    {
        var least = long.MaxValue;
        var clock = Stopwatch.StartNew();
        for (var round = 0; round < MaxRounds && (round < 2 || (least > expected && clock.ElapsedMilliseconds < 1500)); round++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < Calls; i++)
            {
                call();
            }

            least = Math.Min(least, (GC.GetAllocatedBytesForCurrentThread() - before) / Calls);
            if (least > expected)
            {
                // Long enough for the tiered compiler's timer.
                Thread.Sleep(30);
            }
        }

        return least;
    }

    private static string BaselinePath()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Epp.slnx")))
        {
            folder = folder.Parent;
        }

        return Path.Combine((folder ?? new DirectoryInfo(Environment.CurrentDirectory)).FullName, "bench", "baselines", "micro.json");
    }
}
