using Epp.Testing;
using Xunit.Abstractions;

namespace Epp.E2E.Tests;

/// <summary>README's first command, shortened: simulated workers, the published EPP and a gateway, under the same conversations.</summary>
[Trait("Category", "E2E")]
public sealed class DemoTests(ITestOutputHelper output)
{
    [SkippableFact]
    public void Demo_Once_AnswersEveryRequestAndHitsMoreCacheThanRoundRobin()
    {
        var binary = EppProcess.RequireBinary();
        var lab = Path.Combine(SharedTools.Repository ?? ".", "bench", "Epp.Lab", "bin", "Release", "net10.0", "epp-lab.dll");
        Skip.IfNot(File.Exists(lab), $"{lab} is missing; run make build");
        var (code, text, errors) = SharedTools.Run(
            "dotnet", [lab, "demo", "--once", "--epp", binary, "--sessions", "8", "--turns", "4", "--concurrency", "8"], TimeSpan.FromMinutes(2));
        output.WriteLine(text + errors);
        Assert.Equal(0, code);
        Assert.True(Hits(text, "EPP ") > Hits(text, "round-robin "), "the EPP must hit more cached blocks than round-robin");
    }

    /// <summary>Column "cache hits" of a policy's line: <c>policy requests failed NN.N % …</c></summary>
    private static double Hits(string table, string policy)
    {
        var words = table.Split('\n').Last(l => l.StartsWith(policy, StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal("0", words[2]);
        return double.Parse(words[3], System.Globalization.CultureInfo.InvariantCulture);
    }
}
