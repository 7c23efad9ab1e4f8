using BenchmarkDotNet.Running;
using Epp.Bench.Running;
using Epp.Bench.Tokens;

// Figures: `make bench FILTER='*Pick*'`; `--index-trace` the prefix index on its reference trace; `--tokenizers FILE...` tokenizing beside the
// library (build/bench-tokenizers.sh). Checks: `--smoke` calls each benchmark once; `--allocations [--save]` compares the bytes each
// allocates with bench/baselines/micro.json, or writes that file.
switch (args)
{
    case ["--smoke"]:
        return Smoke.Run(Console.Out);
    case ["--allocations", .. var rest]:
        return Allocations.Run(rest.Contains("--save"), Console.Out);
    case ["--index-trace", .. var rest]:
        return Epp.Bench.Prefix.IndexTraceRun.Run(rest, Console.Out);
    case ["--tokenizers", .. var files]:
        return TokenizeComparison.Run(files, Console.Out);
    default:
        BenchmarkSwitcher.FromAssembly(typeof(BenchmarkSet).Assembly).Run(args, BenchConfig.Instance);
        return 0;
}
