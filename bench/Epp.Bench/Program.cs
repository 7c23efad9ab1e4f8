using BenchmarkDotNet.Running;
using Epp.Bench.Running;
using Epp.Bench.Tokens;

// Figures: `make bench FILTER='*Pick*'`. Checks: `--smoke` calls each benchmark once; `--allocations [--save]` compares the bytes each
// allocates with bench/baselines/micro.json, or writes that file; `--tokenizers FILE...` compares tokenizing with the library (build/bench-tokenizers.sh).
switch (args)
{
    case ["--smoke"]:
        return Smoke.Run(Console.Out);
    case ["--allocations", .. var rest]:
        return Allocations.Run(rest.Contains("--save"), Console.Out);
    case ["--tokenizers", .. var files]:
        return TokenizeComparison.Run(files, Console.Out);
    default:
        BenchmarkSwitcher.FromAssembly(typeof(BenchmarkSet).Assembly).Run(args, BenchConfig.Instance);
        return 0;
}
