using System.Diagnostics;

namespace Epp.Bench.Running;

/// <summary><c>--smoke</c>: calls every benchmark once, so that one that no longer works is noticed when it breaks.</summary>
internal static class Smoke
{
    /// <summary>Exit code 1 when any benchmark threw.</summary>
    public static int Run(TextWriter output)
    {
        var started = Stopwatch.StartNew();
        var failed = 0;
        var count = 0;
        foreach (var benchmark in BenchmarkSet.All())
        {
            count++;
            try
            {
                benchmark.Call();
            }
            catch (Exception e)
            {
                failed++;
                output.WriteLine($"FAIL {benchmark.Name}: {e}");
            }
        }

        output.WriteLine($"smoke: {count} benchmarks, {failed} failed, {started.Elapsed.TotalSeconds:0.0} s");
        return failed > 0 || count == 0 ? 1 : 0;
    }
}
